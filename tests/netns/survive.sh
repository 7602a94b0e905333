# SPDX-License-Identifier: BSD-2-Clause
# The daemon dies in the middle of transfers: they arrive whole, the command still reads, writing says that it cannot; the daemon
# comes back, whatever signals meet it on its way.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 2
for i in 1 2; do nginx_start $i; done
config "$(service web 80 tcp -- 1 2)"
daemon_start
head -c 200000000 /dev/urandom >"$LAB/www/blob"

in_ns client curl -sf -m $((100 * ${XM_SLOW:-1})) --limit-rate 40M "http://$VIP/files/blob" | cmp - "$LAB/www/blob" & down=$!
in_ns client curl -sf -m $((100 * ${XM_SLOW:-1})) --limit-rate 40M -T "$LAB/www/blob" "http://$VIP/files/up" & up=$!
until_true 30 "20 MB came down" total_above web reply_bytes 20000000
until_true 30 "20 MB went up" total_above web bytes 20000000
daemon_kill
kill -0 $down || fail "the download ended before the daemon did"
kill -0 $up || fail "the upload ended before the daemon did"

# reading works, on figures that go on
is "the daemon in version" null "$(xdpmesh -j version | jq .daemon)"
is "the data plane in version" 1 "$(xdpmesh -j version | jq .data_plane.generation)"
is "services shown" '["web"]' "$(xdpmesh -j service show | jq -c 'map(.name)')"
[ "$(verdict forward_redirect)" -gt 1000 ] || fail "stats show: $(verdict forward_redirect) packets forwarded"
until_true 40 "100 MB came down" total_above web reply_bytes 100000000
until_true 40 "100 MB went up" total_above web bytes 100000000

# writing says that it needs the daemon
refused() {
	_rc=0; _out=$(xdpmesh -j "$@") || _rc=$?
	is "exit status of $*" 1 "$_rc"
	say "$_out" | jq -e '.error.message | test("daemon|xdpmeshd")' >/dev/null || fail "$* did not name the daemon: $_out"
}
refused backend set web 10.2.0.11:8080 weight 50
refused service delete web
refused net detach front
refused config apply

daemon_start
is "the generation after the start" 1 "$(generation)"
wait $down || fail "the download differs"
wait $up || fail "the upload failed"
cmp "$LAB/www/blob" "$LAB/www/up" || fail "the upload differs"
rm "$LAB/www/up"

# reloads asked for while it starts: from its first step on, till one came before it was ready
hup_at_start() {
	daemon_kill
	rm -rf "$LAB/state"
	: >"$LAB/daemon.log"
	daemon_spawn
	_end=$((SECONDS + 15))
	until [ -d "$LAB/state" ]; do [ $SECONDS -lt $_end ] || fail "the daemon did not begin"; done
	kill -HUP "$DAEMON"
	mapfile _log <"$LAB/daemon.log" # without a process: the daemon would be ready before a slow machine has started it
	case ${_log[*]} in *ready:*) ;; *) early=$((early + 1)) ;; esac
	until_true 15 "the daemon is ready in spite of a SIGHUP" daemon_answers
}
early=0
for i in $(seq 20); do [ $early = 3 ] || hup_at_start; done
is "signals during the start" 3 $early
kill -HUP "$DAEMON"
until_true 10 "a reload after the start" log_has "reload: generation"
xdpmesh -j backend set web 10.2.0.11:8080 weight 50 >/dev/null || fail "no change after the start"
is "answers" 20 "$(names 20 | grep -c '^b[12]$')"
