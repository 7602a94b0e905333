#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first process of a guest once it has its root (init.sh): the other file systems, the tests, the end of the machine.
exec </dev/console >/dev/console 2>&1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb
. /run/job
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup /sys/fs/cgroup
ln -sfn /proc/self/fd /dev/fd
ip link set dev lo up
hostname guest
echo "kernels: begin: Linux $(uname -r), $(nproc) CPUs, ${RUN:-$TESTS}"
cd "$SRC" || exit
set -f
${RUN:-tests/run.sh $TESTS} </dev/null
echo "kernels: exit $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
