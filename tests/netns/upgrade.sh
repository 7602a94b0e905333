# SPDX-License-Identifier: BSD-2-Clause
# A daemon of another build takes over under load: its programs replace the old ones, the old ones named; maps, links and
# connections stay. A daemon of another ABI is refused and changes nothing.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 2

# the other build: one constant of the data path differs
mkdir "$LAB/src"
cp -a "$SRC/Makefile" "$SRC/bpf" "$SRC/include" "$SRC/user" "$SRC/tools" "$SRC/tests" "$SRC/vmlinux" "$LAB/src"
cp -a "$BUILD" "$LAB/src/build"
sed -i 's/^#define XM_RST_TTL 64$/#define XM_RST_TTL 63/' "$LAB/src/bpf/reset.h"
cmp -s "$SRC/bpf/reset.h" "$LAB/src/bpf/reset.h" && fail "bpf/reset.h has no such constant"
make -s -C "$LAB/src" build/xdpmeshd >"$LAB/make.log" 2>&1 || { cat "$LAB/make.log"; fail "the other build"; }
cmp -s "$BUILD/xdpmesh.bpf.o" "$LAB/src/build/xdpmesh.bpf.o" && fail "the other build's programs are the same"

for i in 1 2; do peer_start b$i echo 9000 b$i; done
for i in 1 2; do until_true 10 "b$i listens" listens b$i 9000; done
config "$(PORT=9000 service web 80 tcp -- 1 2)"
daemon_start
touch "$LAB/hold"
peer client hold $VIP 80 50 "$LAB/hold" >"$LAB/held" & holder=$!
peer client ask $VIP 80 "$LAB/hold" >"$LAB/asked" & asker=$!
until_true 20 "50 connections stand" grep -q ready "$LAB/held"
until_true 10 "new connections" total_above web connections 70

lasting() { pins | awk '$2 != "prog" { print $1, $3 }'; }
programs() { pins | awk '$2 == "prog" { print $1, $3 }'; }
maps=$(lasting) old=$(programs) shape_before=$(shape)
is "the attached program" "$(id_of prog_xdp)" "$(attached)"

# back and forth: the new build, the old one, the new one after a kill
for build in "$LAB/src/build/xdpmeshd" "$BUILD/xdpmeshd" "$LAB/src/build/xdpmeshd"; do
	daemon_kill
	: >"$LAB/daemon.log"
	seen=$(total web connections)
	daemon_spawn "$build"
	until_true 15 "the other build answers" daemon_answers
	log_has "with this build's programs" || fail "the log does not say that programs were replaced"
	is "maps and links" "$maps" "$(lasting)"
	for p in prog_xdp prog_frags prog_sweep; do
		id=$(id_of $p)
		say "$old" | grep -qxF "$p $id" && fail "$p is still $id"
	done
	old=$(programs)
	is "the attached program" "$(id_of prog_xdp)" "$(attached)"
	is "services" "$shape_before" "$(shape)"
	until_true 10 "new connections after the upgrade" total_above web connections $((seen + 20))
done

# the same build again: nothing is replaced
daemon_kill
: >"$LAB/daemon.log"
daemon_spawn "$LAB/src/build/xdpmeshd"
until_true 15 "the same build answers" daemon_answers
is "programs of the same build" "$old" "$(programs)"
log_has "with this build's programs" && fail "programs of the same build were replaced"

# another ABI is refused by both numbers; traffic goes on
daemon_kill
abi=$(xdpmesh -j version | jq .abi)
set_abi() {
	bpftool map update pinned "$XDPMESH_BPFFS/meta" key 0 0 0 0 value $(bpftool -j map lookup pinned "$XDPMESH_BPFFS/meta" key 0 0 0 0 |
		jq -r ".value[8] = \"$1\" | .value | join(\" \")")
	is "the ABI in meta" "$1" "$(printf 0x%02x "$(xdpmesh -j version | jq .data_plane.abi)")"
}
verdict_bytes() { /usr/bin/python3 "$SRC/tests/lab/peer.py" sums "$XDPMESH_BPFFS" cells; }
set_abi 0x63
for build in "$LAB/src/build/xdpmeshd" "$BUILD/xdpmeshd"; do
	seen=$(verdict_bytes)
	: >"$LAB/daemon.log"
	daemon_spawn "$build"
	rc=0; wait "$DAEMON" || rc=$?
	is "exit status of another ABI" 1 $rc
	is "lines it says" 1 "$(wc -l <"$LAB/daemon.log")"
	log_has "ABI 99, this build has $abi" || fail "the refusal does not name both"
	log_has "$XDPMESH_BPFFS" || fail "the refusal does not name the directory"
	is "maps and links after a refusal" "$maps" "$(lasting)"
	is "programs after a refusal" "$old" "$(programs)"
	goes_on() { [ "$(verdict_bytes)" != "$seen" ]; }
	until_true 10 "packets after a refusal" goes_on
done
is "the ABI that version shows" 99 "$(xdpmesh -j version | jq .data_plane.abi)"
rc=0; xdpmesh service show >"$LAB/out" 2>&1 || rc=$?
is "exit status of a read of another ABI" 1 $rc
grep -q "ABI 99" "$LAB/out" || fail "the command does not name the ABI: $(cat "$LAB/out")"
set_abi "$(printf 0x%02x "$abi")"
daemon_start
is "programs at the end" "$(id_of prog_xdp)" "$(attached)"

seen=$(total web connections)
until_true 10 "new connections at the end" total_above web connections $((seen + 20))
rm "$LAB/hold"
wait $holder $asker
grep broken "$LAB/held" | sort | uniq -c
is "the connections" "50 held, 0 broken" "$(sed -n '$s/, [0-9]* messages//p' "$LAB/held")"
is "connections that failed" "failed 0 cut 0" "$(grep -E '^(failed|cut) ' "$LAB/asked" | tr '\n' ' ' | sed 's/ $//')"
