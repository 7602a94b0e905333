/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table of class all. An entry is found by its client's end, in both directions: client to VIP by (client, VIP's
 * port, service), backend to client by (client, the endpoint that sent). So both tuples are verified in full and a packet
 * reads one set, nearly always its first line.
 *
 * Writers: an entry is taken from free by compare-and-swap, its tuple written, then its word says CLAIMED with a full
 * barrier, and only then its owner looks whether another entry has the same reverse tuple. Of two that do so at once at
 * least one sees the other, and whoever sees another gives way. A reader checks the sequence before and after the tuple.
 */
#pragma once

#include "parse.h"

#define XM_CLAIM_SETS 2
#define XM_CLOSED_TRIES 2 /* closed flows that one new flow may take out; then it looks no further */
#define XM_END_TRIES 4
#define XM_EVICT_TICKS 3 /* an unanswered SYN is not evicted before */

#define xm_cas(ptr, from, to) __sync_val_compare_and_swap(ptr, from, to)

struct xm_flow_query {
	struct xm_addr client;
	__u64 hash;  /* xm_hash_client() */
	__u32 owner; /* xm_flow_owner(); in a reverse look-up only the protocol counts */
	__u32 key;   /* of the endpoint, in a reverse look-up; else 0 */
	__u16 client_port;
	__u16 vip_port;
	__u32 self; /* an entry to leave out: index + 1 */
	__u32 pad;
	/* what was found, read while the entry was this flow's: nobody may read the entry's tuple later */
	__u64 word;
	__u32 found_owner;
	__u16 found_port;
	__u16 pad2;
};

/* answers of xm_flow_insert() below 0 */
#define XM_FLOW_FULL (-1)
#define XM_FLOW_TAKEN (-2) /* its reverse tuple is another flow's */
#define XM_FLOW_TWIN (-3)  /* the same flow was made on another CPU */

/** The two sets that a flow may stand in. */
xm_inline __u32 xm_flow_set_index(__u64 hash, __u32 which)
{
	__u32 a = hash & xm_flow_mask, b = (xm_fold(hash) >> 32) & xm_flow_mask;

	if (!which)
		return a;
	return a == b ? (a ^ 1) & xm_flow_mask : b;
}

/** The entry of an index. */
xm_inline struct xm_flow *xm_flow_at(__u32 index)
{
	struct xm_flow_set *set = xm_at(flows, index / XM_FLOW_WAYS);

	return set ? &set->way[index & (XM_FLOW_WAYS - 1)] : 0;
}

/** The endpoint that a flow's replies come from. A direct connection is known by its owner: service 0. */
xm_inline __u32 xm_flow_key(__u32 owner, __u64 w)
{
	struct xm_flow_word f = xm_flow_unpack(w);
	struct xm_backend *b;

	if (!(owner >> 8))
		return f.backend;
	b = xm_at(backends, f.backend);
	return b ? b->key : 0;
}

/** Does the tuple beside the word match? Keeps what it read, for the word may be found to have changed. */
xm_inline bool xm_flow_matches(struct xm_flow *e, struct xm_flow_query *q, __u64 w)
{
	__u32 owner = xm_read(e->owner);
	__u16 port = xm_read(e->vip_port);

	if (xm_read(e->client.lo) != q->client.lo || xm_read(e->client.hi) != q->client.hi ||
	    xm_read(e->client_port) != q->client_port)
		return false;
	if (!q->key && (owner != q->owner || port != q->vip_port))
		return false;
	if (q->key && ((owner & 0xff) != (q->owner & 0xff) || xm_flow_key(owner, w) != q->key))
		return false;
	q->found_owner = owner;
	q->found_port = port;
	return true;
}

/** The index + 1 of a flow that is at least in state least, 0 if there is none. */
xm_inline __u32 xm_flow_scan(struct xm_flow_query *q, __u8 least)
{
	for (__u32 s = 0; s < XM_CLAIM_SETS; s++) {
		__u32 at = xm_flow_set_index(q->hash, s);
		struct xm_flow_set *set = xm_at(flows, at);
		__u32 first = q->hash >> 24;

		if (!set)
			return 0;
		for (__u32 i = 0; i < XM_FLOW_WAYS; i++) {
			__u32 way = (first + i) & (XM_FLOW_WAYS - 1);
			struct xm_flow *e = &set->way[way];
			__u64 w = xm_read(e->word), again;

			if (xm_flow_state_of(w) < least || !xm_flow_matches(e, q, w))
				continue;
			again = xm_read(e->word);
			if (again >> 56 != w >> 56 || xm_flow_state_of(again) < least)
				continue;
			if (at * XM_FLOW_WAYS + way + 1 == q->self)
				continue;
			q->word = again;
			return at * XM_FLOW_WAYS + way + 1;
		}
	}
	return 0;
}

/** Global: verified once. */
XM_GLOBAL __u32 xm_flow_find(struct xm_flow_query *q)
{
	return q ? xm_flow_scan(q, XM_FLOW_DIRECT) : 0;
}

/** Takes an entry out, unless it has changed since w was read. */
xm_inline bool xm_flow_free(struct xm_flow *e, __u64 w)
{
	struct xm_flow_word f = { .state = XM_FLOW_FREE, .seq = w >> 56 };

	return xm_cas(&e->word, w, xm_flow_pack(f)) == w;
}

/** Takes a flow out whatever other packets do to its word meanwhile. True if this call did it. */
xm_inline bool xm_flow_end(struct xm_flow *e, __u64 w)
{
	for (__u32 i = 0; i < XM_END_TRIES; i++) {
		__u64 seen;

		if (xm_flow_free(e, w))
			return true;
		seen = xm_read(e->word);
		if (seen >> 56 != w >> 56 || xm_flow_state_of(seen) < XM_FLOW_DIRECT)
			return false;
		w = seen;
	}
	return false;
}

/** Ticks after which a flow in this state is idle; 0: never. */
xm_inline __u32 xm_idle_limit(const struct xm_meta *m, __u8 state)
{
	switch (state) {
	case XM_FLOW_SYN:
		return m->syn_idle;
	case XM_FLOW_CLOSING:
		return m->closing_idle;
	case XM_FLOW_UDP:
	case XM_FLOW_DIRECT: /* of use while its client's port could meet a service's flow */
		return m->udp_idle;
	case XM_FLOW_OPEN:
		return m->tcp_idle;
	default:
		return m->syn_idle; /* claimed that long: its CPU never came back */
	}
}

/** May this entry make room for a new flow, as no free one is left? Closed, idle, or a SYN that nobody has answered for some ticks. */
XM_GLOBAL __u32 xm_flow_yields(__u64 w)
{
	struct xm_flow_word f = xm_flow_unpack(w);
	__u16 age = xm_tick() - f.tick;
	struct xm_meta *m;
	__u32 limit;

	if (f.state < XM_FLOW_DIRECT)
		return false;
	if (f.state == XM_FLOW_CLOSING || (f.state == XM_FLOW_SYN && age >= XM_EVICT_TICKS))
		return true;
	m = xm_at(meta, 0);
	limit = m ? xm_idle_limit(m, f.state) : 0;
	return limit && age >= limit;
}

/** Takes an entry for this CPU alone (BUSY). Returns its index + 1, or 0 if both sets are full. */
xm_inline __u32 xm_flow_take(__u64 hash, bool evict, __u8 *ret_seq)
{
	for (__u32 s = 0; s < XM_CLAIM_SETS; s++) {
		__u32 at = xm_flow_set_index(hash, s);
		struct xm_flow_set *set = xm_at(flows, at);
		__u32 first = hash >> 24;

		if (!set)
			return 0;
		for (__u32 i = 0; i < XM_FLOW_WAYS; i++) {
			__u32 way = (first + i) & (XM_FLOW_WAYS - 1);
			__u64 w = xm_read(set->way[way].word);
			struct xm_flow_word busy = { .state = XM_FLOW_BUSY, .seq = (w >> 56) + 1 };

			if (xm_flow_state_of(w) != XM_FLOW_FREE && !(evict && xm_flow_yields(w)))
				continue;
			if (xm_cas(&set->way[way].word, w, xm_flow_pack(busy)) != w)
				continue;
			*ret_seq = busy.seq;
			return at * XM_FLOW_WAYS + way + 1;
		}
	}
	return 0;
}

struct xm_flow_new {
	struct xm_flow_query q; /* q.key: the endpoint of the backend that was picked */
	__u32 backend;		/* for a direct connection: the endpoint's key */
	__u16 hop;
	__u8 state; /* what it becomes */
	__u8 force; /* take the place of another service's closed flow too */
};

/**
 * After the claim: is there a twin, or another flow with our reverse tuple? One that is closed gives way if it was the same
 * client's connection to the same service: the client's stack knows what it does. One of another service it cannot know of, and
 * the backend may still hold it in TIME_WAIT: it gives way only if no other backend will do.
 */
xm_inline int xm_flow_alone(struct xm_flow_new *n)
{
	__u32 key = n->q.key;

	n->q.key = 0;
	for (__u32 i = 0; i < XM_CLOSED_TRIES && n->state != XM_FLOW_DIRECT; i++) {
		__u32 twin = xm_flow_scan(&n->q, XM_FLOW_CLAIMED);
		struct xm_flow *e = twin ? xm_flow_at(twin - 1) : 0;

		if (!e)
			break;
		/* one that is closed is the connection before this one */
		if (xm_flow_state_of(n->q.word) != XM_FLOW_CLOSING || !xm_flow_end(e, n->q.word)) {
			n->q.key = key;
			return XM_FLOW_TWIN;
		}
	}
	n->q.key = key;
	for (__u32 i = 0; i < XM_CLOSED_TRIES; i++) {
		__u32 other = xm_flow_scan(&n->q, XM_FLOW_CLAIMED);
		struct xm_flow *e = other ? xm_flow_at(other - 1) : 0;

		if (!e)
			return 0;
		if (xm_flow_state_of(n->q.word) != XM_FLOW_CLOSING || (n->q.found_owner != n->q.owner && !n->force))
			return XM_FLOW_TAKEN;
		if (!xm_flow_end(e, n->q.word))
			return XM_FLOW_TAKEN;
	}
	return XM_FLOW_TAKEN;
}

/** Makes a flow. Returns its index + 1, or one of the answers below 0. Global: verified once. */
XM_GLOBAL int xm_flow_insert(struct xm_flow_new *n)
{
	struct xm_flow_word f = {};
	struct xm_flow *e;
	__u32 index;
	__u8 seq = 0;
	int err;

	if (!n)
		return XM_FLOW_FULL;
	index = xm_flow_take(n->q.hash, false, &seq);
	if (!index)
		index = xm_flow_take(n->q.hash, true, &seq);
	e = index ? xm_flow_at(index - 1) : 0;
	if (!e)
		return XM_FLOW_FULL;
	e->client = n->q.client;
	e->client_port = n->q.client_port;
	e->vip_port = n->q.vip_port;
	e->owner = n->q.owner;
	f.backend = n->backend;
	f.tick = xm_tick();
	f.hop = n->hop;
	f.seq = seq;
	f.state = XM_FLOW_CLAIMED;
	__sync_lock_test_and_set(&e->word, xm_flow_pack(f)); /* full barrier: published before we look */
	n->q.self = index;
	err = xm_flow_alone(n);
	n->q.self = 0;
	f.state = err ? XM_FLOW_FREE : n->state;
	__sync_lock_test_and_set(&e->word, xm_flow_pack(f));
	return err ? err : (int)index;
}
