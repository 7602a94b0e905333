#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad input: what the command, a file or the socket brings that must be refused, with nothing changed. `run.sh [KIND]` with KIND
# command, file, socket or load; XM_CASE=WORDS runs the cases with these words in their names, XM_GOLDEN=write rewrites what is expected.
set -eu
SRC=$(cd "$(dirname "$0")/../.." && pwd)
export SRC BUILD=${BUILD:-$SRC/build}
if [ -z "${LAB:-}" ]; then
	LAB=$(mktemp -d)
	export LAB
	rc=0
	timeout -k 5 "${XM_TIMEOUT:-300}" unshare --mount --net --pid --fork --kill-child --mount-proc bash -eu "$0" "$@" || rc=$?
	rm -rf "$LAB"
	exit $rc
fi

. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 2
# web and direct are what the cases aim at; nobody sends a packet and nothing is checked, so no figure moves by itself
config "$(service web 80 tcp -- 1 2)
$(VIP=10.200.1.2 service direct 8080 tcp 'forward: dsr' -- 1)"
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=1} # for SAN=1: what is freed counts as free
daemon_start

# what the cases name: files that are none, and a way to the socket for those who may only read
head -c 5000000 /dev/zero | tr '\0' '#' >"$LAB/huge.yaml"
printf '\177ELF\002\001\001\000\000\377\376services' >"$LAB/binary.yaml"
mkdir "$LAB/directory.yaml"
chmod 711 "$LAB"
chmod 666 "$XDPMESH_SOCKET"

in_ns lb /usr/bin/python3 -B "$SRC/tests/bad/bad.py" "$DAEMON" "$@"
