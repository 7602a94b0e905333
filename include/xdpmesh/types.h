/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fixed-width types for both sides of the contract: the kernel's own when a BPF program is compiled, the UAPI's in user space.
 * Also the address that every key and record holds: 16 bytes, IPv4 as ::ffff:a.b.c.d, in two words so that it compares fast.
 */
#pragma once

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define xm_inline static inline __attribute__((always_inline))

/** An address in network byte order, as two words in memory order. IPv4 is v4-mapped. */
struct xm_addr {
	__u64 hi;
	__u64 lo;
};

/* ::ffff:0:0/96 in memory order on a little-endian machine: bytes 10 and 11 are ff */
#define XM_V4_MARK 0xffff0000ULL

/** The v4-mapped form of an IPv4 address in network byte order. */
xm_inline struct xm_addr xm_addr_of_v4(__u32 be_addr)
{
	struct xm_addr a = { .hi = 0, .lo = XM_V4_MARK | (__u64)be_addr << 32 };

	return a;
}

xm_inline int xm_addr_is_v4(struct xm_addr a)
{
	return a.hi == 0 && (a.lo & 0xffffffffULL) == XM_V4_MARK;
}

/** The IPv4 address, in network byte order, of a v4-mapped one. */
xm_inline __u32 xm_addr_v4(struct xm_addr a)
{
	return a.lo >> 32;
}

xm_inline int xm_addr_eq(struct xm_addr a, struct xm_addr b)
{
	return a.hi == b.hi && a.lo == b.lo;
}
