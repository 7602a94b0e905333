# SPDX-License-Identifier: BSD-2-Clause
# MAC addresses that change: a backend's, told or found out, a backend's that comes later than its configuration, our own.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; done
peer_start b1 echo 9000 b1
config "$(service web 80 tcp -- 1 2 3)
$(service one 81 tcp -- 1)
$(service two 82 tcp -- 2)
$(service late 84 tcp -- 4)
$(PORT=9000 service echo 90 tcp -- 1)"
# as the kernel does by itself, but in seconds instead of a minute
in_ns lb sysctl -qw net.ipv4.neigh.back.base_reachable_time_ms=1000 net.ipv4.neigh.back.delay_first_probe_time=1 \
	net.ipv4.neigh.back.interval_probe_time_ms=1000 net.ipv4.neigh.back.retrans_time_ms=200
daemon_start

asks() { [ "$(in_ns client curl -s -m 1 "http://$VIP:$1/")" = "$2" ]; }
mac_known() { ip -n lb neigh show "$1" | grep -qi "lladdr $2"; }
all_answer() { [ "$(names 40 | grep -c '^b[123]$')" = 40 ]; }
stack() { echo $(($(verdict forward_stack) + $(verdict reply_stack))); }
asks 81 b1 || fail "b1 does not answer"
asks 82 b2 || fail "b2 does not answer"

# without a word to anybody: the neighbour that the kernel manages for us finds out
ip -n b1 link set dev eth0 address 02:00:00:00:b1:01
until_true 40 "b1's new address is known" mac_known 10.2.0.11 02:00:00:00:b1:01
until_true 5 "b1 answers at its new address" asks 81 b1

# with gratuitous ARP
in_ns b2 sysctl -qw net.ipv4.conf.eth0.arp_notify=1
ip -n b2 link set dev eth0 address 02:00:00:00:b2:02
until_true 5 "b2's new address is known" mac_known 10.2.0.12 02:00:00:00:b2:02
until_true 5 "b2 answers at its new address" asks 82 b2
until_true 5 "all backends answer" all_answer

# a backend that is not there yet, then is: resolved before anybody asks for it
if asks 84 b4; then fail "b4 answers before it exists"; fi
ns_add b4
wire b4 eth0 sw p4
ip -n sw link set dev p4 master br0
ip -n b4 addr add 10.2.0.14/24 dev eth0
ip -n b4 route add default via 10.2.0.1
nginx_start 4
until_true 20 "b4 is resolved without traffic" mac_known 10.2.0.14 "$(ip -n b4 -j link show eth0 | jq -r '.[0].address')"
until_true 5 "b4 answers" asks 84 b4
before=$(stack)
for _ in 1 2 3 4 5; do asks 84 b4 || fail "b4 does not answer each time"; done
is "packets through the stack once it is resolved" "$before" "$(stack)"

# what the kernel manages for us is asked for again when it was flushed
in_ns lb ip neigh flush dev back
managed() { [ "$(ip -n lb neigh show dev back | grep -c '^10\.2\.0\.1[1-4] .*lladdr.* managed')" = 4 ]; }
until_true 20 "all are managed and resolved again" managed
ip -n b1 link set dev eth0 address 02:00:00:00:b1:03
until_true 40 "b1's third address is known" mac_known 10.2.0.11 02:00:00:00:b1:03
until_true 5 "b1 answers at its third address" asks 81 b1

# our own, on both sides, announced: what we send says the new one, and backends are resolved anew
in_ns lb sysctl -qw net.ipv4.conf.front.arp_notify=1 net.ipv4.conf.back.arp_notify=1
peer client mac eth0 $VIP 80 >"$LAB/mac" &
says_mac() { all_answer; grep -q "^02:00:00:00:0f:01" "$LAB/mac"; }
ip -n lb link set dev front address 02:00:00:00:0f:01
ip -n lb link set dev back address 02:00:00:00:0b:01
until_true 20 "all are managed and resolved after the balancer's change" managed
until_true 20 "all backends answer after the balancer's change" all_answer
until_true 10 "replies carry the device's new address" says_mac
before=$(stack)
all_answer || fail "not all answer"
is "packets through the stack after the change" "$before" "$(stack)"
is "internal" 0 "$(verdict internal)"

# the client's, announced, while its connection stands: what the flow remembers of its way back is asked for anew
in_ns client sysctl -qw net.ipv4.conf.eth0.arp_notify=1
in_ns client bash -c "exec 5<>/dev/tcp/$VIP/90; echo one >&5; read -r -t 5 answer <&5; touch $LAB/one
	until [ -e $LAB/two ]; do sleep 0.05; done; echo two >&5; read -r -t 20 answer <&5 && echo \$answer >$LAB/answer" &
until_true 5 "the connection stands" test -e "$LAB/one"
ip -n client link set dev eth0 address 02:00:00:00:c1:02
until_true 20 "the client's new address is known" mac_known 10.1.0.2 02:00:00:00:c1:02
touch "$LAB/two"
until_true 20 "the answer reaches the client at its new address" grep -q "b1 two" "$LAB/answer"
