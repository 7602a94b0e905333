/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key table: what bpf/key.h looks up, filled. One store adds or removes a key. A bucket's words stand from its first on; one
 * that is removed from before others leaves its tag with id 0, which the next key in the bucket takes over.
 */
#include <errno.h>
#include <string.h>

#include "plane.h"

static struct xm_key_bucket *bucket_of(const struct xm_plane *p, __u64 hash)
{
	return &p->key_table[hash & (p->meta->sizes.key_buckets - 1)];
}

static __u64 hash_of(const struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto)
{
	return xm_hash_rest(xm_hash_addr(addr, &p->meta->key), xm_key_rest(kind, proto, be_port));
}

__u32 xm_key_lookup(const struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto)
{
	__u64 hash = hash_of(p, kind, addr, be_port, proto);
	struct xm_key_bucket *b = bucket_of(p, hash);

	for (int i = 0; i < XM_KEY_WAYS; i++) {
		__u32 id = b->word[i];
		struct xm_key *k = &p->keys[id];

		if (!id || b->word[i] >> 32 != hash >> 32 || id >= p->meta->sizes.keys)
			continue;
		if (k->kind == kind && xm_addr_eq(k->addr, addr) && k->port == be_port && k->proto == proto)
			return id;
	}
	return 0;
}

/** A record that nobody uses, 0 if all are in use. */
static __u32 free_record(const struct xm_plane *p)
{
	for (__u32 id = 1; id < p->meta->sizes.keys; id++)
		if (!p->keys[id].kind)
			return id;
	return 0;
}

int xm_key_add(struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto, __u32 value)
{
	__u64 hash = hash_of(p, kind, addr, be_port, proto);
	struct xm_key_bucket *b = bucket_of(p, hash);
	__u32 id = xm_key_lookup(p, kind, addr, be_port, proto);
	int way = -1;

	if (id)
		return id;
	id = free_record(p);
	for (int i = 0; i < XM_KEY_WAYS; i++) {
		if (b->word[i] >> 32 == hash >> 32 && b->word[i]) {
			if ((__u32)b->word[i])
				return -ENOSPC; /* two keys with one tag in one bucket: the packet path takes the first */
			way = i;		/* where it stood before: nowhere else may its tag stand too */
			break;
		}
		if (!(__u32)b->word[i] && way < 0)
			way = i;
	}
	if (!id || way < 0)
		return -ENOSPC;
	p->keys[id] = (struct xm_key){ .addr = addr, .port = be_port, .proto = proto, .kind = kind, .value = value };
	xm_publish64("key.add", &b->word[way], (hash >> 32) << 32 | id);
	return id;
}

int xm_key_aim(struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto, __u32 value)
{
	__u64 hash = hash_of(p, kind, addr, be_port, proto);
	struct xm_key_bucket *b = bucket_of(p, hash);
	__u32 old = xm_key_lookup(p, kind, addr, be_port, proto), id;

	if (!old)
		return xm_key_add(p, kind, addr, be_port, proto, value);
	if (p->keys[old].value == value)
		return old;
	id = free_record(p);
	if (!id)
		return -ENOSPC;
	p->keys[id] = (struct xm_key){ .addr = addr, .port = be_port, .proto = proto, .kind = kind, .value = value };
	for (int i = 0; i < XM_KEY_WAYS; i++)
		if ((__u32)b->word[i] == old)
			xm_publish64("key.aim", &b->word[i], (hash >> 32) << 32 | id);
	xm_grace();
	xm_key_free(p, old);
	return id;
}

void xm_key_hide(struct xm_plane *p, __u32 id)
{
	struct xm_key *k = &p->keys[id];
	struct xm_key_bucket *b = bucket_of(p, hash_of(p, k->kind, k->addr, k->port, k->proto));

	for (int i = 0; i < XM_KEY_WAYS; i++) {
		bool last = i + 1 == XM_KEY_WAYS || !b->word[i + 1];

		if ((__u32)b->word[i] == id)
			xm_publish64("key.hide", &b->word[i], last ? 0 : b->word[i] >> 32 << 32);
	}
}

void xm_key_free(struct xm_plane *p, __u32 id)
{
	memset(&p->keys[id], 0, sizeof(p->keys[id]));
}
