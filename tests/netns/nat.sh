# SPDX-License-Identifier: BSD-2-Clause
# TCP and UDP through a two-armed balancer to three backends, in both directions, by XDP and not by the stack.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; peer_start b$i echo 9000 b$i; done
config "$(service web 80 tcp -- 1 2 3)
$(PORT=9000 service echo-udp 53 udp -- 1 2 3)
$(PORT=9000 service echo-tcp 53 tcp 'balance: round-robin' -- 1:100 2:200 3:300)"
daemon_start


answers=$(names 300 | sort | uniq -c)
say "$answers"
is "answers" 300 "$(say "$answers" | awk '{ n += $1 } END { print n }')"
is "backends that answered" 3 "$(say "$answers" | wc -l)"

# an upload and a download, whole
head -c 20000000 /dev/urandom >"$LAB/www/blob"
in_ns client curl -sf -m 20 "http://$VIP/files/blob" | cmp - "$LAB/www/blob" || fail "the download differs"
in_ns client curl -sf -m 20 -T "$LAB/www/blob" "http://$VIP/files/up" || fail "the upload failed"
cmp "$LAB/www/blob" "$LAB/www/up" || fail "the upload differs"

udp=$(peer client udp $VIP 53 200 1200)
is "datagrams that failed" "failed 0" "$(say "$udp" | tail -n 1)"
is "backends that answered datagrams" 3 "$(say "$udp" | grep -c '^b')"

# weights, round robin: exact to a connection a CPU
rr=$(peer client many $VIP 53 600)
say "$rr"
for i in 1 2 3; do
	between "connections of b$i" $((i * 100 - $(nproc))) $((i * 100 + $(nproc))) "$(say "$rr" | awk "\$1 == \"b$i\" { print \$2 }")"
done

is "packets through the stack" 0 $(($(verdict forward_stack) + $(verdict reply_stack)))
[ "$(verdict forward_redirect)" -gt 3000 ] || fail "packets did not go by redirect: $(verdict forward_redirect)"
[ "$(verdict reply_redirect)" -gt 3000 ] || fail "replies did not go by redirect: $(verdict reply_redirect)"
is "connections counted" 302 "$(xdpmesh -j service show web | jq '[.[0].backends[].connections] | add')"
in_ns client ping -c 2 -W 2 -i 0.2 $VIP >/dev/null || fail "no echo from the VIP"
