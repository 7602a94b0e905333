# SPDX-License-Identifier: BSD-2-Clause
# One client port to several services on the same backends: a backend cannot tell such connections apart by port, so they must
# go to different ones, and each answer must come from the service that was asked.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
config "$(PORT=9000 service one 81 tcp -- 1 2 3)
$(PORT=9000 service two 82 tcp -- 1 2 3)
$(PORT=9000 service udp-one 81 udp -- 1 2 3)
$(PORT=9000 service udp-two 82 udp -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done

# whole WHAT N OUTPUT: N answered, none failed, by more than one backend
whole() {
	is "$1: failed" "failed 0" "$(say "$3" | tail -n 1)"
	is "$1: answered" "$2" "$(say "$3" | awk '/^b/ { n += $2 } END { print n }')"
	is "$1: backends" 3 "$(say "$3" | grep -c '^b')"
}

# one service after the other: the first one's connections are closed, not forgotten
whole "one" 300 "$(peer client many $VIP 81 300 20000)"
whole "two, the same ports" 300 "$(peer client many $VIP 82 300 20000)"
whole "one again" 300 "$(peer client many $VIP 81 300 20000)"
for s in one two; do
	is "connections of $s" "$([ $s = one ] && echo 600 || echo 300)" \
		"$(xdpmesh -j service show $s | jq '[.[0].backends[].connections] | add')"
done

# both at once from each port: the connections to one port stand while the other's are made
mix=$(peer client mix tcp 30000 200 $VIP:81 $VIP:82)
say "$mix"
is "both at once: one" "$VIP:81 200" "$(say "$mix" | grep :81)"
is "both at once: two" "$VIP:82 200" "$(say "$mix" | grep :82)"
is "both at once: failed" "failed 0" "$(say "$mix" | tail -n 1)"
is "both at once: pairs at one backend" "same 0" "$(say "$mix" | grep same)"
mix=$(peer client mix udp 30000 200 $VIP:81 $VIP:82)
say "$mix"
is "datagrams: failed" "failed 0" "$(say "$mix" | tail -n 1)"
is "datagrams: pairs at one backend" "same 0" "$(say "$mix" | grep same)"
is "collisions" 0 "$(verdict nat_collision)"
