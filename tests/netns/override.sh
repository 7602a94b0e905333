# SPDX-License-Identifier: BSD-2-Clause
# What commands change stands beside the file: it outlives a restart, config diff shows it, an apply ends it where the file has a
# word. History and rollback; a state file that is damaged.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
for i in 1 2 3; do until_true 10 "b$i listens" listens b$i 9000; done
in_ns lb ip link add third type veth peer name fourth
in_ns lb ip link set dev third up
in_ns lb ip link set dev fourth up
PORT=9000
config "$(service web 80 tcp -- 1 2)
$(service gone 90 tcp -- 1)"
daemon_start
file_shape=$(shape)
is "differences at the beginning" "[]" "$(xdpmesh -j config diff | jq -c .)"

say_diff() { xdpmesh -j config diff | jq -c 'map([.device, .service, .backend, .key, .file, .running] | map(select(. != null)))[]' | sort; }
xdpmesh service add extra vip $VIP port 81 protocol tcp backend 10.2.0.13:9000 >/dev/null
xdpmesh backend add web 10.2.0.13:9000 weight 50 >/dev/null
xdpmesh backend set web 10.2.0.11:9000 weight 300 >/dev/null
xdpmesh backend drain web 10.2.0.12:9000 >/dev/null
xdpmesh service set web on-no-backend reset >/dev/null
xdpmesh service delete gone >/dev/null
xdpmesh net attach third >/dev/null
diff=$(say_diff)
is "differences after the commands" '["extra","service","absent","present"]
["gone","service","present","absent"]
["third","mode","absent","auto"]
["web","10.2.0.11:9000","weight","100","300"]
["web","10.2.0.12:9000","state","auto","drain"]
["web","10.2.0.13:9000","backend","absent","present"]
["web","on-no-backend","drop","reset"]' "$diff"
is "who answers at the new service" b3 "$(peer client many $VIP 81 10 | awk '/^b/ { print $1 }')"
is "devices" '["back","front","third"]' "$(xdpmesh -j net show | jq -c 'map(.device)')"

# over a restart, also one after a kill
changed=$(shape)
for how in -TERM -9; do
	if [ $how = -9 ]; then daemon_kill; else kill $how "$DAEMON"; wait "$DAEMON" || fail "exit status $? after SIGTERM"; fi
	daemon_start
	is "services after $how" "$changed" "$(shape)"
	is "differences after $how" "$diff" "$(say_diff)"
	is "devices after $how" '["back","front","third"]' "$(xdpmesh -j net show | jq -c 'map(.device)')"
done
# over the loss of the data plane too
daemon_kill
rm "$XDPMESH_BPFFS"/*
daemon_start
is "services made anew" "$(say "$changed" | jq -c 'map(del(.generation) | .backends |= map(del(.slots, .share)))')" \
	"$(shape | jq -c 'map(del(.generation) | .backends |= map(del(.slots, .share)))')"
is "differences made anew" "$diff" "$(say_diff)"
state_is web 2 drain || fail "the drain is forgotten"

# an apply ends the overrides of what the file names, and keeps what commands made
xdpmesh config apply >/dev/null
is "differences after an apply" '["extra","service","absent","present"]
["third","mode","absent","auto"]' "$(say_diff)"
is "services of the file" "$(say "$file_shape" | jq -c 'map(del(.generation) | .backends |= map(del(.slots, .share)))')" \
	"$(shape | jq -c 'map(select(.name != "extra") | del(.generation) | .backends |= map(del(.slots, .share)))')"
is "the service made by command" "failed 0" "$(peer client many $VIP 81 10 | tail -n 1)"
daemon_kill
daemon_start
is "services after an apply and a restart" '["extra","gone","web"]' "$(xdpmesh -j service show | jq -c 'map(.name)')"
is "devices after an apply and a restart" '["back","front","third"]' "$(xdpmesh -j net show | jq -c 'map(.device)')"
is "the weight after an apply and a restart" 100 "$(field web 1 weight)"

# history and rollback
xdpmesh -j config history >"$LAB/history"
is "generations in order" true "$(jq 'map(.generation) | . == (sort | unique) and length >= 2' "$LAB/history")"
is "the last generation kept" "$(generation)" "$(jq '.[-1].generation' "$LAB/history")"
is "times" true "$(jq 'all(.[]; .time > 1600000000 and (.cause | length) > 0)' "$LAB/history")"
good=$(generation)
xdpmesh backend set web 10.2.0.11:9000 weight 7 >/dev/null
xdpmesh backend delete web 10.2.0.12:9000 >/dev/null
is "the last cause" "backend delete" "$(xdpmesh -j config history | jq -r '.[-1].cause')"
xdpmesh config rollback >/dev/null
is "the backends after one step back" "11:7 12:100" "$(xdpmesh -j service show web | jq -r '[.[0].backends[] | "\(.address[-2:]):\(.weight)"] | join(" ")')"
xdpmesh config rollback "$good" >/dev/null
is "the backends of generation $good" "11:100 12:100" "$(xdpmesh -j service show web | jq -r '[.[0].backends[] | "\(.address[-2:]):\(.weight)"] | join(" ")')"
is "the cause of a rollback" "rollback to $good" "$(xdpmesh -j config history | jq -r '.[-1].cause')"
is "the generation goes on" $((good + 4)) "$(generation)"
rc=0; xdpmesh -j config rollback 9999 >"$LAB/out" || rc=$?
is "exit status of a rollback to nowhere" 1 $rc
jq -e '.error | .object == "generation" and .value == "9999"' "$LAB/out" >/dev/null || fail "it does not say which: $(cat "$LAB/out")"
is "the generation after it" $((good + 4)) "$(generation)"

# a damaged state file is set aside, named, and things go on with the file
for damage in '{"set": "servi' '{"set": "services: [nonsense"}' '[]' ''; do
	daemon_kill
	: >"$LAB/daemon.log"
	rm -f "$LAB/state/state.json.damaged"
	printf '%s' "$damage" >"$LAB/state/state.json"
	daemon_start
	log_has "state.json" && log_has "set aside" || fail "the log says nothing of the damaged state: $damage"
	is "what was set aside" "$damage" "$(cat "$LAB/state/state.json.damaged")"
	is "services of the file alone" '["gone","web"]' "$(xdpmesh -j service show | jq -c 'map(.name)')"
	xdpmesh backend set web 10.2.0.11:9000 weight 9 >/dev/null || fail "no change after a damaged state"
	jq -e . "$LAB/state/state.json" >/dev/null || fail "no state is kept after a damaged one"
done
