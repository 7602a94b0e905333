#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ends of connections for the tests.

  peer.py echo PORT [NAME]           TCP and UDP: answers every message with NAME, a space and the message
  peer.py hold ADDR PORT N CONTROL   N TCP connections, each with a message under way all the time, till the file CONTROL
                                     is gone; then prints "N held, N broken, N messages". Says "ready" when all stand
  peer.py many ADDR PORT N [AT]      N TCP connections one after the other, from ports AT upwards if given; prints how many
                                     each name answered, and how many failed
  peer.py ask ADDR PORT CONTROL      TCP connections one after the other till the file CONTROL is gone; the same, and how many
                                     were cut after they stood
  peer.py udp ADDR PORT N [SIZE]     N datagrams from N sockets, likewise
  peer.py stick ADDR PORT CONTROL    one UDP socket, a datagram every 20 ms, prints each name when it changes

And what stands in a data plane, read at once and without the product:

  peer.py pins DIR                   name, kind and id of all that is pinned; of a link also the program's id
  peer.py sums DIR MAP...            a sum of each map's bytes
  peer.py plane DIR                  the journal and counts of what is live, as a line of words and numbers
  peer.py mix PROTOCOL AT N TARGET...  from each of N ports AT upwards a connection to every ADDR:PORT, all of which stand at
                                     once; prints how many each target answered, how many ports met one backend twice
                                     ("same"), and how many connections failed
  peer.py mac DEV ADDR PORT          prints the source MAC of TCP segments from ADDR:PORT by DEV when it changes

echo closes its TCP port at SIGUSR1 (connections go on) and opens it again at SIGUSR2.
"""
import collections
import ctypes
import hashlib
import mmap
import os
import selectors
import signal
import socket
import struct
import sys
import time

IP_PKTINFO = 8


def listener(port):
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("0.0.0.0", port))
    tcp.listen(4096)
    return tcp


def echo(port, name):
    sel = selectors.DefaultSelector()
    tcp = listener(port)
    want = True

    def wanted(number, _):
        nonlocal want
        want = number == signal.SIGUSR2

    signal.signal(signal.SIGUSR1, wanted)
    signal.signal(signal.SIGUSR2, wanted)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    udp.bind(("0.0.0.0", port))
    sel.register(tcp, selectors.EVENT_READ)
    sel.register(udp, selectors.EVENT_READ)
    prefix = name.encode() + b" "
    while True:
        if want != (tcp is not None):
            if tcp:
                sel.unregister(tcp)
                tcp.close()
            tcp = listener(port) if want else None
            if tcp:
                sel.register(tcp, selectors.EVENT_READ)
        for key, _ in sel.select(0.05):
            s = key.fileobj
            try:
                if s is tcp:
                    c, _ = tcp.accept()
                    sel.register(c, selectors.EVENT_READ)
                elif s is udp:
                    data, asked, _, who = udp.recvmsg(65535, 64)
                    udp.sendmsg([prefix, data], asked, 0, who)  # from the address that was asked
                else:
                    data = s.recv(65536)
                    if data:
                        s.sendall(prefix + data)
                    else:
                        sel.unregister(s)
                        s.close()
            except OSError:
                if s is not tcp and s is not udp:
                    sel.unregister(s)
                    s.close()


def connect(addr, port, local=0, timeout=5):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(timeout)
    if local:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", local))
    try:
        s.connect((addr, port))
    except OSError:
        s.close()
        raise
    return s


def hold(addr, port, n, control):
    sel = selectors.DefaultSelector()
    broken = messages = 0
    names = {}
    for i in range(n):
        s = connect(addr, port)
        s.sendall(b"%d\n" % i)
        s.setblocking(False)
        sel.register(s, selectors.EVENT_READ)
    print("ready", flush=True)
    while os.path.exists(control) and sel.get_map():
        for key, _ in sel.select(0.2):
            s = key.fileobj
            try:
                data = s.recv(4096)
                if not data:
                    raise OSError("closed")
                name = data.split(b" ")[0]
                if names.setdefault(s, name) != name:
                    raise OSError("another backend answers")
                messages += 1
                s.send(b"x\n")
            except BlockingIOError:
                continue
            except OSError as e:
                print("broken:", e, flush=True)
                broken += 1
                sel.unregister(s)
        time.sleep(0.01)
    print(n - broken, "held,", broken, "broken,", messages, "messages", flush=True)


def report(names, failed):
    for name in sorted(names):
        print(name, names[name])
    print("failed", failed)


def many(addr, port, n, local):
    names, failed = collections.Counter(), 0
    for i in range(n):
        try:
            s = connect(addr, port, local + i if local else 0)
            s.sendall(b"x\n")
            names[s.recv(100).split(b" ")[0].decode()] += 1
            s.close()
        except OSError:
            failed += 1
    report(names, failed)


def ask(addr, port, control):
    names, failed, cut = collections.Counter(), 0, 0
    while os.path.exists(control):
        try:
            s = connect(addr, port)
        except ConnectionResetError:  # a RST before the answer to our SYN says "refused": this one stood
            cut += 1
            continue
        except OSError as e:
            failed += 1
            print("no connection:", e, flush=True)
            time.sleep(0.01)
            continue
        try:
            s.sendall(b"x\n")
            name = s.recv(100).split(b" ")[0].decode()
            if not name:
                raise OSError("closed")
            names[name] += 1
        except OSError:
            cut += 1
        s.close()
        time.sleep(0.01)
    report(names, failed)
    print("cut", cut)


def udp(addr, port, n, size):
    names, failed = collections.Counter(), 0
    for i in range(n):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(2)
        s.connect((addr, port))
        try:
            message = os.urandom(size)
            s.send(message)
            name, _, answer = s.recv(65535).partition(b" ")
            if answer != message:
                raise OSError("another answer")
            names[name.decode()] += 1
        except OSError:
            failed += 1
        s.close()
    report(names, failed)


def stick(addr, port, control):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.2)
    s.connect((addr, port))
    last = None
    while os.path.exists(control):
        try:
            s.send(b"x")
            name = s.recv(100).split(b" ")[0].decode()
        except OSError:
            continue
        if name != last:
            print(name, flush=True)
            last = name
        time.sleep(0.02)


def mix(protocol, at, n, targets):
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    answered, failed, same = collections.Counter(), 0, 0
    for port in range(at, at + n):
        socks, names = [], []
        for target in targets:
            addr, _, to = target.rpartition(":")
            s = socket.socket(socket.AF_INET, kind)
            s.settimeout(5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            socks.append(s)
            try:
                s.bind(("0.0.0.0", port))
                s.connect((addr, int(to)))
                s.send(target.encode())
                name, _, answer = s.recv(100).partition(b" ")
                if answer != target.encode():
                    raise OSError("another's answer")
                names.append(name)
            except OSError as e:
                print("port", port, target, e)
                failed += 1
                names.append(None)
        for s, name, target in zip(socks, names, targets):  # and once more, now that all of them stand
            try:
                if name:
                    s.send(b"again " + target.encode())
                    if s.recv(100) != name + b" again " + target.encode():
                        raise OSError("another's answer")
                    answered[target] += 1
            except OSError as e:
                print("port", port, target, e)
                failed += 1
            s.close()
        known = [name for name in names if name]
        same += len(set(known)) < len(known)
    for target in targets:
        print(target, answered[target])
    print("same", same)
    print("failed", failed)


def mac(dev, addr, port):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    s.bind((dev, 0x0800))
    last = None
    while True:
        f = s.recv(2048)
        at = 14 + (f[14] & 15) * 4
        if f[23] != 6 or f[26:30] != socket.inet_aton(addr) or int.from_bytes(f[at:at + 2], "big") != port:
            continue
        if f[6:12] != last:
            last = f[6:12]
            print(last.hex(":"), flush=True)


def pinned(path):
    """A pinned object's fd, and what the kernel says about it."""
    fd = ctypes.CDLL("libbpf.so.1").bpf_obj_get(path.encode())
    if fd < 0:
        raise OSError("no object at " + path)
    with open("/proc/self/fdinfo/%d" % fd) as f:
        return fd, dict(line.strip().split(":", 1) for line in f if ":" in line)


def pins(path):
    for name in sorted(os.listdir(path)):
        fd, info = pinned(os.path.join(path, name))
        kind = "link" if "link_id" in info else "map" if "map_id" in info else "prog"
        line = [name, kind, info[kind + "_id"].strip()]
        print(*line, *(["prog", info["prog_id"].strip()] if kind == "link" else []))
        os.close(fd)


def content(path, name):
    fd, info = pinned(os.path.join(path, name))
    size = (int(info["value_size"]) + 7) // 8 * 8 * int(info["max_entries"])
    with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        data = bytes(m)
    os.close(fd)
    return data


def sums(path, names):
    for name in names:
        print(name, hashlib.sha256(content(path, name)).hexdigest())


def plane(path):
    """By the layouts of include/xdpmesh/record.h."""
    service_lives = [r[0] for r in struct.iter_unpack("<12xI48x", content(path, "services"))]
    backends = list(struct.iter_unpack("<8xI20xI28x", content(path, "backends")))
    # an endpoint's key with this value is out of the table and rests till a sweep
    kinds = [kind for kind, value in struct.iter_unpack("<19xBI", content(path, "keys"))
             if kind and not (kind == 3 and value == 0xffffffff)]
    words = sum(r[0] > 0 for r in struct.iter_unpack("<I4x", content(path, "key_table")))  # a tag without an id is a gap
    print("journal", struct.unpack_from("<Q", content(path, "meta"), 80)[0],
          "services", service_lives.count(1), "backends", sum(life == 1 for life, _ in backends),
          "addresses", kinds.count(1), "ports", kinds.count(2), "endpoints", kinds.count(3),
          "used", len({key for life, key in backends if life and key}),
          "keys", len(kinds), "words", words)


def main(argv):
    what, args = argv[1], argv[2:]
    if what == "echo":
        echo(int(args[0]), args[1] if len(args) > 1 else "echo")
    elif what == "hold":
        hold(args[0], int(args[1]), int(args[2]), args[3])
    elif what == "many":
        many(args[0], int(args[1]), int(args[2]), int(args[3]) if len(args) > 3 else 0)
    elif what == "ask":
        ask(args[0], int(args[1]), args[2])
    elif what == "udp":
        udp(args[0], int(args[1]), int(args[2]), int(args[3]) if len(args) > 3 else 8)
    elif what == "pins":
        pins(args[0])
    elif what == "sums":
        sums(args[0], args[1:])
    elif what == "plane":
        plane(args[0])
    elif what == "stick":
        stick(args[0], int(args[1]), args[2])
    elif what == "mix":
        mix(args[0], int(args[1]), int(args[2]), args[3:])
    elif what == "mac":
        mac(args[0], args[1], int(args[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
