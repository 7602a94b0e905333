# SPDX-License-Identifier: BSD-2-Clause
# What a change moves: a service to another port, also when the apply is killed halfway; a last resort that is
# deleted; dsr to nat and back; devices of an apply that fails; what the operator said of backends, over a rollback.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
in_ns lb sysctl -qw net.ipv4.icmp_ratelimit=0 # a service that is not there is said to be unreachable at once, each time
DSR=10.200.1.2
for i in 1 2 3; do
	peer_start b$i echo 9000 b$i; peer_start b$i echo 9001 b$i
	ip -n b$i addr add $DSR/32 dev lo
done
for i in 1 2 3; do for p in 9000 9001; do until_true 10 "b$i listens" listens b$i $p; done; done
small() { sed -i 's/services: 64, backends: 1024/services: 128, backends: 256/' "$LAB/xdpmesh.yaml"; } # few entries to look through
PORT=9000
config "$(service web 80 tcp -- 1:100 2:65535 3:1)
$(PORT=9001 VIP=$DSR service direct 9001 tcp 'forward: dsr' -- 1 2)"
small
ready() { daemon_ended || log_has ready:; }
start() {
	: >"$LAB/daemon.log"
	daemon_spawn
	until_true 15 "the daemon is ready $1" ready
	daemon_runs || fail "the daemon ended $1"
}
start "at first"

# serves WHAT ADDRESS PORT [N]: all of N connections are answered
serves() { is "$1: connections that failed" "failed 0" "$(peer client many "$2" "$3" "${4:-6}" | tail -n 1)"; }
places() { xdpmesh -j service show | jq -c --arg name "$1" '[.[] | select(.name == $name) | .port]'; }
# no_service PORT: none of 3 connections is answered, and packets meet no service
no_service() {
	_seen=$(verdict no_service)
	is "connections to port $1, which no service has" "failed 3" "$(peer client many $VIP "$1" 3)"
	[ "$(verdict no_service)" -ge $((_seen + 3)) ] || fail "packets to port $1 do not meet no_service"
}

# --- another port under the same name
serves "web" $VIP 80
xdpmesh service set web port 81 >/dev/null || fail "service set port"
is "places of web after its move" "[81]" "$(places web)"
is "backends of web after its move" 3 "$(xdpmesh -j service show web | jq '.[0].backends | length')"
serves "web after its move" $VIP 81
no_service 80
xdpmesh service set web port 80 >/dev/null || fail "service set port back"
is "places of web, moved back" "[80]" "$(places web)"
serves "web, moved back" $VIP 80
no_service 81

# --- the last resort goes: another takes its place, and connections whose slots are all another's find it
resorts() {
	for i in $(xdpmesh -j service show web | jq -r '.[0].backends[].address[-1:]'); do
		xdpmesh -j why backend web 10.2.0.1$i:9000 | jq -r "select(.last_resort) | \"b$i \" + .state"
	done
}
resort=$(resorts)
say "$resort" | grep -qx 'b[123] up' || fail "the last resort of web: '$resort'"
is "the last resort of web" "b1 up" "$resort" # the first of its backends
xdpmesh backend delete web 10.2.0.11:9000 >/dev/null || fail "backend delete"
resort=$(resorts)
say "$resort" | grep -qx 'b[23] up' || fail "the last resort of web after the delete: '$resort'"
xdpmesh health set web 10.2.0.12:9000 down >/dev/null
between "slots of b3" 1 2 "$(field web 3 slots)"
is "the last resort with b2 down" "b3 up" "$(resorts)"
is "who answers with b2 down" "b3 40 failed 0" "$(peer client many $VIP 80 40 | tr '\n' ' ' | sed 's/ $//')"
xdpmesh health set web 10.2.0.12:9000 auto >/dev/null
xdpmesh backend add web 10.2.0.11:9000 weight 100 >/dev/null
for i in 2 3; do xdpmesh backend set web 10.2.0.1$i:9000 weight 100 >/dev/null; done

# --- dsr to nat and back while it is used: by nat, replies come by us and are translated
replies() { xdpmesh -j stats show | jq '[.verdicts | .reply_tx, .reply_redirect, .reply_stack | .packets // 0] | add'; }
forward_is() {
	_seen=$(replies)
	serves "direct by $1, $2" $DSR 9001 10
	_seen=$(($(replies) - _seen))
	case $1 in
	dsr) is "replies that came by us, $2" 0 $_seen ;;
	nat) [ $_seen -ge 20 ] || fail "replies that came by us, $2: $_seen" ;;
	esac
}
endpoints() { plane | sed 's/.* endpoints \([0-9]*\) .*/\1/'; }
forward_is dsr "at first"
is "endpoints while direct is dsr" 3 "$(endpoints)"
xdpmesh service set direct forward nat track all >/dev/null || fail "service set forward nat"
forward_is nat "set"
is "endpoints when direct is nat" 5 "$(endpoints)"
xdpmesh service set direct forward dsr track none >/dev/null || fail "service set forward dsr"
forward_is dsr "set back"
xdpmesh service set direct forward nat track all >/dev/null || fail "service set forward nat again"
forward_is nat "set again"
daemon_kill
start "again"
forward_is nat "after a restart"

# --- a rollback leaves what the operator said of backends
xdpmesh backend drain web 10.2.0.11:9000 >/dev/null
xdpmesh health set web 10.2.0.13:9000 down >/dev/null
xdpmesh backend set web 10.2.0.12:9000 weight 7 >/dev/null
xdpmesh config rollback >/dev/null || fail "config rollback"
is "the weight of b2, rolled back" 100 "$(field web 2 weight)"
for how in "the rollback" "the rollback and a restart"; do
	is "states after $how" "drain up down" "$(field web 1 state) $(field web 2 state) $(field web 3 state)"
	is "who answers after $how" "b2 20 failed 0" "$(peer client many $VIP 80 20 | tr '\n' ' ' | sed 's/ $//')"
	daemon_kill
	start "after $how"
done

# --- a move that is killed before a store, of each kind that matters: from the new service on to the end
daemon_kill
rm -rf "$XDPMESH_BPFFS" "$LAB/state"
at() { config "$(service web "$1" tcp -- 1 2)"; small; }
at 100
start "at first"
daemon_kill
stores=
for n in 5 7 8 9 10 12 16; do
	to=$((100 + n))
	at $to
	: >"$LAB/daemon.log"
	XDPMESH_CRASH_AT=$n daemon_spawn
	until_true 15 "the daemon with a crash at store $n ends or is ready" ready
	log_has "crash asked for before store" || fail "the daemon did not end at store $n as asked"
	stores="$stores $(sed -n 's/.*before store //p' "$LAB/daemon.log")"
	start "after store $n"
	is "places of web after a crash at store $n" "[$to]" "$(places web)"
	is "live records after a crash at store $n" "journal 0 services 1 backends 2 addresses 1 ports 1" \
		"$(plane | cut -d ' ' -f 1-10)"
	serves "web after a crash at store $n" $VIP $to 3
	daemon_kill
done
daemon_kill
say "killed before:$stores"
for store in service.live key.add journal.retire key.hide service.retire backend.retire journal.end; do
	case " $stores " in *" $store "*) ;; *) fail "no daemon was killed before $store" ;; esac
done

# --- a last resort that goes, killed right after: packets have another before a daemon is there again
for n in 8 7; do # before meta.generation, and before service.last_resort
	at 90
	start "before a delete"
	resort=$(resorts)
	case $resort in "b1 up") stays=2 ;; "b2 up") stays=1 ;; *) fail "the last resort of two: '$resort'" ;; esac
	daemon_kill
	config "$(service web 90 tcp -- $stays)"
	small
	: >"$LAB/daemon.log"
	XDPMESH_CRASH_AT=$n daemon_spawn
	until_true 15 "the daemon with a crash at store $n of a delete ends or is ready" ready
	log_has "crash asked for before store" || fail "the daemon did not end at store $n of a delete as asked"
	[ $n = 7 ] || is "the last resort after a delete, with the daemon dead" "b$stays up" "$(resorts)"
	start "after a delete"
	is "the last resort after a delete that was killed at store $n" "b$stays up" "$(resorts)"
	daemon_kill
done

# --- an apply that fails: no device is attached that was not, none detached that was
rm -rf "$XDPMESH_BPFFS" "$LAB/state"
in_ns lb ip link add third type veth peer name fourth
for d in third fourth; do in_ns lb ip link set dev $d up; done
limits() { sed -i 's/^limits:.*/limits: { flows: 128, services: 8, backends: 8 }/' "$LAB/xdpmesh.yaml"; } # seven ids, six at most
config "$(service web 80 tcp -- 1 2)"
limits
start "with few ids"
devices() { xdpmesh -j net show | jq -cS .; }
has_program() { in_ns lb ip -d link show dev "$1" | grep -q prog/xdp; }
before=$(devices) file=$(cat "$LAB/xdpmesh.yaml") was=$(generation)
is "devices at first" '["back","front"]' "$(xdpmesh -j net show | jq -c 'map(.device) | sort')"
# fails WHAT WORDS: an apply of the file that fails and says so
fails() {
	_rc=0
	limits
	xdpmesh config apply >"$LAB/out" 2>&1 || _rc=$?
	is "exit status of an apply with $1" 1 $_rc
	grep -qF -- "$2" "$LAB/out" || fail "an apply with $1 does not say \"$2\": $(cat "$LAB/out")"
	is "devices after an apply with $1" "$before" "$(devices)"
	has_program third && fail "third has a program after an apply with $1"
	for d in front back; do has_program $d || fail "$d has no program after an apply with $1"; done
	is "the generation after an apply with $1" "$was" "$(generation)"
	serves "web after an apply with $1" $VIP 80
}
DEVICES="third front"
config "$(PORT=9001 service web 80 tcp -- 1 2 3 4 5 6 7)"
fails "too many backends" "three quarters of limits.backends"
config "$(PORT=9001 service web 80 tcp -- 1 2 3 4 5 6)"
fails "more backends than ids are free" "in use or in quarantine"
DEVICES="third front nodev9"
config "$(service web 80 tcp -- 1 2)"
fails "a device that is not there" nodev9
# the same device, by an apply that succeeds: so it could have been attached
DEVICES="third front back"
config "$(service web 80 tcp -- 1 2)"
limits
xdpmesh config apply >/dev/null || fail "config apply with third"
has_program third || fail "third has no program"
