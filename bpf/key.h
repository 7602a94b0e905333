/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Step 2: is it ours? One bucket of eight tagged words, one cache line; a tag that matches is verified in full. User space
 * keeps tags unique within a bucket, so the first match is the only one.
 */
#pragma once

#include "parse.h"

/** The id of a key, 0 if it is not there. h: xm_hash_addr() of the address. */
xm_inline __u32 xm_key_find(enum xm_key_kind kind, struct xm_addr addr, __u16 port, __u8 proto, __u64 h)
{
	__u64 hash = xm_hash_rest(h, xm_key_rest(kind, proto, port));
	struct xm_key_bucket *bucket = xm_at(key_table, hash & xm_key_mask);
	__u32 tag = hash >> 32, id = 0;
	struct xm_key *k;

	if (!bucket)
		return 0;
#pragma unroll
	for (int i = 0; i < XM_KEY_WAYS; i++) {
		__u64 w = xm_read(bucket->word[i]);

		if ((__u32)(w >> 32) == tag) {
			id = (__u32)w;
			break;
		}
	}
	if (!id)
		return 0;
	k = xm_at(keys, id);
	if (!k || !xm_addr_eq(k->addr, addr) || k->port != port || k->proto != proto || k->kind != kind)
		return 0;
	return id;
}
