# SPDX-License-Identifier: BSD-2-Clause
# ICMP: the VIP answers echo requests, errors of backends reach clients as the VIP's, errors of clients' routers reach backends.
#
#   far --- client(a router, MTU 1300 towards far) --- front [lb] back --- sw --- b1 b2 b3
#   10.3.0.2                              10.1.0.2
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do nginx_start $i; done
config "$(service web 80 tcp -- 1 2 3)
$(PORT=9999 service nobody 54 udp -- 1 2 3)"
daemon_start

ping=$(in_ns client ping -c 20 -W 2 -i 0.01 $VIP | grep received)
say "$ping" | grep -q "20 received" || fail "echo requests to the VIP: $ping"
ping=$(in_ns client ping -c 3 -W 2 -i 0.01 -s 1400 $VIP | grep received)
say "$ping" | grep -q "3 received" || fail "long echo requests to the VIP: $ping"
is "echoes" 23 "$(verdict echo)"

# nobody listens (backends limit their errors to a client, but not here): a connected socket learns it, which it does only if
# the error quotes what it sent
for b in b1 b2 b3; do in_ns $b sysctl -qw net.ipv4.icmp_ratelimit=0; done
refused=$(in_ns client /usr/bin/python3 - $VIP <<-'PY'
	import socket, sys
	refused = 0
	for i in range(30):
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.settimeout(3)
	    s.connect((sys.argv[1], 54))
	    s.send(b"anybody?")
	    try:
	        s.recv(10)
	    except ConnectionRefusedError:
	        refused += 1
	    except OSError as e:
	        print(e)
	print(refused)
	PY
)
is "datagrams refused" 30 "$refused"

# a hop that takes less than the backend sends, behind a router that says so
ns_add far
wire client low far eth0
ip -n client link set dev low mtu 1300
forwards client
ip -n client addr add 10.3.0.1/24 dev low
ip -n far addr add 10.3.0.2/24 dev eth0
ip -n far route add default via 10.3.0.1
ip -n lb route add 10.3.0.0/24 via 10.1.0.2
head -c 3000000 /dev/urandom >"$LAB/www/blob"
mtu_known() { for b in b1 b2 b3; do ip -n $b route get 10.3.0.2 | grep -q "mtu 1300" && return 0; done; return 1; }
if mtu_known; then fail "the MTU was known before anything was sent"; fi
in_ns far curl -sf -m 20 "http://$VIP/files/blob" >"$LAB/got" || fail "the download over the small hop"
cmp "$LAB/got" "$LAB/www/blob" || fail "the download over the small hop differs"
mtu_known || fail "no backend learnt the path's MTU"
is "errors of no flow" 0 "$(verdict icmp_unknown)"
is "internal" 0 "$(verdict internal)"
