# SPDX-License-Identifier: BSD-2-Clause
# A network in a box, for the demo and the end-to-end tests. Source it; the caller must run in its own mount and network
# namespace (tests/run.sh and tools/demo.sh see to it), so that nothing outlives its processes.
#
#   two-armed                                        one-armed
#
#   client --- front [lb] back --- sw(bridge)        client --- sw(router, bridge) --- eth0 [lb]
#   10.1.0.2    .1         10.2.0.1   |  |  |        10.1.0.2   .1   10.2.0.254  |      10.2.0.1
#                                    b1 b2 b3                                b1 b2 b3
#                              10.2.0.11 .12 .13                       10.2.0.11 .12 .13
#
# Backends answer through the balancer (their default route), which is what nat needs.

LAB=${LAB:?}			# a directory of this test's own
BUILD=${BUILD:?}
VIP=10.200.1.1
CLIENT=10.1.0.2
LAB_MTU=${LAB_MTU:-1500}
export XDPMESH_BPFFS=$LAB/bpf/xdpmesh XDPMESH_SOCKET=$LAB/control.sock XDPMESH_STATE=$LAB/state XDPMESH_CONFIG=$LAB/xdpmesh.yaml

# --- words for tests

exec 3>&1	# a failure is told even where output is thrown away
say() { printf '%s\n' "$*"; }
fail() {
	{
		printf 'FAIL: %s\n' "$*"
		[ ! -s "$LAB/daemon.log" ] || { say "--- the daemon's log:"; tail -n 25 "$LAB/daemon.log"; }
	} >&3
	exit 1
}
skip() { printf 'SKIP: %s\n' "$*"; exit 77; }

# is WHAT WANT GOT
is() { [ "$2" = "$3" ] || fail "$1: want '$2', got '$3'"; }

# between WHAT LOW HIGH GOT
between() { [ "$4" -ge "$2" ] && [ "$4" -le "$3" ] || fail "$1: want $2..$3, got '$4'"; }

# until_true SECONDS WHAT COMMAND...: waits for a condition, with a deadline; XM_SLOW is how much slower an emulated machine is
until_true() {
	_deadline=$(($(date +%s) + $1 * ${XM_SLOW:-1})); _what=$2; shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$_deadline" ] || fail "not within its deadline: $_what"
		sleep 0.05
	done
}

# --- namespaces

in_ns() { _ns=$1; shift; nsenter --net=/run/netns/"$_ns" "$@"; }
ns_add() { ip netns add "$1"; in_ns "$1" ip link set dev lo up; }

lab_init() {
	mount --make-rprivate /
	mkdir -p "$LAB/bpf" /run/netns
	mount -t tmpfs tmpfs /run/netns
	mount -t bpf bpf "$LAB/bpf"
	ip link set dev lo up
}

# wire NS1 DEV1 NS2 DEV2: a veth pair. Checksums are finished by the sender, as they are on a wire.
wire() {
	ip -n "$1" link add "$2" mtu "$LAB_MTU" type veth peer name "$4" mtu "$LAB_MTU" netns "$3"
	for _end in "$1 $2" "$3 $4"; do
		set -- $_end
		ip -n "$1" link set dev "$2" up
		in_ns "$1" ethtool -K "$2" tx off >/dev/null 2>&1
	done
}

# passes NS DEV: makes a veth end take frames that XDP sends to it
passes() {
	_sec=xdp; [ "$LAB_MTU" -le 3500 ] || _sec=xdp.frags
	in_ns "$1" ip link set dev "$2" xdpdrv obj "$BUILD/pass.bpf.o" sec $_sec || fail "no XDP on $1 $2"
}

forwards() { in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0; }

# backends_add N GATEWAY
backends_add() {
	for i in $(seq "$1"); do
		ns_add "b$i"
		wire "b$i" eth0 sw "p$i"
		ip -n sw link set dev "p$i" master br0
		ip -n "b$i" addr add 10.2.0.$((10 + i))/24 dev eth0
		ip -n "b$i" route add default via "$2"
	done
}

lab_two_armed() {
	for n in client lb sw; do ns_add $n; done
	forwards lb
	ip -n sw link add br0 mtu "$LAB_MTU" type bridge
	ip -n sw link set dev br0 up
	wire client eth0 lb front
	wire sw p0 lb back
	ip -n sw link set dev p0 master br0
	ip -n client addr add $CLIENT/24 dev eth0
	ip -n client route add default via 10.1.0.1
	ip -n lb addr add 10.1.0.1/24 dev front
	ip -n lb addr add 10.2.0.1/24 dev back
	backends_add "${1:-3}" 10.2.0.1
	passes client eth0
	passes sw p0
	DEVICES="front back"
}

lab_one_armed() {
	for n in client lb sw; do ns_add $n; done
	forwards lb
	forwards sw
	in_ns sw sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	in_ns lb sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	ip -n sw link add br0 mtu "$LAB_MTU" type bridge
	ip -n sw link set dev br0 up
	ip -n sw addr add 10.2.0.254/24 dev br0
	wire client eth0 sw up
	ip -n sw addr add 10.1.0.1/24 dev up
	ip -n client addr add $CLIENT/24 dev eth0
	ip -n client route add default via 10.1.0.1
	wire sw p0 lb eth0
	ip -n sw link set dev p0 master br0
	ip -n lb addr add 10.2.0.1/24 dev eth0
	ip -n lb route add default via 10.2.0.254
	ip -n sw route add $VIP/32 via 10.2.0.1
	backends_add "${1:-3}" 10.2.0.1
	passes sw p0
	DEVICES="eth0"
}

# --- servers

# nginx_start N: backend N says its name on port 8080, takes uploads and serves $LAB/www
nginx_start() {
	mkdir -p "$LAB/nginx$1" "$LAB/www"
	cat >"$LAB/nginx$1.conf" <<-CONF
		daemon on; user root; worker_processes 1; pid $LAB/nginx$1/pid; error_log $LAB/nginx$1/error.log;
		events { worker_connections 4096; }
		http {
			access_log off; client_body_temp_path $LAB/nginx$1/body; proxy_temp_path $LAB/nginx$1/p;
			fastcgi_temp_path $LAB/nginx$1/f; uwsgi_temp_path $LAB/nginx$1/u; scgi_temp_path $LAB/nginx$1/s;
			client_max_body_size 1g;
			server {
				listen 8080 backlog=4096; listen 8081 backlog=4096;
				location / { return 200 "b$1\n"; }
				location /files/ { alias $LAB/www/; dav_methods PUT; create_full_put_path on; }
			}
		}
	CONF
	in_ns "b$1" nginx -e "$LAB/nginx$1/error.log" -c "$LAB/nginx$1.conf" || fail "nginx in b$1"
}
# the master first: it would put a new worker in a killed one's place
nginx_stop() {
	_pid=$(cat "$LAB/nginx$1/pid")
	kill -9 "$_pid" $(pgrep -P "$_pid") 2>/dev/null || true
	until_true 5 "nginx $1 ends" nginx_gone "$1"
}
nginx_gone() { ! kill -0 "$(cat "$LAB/nginx$1/pid")" 2>/dev/null && ! listens "b$1" 8080; }

# peer_start NS ARGS...: tests/lab/peer.py in a namespace; its pid in $PEER
peer_start() { _ns=$1; shift; nsenter --net=/run/netns/"$_ns" /usr/bin/python3 -u "$SRC/tests/lab/peer.py" "$@" & PEER=$!; }
peer() { _ns=$1; shift; in_ns "$_ns" /usr/bin/python3 -u "$SRC/tests/lab/peer.py" "$@"; }
listens() { in_ns "$1" ss -Hlntu "sport = :$2" | grep -q .; }

# --- xdpmesh

xdpmesh() { in_ns lb "$BUILD/xdpmesh" "$@"; }
daemon_start() {
	nsenter --net=/run/netns/lb "$BUILD/xdpmeshd" >>"$LAB/daemon.log" 2>&1 &
	DAEMON=$!
	until_true 15 "the daemon answers" daemon_answers
}
daemon_answers() { kill -0 "$DAEMON" || fail "the daemon ended"; xdpmesh -j version | jq -e '.daemon.pid' >/dev/null; }
daemon_stop() { kill "${1:--TERM}" "$DAEMON"; wait "$DAEMON" 2>/dev/null || true; }

# config SERVICES: writes the file with this lab's devices
config() {
	{
		echo "devices:"
		for d in $DEVICES; do echo "  - { name: $d, mode: ${LAB_MODE:-auto} }"; done
		echo "limits: { flows: 100000, services: 64, backends: 1024 }"
		echo "services:"
		printf '%s\n' "$1"
	} >"$LAB/xdpmesh.yaml"
}

# service NAME PORT PROTOCOL [EXTRA...] -- BACKEND...: one service in YAML; BACKEND is N, N:WEIGHT
service() {
	printf '  - name: %s\n    vip: %s\n    port: %s\n    protocol: %s\n' "$1" "$VIP" "$2" "$3"; shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do printf '    %s\n' "$1"; shift; done
	shift
	printf '    backends:\n'
	for b in "$@"; do
		_w=100; case $b in *:*) _w=${b#*:}; b=${b%%:*} ;; esac
		printf '      - { address: 10.2.0.%d, port: %s, weight: %s }\n' $((10 + b)) "${PORT:-8080}" "$_w"
	done
}

# field SERVICE BACKEND-N KEY: a figure of a backend
field() { xdpmesh -j service show "$1" | jq -r ".[0].backends[] | select(.address == \"10.2.0.$((10 + $2))\") | .$3 // 0"; }
verdict() { xdpmesh -j stats show | jq -r ".verdicts.$1.packets // 0"; }
state_is() { [ "$(field "$1" "$2" state)" = "$3" ]; }
names() { in_ns client curl -s -m 5 --no-keepalive -H 'Connection: close' "http://$VIP:${2:-80}/?[1-$1]"; }

# --- daemons that end and begin again

# daemon_spawn [PROGRAM]: starts it and does not wait
daemon_spawn() {
	nsenter --net=/run/netns/lb "${1:-$BUILD/xdpmeshd}" >>"$LAB/daemon.log" 2>&1 &
	DAEMON=$!
}
daemon_kill() { kill -9 "$DAEMON" 2>/dev/null || true; wait "$DAEMON" 2>/dev/null || true; }
daemon_runs() { kill -0 "$DAEMON" 2>/dev/null; }
daemon_ended() { ! kill -0 "$DAEMON" 2>/dev/null; }
log_has() { grep -qF -- "$1" "$LAB/daemon.log"; }

# shape [SERVICE]: what is served, without what traffic counts
shape() {
	xdpmesh -j service show ${1:+"$1"} | jq -S 'map(.backends |= map(del(.packets, .bytes, .reply_packets, .reply_bytes,
		.connections, .in_flight)))'
}
# total SERVICE KEY: a figure summed over the service's backends
total() { xdpmesh -j service show "$1" | jq "[.[0].backends[].$2 // 0] | add"; }
total_above() { [ "$(total "$1" "$2")" -gt "$3" ]; }
generation() { xdpmesh -j version | jq .data_plane.generation; }

# what is pinned, a line each; and the programs that the devices' links hold
pins() { /usr/bin/python3 "$SRC/tests/lab/peer.py" pins "$XDPMESH_BPFFS"; }
id_of() { pins | awk -v name="$1" '$1 == name { print $3 }'; }
attached() { pins | awk '$2 == "link" { print $5 }' | sort -u; }
plane() { /usr/bin/python3 "$SRC/tests/lab/peer.py" plane "$XDPMESH_BPFFS"; }
