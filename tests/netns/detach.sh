# SPDX-License-Identifier: BSD-2-Clause
# The program is taken off one device and put on again while another goes on; a device that is deleted and made anew gets it back
# by itself when it appears.
#
#   client  10.1.0.2 --- front  [lb] back --- sw --- b1 b2 b3
#   client2 10.4.0.2 --- front2
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
second_arm() {
	wire client2 eth0 lb front2
	ip -n client2 addr add 10.4.0.2/24 dev eth0
	ip -n client2 route add default via 10.4.0.1
	ip -n lb addr add 10.4.0.1/24 dev front2
	passes client2 eth0
}
ns_add client2
second_arm
DEVICES="front back front2"
for i in 1 2 3; do nginx_start $i; done
config "$(service web 80 tcp -- 1 2 3)"
daemon_start

attached() { xdpmesh -j net show | jq -r '[.[] | select(.alive) | .device] | join(" ")'; }
# the kernel's own word, not the command's
has_xdp() { ip -n lb -j link show "$1" | jq -e '.[0].xdp.prog.id' >/dev/null; }
has_none() { ! has_xdp "$1"; }
served() { [ "$(in_ns "$1" curl -s -m 2 "http://$VIP/" | grep -c '^b')" = 1 ]; }
five() { for _ in 1 2 3 4 5; do served "$1" || fail "$1 is not served $2"; done; }

by_xdp() { _n=$(verdict forward_stack); served client && [ "$(verdict forward_stack)" = "$_n" ]; }

is "attached" "back front front2" "$(attached)"
five client "at first"
five client2 "at first"

xdpmesh net detach front2 >/dev/null || fail "net detach"
is "attached after detach" "back front" "$(attached)"
has_none front2 || fail "front2 still has a program"
if served client2; then fail "client2 is served by a device without the program"; fi
five client "while front2 is off"
if xdpmesh net detach front2 >"$LAB/out" 2>&1; then fail "detaching twice was not refused"; fi
grep -q front2 "$LAB/out" || fail "the refusal does not name the device: $(cat "$LAB/out")"

xdpmesh net attach front2 >/dev/null || fail "net attach"
is "attached again" "back front front2" "$(attached)"
five client2 "after attach"
five client "after attach"
if xdpmesh net attach nosuch >"$LAB/out" 2>&1; then fail "a device that does not exist was attached"; fi
grep -q nosuch "$LAB/out" || fail "the refusal does not name the device: $(cat "$LAB/out")"
five client2 "after a refused attach"

# a detached device stays off over a restart of the daemon, an attached one stays on
xdpmesh net detach front2 >/dev/null
daemon_stop
has_xdp front || fail "front lost its program with the daemon"
daemon_start
is "attached after a restart" "back front" "$(attached)"
xdpmesh net attach front2 >/dev/null || fail "net attach after a restart"
five client2 "after restart and attach"

# the device goes: commands go on working, the others serve
ip -n lb link del front2
gone() { [ "$(attached)" = "back front" ]; }
until_true 5 "the device is seen to be gone" gone
five client "without front2"
daemon_answers || fail "the daemon does not answer"
xdpmesh backend drain web 10.2.0.11:8080 >/dev/null || fail "backend drain without front2"
xdpmesh health set web 10.2.0.11:8080 auto >/dev/null || fail "health set without front2"
xdpmesh backend set web 10.2.0.11:8080 weight 50 >"$LAB/out" 2>&1 || fail "backend set without front2: $(cat "$LAB/out")"

# and comes again
second_arm
until_true 10 "front2 has the program again" has_xdp front2
five client2 "after the device came again"
five client "after the device came again"
xdpmesh net attach front2 >/dev/null || fail "net attach of what is attached"
is "attached at last" "back front front2" "$(attached)"

# the backends' device too
ip -n lb link del back
if served client; then fail "served without a device towards the backends"; fi
wire sw p0 lb back
ip -n sw link set dev p0 master br0
ip -n lb addr add 10.2.0.1/24 dev back
passes sw p0
until_true 10 "back has the program again" has_xdp back
until_true 10 "backends are reached again" served client
five client "after back came again"
until_true 10 "packets go by XDP again" by_xdp
is "internal" 0 "$(verdict internal)"
kill -0 "$DAEMON" || fail "the daemon ended"
