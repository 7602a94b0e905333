# SPDX-License-Identifier: BSD-2-Clause
# Connections to backends that are no service's: the balancer's own, and a client's past the VIP. They are left alone, whatever
# ports they have in common with connections to the VIP.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; peer_start b$i echo 9000 b$i; done
config "$(service web 80 tcp -- 1 2 3)
$(PORT=9000 service echo-tcp 53 tcp -- 1 2 3)
$(PORT=9000 service echo-udp 53 udp -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done

# all_of WHAT NAME N OUTPUT: N answers, all of NAME, none failed
all_of() { is "$1" "$(printf '%s %s\nfailed 0' "$2" "$3")" "$4"; }
# none_failed WHAT N OUTPUT: N answers, of anyone
none_failed() {
	is "$1: failed" "failed 0" "$(say "$3" | tail -n 1)"
	is "$1: answered" "$2" "$(say "$3" | awk '/^b/ { n += $2 } END { print n }')"
}

# the balancer's own
for i in 1 2 3; do
	is "the balancer asks b$i" "b$i" "$(in_ns lb curl -s -m 5 "http://10.2.0.1$i:8080/")"
	all_of "the balancer's connections to b$i" b$i 50 "$(peer lb many 10.2.0.1$i 9000 50)"
	all_of "the balancer's datagrams to b$i" b$i 20 "$(peer lb udp 10.2.0.1$i 9000 20)"
done

# a client's, beside connections to the VIP; from ports of its own, for one port that is open to both at once is one
# connection at the backend, which no balancer that keeps ports can tell apart (README, limits)
peer client many $VIP 53 1000 20000 >"$LAB/vip" &
vip=$!
for i in 1 2 3; do peer client many 10.2.0.1$i 9000 1000 >"$LAB/b$i" & eval "direct$i=$!"; done
wait $vip $direct1 $direct2 $direct3
none_failed "connections to the VIP" 1000 "$(cat "$LAB/vip")"
for i in 1 2 3; do all_of "a client's connections to b$i" b$i 1000 "$(cat "$LAB/b$i")"; done

# from the same ports: a direct connection, closed, then one to the VIP
all_of "direct, ports given" b1 100 "$(peer client many 10.2.0.11 9000 100 22000)"
none_failed "the VIP from the same ports" 100 "$(peer client many $VIP 53 100 22000)"
all_of "direct again" b1 100 "$(peer client many 10.2.0.11 9000 100 22000)"

# from the same ports, while the direct connection stands: the service takes another backend
for target in "10.2.0.11:9000" "10.2.0.12:9000" "10.2.0.11:9000 10.2.0.13:9000"; do
	mix=$(peer client mix tcp 24000 60 $target $VIP:53)
	say "$mix"
	is "beside $target: failed" "failed 0" "$(say "$mix" | tail -n 1)"
	is "beside $target: at one backend" "same 0" "$(say "$mix" | grep same)"
	is "beside $target: the VIP" "$VIP:53 60" "$(say "$mix" | grep "^$VIP")"
done
mix=$(peer client mix udp 24000 60 10.2.0.12:9000 $VIP:53)
say "$mix"
is "datagrams beside direct ones: failed" "failed 0" "$(say "$mix" | tail -n 1)"
is "datagrams beside direct ones: at one backend" "same 0" "$(say "$mix" | grep same)"

# direct connections from one port to every backend, all closed: the port is free for the VIP
for i in 1 2 3; do all_of "direct to b$i" b$i 20 "$(peer client many 10.2.0.1$i 9000 20 26000)"; done
none_failed "the VIP from ports that were everywhere" 20 "$(peer client many $VIP 53 20 26000)"
[ "$(verdict direct)" -gt 3000 ] || fail "direct connections were not seen: $(verdict direct)"
