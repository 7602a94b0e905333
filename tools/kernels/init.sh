#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# The first process of a guest that tools/kernels.sh boots: the host's root, read-only, below a layer in memory; then guest.sh in it.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /layer /new /src
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
die() { echo "kernels: $*"; echo o >/proc/sysrq-trigger; $b sleep 60; }
for m in /modules/*; do $b insmod "$m" || die "cannot load $m"; done
. /job
$b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host || die "no root from the host"
$b mount -t tmpfs -o size=90% layer /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /new || die "no overlay"

# the tree may lie below a directory that gets a file system of its own
$b mount --bind "/new$SRC" /src || die "no tree at $SRC"
$b mkdir -p /new/lib/modules
$b mount --bind "/new$MODULES" /new/lib/modules || die "no modules at $MODULES"
for d in tmp run; do $b mount -t tmpfs -o mode=1777 $d /new/$d; done
$b mkdir -p "/new$SRC"
$b mount --move /src "/new$SRC" || die "no tree at $SRC in the guest"
$b mount -t sysfs sysfs /new/sys
$b mount --move /proc /new/proc
$b mount --move /dev /new/dev
$b cp /job /new/run/job
exec $b switch_root /new /bin/bash "$SRC/tools/kernels/guest.sh"
