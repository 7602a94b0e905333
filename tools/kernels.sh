#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs tests/run.sh on another kernel: kernels.sh KERNEL [SUITE|SUITE/NAME ...]. The kernel is a Debian release's own; it is
# unpacked under build/kernels, never installed, and boots in qemu on this machine's root, which is mounted read-only with
# everything that is written kept in the guest's memory. The guest has no network device. The last line and the exit
# status are those of the tests. In the environment: XM_RUN="COMMAND ..." is run in the guest instead, FRESH=1 looks for a newer
# image of the release.
set -eu
SRC=$(cd "$(dirname "$0")/.." && pwd)
# where this machine's apt gets Debian from
repos() { apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | sort -u | awk -v want="$1" '($2 ~ /security/) == want { print $1; exit }'; }
MIRROR=${MIRROR:-$(repos 0)}
SECURITY=${SECURITY:-$(repos 1)}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# what the guest's root stands on; later modules come by modprobe from the unpacked tree
MODULES="virtio_pci 9pnet_virtio 9p overlay"

die() { echo "kernels: $*" >&2; exit 2; }
usage() { die "usage: $0 debian-12|debian-12-backports|debian-13 [SUITE|SUITE/NAME ...]"; }

# need COMMAND PACKAGE
need() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || die "no $1 here: apt-get install $2"; }

# suites KERNEL: apt's lines that offer it
suites() {
	local release sec=
	case $1 in
	debian-12) release=bookworm ;;
	debian-12-backports) release=bookworm-backports ;;
	debian-13) release=trixie ;;
	*) usage ;;
	esac
	case $1 in *-backports) ;; *) sec="deb [signed-by=$KEYRING] $SECURITY $release-security main" ;; esac
	printf '%s\n' "deb [signed-by=$KEYRING] $MIRROR $release main" "$sec"
}

# apt_here VERB...: apt on lists of our own; the machine's are not touched
apt_here() {
	local verb=$1; shift
	"$verb" -qq -o Dir::Etc::SourceList="$CACHE/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o Dir::State::Lists="$CACHE/lists" -o Dir::Cache="$CACHE/apt" \
		-o Dir::State::Status=/dev/null -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

# fetch KERNEL: the newest image of that release, unpacked in $CACHE/root, its name in $CACHE/name
fetch() {
	local image version
	mkdir -p "$CACHE/lists/partial" "$CACHE/apt/archives/partial"
	suites "$1" >"$CACHE/sources.list"
	apt_here apt-get update >"$CACHE/apt.log" 2>&1 || die "apt-get update failed for $1: $(tail -n 1 "$CACHE/apt.log")"
	image=$(apt_here apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
	[ -n "$image" ] || die "$1: no package linux-image-amd64 at $MIRROR"
	echo "kernels: fetching $image" >&2
	(cd "$CACHE" && rm -f ./*.deb && apt_here apt-get download "$image") >"$CACHE/apt.log" 2>&1 ||
		die "$1: cannot download $image: $(tail -n 1 "$CACHE/apt.log")"
	rm -rf "$CACHE/root" "$CACHE/lists" "$CACHE/apt"
	dpkg -x "$CACHE"/*.deb "$CACHE/root"
	rm -f "$CACHE"/*.deb
	[ -d "$CACHE/root/lib/modules" ] || { mkdir -p "$CACHE/root/lib"; mv "$CACHE/root/usr/lib/modules" "$CACHE/root/lib/"; }
	version=$(ls "$CACHE/root/lib/modules")
	depmod -b "$CACHE/root" "$version"
	echo "$version" >"$CACHE/version"
}

# initramfs: busybox, the modules in the order of their loading, and what to run
initramfs() {
	local version=$1 dir n=10 m path; shift
	dir=$(mktemp -d)
	mkdir -p "$dir/bin" "$dir/modules"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	cp "$SRC/tools/kernels/init.sh" "$dir/init"
	chmod 755 "$dir/init"
	for m in $MODULES; do
		modprobe -d "$CACHE/root" -S "$version" --show-depends "$m" || die "$version has no module $m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		m=$dir/modules/$n-$(basename "$path"); n=$((n + 1))
		case $path in
		*.xz) xz -dc "$path" >"${m%.xz}" ;;
		*.zst) zstd -qdc "$path" >"${m%.zst}" ;;
		*) cp "$path" "$m" ;;
		esac
	done
	{
		printf 'SRC=%q\nMODULES=%q\nTESTS=%q\n' "$SRC" "$CACHE/root/lib/modules" "$*"
		printf 'export XM_TIMEOUT=%q XM_SLOW=%q\n' "${XM_TIMEOUT:-$((150 * SLOW))}" "$SLOW"
		[ -z "${XM_RUN:-}" ] || printf 'RUN=%q\n' "$XM_RUN"
		[ -z "${XM_ROW:-}" ] || printf 'export XM_ROW=%q\n' "$XM_ROW"
	} >"$dir/job"
	(cd "$dir" && find . | cpio --quiet -o -H newc) >"$CACHE/initramfs.cpio"
	rm -rf "$dir"
}

# boot VERSION: the guest's console on ours, from its first word of the tests on
boot() {
	timeout -k 5 "${XM_KERNEL_TIMEOUT:-3600}" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35 -accel $ACCEL -cpu max -smp 2 -m "${XM_KERNEL_MEMORY:-3G}" -nic none \
		-kernel "$CACHE/root/boot/vmlinuz-$1" -initrd "$CACHE/initramfs.cpio" \
		-append "console=ttyS0 quiet loglevel=3 panic=-1 oops=panic mitigations=off" \
		-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
		-chardev stdio,id=c,signal=off -serial chardev:c </dev/null 2>&1
}

kernel=${1:-}
[ -n "$kernel" ] || usage
shift
suites "$kernel" >/dev/null
[ "$(uname -m)" = x86_64 ] || die "made for x86_64, this is $(uname -m)"
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need depmod kmod
need xz xz-utils
PATH=$PATH:/usr/sbin:/sbin
ldd "$(command -v busybox)" >/dev/null 2>&1 && die "busybox is not static: apt-get install busybox-static"
[ -x "$SRC/build/xdpmeshd" ] || die "not built: make all tests"
[ -x "$SRC/build/packets" ] || die "not built: make all tests"

# SLOW stretches the tests' deadlines
ACCEL=kvm SLOW=1
if [ ! -w /dev/kvm ]; then
	ACCEL=tcg,thread=multi SLOW=8
	echo "kernels: no /dev/kvm, emulating: some ten times slower" >&2
fi
CACHE=$SRC/build/kernels/$kernel
[ -s "$CACHE/version" ] && [ -z "${FRESH:-}" ] || fetch "$kernel"
version=$(cat "$CACHE/version")
initramfs "$version" "${@:-budget bpf race netns}"
log=$CACHE/console.log
: >"$log"
boot "$version" | awk -v file="$log" '{ sub(/\r+$/, ""); print >file; fflush(file) }
	/^kernels: begin/ { on = 1 } /^kernels: exit/ { on = 0 } on { print; fflush() }' || true
status=$(awk '/^kernels: exit [0-9]+$/ { print $3 }' "$log" | tail -n 1)
[ -n "$status" ] || { tail -n 20 "$log" >&2; die "$kernel ($version) did not come to its end, see $log"; }
exit "$status"
