# SPDX-License-Identifier: BSD-2-Clause
# XDP in the stack: asked for, or taken by mode auto because the device has no native XDP. The same traffic works.
LAB_MODE=generic
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; peer_start b$i echo 9000 b$i; done
config "$(service web 80 tcp -- 1 2 3)
$(PORT=9000 service echo-udp 53 udp -- 1 2 3)"
daemon_start
for i in 1 2 3; do until_true 5 "b$i listens" listens b$i 9000; done

mode_of() { xdpmesh -j net show | jq -r ".[] | select(.device == \"$1\") | .mode"; }

# traffic WHERE: connections, datagrams, a download and an upload, none of which fails
traffic() {
	answers=$(names 60 | sort | uniq -c)
	is "$1: answers" 60 "$(say "$answers" | awk '{ n += $1 } END { print n }')"
	is "$1: backends that answered" 3 "$(say "$answers" | wc -l)"
	udp=$(peer client udp $VIP 53 60 1200)
	is "$1: datagrams that failed" "failed 0" "$(say "$udp" | tail -n 1)"
	in_ns client curl -sf -m 20 "http://$VIP/files/blob" | cmp - "$LAB/www/blob" || fail "$1: the download differs"
	in_ns client curl -sf -m 20 -T "$LAB/www/blob" "http://$VIP/files/up" || fail "$1: the upload failed"
	cmp "$LAB/www/blob" "$LAB/www/up" || fail "$1: the upload differs"
}
head -c 3000000 /dev/urandom >"$LAB/www/blob"

is "mode of front" generic "$(mode_of front)"
is "mode of back" generic "$(mode_of back)"
traffic "generic"
is "connections counted" 62 "$(xdpmesh -j service show web | jq '[.[0].backends[].connections] | add')"

# a bridge has no native XDP: auto falls back, native is refused and says so
xdpmesh net detach front >/dev/null
ip -n lb addr del 10.1.0.1/24 dev front
ip -n lb link add brf type bridge
ip -n lb link set dev front master brf
ip -n lb link set dev brf up
ip -n lb addr add 10.1.0.1/24 dev brf
if refused=$(xdpmesh net attach brf mode native 2>&1); then fail "native XDP on a bridge was not refused"; fi
say "$refused" | grep -q brf || fail "the refusal does not name the device: $refused"
xdpmesh net attach brf mode auto >/dev/null || fail "mode auto on a bridge"
is "mode of brf" generic "$(mode_of brf)"
in_ns client ip neigh flush all
traffic "bridge, all generic"

# clients by a generic device, backends by a native one
xdpmesh net detach back >/dev/null
xdpmesh net attach back mode native >/dev/null || fail "native on back"
is "mode of back" native "$(mode_of back)"
traffic "generic and native"
