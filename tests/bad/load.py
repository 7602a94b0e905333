# SPDX-License-Identifier: BSD-2-Clause
"""Clients that are too many, too fast or too slow: each function returns what was wrong, a line each."""
import socket
import time

import wire

CLIENTS_MAX = 64
CROWD = 100
REQUESTS = 150000  # of config.show: the answers, if they were kept, take far more than BOUND
BOUND = 32 << 20  # bytes by which the daemon may grow
STUCK = 20  # other clients' whole conversations without room for one byte more


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
    raise OSError("no VmRSS of %d" % pid)


def served():
    """of CROWD clients at once, how many were answered; the others were turned away"""
    clients = [wire.Client() for _ in range(CROWD)]
    try:
        for c in clients:
            c.send(wire.request("config.diff"), lambda: c.closed)
        for c in clients:
            c.finish(lambda: c.lines)
        return sum(1 for c in clients if c.lines)
    finally:
        for c in clients:
            c.close()


def crowd(_):
    """Exactly so many as may be, once those before them are seen to be gone: one that is not let go of keeps its place."""
    deadline = time.monotonic() + wire.DEADLINE
    n = served()
    while n < CLIENTS_MAX and time.monotonic() < deadline:
        wire.ask("version")  # there is room again
        n = served()
    return [] if n == CLIENTS_MAX else ["%d of %d clients were served, want %d" % (n, CROWD, CLIENTS_MAX)]


def never_reads(pid):
    before = most = resident(pid)
    s = wire.dial()
    s.setblocking(False)
    data = wire.request("config.show") * 1000
    sent = stuck = 0
    try:
        while sent < REQUESTS // 1000 * len(data) and stuck < STUCK:
            at = sent % len(data)
            try:
                sent += s.send(data[at:at + 65536])
                stuck = 0
            except BlockingIOError:
                stuck += 1
            wire.ask("config.diff")  # others are served, and the daemon has been through its loop
            most = max(most, resident(pid))
            if most - before > BOUND:
                break
    except (BrokenPipeError, ConnectionResetError):
        pass  # it may hang up, too
    finally:
        s.close()
    return [] if most - before <= BOUND else ["the daemon grew by %d bytes, bound %d" % (most - before, BOUND)]


def empty_lines(_):
    c = wire.Client()
    try:
        c.send(b"\n" * (4 << 20))
        c.send(wire.END)
        c.finish(c.ended)
    finally:
        c.close()
    return [] if c.ended() else ["empty lines, then a request: no answer"]


def many_then_end(_):
    n = 500  # they fit into the socket's buffer, the answers do not
    c = wire.Client()
    try:
        c.s.setblocking(True)
        c.s.sendall(b"".join(wire.request("config.show", None, i) for i in range(n)))
        c.s.shutdown(socket.SHUT_WR)
        c.s.setblocking(False)
        c.finish()
    finally:
        c.close()
    return [] if len(c.lines) == n else ["%d requests, then the end of writing: %d answers" % (n, len(c.lines))]


def come_and_go(_):
    """half requests, and ends without reading: nothing stays behind"""
    for i in range(300):
        c = wire.Client()
        c.send(wire.request("config.show", None, i)[:(i % 60) + 1] if i % 2 else wire.request("config.show", None, i))
        c.close()
    return crowd(None)


CASES = [
    ("a hundred connections at once", crowd),
    ("a client that never reads", never_reads),
    ("four million empty lines", empty_lines),
    ("many requests, then the end of writing", many_then_end),
    ("clients that come and go in the middle", come_and_go),
]
