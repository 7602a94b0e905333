# SPDX-License-Identifier: BSD-2-Clause
# What a daemon cannot do it refuses in one line that says what to do, and leaves everything as it was. With three capabilities and
# directories of its own it needs no root.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 2
for i in 1 2; do peer_start b$i echo 9000 b$i; done
for i in 1 2; do until_true 10 "b$i listens" listens b$i 9000; done
PORT=9000
config "$(service web 80 tcp -- 1 2)"

# refused WHAT WORDS... -- COMMAND...: exit status 1, one line of error, the last, with these words
refused() {
	_about=$1; shift; _words=; _rc=0
	while [ "$1" != -- ]; do _words="$_words$1
"; shift; done
	shift
	nsenter --net=/run/netns/lb timeout 20 "$@" >"$LAB/out" 2>&1 || _rc=$?
	is "exit status of $_about" 1 $_rc
	tail -n 1 "$LAB/out" >"$LAB/last"
	[ "$(grep error: "$LAB/out")" = "$(cat "$LAB/last")" ] || fail "$_about: not one error at the end: $(cat "$LAB/out")"
	say "$_words" | while read -r _word; do
		[ -z "$_word" ] || grep -qiF -- "$_word" "$LAB/last" || fail "$_about does not say \"$_word\": $(cat "$LAB/out")"
	done
}

# no bpffs
mkdir "$LAB/plain"
refused "no bpffs" "$LAB/plain/x" bpffs "mount -t bpf" -- "$BUILD/xdpmeshd" --bpffs "$LAB/plain/x"
refused "no directory for it" "$LAB/none/x" bpffs "mount -t bpf" -- "$BUILD/xdpmeshd" --bpffs "$LAB/none/x"

# a device that is not there: waited for and said, the other one is attached; by command it is refused
sed 's/name: back,/name: nodev9,/' "$LAB/xdpmesh.yaml" >"$LAB/nodev.yaml"
in_ns lb "$BUILD/xdpmeshd" --config "$LAB/nodev.yaml" --bpffs "$LAB/bpf/waits" --socket "$LAB/waits.sock" --state "$LAB/waits" \
	>"$LAB/waits.log" 2>&1 &
waits=$!
until_true 15 "the daemon that waits for a device is ready" grep -q "ready:" "$LAB/waits.log"
grep -q "nodev9.*does not exist.*attached when it appears" "$LAB/waits.log" || fail "it does not say what it waits for: $(cat "$LAB/waits.log")"
in_ns lb ip -d link show dev front | grep -q prog/xdp || fail "the device that is there was not attached"
xdpmesh --socket "$LAB/waits.sock" net attach nodev9x >"$LAB/out" 2>&1 && fail "a device that is not there was attached"
grep -q 'device: "nodev9x" does not exist' "$LAB/out" || fail "it does not say why: $(cat "$LAB/out")"
kill $waits
wait $waits || true
rm -r "$LAB/bpf/waits"
front_is_free() { ! in_ns lb ip -d link show dev front | grep -q prog/xdp; }
until_true 5 "front is free again" front_is_free

# no file, a bad file
refused "no file" "$LAB/none.yaml" "No such file" -- "$BUILD/xdpmeshd" --config "$LAB/none.yaml"
say "servces: []" >"$LAB/bad.yaml"
refused "a bad file" "bad.yaml:1" servces services -- "$BUILD/xdpmeshd" --config "$LAB/bad.yaml"

# a device that has another program: named, and left alone
in_ns lb ip link set dev back xdpdrv obj "$BUILD/pass.bpf.o" sec xdp
other=$(in_ns lb bpftool -j net show dev back | jq -r '.[0].xdp[0].id')
[ "$other" -gt 0 ] || fail "the other program is not attached"
refused "an occupied device" back '"pass"' "id $other" -- "$BUILD/xdpmeshd"
is "the other program" "$other" "$(in_ns lb bpftool -j net show dev back | jq -r '.[0].xdp[0].id')"
in_ns lb ip -d link show dev front | grep -q prog/xdp && fail "front kept the program of a daemon that was refused"
in_ns lb ip link set dev back xdpdrv off

# with that out of the way it starts
daemon_start
is "answers" "failed 0" "$(peer client many $VIP 80 20 | tail -n 1)"
ids=$(pins)

# a second daemon: on the same bpffs, on the same socket
refused "a second daemon" "$XDPMESH_BPFFS" "another xdpmeshd" -- \
	"$BUILD/xdpmeshd" --socket "$LAB/second.sock" --state "$LAB/second"
refused "a second daemon on the socket" "$XDPMESH_SOCKET" "another running daemon" -- \
	"$BUILD/xdpmeshd" --bpffs "$LAB/bpf/second" --state "$LAB/second"
# a daemon of its own on devices that have ours
refused "a device of another daemon" front xdpmesh -- \
	"$BUILD/xdpmeshd" --bpffs "$LAB/bpf/third" --socket "$LAB/third.sock" --state "$LAB/third"
is "pins after the refusals" "$ids" "$(pins)"
until_true 5 "the first daemon still answers" daemon_answers
is "answers after the refusals" "failed 0" "$(peer client many $VIP 80 20 | tail -n 1)"
kill "$DAEMON"; wait "$DAEMON" || fail "exit status $? after SIGTERM"
rm -rf "$XDPMESH_BPFFS" "$LAB/state"

# without privileges, and with the three it needs
mkdir "$LAB/own"
chmod 755 "$LAB"
chmod 1777 "$LAB/bpf"
chown 65534:65534 "$LAB/own"
user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
own="--bpffs $LAB/bpf/own --socket $LAB/own/control.sock --state $LAB/own/state --config $LAB/xdpmesh.yaml"
refused "no privileges" CAP_BPF CAP_NET_ADMIN CAP_PERFMON root -- setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/xdpmeshd" $own
nsenter --net=/run/netns/lb setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+bpf,+net_admin,+perfmon \
	--ambient-caps=-all,+bpf,+net_admin,+perfmon "$BUILD/xdpmeshd" $own >>"$LAB/daemon.log" 2>&1 &
DAEMON=$!
export XDPMESH_BPFFS=$LAB/bpf/own XDPMESH_SOCKET=$LAB/own/control.sock
until_true 15 "the daemon with three capabilities answers" daemon_answers
is "its user" 65534 "$(awk '/^Uid:/ { print $2 }' "/proc/$DAEMON/status")"
is "answers through it" "failed 0" "$(peer client many $VIP 80 20 | tail -n 1)"
[ "$(verdict forward_redirect)" -gt 50 ] || fail "not by XDP: $(verdict forward_redirect) packets"
xdpmesh backend set web 10.2.0.11:9000 weight 0 >/dev/null || fail "no change through it"
is "who answers now" b2 "$(peer client many $VIP 80 20 | awk '/^b/ { print $1 }')"
kill "$DAEMON"; wait "$DAEMON" || fail "exit status $? after SIGTERM"
nsenter --net=/run/netns/lb setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+bpf,+net_admin,+perfmon \
	--ambient-caps=-all,+bpf,+net_admin,+perfmon "$BUILD/xdpmeshd" $own >>"$LAB/daemon.log" 2>&1 &
DAEMON=$!
until_true 15 "it adopts its own" daemon_answers
log_has "adopted the data plane in $LAB/bpf/own" || fail "it did not adopt what it left"
is "the weight it kept" 0 "$(field web 1 weight)"
