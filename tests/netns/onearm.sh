# SPDX-License-Identifier: BSD-2-Clause
# One device for clients and backends: every packet leaves by the device it came in by, in the driver, never by the stack.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_one_armed 3
for i in 1 2 3; do nginx_start $i; peer_start b$i echo 9000 b$i; done
config "$(service web 80 tcp -- 1 2 3)
$(PORT=9000 service echo-udp 53 udp -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done

answers=$(names 90 | sort | uniq -c)
say "$answers"
is "answers" 90 "$(say "$answers" | awk '{ n += $1 } END { print n }')"
is "backends that answered" 3 "$(say "$answers" | wc -l)"

udp=$(peer client udp $VIP 53 100 1200)
is "datagrams that failed" "failed 0" "$(say "$udp" | tail -n 1)"
is "backends that answered datagrams" 3 "$(say "$udp" | grep -c '^b')"

head -c 5000000 /dev/urandom >"$LAB/www/blob"
in_ns client curl -sf -m 20 "http://$VIP/files/blob" | cmp - "$LAB/www/blob" || fail "the download differs"
in_ns client curl -sf -m 20 -T "$LAB/www/blob" "http://$VIP/files/up" || fail "the upload failed"
cmp "$LAB/www/blob" "$LAB/www/up" || fail "the upload differs"

[ "$(verdict forward_tx)" -gt 3000 ] || fail "packets did not go by TX: $(verdict forward_tx)"
[ "$(verdict reply_tx)" -gt 3000 ] || fail "replies did not go by TX: $(verdict reply_tx)"
for v in forward_stack reply_stack forward_redirect reply_redirect internal; do is "verdict $v" 0 "$(verdict $v)"; done
is "connections counted" 92 "$(xdpmesh -j service show web | jq '[.[0].backends[].connections] | add')"
