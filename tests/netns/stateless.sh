# SPDX-License-Identifier: BSD-2-Clause
# Direct server return without tracking: the hash of a flow alone decides, replies do not come by us, nothing is remembered.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_one_armed 3
for i in 1 2 3; do
	nginx_start $i; peer_start b$i echo 9000 b$i
	in_ns b$i sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0
	ip -n b$i addr add $VIP/32 dev lo
	ip -n b$i route replace default via 10.2.0.254
done
config "$(service web 8080 tcp 'forward: dsr' 'track: none' -- 1 2 3)
$(PORT=9000 service echo-tcp 9000 tcp 'forward: dsr' -- 1 2 3)
$(PORT=9000 service echo-udp 9000 udp 'forward: dsr' -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done
resolved() { [ "$(ip -n lb neigh show | grep -c '10\.2\.0\.1[123] .*lladdr')" = 3 ]; }
until_true 10 "the backends' addresses are resolved" resolved

spread() {
	is "$1: failed" "failed 0" "$(say "$3" | tail -n 1)"
	is "$1: answered" "$2" "$(say "$3" | awk '/^b/ { n += $2 } END { print n }')"
	for i in 1 2 3; do between "$1: b$i" $(($2 / 6)) $(($2 / 2)) "$(say "$3" | awk "\$1 == \"b$i\" { print \$2 }")"; done
}
spread "connections" 300 "$(peer client many $VIP 9000 300)"
spread "datagrams" 300 "$(peer client udp $VIP 9000 300 1200)"

# one flow, one backend: the same ports give the same backend each time
first=$(peer client mix udp 30000 40 $VIP:9000; peer client many $VIP 9000 40 31000)
again=$(peer client mix udp 30000 40 $VIP:9000; peer client many $VIP 9000 40 31000)
is "backends of the same flows" "$first" "$again"

# replies go past us
head -c 5000000 /dev/urandom >"$LAB/www/blob"
before=$(ip -n lb -j -s link show eth0 | jq ".[0].stats64.rx.bytes")
in_ns client curl -sf -m 20 "http://$VIP:8080/files/blob" | cmp - "$LAB/www/blob" || fail "the download differs"
after=$(ip -n lb -j -s link show eth0 | jq '.[0].stats64.rx.bytes')
between "bytes that came by us in a download of 5000000" 1000 1500000 $((after - before))

is "flows" 0 "$(xdpmesh -j flow count | jq .used)"
[ "$(verdict forward_tx)" -gt 1500 ] || fail "packets did not go by TX: $(verdict forward_tx)"
for v in forward_stack reply_tx reply_redirect reply_stack no_hop internal; do is "verdict $v" 0 "$(verdict $v)"; done

# one goes down: its flows and new ones are served by the others, which keep theirs
xdpmesh health set echo-tcp 10.2.0.12:9000 down >/dev/null
many=$(peer client many $VIP 9000 200)
is "without b2: failed" "failed 0" "$(say "$many" | tail -n 1)"
is "without b2: b2" "" "$(say "$many" | grep '^b2')"
