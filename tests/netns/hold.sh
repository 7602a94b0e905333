# SPDX-License-Identifier: BSD-2-Clause
# 200 connections, each with a message under way, while weights change, a backend comes and the file is read again: none breaks,
# none moves to another backend.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
for i in 1 2 3; do until_true 10 "b$i listens" listens b$i 9000; done
PORT=9000
config "$(service web 80 tcp -- 1 2)"
daemon_start
touch "$LAB/hold"
peer client hold $VIP 80 200 "$LAB/hold" >"$LAB/held" & holder=$!
until_true 20 "200 connections stand" grep -q ready "$LAB/held"
is "connections of both backends" 200 "$(total web connections)"
[ "$(field web 1 connections)" -gt 0 ] && [ "$(field web 2 connections)" -gt 0 ] || fail "one backend has them all"

# every connection has had time for messages since a change
talks() {
	_seen=$(total web reply_packets)
	until_true 20 "messages after $1" total_above web reply_packets $((_seen + 1000))
	grep broken: "$LAB/held" && fail "connections broke after $1"
	true
}
talks "the beginning"
xdpmesh backend set web 10.2.0.11:9000 weight 1 >/dev/null
is "the weight of b1" 1 "$(field web 1 weight)"
talks "a weight of 1"
xdpmesh backend set web 10.2.0.11:9000 weight 0 >/dev/null
is "the slots of b1" 0 "$(field web 1 slots)"
talks "a weight of 0"
xdpmesh backend add web 10.2.0.13:9000 weight 500 >/dev/null
[ "$(field web 3 slots)" -gt "$(field web 2 slots)" ] || fail "b3 has $(field web 3 slots) slots, b2 $(field web 2 slots)"
talks "a new backend"
xdpmesh backend drain web 10.2.0.12:9000 >/dev/null
state_is web 2 drain || fail "b2 is not draining"
talks "a drain"
xdpmesh service set web balance round-robin >/dev/null
is "the balance" round-robin "$(xdpmesh -j service show web | jq -r '.[0].balance')"
talks "another balance"

was=$(generation)
config "$(service web 80 tcp -- 1:10 2:20 3:30)
$(service more 81 tcp -- 3)"
kill -HUP "$DAEMON"
until_true 10 "the reload" log_has "reload: generation $((was + 1))"
is "weights after the reload" "10 20 30" "$(field web 1 weight) $(field web 2 weight) $(field web 3 weight)"
state_is web 2 up || fail "the drain did not end with the reload"
talks "a reload"
answers=$(peer client many $VIP 80 120)
is "new connections that failed" "failed 0" "$(say "$answers" | tail -n 1)"
is "backends of new connections" 3 "$(say "$answers" | grep -c '^b')"

rm "$LAB/hold"
wait $holder
is "the connections" "200 held, 0 broken" "$(sed -n '$s/, [0-9]* messages//p' "$LAB/held")"
