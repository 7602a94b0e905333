/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Step 2: is it ours? A bucket is one cache line of tagged words, filled from its first on: for most packets that are not ours
 * the first is 0 and that is all. A key that was removed leaves its tag with id 0. User space keeps tags unique within a
 * bucket, so the first match is the only one.
 */
#pragma once

#include "parse.h"

/** The id of the key whose tag matches, 0 if there is none. h: xm_hash_addr() of its address. */
xm_inline __u32 xm_key_tagged(enum xm_key_kind kind, __u16 port, __u8 proto, __u64 h)
{
	__u64 hash = xm_hash_rest(h, xm_key_rest(kind, proto, port));
	struct xm_key_bucket *bucket = xm_at(key_table, hash & xm_key_mask);
	__u32 tag = hash >> 32;

	if (!bucket)
		return 0;
#pragma unroll
	for (int i = 0; i < XM_KEY_WAYS; i++) {
		__u64 w = xm_read(bucket->word[i]);

		if (!w)
			return 0;
		if ((__u32)(w >> 32) == tag)
			return (__u32)w;
	}
	return 0;
}

/** Is it this key? The tag said so, and one in four thousand million lies. */
xm_inline bool xm_key_is(__u32 id, enum xm_key_kind kind, struct xm_addr addr, __u16 port, __u8 proto)
{
	struct xm_key *k = xm_at(keys, id);

	return k && xm_addr_eq(k->addr, addr) && k->port == port && k->proto == proto && k->kind == kind;
}

/** The id of a key, 0 if it is not there. */
xm_inline __u32 xm_key_find(enum xm_key_kind kind, struct xm_addr addr, __u16 port, __u8 proto, __u64 h)
{
	__u32 id = xm_key_tagged(kind, port, proto, h);

	return id && xm_key_is(id, kind, addr, port, proto) ? id : 0;
}
