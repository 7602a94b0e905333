/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hashes of the data path. Three rounds of multiply and fold, each word mixed with a secret of the boot, so that
 * nobody outside can aim at a bucket or a set. Constants: odd, from the fraction of the golden ratio and of splitmix64
 * (Steele, Lea, Flood, 2014). Compiled natively too: user space must find what the kernel finds.
 */
#pragma once

#include <xdpmesh/types.h>

struct xm_hash_key {
	__u64 k0;
	__u64 k1;
};

xm_inline __u64 xm_fold(__u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ (x >> 32);
}

/** First half: an address. */
xm_inline __u64 xm_hash_addr(struct xm_addr a, const struct xm_hash_key *key)
{
	__u64 h = xm_fold(a.hi ^ key->k0);

	h = (h ^ a.lo ^ key->k1) * 0xbf58476d1ce4e5b9ULL;
	return h ^ (h >> 29);
}

/** Second half: what stands beside the address, packed by the caller. */
xm_inline __u64 xm_hash_rest(__u64 h, __u64 rest)
{
	h = (h ^ rest) * 0x94d049bb133111ebULL;
	h ^= h >> 31;
	return h;
}

enum xm_key_kind {
	XM_KEY_VIP = 1,	     /* an address that has services: port and protocol are 0 */
	XM_KEY_SERVICE = 2,  /* address, port, protocol of a service */
	XM_KEY_ENDPOINT = 3, /* address, port, protocol of a backend that we translate to */
};

/** What xm_hash_rest() takes for a key of the key table; port in network byte order. */
xm_inline __u64 xm_key_rest(enum xm_key_kind kind, __u8 proto, __u16 be_port)
{
	return (__u64)kind << 32 | (__u64)proto << 16 | be_port;
}

/** The hash of a flow by its client's end: both directions find the same set of the flow table by it. */
xm_inline __u64 xm_hash_client(struct xm_addr client, __u16 be_port, __u8 proto, const struct xm_hash_key *key)
{
	return xm_hash_rest(xm_hash_addr(client, key), 0xf0ULL << 32 | (__u64)proto << 16 | be_port);
}

/** The hash that a hash pick takes its slot by. */
xm_inline __u64 xm_hash_pick(__u64 client_hash, __u32 service)
{
	return xm_fold(client_hash ^ (__u64)service << 20);
}

/**
 * How far from its first slot a pick looks at its i-th try. Hashed anew each time: a stride would meet the same owners again and
 * again in a table whose owners alternate, and shares would not follow weights.
 */
xm_inline __u32 xm_hash_detour(__u64 pick_hash, __u32 i)
{
	return i ? xm_fold((pick_hash >> 20) + i * 0x9e3779b97f4a7c15ULL) >> 32 : 0;
}
