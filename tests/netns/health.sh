# SPDX-License-Identifier: BSD-2-Clause
# Health: a backend whose check fails takes no new connection and what it had is reset, kept or moved, as its service says; it comes
# back; a new one joins with its first success; the operator's word stands above the checks'.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
CHECK='health: { type: tcp, interval: 100ms, timeout: 100ms, fall: 2, rise: 2 }'
for i in 1 2 3; do
	nginx_start $i
	peer_start b$i echo 9000 b$i; eval "echo$i=$PEER"
done
# port 7: nobody listens. lb itself listens at the VIP, for what is passed
none="drop reset pass"
config "$(service web 80 tcp "$CHECK" -- 1 2 3)
$(PORT=9000 service cut 90 tcp "$CHECK" -- 1 2 3)
$(PORT=9000 service kept 91 tcp "$CHECK" 'on-down: keep' -- 1 2 3)
$(PORT=9000 service dns 53 udp -- 1 2 3)
$(PORT=9000 service race 93 tcp -- 1 2 3)
$(PORT=9000 service slow 92 tcp 'health: { type: tcp, interval: 60s, timeout: 60s }' -- 1 2)
$(p=100; for n in $none; do PORT=7 service none-$n $((p += 1)) tcp "$CHECK" "on-no-backend: $n" -- 1 2 3; done)"
sed -i 's/flows: 100000/flows: 2000000/' "$LAB/xdpmesh.yaml"
ip -n lb addr add $VIP/32 dev lo
peer_start lb echo 103 self
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done
daemon_start

all_are() { for _i in 1 2 3; do state_is "$1" $_i "$2" || return 1; done; }
connections() { field "$1" "$2" connections; }
# new_ones PORT N: names that answer N new connections, none of which fails
new_ones() {
	_out=$(peer client many $VIP "$1" "$2")
	is "new connections to port $1 that failed" "failed 0" "$(say "$_out" | tail -n 1)"
	say "$_out" | grep '^b'
}
for s in web cut kept; do until_true 10 "$s is up" all_are $s up; done
until_true 10 "slow is up" state_is slow 2 up

# a server is killed
is "backends of web" 3 "$(names 60 | sort -u | wc -l)"
nginx_stop 1
until_true 10 "b1 is down" state_is web 1 down
is "reasons of b1" check "$(field web 1 'reasons | join(" ")')"
before=$(connections web 1)
is "answers while b1 is down" 100 "$(names 100 | grep -c '^b[23]$')"
is "new connections at b1" "$before" "$(connections web 1)"
nginx_start 1
until_true 10 "b1 is up" state_is web 1 up
is "reasons of b1" "" "$(field web 1 'reasons | join(" ")')"
is "backends of web again" 3 "$(names 60 | sort -u | wc -l)"

# its listener goes, its connections live on: one service cuts them, the other keeps them
hold() {
	touch "$LAB/$1"
	peer client hold $VIP "$2" 30 "$LAB/$1" >"$LAB/$1.out" &
	eval "hold_$1=$!"
	until_true 15 "$1's connections stand" grep -q ready "$LAB/$1.out"
}
release() { rm -f "$LAB/$1"; eval "wait \$hold_$1"; say "$1: $(tail -n 1 "$LAB/$1.out")"; }
broken() { [ "$(grep -c 'broken: .*reset' "$LAB/$1.out")" = "$2" ]; }
hold cut 90
hold kept 91
cut=$(connections cut 2) kept=$(connections kept 2)
between "cut's connections of b2" 1 29 "$cut"
between "kept's connections of b2" 1 29 "$kept"
is "flows reset" 0 "$(verdict down_reset)"
kill -USR1 $echo2
until_true 10 "cut: b2 is down" state_is cut 2 down
until_true 10 "kept: b2 is down" state_is kept 2 down
until_true 10 "cut's connections of b2 are reset" broken cut "$cut"
[ "$(verdict down_reset)" -ge "$cut" ] || fail "the resets were not ours: $(verdict down_reset)"
replies=$(field kept 2 reply_packets)
goes_on() { [ "$(field kept 2 reply_packets)" -gt $((replies + 100)) ]; }
until_true 10 "kept's connections of b2 go on" goes_on
for p in 90 91; do is "new connections at b2 by port $p" "" "$(new_ones $p 60 | grep b2)"; done
kill -USR2 $echo2
until_true 10 "cut: b2 is up" state_is cut 2 up
until_true 10 "kept: b2 is up" state_is kept 2 up
for p in 90 91; do new_ones $p 60 | grep -q b2 || fail "b2 takes no connections by port $p after it came back"; done
release cut
release kept
is "cut" "$((30 - cut)) held, $cut broken" "$(tail -n 1 "$LAB/cut.out" | sed 's/, [0-9]* mess.*//')"
is "kept" "30 held, 0 broken" "$(tail -n 1 "$LAB/kept.out" | sed 's/, [0-9]* mess.*//')"

# all down
for n in $none; do until_true 10 "none-$n is down" all_are none-$n down; done
asks() { in_ns client curl -s -m 2 "http://$VIP:$1/"; }
rc=0; asks 101 || rc=$?
is "on-no-backend: drop: curl's status (28: no answer)" 28 "$rc"
rc=0; asks 102 || rc=$?
is "on-no-backend: reset: curl's status (7: refused)" 7 "$rc"
is "on-no-backend: pass" "$(printf 'self 5\nfailed 0')" "$(peer client many $VIP 103 5)"
for n in $none; do [ "$(verdict no_backend_$n)" -gt 0 ] || fail "verdict no_backend_$n was not counted"; done

# a new backend joins with its first success: b3 takes the SYN of the check but cannot answer, at first
ip -n b3 route add blackhole 10.2.0.1/32
PORT=9000 xdpmesh backend add slow 10.2.0.13:9000 >/dev/null || fail "backend add"
is "state of the new one" unknown "$(field slow 3 state)"
is "reason of the new one" starting "$(field slow 3 'reasons | join(" ")')"
is "connections of the new one" "" "$(new_ones 92 60 | grep b3)"
is "state of the new one still" unknown "$(field slow 3 state)"
ip -n b3 route del blackhole 10.2.0.1/32
until_true 40 "the new one is up" state_is slow 3 up
new_ones 92 60 | grep -q b3 || fail "the new one takes no connections"

# the operator
xdpmesh health set cut 10.2.0.11:9000 down >/dev/null || fail "health set down"
is "state of b1" down "$(field cut 1 state)"
is "reasons of b1" admin "$(field cut 1 'reasons | join(" ")')"
is "new connections at b1" "" "$(new_ones 90 60 | grep b1)"
xdpmesh health set cut 10.2.0.11:9000 auto >/dev/null || fail "health set auto"
until_true 5 "b1 is up" state_is cut 1 up
new_ones 90 60 | grep -q b1 || fail "b1 takes no connections after auto"
kill -USR1 $echo1
until_true 10 "b1 is down by its check" state_is cut 1 down
xdpmesh health set cut 10.2.0.11:9000 up >/dev/null || fail "health set up"
is "state of b1, said to be up" up "$(field cut 1 state)"
is "reasons of b1, said to be up" "admin check" "$(field cut 1 'reasons | join(" ")')"
xdpmesh health set cut 10.2.0.11:9000 auto >/dev/null
is "state of b1, back to its check's" down "$(field cut 1 state)"
kill -USR2 $echo1
until_true 10 "b1 is up by its check" state_is cut 1 up

# from the store that takes a backend down on, no SYN reaches it: not one of a million
in_ns lb "$BUILD/seq" "$BUILD/seq.bpf.o" "$XDPMESH_BPFFS" front race 10.2.0.12 1010000 \
	"$BUILD/xdpmesh" health set race 10.2.0.12:9000 down >"$LAB/seq" || fail "the run of numbered SYNs"
cat "$LAB/seq"
[ "$(awk '$1 == "before" { print $2 }' "$LAB/seq")" -gt 20000 ] || fail "too few SYNs reached b2 while it was up"
is "SYNs that reached b2 after the store" 0 "$(awk '$1 == "after" { print $2 }' "$LAB/seq")"
[ "$(awk '$1 == "after" { print $3 }' "$LAB/seq")" -ge 1000000 ] || fail "SYNs that reached anybody after the store"

# a UDP flow of a dead backend moves, and stays where it is when that one is back
touch "$LAB/stick"
peer client stick $VIP 53 "$LAB/stick" >"$LAB/stick.out" &
stick=$!
lines() { [ "$(grep -c . "$LAB/stick.out")" = "$1" ]; }
until_true 5 "somebody answers datagrams" lines 1
first=$(head -n 1 "$LAB/stick.out")
xdpmesh health set dns "10.2.0.1${first#b}:9000" down >/dev/null || fail "health set down"
until_true 5 "another one answers datagrams" lines 2
second=$(tail -n 1 "$LAB/stick.out")
[ "$first" != "$second" ] || fail "the flow has not moved from $first"
xdpmesh health set dns "10.2.0.1${first#b}:9000" up >/dev/null
replies=$(field dns "${second#b}" reply_packets)
more() { [ "$(field dns "${second#b}" reply_packets)" -gt $((replies + 20)) ]; }
until_true 10 "$second goes on answering" more
rm "$LAB/stick"
wait $stick
is "who answered datagrams" "$first $second" "$(echo $(cat "$LAB/stick.out"))"
is "internal" 0 "$(verdict internal)"
