# SPDX-License-Identifier: BSD-2-Clause
# A daemon that is stopped and started finds everything as it was: the same maps, programs and links, the same tables to the byte,
# connections that live, counters that go on, and what commands changed.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
for i in 1 2 3; do until_true 10 "b$i listens" listens b$i 9000; done
config "$(PORT=9000 service web 80 tcp -- 1 2 3)
$(PORT=9000 service dns 53 udp -- 1 2)"
sed -i 's/services: 64, backends: 1024/services: 8, backends: 32/' "$LAB/xdpmesh.yaml" # few entries to compare
daemon_start
xdpmesh backend set web 10.2.0.11:9000 weight 300 >/dev/null
xdpmesh backend drain dns 10.2.0.12:9000 >/dev/null
xdpmesh health set web 10.2.0.13:9000 down >/dev/null
state_is web 3 down || fail "health set did nothing"

touch "$LAB/hold"
peer client hold $VIP 80 1 "$LAB/hold" >"$LAB/held" & holder=$!
until_true 10 "the connection stands" grep -q ready "$LAB/held"
peer client udp $VIP 53 40 >/dev/null
# next hops are settled when packets to each backend go by XDP
goes_direct() { _seen=$(verdict forward_stack); peer client many $VIP 80 20 >/dev/null; [ "$(verdict forward_stack)" = "$_seen" ]; }
until_true 10 "next hops" goes_direct
peer client many $VIP 80 40 >/dev/null
# what packets read, but for what they write themselves
tables() { /usr/bin/python3 "$SRC/tests/lab/peer.py" sums "$XDPMESH_BPFFS" key_table keys services backends slots hops devs service_info backend_info; }
before_ids=$(pins) before_shape=$(shape) before_tables=$(tables) before_packets=$(total web packets) before_generation=$(generation)
before_stats=$(verdict forward_redirect)
[ "$before_packets" -gt 100 ] || fail "no traffic before: $before_packets packets"
[ "$(say "$before_ids" | wc -l)" -ge 20 ] || fail "pins are missing: $before_ids"

for how in -TERM -9; do
	: >"$LAB/daemon.log"
	if [ $how = -9 ]; then daemon_kill; else kill $how "$DAEMON"; wait "$DAEMON" || fail "exit status $? after SIGTERM"; fi
	is "tables while no daemon runs ($how)" "$before_tables" "$(tables)"
	daemon_start
	log_has "adopted the data plane in $XDPMESH_BPFFS, generation $before_generation" || fail "the log does not say adopted"
	log_has "cut off" && fail "the log speaks of an apply that was cut off"
	is "ids after $how" "$before_ids" "$(pins)"
	is "tables after $how" "$before_tables" "$(tables)"
	is "services after $how" "$before_shape" "$(shape)"
	is "generation after $how" "$before_generation" "$(generation)"
	[ "$(total web packets)" -ge "$before_packets" ] || fail "packets went back from $before_packets to $(total web packets)"
	[ "$(verdict forward_redirect)" -ge "$before_stats" ] || fail "verdicts went back"
	seen=$(total web reply_packets)
	until_true 10 "the connection goes on after $how" total_above web reply_packets "$seen"
done

# the daemon knows about its overrides, not only the maps
diff=$(xdpmesh -j config diff | jq -c 'map([.service, .backend, .key, .running])')
for want in '["web","10.2.0.11:9000","weight","300"]' '["web","10.2.0.13:9000","state","down"]' '["dns","10.2.0.12:9000","state","drain"]'; do
	say "$diff" | grep -qF -- "$want" || fail "config diff lacks $want: $diff"
done
rm "$LAB/hold"
wait $holder
is "the long connection" "1 held, 0 broken" "$(sed -n '$s/, [0-9]* messages//p' "$LAB/held")"
