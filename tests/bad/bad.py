# SPDX-License-Identifier: BSD-2-Clause
"""bad.py DAEMON-PID [KIND]: runs the tables in cases/ and load.py against one daemon; see README.md.

A table's case is a name in the first column and below it, indented, a word and its text a line: first what is done, then what is
expected. After each case what runs must be what ran before.
"""
import difflib
import json
import os
import re
import subprocess
import sys

import load
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.environ["LAB"]
COMMAND = os.environ["BUILD"] + "/xdpmesh"
WRITE = os.environ.get("XM_GOLDEN") == "write"
EXPECTED = {"exit", "out", "err", "got", "end"}  # words of a case that say what is expected; the others say what is done


def expand(text):
    """@(N*TEXT): TEXT N times; @xNN: a byte; @LAB: this run's directory"""
    def one(m):
        if m[1]:
            return m[2] * int(m[1])
        return bytes.fromhex(m[3].decode()) if m[3] else LAB.encode()
    return re.sub(rb"@\((\d+)\*(.*?)\)|@x([0-9a-f]{2})|@LAB", one, text.encode())


def shown(data):
    """bytes as lines of a table: what is not printable is escaped, the directory has one name in all runs"""
    lines = data.replace(LAB.encode(), b"@LAB").decode(errors="backslashreplace").split("\n")
    if lines[-1] == "":
        lines.pop()
    return ["".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in line) for line in lines]


def compared(want, got, want_name, got_name, n):
    return list(difflib.unified_diff(want, got, want_name, got_name, n=n, lineterm=""))


def words(line):
    """a command line's words: blanks part them, '' is an empty one"""
    return [b"" if w == "''" else expand(w.replace("@_", " ")) for w in line.split()]


def user(do):
    return tuple(int(n) for n in do["as"][0].split(":")) if "as" in do else None


def run_command(do):
    if "file" in do:
        with open(LAB + "/case.yaml", "wb") as f:
            f.write(b"".join(expand(line) + b"\n" for line in do["file"]))
    who = user(do)
    as_who = {"user": who[0], "group": who[1], "extra_groups": []} if who else {}
    done = subprocess.run([COMMAND.encode()] + words(do["run"][0]), stdin=subprocess.DEVNULL, capture_output=True, cwd="/",
                          timeout=30, **as_who)
    return (["exit %d" % done.returncode] + ["out " + line for line in shown(done.stdout)] +
            ["err " + line for line in shown(done.stderr)])


def run_socket(do):
    got, end = wire.talk([(word, expand(text)) for word, text in do["steps"]], user(do))
    return ["got " + line for line in shown(b"".join(got))] + ["end " + end]


def read_table(path):
    """[(name, done lines, expected lines)] and comments, which are kept as cases without a name"""
    cases = []
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            if not line.strip() or line.startswith("#"):
                cases.append((None, [line], []))
            elif not line.startswith("\t"):
                cases.append((line, [], []))
            else:
                name, done, expected = cases[-1]
                if name is None:
                    sys.exit("%s: a line of no case: %s" % (path, line))
                (expected if line.split()[0] in EXPECTED else done).append(line[1:])
    while cases and cases[-1][1] == [""]:
        cases.pop()
    return cases


def write_table(path, cases):
    with open(path, "w", encoding="utf-8") as f:
        for name, done, expected in cases:
            if name is None:
                f.write(done[0] + "\n")
            else:
                f.write(name + "\n" + "".join("\t" + line + "\n" for line in done + expected))


def steps(done):
    """a case's lines by their first word; of a socket's also in their order"""
    do = {"steps": []}
    for line in done:
        word, _, text = line.partition(" ")
        do.setdefault(word, []).append(text)
        if word != "as":
            do["steps"].append((word, text))
    return do


class Watch:
    """What must not change: the daemon's process, the generation, what is wanted, what is live."""

    def __init__(self, pid):
        self.pid = pid
        self.was = self.look()

    def look(self):
        version = wire.ask("version")
        if version["pid"] != self.pid:
            raise OSError("another daemon answers: %s" % version["pid"])
        live = subprocess.run([COMMAND, "-p", "service", "show"], capture_output=True, check=True, timeout=30).stdout.decode()
        return {"generation": str(version["generation"]), "config show": wire.ask("config.show")["yaml"],
                "config diff": json.dumps(wire.ask("config.diff")), "service show": live}

    def changed(self):
        """the faults of the case that has just run; the next one begins with a good state again"""
        is_now = self.look()
        faults = []
        for what, was in self.was.items():
            faults += compared(was.split("\n"), is_now[what].split("\n"), "%s before" % what, "after", 1)
        if faults:
            self.mend()
        return faults

    def mend(self):
        for row in wire.ask("config.diff"):
            if row["file"] == "absent" and row["key"] == "service":
                wire.ask("service.delete", {"name": row["service"]})
            elif row["file"] == "absent" and "device" in row:
                wire.ask("net.detach", {"device": row["device"]})
        wire.ask("config.apply")
        self.was = self.look()


class Run:
    def __init__(self, pid):
        self.watch = Watch(pid)
        self.passed = self.failed = 0

    def case(self, kind, name, body):
        """body returns what was wrong, a line each"""
        try:
            faults = body() + self.watch.changed()
        except (OSError, KeyError, ValueError, subprocess.SubprocessError) as e:
            faults = ["%s: %s" % (type(e).__name__, e)]
        if not faults:
            self.passed += 1
            return
        self.failed += 1
        print("FAIL %s: %s" % (kind, name), *("    " + line for line in faults), sep="\n", flush=True)
        if not os.path.exists("/proc/%d" % self.watch.pid):
            self.end("the daemon has ended")

    def table(self, kind, runner, only):
        path = "%s/cases/%s.txt" % (HERE, kind)
        cases, fresh = read_table(path), []
        for name, done, expected in cases:
            got = expected
            if name is not None and only in name:
                def body():
                    nonlocal got
                    got = runner(steps(done))
                    if WRITE or got == expected:
                        return []
                    return compared(expected, got, "expected", "got", 9)
                self.case(kind, name, body)
            fresh.append((name, done, got))
        if WRITE:
            write_table(path, fresh)

    def end(self, why=None):
        if why:
            print(why)
            try:
                with open(LAB + "/daemon.log", encoding="utf-8", errors="replace") as log:
                    print(*log.read().split("\n")[-25:], sep="\n")
            except OSError as e:
                print(e)
        print("%d passed, %d failed, 0 skipped" % (self.passed, self.failed), flush=True)
        sys.exit(self.failed > 0)


def main(argv):
    kinds = argv[2:] or ["command", "file", "socket", "load"]
    only = os.environ.get("XM_CASE", "")
    run = Run(int(argv[1]))
    for kind in kinds:
        if kind == "load":
            for name, body in load.CASES:
                if only in name:
                    run.case(kind, name, lambda: body(run.watch.pid))
        elif kind in ("command", "file"):
            run.table(kind, run_command, only)
        elif kind == "socket":
            run.table(kind, run_socket, only)
        else:
            sys.exit("no such kind: %s (command, file, socket, load)" % kind)
    if not run.passed + run.failed:
        sys.exit("no case's name has %r" % only)
    run.end()


if __name__ == "__main__":
    main(sys.argv)
