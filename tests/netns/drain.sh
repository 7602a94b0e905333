# SPDX-License-Identifier: BSD-2-Clause
# Leaving: a drained backend keeps its flows and takes no new one; a deleted one's flows are reset, and its id rests till the
# flow table has been swept.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
config "$(PORT=9000 service web 80 tcp -- 1 2 3)"
# seven ids, a quarter of which rests; a small flow table, so that a sweep is soon through
sed -i 's/^limits:.*/limits: { flows: 128, services: 8, backends: 8 }/' "$LAB/xdpmesh.yaml"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done

connections() { field web "$1" connections; }
# new_ones N: names that answer N new connections, none of which fails
new_ones() {
	_out=$(peer client many $VIP 80 "$1")
	is "new connections that failed" "failed 0" "$(say "$_out" | tail -n 1)"
	say "$_out" | grep '^b'
}
hold() {
	touch "$LAB/$1"
	: >"$LAB/$1.out"
	peer client hold $VIP 80 "$2" "$LAB/$1" >"$LAB/$1.out" &
	HOLD=$!
	until_true 15 "connections stand" grep -q ready "$LAB/$1.out"
}
release() { rm -f "$LAB/$1"; wait $HOLD; say "$1: $(tail -n 1 "$LAB/$1.out")"; }
held() { tail -n 1 "$LAB/$1.out" | awk '{ print $1, $2, $3, $4 }' | tr -d ,; }

# drain
hold drained 30
mine=$(connections 2)
between "held connections of b2" 1 29 "$mine"
xdpmesh backend drain web 10.2.0.12:9000 >/dev/null || fail "backend drain"
is "state of b2" drain "$(field web 2 state)"
is "reason of b2" draining "$(field web 2 'reasons[0]')"
is "new connections at b2 while it drains" "" "$(new_ones 100 | grep b2)"
is "connections of b2" "$mine" "$(connections 2)"
replies=$(field web 2 reply_packets)
moves_on() { [ "$(field web 2 reply_packets)" -gt "$1" ]; }
until_true 5 "b2's flows go on" moves_on "$replies"
xdpmesh health set web 10.2.0.12:9000 auto >/dev/null || fail "health set auto"
is "state of b2 after auto" up "$(field web 2 state)"
new_ones 100 | grep -q b2 || fail "b2 takes no connections after auto"
release drained
is "held connections" "30 held 0 broken" "$(held drained)"

# delete: its flows are reset, the others' go on
hold deleted 30
ids_before=$(xdpmesh -j service show web | jq '.[0].backends | length')
mine=$(xdpmesh -j flow show web | jq '[.[] | select(.backend == "10.2.0.13:9000" and .state == "open")] | length')
between "open flows of b3" 1 29 "$mine"
xdpmesh backend delete web 10.2.0.13:9000 >/dev/null || fail "backend delete"
is "backends" $((ids_before - 1)) "$(xdpmesh -j service show web | jq '.[0].backends | length')"
broken() { [ "$(grep -c 'broken: .*reset' "$LAB/deleted.out")" = "$1" ]; }
until_true 10 "flows of the deleted backend are reset" broken "$mine"
is "new connections at b3" "" "$(new_ones 60 | grep b3)"
release deleted
is "held connections" "$((30 - mine)) held $mine broken" "$(held deleted)"
[ "$(verdict down_reset)" -ge "$mine" ] || fail "the resets were not ours: $(verdict down_reset)"
is "flows of b3 that are left open" 0 \
	"$(xdpmesh -j flow show web | jq '[.[] | select(.backend == "10.2.0.13:9000" and .state == "open")] | length')"

# each add takes an id, each delete lays it to rest: with seven ids some adds must wait for the sweep, and none waits for ever
refused=0
add_works() { xdpmesh backend add web 10.2.0.13:9000 >"$LAB/add.out" 2>&1; }
for i in $(seq 50); do
	if ! add_works; then
		refused=$((refused + 1))
		grep -qi "backends" "$LAB/add.out" || fail "the refusal does not say why: $(cat "$LAB/add.out")"
		until_true 20 "an id is free again (round $i)" add_works
	fi
	xdpmesh backend delete web 10.2.0.13:9000 >/dev/null || fail "backend delete, round $i"
done
say "adds that had to wait: $refused"
[ "$refused" -gt 0 ] || fail "no add had to wait: ids do not rest"
until_true 20 "b3 is back" add_works
is "backends" 3 "$(xdpmesh -j service show web | jq '.[0].backends | length')"
all_three() { [ "$(new_ones 60 | grep -c '^b')" = 3 ]; }
until_true 10 "all three serve" all_three

# the same of a whole service: seven ids
spare_works() { xdpmesh service add spare vip 10.200.1.9 port 80 protocol tcp >"$LAB/add.out" 2>&1; }
for i in $(seq 12); do
	spare_works || until_true 20 "a service's id is free again (round $i): $(cat "$LAB/add.out")" spare_works
	xdpmesh service delete spare >/dev/null || fail "service delete, round $i"
done
is "services" 1 "$(xdpmesh -j service show | jq length)"
is "internal" 0 "$(verdict internal)"
until_true 10 "all three still serve" all_three
