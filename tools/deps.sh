#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the Debian packages that the build, the demo and the tests need. What is there already costs nothing.
# The one list of packages of this tree.
set -eu

build="clang llvm libbpf-dev libxdp-dev libelf-dev zlib1g-dev bpftool make gcc libc6-dev linux-libc-dev pkg-config
	libuv1-dev libjansson-dev libyaml-dev libmnl-dev libcmocka-dev"
tests="iproute2 ethtool nginx-light curl iputils-ping jq procps psmisc patch util-linux python3 gawk diffutils
	clang-format cppcheck libcap2-bin"

if [ "${1:-}" = --check ] && ! command -v dpkg-query >/dev/null; then
	exit 0 # not Debian: the compiler will say
fi
missing=
[ "${1:-}" != --check ] || tests=
for p in $build $tests; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "${1:-}" = --check ]; then
	echo "make: these packages are missing:$missing: run make deps as root" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps: run as root to install:$missing" >&2
	exit 1
fi
command -v apt-get >/dev/null || {
	echo "deps: no apt-get here; install these packages (Debian's names) by hand:$missing" >&2
	exit 1
}
n=$(echo "$missing" | wc -w)
echo "deps: installing $n packages: $missing" | tr -s ' \n\t' ' ' | fold -s -w 100
echo
# a package must not start its server on the machine: the tests start their own in namespaces
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get -qq update && apt-get -qq -y --no-install-recommends install $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deps: apt-get failed, see above (log: $log)" >&2
	exit 1
fi
rm -f "$log"
echo "deps: done"
