#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The demo: real clients, a real XDP balancer, real servers, in network namespaces that end with it. Under two minutes.
set -eu
SRC=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$SRC/build}
if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "demo: needs root (network namespaces, XDP): sudo make demo" >&2; exit 1; }
	lab=$(mktemp -d)
	trap 'rm -rf "$lab"' EXIT
	export LAB=$lab SRC BUILD
	unshare --mount --net --pid --fork --kill-child --mount-proc bash -eu "$0" inside
	exit
fi
. "$SRC/tests/lab/lab.sh"

title() { printf '\n== %s\n' "$*"; }
count() { sort | uniq -c | sort -k2 | awk '{ printf "   %s %d", $2, $1 } END { print "" }'; }
of() { awk -v b="$1" '$1 == b { n++ } END { print n + 0 }' "$2"; }

title "A client, a two-armed balancer, three backends, in network namespaces"
say "   client $CLIENT --- front [xdpmesh] back --- b1 10.2.0.11, b2 10.2.0.12, b3 10.2.0.13      VIP $VIP"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; peer_start b$i echo 9000 b$i; done
check='health: { type: tcp, interval: 200ms, timeout: 200ms, fall: 2, rise: 2 }'
config "$(service web 80 tcp 'balance: round-robin' "$check" -- 1:1 2:2 3:3)
$(PORT=8081 service hashed 81 tcp "$check" -- 1:1 2:2 3:3)
$(PORT=9000 service echo 53 udp -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 10 "b$i is up" state_is web $i up; until_true 10 "b$i is up" state_is hashed $i up; done
xdpmesh net show
xdpmesh service show

title "6,000 connections (curl, nginx), weights 1:2:3, round robin: exact to a connection a CPU"
names 6000 >"$LAB/rr" || fail "a connection failed"
count <"$LAB/rr"
for i in 1 2 3; do between "connections of b$i" $((i * 1000 - $(nproc))) $((i * 1000 + $(nproc))) "$(of b$i "$LAB/rr")"; done

title "6,000 connections, weights 1:2:3, flow hash: chi-square test, 2 degrees of freedom"
names 6000 81 >"$LAB/hash" || fail "a connection failed"
count <"$LAB/hash"
chi=$(for i in 1 2 3; do echo "$(of b$i "$LAB/hash") $((i * 1000))"; done | awk '{ x += ($1 - $2) ^ 2 / $2 } END { printf "%.2f", x }')
say "   chi-square $chi (a fair hash stays below 18.4 in 9,999 runs of 10,000)"
awk "BEGIN { exit !($chi < 18.4) }" || fail "the hash does not follow the weights"

title "300 datagrams (UDP echo)"
peer client udp $VIP 53 300 1000 >"$LAB/udp"
sed 's/^/   /' "$LAB/udp"
is "datagrams that failed" "failed 0" "$(tail -n 1 "$LAB/udp")"

title "An upload of 50 MB, checksummed"
head -c 50000000 /dev/urandom >"$LAB/blob"
in_ns client curl -sf -m 60 -T "$LAB/blob" "http://$VIP/files/up" || fail "the upload failed"
(cd "$LAB" && sha256sum blob www/up | sed 's/^/   /')
cmp "$LAB/blob" "$LAB/www/up" || fail "the upload differs"

title "b3's server is killed under load, and comes back"
touch "$LAB/load"
load() {
	while [ -e "$LAB/load" ]; do
		in_ns client curl -s -m 5 --no-keepalive -H 'Connection: close' "http://$VIP/" || echo failed
	done
}
load >"$LAB/killed" &
LOAD=$!
until_true 10 "load" test -s "$LAB/killed"
nginx_stop 3
until_true 10 "b3 is down" state_is web 3 down
say "   down: $(xdpmesh -j service show web | jq -c '.[0].backends[] | select(.address == "10.2.0.13") | { state, reasons }')"
: >"$LAB/after"; cp "$LAB/killed" "$LAB/before"
names 600 >"$LAB/after" || fail "a connection failed after b3 was down"
say "   600 connections from then on:"; count <"$LAB/after"
is "connections to b3" 0 "$(of b3 "$LAB/after")"
nginx_start 3
until_true 10 "b3 is up" state_is web 3 up
names 600 >"$LAB/back" || fail "a connection failed"
say "   600 connections after it came back:"; count <"$LAB/back"
[ "$(of b3 "$LAB/back")" -gt 200 ] || fail "b3 gets nothing"
rm "$LAB/load"; wait $LOAD || true
FAILED=$(of failed "$LAB/killed")
say "   of $(wc -l <"$LAB/killed") connections of one client meanwhile, $FAILED failed (refused before the check noticed)"

title "b1's weight becomes 5 and b2 is drained, while 50 connections are held"
touch "$LAB/held"
xdpmesh service add held vip $VIP port 90 protocol tcp backend 10.2.0.11:9000 backend 10.2.0.12:9000 backend 10.2.0.13:9000
peer client hold $VIP 90 50 "$LAB/held" >"$LAB/hold.out" &
HOLD=$!
until_true 10 "50 connections stand" grep -q ready "$LAB/hold.out"
xdpmesh backend set web 10.2.0.11:8080 weight 5
for s in web:8080 hashed:8081 held:9000; do xdpmesh backend drain ${s%:*} 10.2.0.12:${s#*:}; done
names 800 >"$LAB/weights" || fail "a connection failed"
say "   800 connections:"; count <"$LAB/weights"
is "connections to the drained b2" 0 "$(of b2 "$LAB/weights")"
rm "$LAB/held"; wait $HOLD || true
say "   $(tail -n 1 "$LAB/hold.out")"
grep -q '^50 held, 0 broken' "$LAB/hold.out" || fail "a held connection broke"

title "The end"
xdpmesh service show
say ""
xdpmesh stats show
stack=$(($(verdict forward_stack) + $(verdict reply_stack)))
sent=$(($(verdict forward_redirect) + $(verdict reply_redirect) + $(verdict forward_tx) + $(verdict reply_tx)))
say ""
say "   $sent packets left by XDP, $stack through the kernel's stack; $FAILED connections failed, all of them to a server that was killed"
is "packets through the stack" 0 "$stack"
say "   demo: all as it should be, in $SECONDS s"
