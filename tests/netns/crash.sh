# SPDX-License-Identifier: BSD-2-Clause
# An apply is killed before each store it makes. Whatever it leaves, packets find the old or the new service and nothing between;
# the next daemon finishes the rest, says so, and leaves nothing behind.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
in_ns lb sysctl -qw net.ipv4.icmp_ratelimit=0 # a service that is not there is said to be unreachable at once, each time
for i in 1 2 3; do
	peer_start b$i echo 9000 b$i; peer_start b$i echo 9001 old-b$i; peer_start b$i echo 9002 new-b$i
done
for i in 1 2 3; do for p in 9000 9001 9002; do until_true 10 "b$i listens" listens b$i $p; done; done

# web is in both; in it b1 goes, b3 comes and b2 weighs more. old goes and its address with it; new comes, and brand-new with an
# address and an endpoint that nobody ever had
config "$(PORT=9000 service web 80 tcp -- 1:100 2:100)
$(PORT=9001 VIP=10.200.1.2 service old 81 tcp -- 1 2)"
sed -i 's/services: 64, backends: 1024/services: 128, backends: 256/' "$LAB/xdpmesh.yaml" # few entries to look through
cp "$LAB/xdpmesh.yaml" "$LAB/a.yaml"
to_b() {
	config "$(PORT=9000 service web 80 tcp -- 2:300 3:100)
$(PORT=9002 service new 82 tcp -- 2 3)
$(PORT=$((20000 + n)) VIP=10.200.1.3 service brand-new 83 tcp -- 1)"
	sed -i 's/services: 64, backends: 1024/services: 128, backends: 256/' "$LAB/xdpmesh.yaml"
}
form() {
	xdpmesh -j service show | jq -cS 'map(del(.generation) | .backends |= map(del(.packets, .bytes, .reply_packets, .reply_bytes,
		.connections, .in_flight) | if .port >= 20000 then .port = 0 else . end))'
}

# the daemon is dead: only backends of web in A or in B answer, and all connections stand
answers() {
	_got=$(peer client many $VIP 80 6)
	say "$_got" | grep -qvE '^(b[123]|failed) ' && fail "another's backend answers with the daemon dead at store $n: $_got"
	is "connections that failed with the daemon dead at store $n" "failed 0" "$(say "$_got" | tail -n 1)"
}

# nothing is left: a record for a live service or backend and no other, a key for each that is used
clean() {
	set -- $(plane) # words and numbers in turn
	is "the plane after store $n" "journal 0 services 3 backends 5 addresses 2 ports 3 endpoints ${14} used ${14} keys $((5 + ${14})) words $((5 + ${14}))" "$*"
}
ready() { daemon_ended || log_has ready:; }
start() {
	: >"$LAB/daemon.log"
	daemon_spawn
	until_true 15 "the daemon after store $n is ready" ready
	daemon_runs || fail "the daemon after store $n ended"
}
to_a() {
	cp "$LAB/a.yaml" "$LAB/xdpmesh.yaml"
	xdpmesh config apply >/dev/null || fail "no way back to A after store $n"
	daemon_kill
}

# A and B as an apply that nothing disturbs makes them
n=0
start
form_a=$(form)
daemon_kill
to_b
start
form_b=$(form)
[ "$form_a" != "$form_b" ] || fail "A and B are the same"
clean
to_a
touch "$LAB/asking"
peer client ask $VIP 80 "$LAB/asking" >"$LAB/asked.80" & web=$!
peer client ask 10.200.1.2 81 "$LAB/asking" >"$LAB/asked.81" & gone=$!
peer client ask $VIP 82 "$LAB/asking" >"$LAB/asked.82" & come=$!

finished=0 stores=
for n in $(seq 200); do
	to_b
	: >"$LAB/daemon.log"
	XDPMESH_CRASH_AT=$n daemon_spawn
	until_true 15 "the daemon with a crash at store $n ends or is ready" ready
	if log_has ready:; then break; fi
	log_has "crash asked for before store" || fail "the daemon ended at store $n, but not as asked"
	stores="$stores $(sed -n 's/.*before store //p' "$LAB/daemon.log")"
	journal=$(plane | awk '{ print $2 }')
	answers

	start
	is "services after a crash at store $n" "$form_b" "$(form)"
	clean
	if [ "$journal" != 0 ]; then
		log_has "was cut off" || fail "the log says nothing of the apply that was cut off at store $n"
		finished=$((finished + 1))
	fi
	to_a
done
daemon_kill
say "killed before:$stores"
[ $n -gt 15 ] || fail "an apply of so few stores: $((n - 1))"
[ $finished -gt 10 ] || fail "only $finished applies were finished by the next daemon"
for store in journal.add backend.live key.add journal.switch service.plan service.live service.last_resort journal.retire key.hide \
	service.retire backend.state backend.retire meta.generation journal.end; do
	case " $stores " in *" $store "*) ;; *) fail "no daemon was killed before $store" ;; esac
done

rm "$LAB/asking"
wait $web $gone $come
is "connections to web that failed, through all of it" "failed 0" "$(grep ^failed "$LAB/asked.80")"
who() { sed -n 's/^\([a-z]*-*b[0-9]\) .*/\1/p' "$LAB/asked.$1" | tr '\n' ' '; }
is "who answered for web" "b1 b2 b3 " "$(who 80)"
is "who answered for the service that went" "old-b1 old-b2 " "$(who 81)"
is "who answered for the service that came" "new-b2 new-b3 " "$(who 82)"
