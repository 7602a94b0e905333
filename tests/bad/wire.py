# SPDX-License-Identifier: BSD-2-Clause
"""The control socket from a client's side, good and bad ones."""
import json
import os
import select
import socket
import struct
import time

PATH = os.environ["XDPMESH_SOCKET"]
DEADLINE = 30  # s: more than the daemon's 10 s for an idle client
END = b'{"jsonrpc":"2.0","id":"end","method":"config.diff"}\n'
END_REPLY = b'{"jsonrpc":"2.0","id":"end",'


def request(method, params=None, number=1):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}).encode() + b"\n"


def dial(who=None):
    """who: (uid, gid) to connect as, which is when the daemon is told who asks"""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", DEADLINE, 0))  # while many wait to be let in
    if who:
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(who[1])
        os.seteuid(who[0])
    try:
        s.connect(PATH)
    finally:
        if who:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)
    return s


class Client:
    def __init__(self, who=None):
        self.s = dial(who)
        self.s.setblocking(False)
        self.buf = b""
        self.lines = []
        self.closed = False
        self.deadline = time.monotonic() + DEADLINE

    def fileno(self):
        return self.s.fileno()

    def close(self):
        self.s.close()

    def wait(self, writing):
        left = self.deadline - time.monotonic()
        readable, writable, _ = select.select([self.s], [self.s] if writing else [], [], max(left, 0))
        if not readable and not writable:
            raise OSError("not within its deadline")
        return bool(readable), bool(writable)

    def take(self):
        try:
            data = self.s.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.closed = not data
        *lines, self.buf = (self.buf + data).split(b"\n")
        self.lines += [line + b"\n" for line in lines]

    def send(self, data, enough=lambda: False):
        """all of data, reading meanwhile; less if enough() or the daemon hangs up"""
        at = 0
        while at < len(data) and not self.closed and not enough():
            readable, writable = self.wait(True)
            if readable:
                self.take()
            if writable and not self.closed:
                try:
                    at += self.s.send(data[at:at + 65536])
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    self.finish()
                    return

    def finish(self, enough=lambda: False):
        """reads till enough() or the daemon hangs up"""
        while not self.closed and not enough():
            self.wait(False)
            self.take()

    def ended(self):
        return bool(self.lines) and self.lines[-1].startswith(END_REPLY)


def ask(method, params=None):
    """A good request's result. Turned away, as one is while too many are connected, it asks again."""
    deadline = time.monotonic() + DEADLINE
    while True:
        c = Client()
        try:
            c.send(request(method, params))
            c.finish(lambda: c.lines)
        finally:
            c.close()
        if c.lines:
            reply = json.loads(c.lines[0])
            if "error" in reply:
                raise OSError("%s: %s" % (method, reply["error"]["message"]))
            return reply["result"]
        if time.monotonic() > deadline:
            raise OSError("no answer within its deadline: %s" % method)


def talk(steps, who=None):
    """One conversation: the replies, and how it ended. Without an end of its own a good request is sent last, and answered last."""
    c = Client(who)
    end = "answered"
    first = any(word == "first" for word, _ in steps)
    enough = (lambda: bool(c.lines)) if first else (lambda: False)
    try:
        for word, text in steps:
            if word == "send":
                c.send(text + b"\n", enough)
            elif word == "part":
                c.send(text, enough)
            elif word == "bytes":
                for at in range(len(text)):
                    c.send(text[at:at + 1])
                c.send(b"\n")
            elif word == "close":
                end = "we closed"
            elif word == "first":
                c.finish(enough)
                end = "we closed"
            elif word == "shut":
                c.s.shutdown(socket.SHUT_WR)
                c.finish()
                end = "the daemon closed"
            elif word == "idle":
                c.finish()
                end = "the daemon closed"
            else:
                raise ValueError("no such step: %s" % word)
        if end == "answered":
            c.send(END)
            c.finish(c.ended)
            if c.closed:
                end = "the daemon closed"
            else:
                c.lines.pop()
    finally:
        c.close()
    return c.lines, end
