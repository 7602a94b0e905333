/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stores that packets follow. Each has a label; a test may have the daemon killed right before the n-th store of a run
 * (XDPMESH_CRASH_AT=n), to show that whatever is left is whole and that a restart finishes it.
 */
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "plane.h"

/** Ends this process as kill -9 would if the run asked for it at this store. */
static void crash_point(const char *label)
{
	static long left = -1;
	const char *at;

	if (left == -1) {
		at = getenv("XDPMESH_CRASH_AT");
		left = at ? strtol(at, NULL, 10) : 0;
	}
	if (left <= 0 || --left)
		return;
	fprintf(stderr, "xdpmeshd: crash asked for before store %s\n", label);
	kill(getpid(), SIGKILL);
}

void xm_publish64(const char *label, __u64 *at, __u64 value)
{
	if (__atomic_load_n(at, __ATOMIC_RELAXED) == value)
		return;
	crash_point(label);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

void xm_publish32(const char *label, __u32 *at, __u32 value)
{
	if (__atomic_load_n(at, __ATOMIC_RELAXED) == value)
		return;
	crash_point(label);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

void xm_grace(void)
{
	/* an RCU grace period: every program that ran when it began has ended */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

__u16 xm_slot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}
