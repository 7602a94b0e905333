/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internet checksums, incrementally (RFC 1624, equation 3): one that was wrong stays wrong by as much. */
#pragma once

#include <xdpmesh/types.h>

/** What replacing a 16- or 32-bit word adds to the sum. Both in network byte order. */
xm_inline __u64 xm_csum_diff(__u32 from, __u32 to, __u32 width_mask)
{
	return (__u64)(~from & width_mask) + to;
}

/** Of a sum below 2^36: three folds suffice. */
xm_inline __u16 xm_csum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/** The checksum after words with this difference were replaced. */
xm_inline __u16 xm_csum_apply(__u16 check, __u64 diff)
{
	return ~xm_csum_fold((__u64)(__u16)~check + diff);
}
