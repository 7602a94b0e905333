#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Are the packet tests worth anything? Each patch in mutants/ puts one fault into the data path: a row that passes without
# it must fail with it. A patch that no longer applies, or with which the programs do not load, is a failure too: mend it.
# usage: tests/bpf/mutate.sh [NAME...]     JOBS=n: so many at once (the number of CPUs)
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export work
cflags="-std=gnu11 -O1 -g -I. -Iinclude -Ibuild"
export cflags

# fresh TREE: copies the sources that a patch may change
fresh() {
	mkdir -p "$1/build" "$1/tests" && cp -r bpf include vmlinux "$1/" && cp -r tests/bpf "$1/tests/"
}

# objects TREE: the program under test and its skeleton
objects() {
	for o in xdp sweep; do
		clang -g -O2 -target bpf -mcpu=v3 -Iinclude -Ivmlinux -c bpf/$o.bpf.c -o build/$o.o || return 1
	done
	bpftool gen object build/xdpmesh.bpf.o build/xdp.o build/sweep.o &&
		bpftool gen skeleton build/xdpmesh.bpf.o name xdpmesh_bpf >build/xdpmesh.skel.h
}

# run TREE: builds and runs; the names of the rows that fail go to TREE/failed; false if there is nothing to run
run() (
	cd "$1" && objects || exit 1
	packets=$work/base/build/packets
	# the rows are built anew only for a fault in what they share with the programs
	if [ ! -x "$packets" ] || grep -q '^--- a/include/' patch 2>/dev/null; then
		packets=build/packets
		cc $cflags tests/bpf/*.c -lbpf -lelf -lz -o $packets || exit 1
	fi
	XM_OBJECT=build/xdpmesh.bpf.o timeout 120 "$packets" >build/out
	sed -n 's/^FAIL \([^ ]*\).*/\1/p' build/out | sort >failed
	grep -q 'passed, ' build/out
)

# mutant PATCH: one line of result
mutant() {
	name=$(basename "$1" .patch)
	tree=$work/$name
	fresh "$tree"
	cp "$1" "$tree/patch"
	if ! patch -s -p1 -d "$tree" <"$1" >"$tree/log" 2>&1; then
		echo "STALE $name: the patch does not apply"
	elif ! run "$tree" >"$tree/log" 2>&1; then
		echo "BROKEN $name: not built or not loaded: $(grep -i error "$tree/log" | head -1)"
	elif by=$(comm -13 "$work/base/failed" "$tree/failed" | head -1) && [ -n "$by" ]; then
		echo "killed $name by $by"
	else
		echo "SURVIVED $name: $(head -1 "$1")"
	fi
	rm -rf "$tree"
}
export -f fresh objects run mutant

fresh "$work/base"
if ! run "$work/base" >"$work/log" 2>&1; then
	cat "$work/log"
	echo "mutate.sh: the tests cannot be built or run without a patch"
	exit 1
fi
[ -s "$work/base/failed" ] && echo "fail without a patch and kill nothing:" $(cat "$work/base/failed")

for patch in tests/bpf/mutants/*.patch; do
	name=$(basename "$patch" .patch)
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	printf '%s\0' "$patch"
done | xargs -0 -P "${JOBS:-$(nproc)}" -I{} bash -c 'mutant {}' | tee "$work/results"
passed=$(grep -c '^killed ' "$work/results")
failed=$(grep -vc '^killed ' "$work/results")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
