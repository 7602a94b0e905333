#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests: all, or SUITE, or SUITE/NAME. Every suite adds to one sum, the last line. A skip that tests/skips.txt does not
# expect is a failure: a machine that cannot load BPF is never green by silence.
set -u
SRC=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$SRC/build}
export SRC BUILD XM_SRCDIR=$SRC
cd "$SRC" || exit 2
suites="lint unit budget bpf race netns bad demo mutants"
passed=0 failed=0 skipped=0 failures=

note() { printf '%s\n' "$*"; }
bad() { failed=$((failed + $1)); failures="$failures $2"; }

# skip NAME REASON
skip() {
	if grep -qxF -- "$1" <(sed 's/[[:space:]]*#.*//; /^$/d' tests/skips.txt); then
		skipped=$((skipped + 1)); note "skip  $1: $2"
	else
		bad 1 "$1"; note "FAIL  $1: an unexpected skip: $2"
	fi
}

# counted NAME COMMAND...: a program whose last line is "N passed, N failed, N skipped"
counted() {
	local name=$1 out rc sum p f s; shift
	out=$(mktemp)
	"$@" >"$out" 2>&1; rc=$?
	sum=$(tail -n 1 "$out")
	if [[ $sum =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
	else
		p=0 f=1 s=0
	fi
	[ $rc = 0 ] || [ "$f" -gt 0 ] || f=1
	passed=$((passed + p))
	if [ "$f" -gt 0 ]; then bad "$f" "$name"; note "FAIL  $name"; tail -n 100 "$out"; else note "ok    $name: $p passed"; fi
	[ "$s" = 0 ] || skip "$name" "$s skipped: $(grep -i skip "$out" | head -n 1)"
	rm -f "$out"
}

# unit NAME PROGRAM: cmocka, by its TAP lines
unit() {
	local out p f
	out=$(mktemp)
	CMOCKA_MESSAGE_OUTPUT=TAP timeout "${XM_UNIT_TIMEOUT:-120}" "$2" >"$out" 2>&1
	local rc=$?
	p=$(grep -c '^ok ' "$out"); f=$(grep -c '^not ok ' "$out")
	[ $rc = 0 ] || [ "$f" -gt 0 ] || f=1
	[ "$p" -gt 0 ] || [ "$f" -gt 0 ] || f=1
	passed=$((passed + p))
	if [ "$f" -gt 0 ]; then bad "$f" "$1"; note "FAIL  $1"; grep -v '^ok ' "$out" | tail -n 60; else note "ok    $1: $p passed"; fi
	rm -f "$out"
}

# netns NAME: one script in namespaces of its own (mount, network, processes), bounded in time
netns() {
	local lab out rc begin=$SECONDS
	lab=$(mktemp -d); out=$(mktemp)
	LAB=$lab timeout -k 5 "${XM_TIMEOUT:-150}" unshare --mount --net --pid --fork --kill-child --mount-proc \
		bash -eu "tests/netns/$1.sh" >"$out" 2>&1
	rc=$?
	case $rc in
	0) passed=$((passed + 1)); note "ok    netns/$1 ($((SECONDS - begin)) s)" ;;
	77) skip "netns/$1" "$(tail -n 1 "$out")" ;;
	*) bad 1 "netns/$1"; note "FAIL  netns/$1 (exit $rc)"; tail -n 60 "$out" ;;
	esac
	rm -rf "$lab" "$out"
}

# demo: the demo is a test as well
demo() {
	local out begin=$SECONDS
	out=$(mktemp)
	if timeout 300 tools/demo.sh >"$out" 2>&1; then
		passed=$((passed + 1)); note "ok    demo ($((SECONDS - begin)) s)"
	else
		bad 1 demo; note "FAIL  demo"; tail -n 60 "$out"
	fi
	rm -f "$out"
}

need_root() {
	[ "$(id -u)" = 0 ] || { note "tests: $1 needs root: sudo make test (without: make test-quick)"; exit 1; }
}

run_suite() {
	local suite=$1 name=$2 f n
	case $suite in
	lint) counted lint tools/lint.sh ;;
	unit)
		for f in "$BUILD"/test_*; do
			n=${f##*/test_}
			case $n in *.*) continue ;; esac
			[ -z "$name" ] || [ "$name" = "$n" ] || continue
			unit "unit/$n" "$f"
		done ;;
	budget) need_root budget; counted budget "$BUILD/verifier" tests/verifier.txt ;;
	bpf) need_root bpf; counted bpf/packets "$BUILD/packets" ${XM_ROW:-} ;;
	race) need_root race; counted race "$BUILD/race" ;;
	bad) need_root bad; counted bad tests/bad/run.sh $name ;;
	demo) need_root demo; demo ;;
	mutants) need_root mutants; counted mutants tests/bpf/mutate.sh $name ;;
	netns)
		need_root netns
		for f in tests/netns/*.sh; do
			n=$(basename "$f" .sh)
			[ -z "$name" ] || [ "$name" = "$n" ] || continue
			netns "$n"
		done ;;
	*) note "tests: no suite \"$suite\" (there are: $suites)"; exit 2 ;;
	esac
}

begin=$SECONDS
for what in ${*:-$suites}; do
	before=$((passed + failed + skipped))
	case $what in
	*/*) run_suite "${what%%/*}" "${what#*/}" ;;
	*) run_suite "$what" "" ;;
	esac
	[ $((passed + failed + skipped)) -gt $before ] || bad 1 "$what (no such test)"
done
[ -z "$failures" ] || note "failed:$failures"
note "in $((SECONDS - begin)) s"
note "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
