/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words that are published by one 8-byte store or compare-and-swap. Each is written by the kernel or by user space,
 * never by both. Fields are taken and put by the functions here and nowhere else.
 */
#pragma once

#include <xdpmesh/limits.h>
#include <xdpmesh/types.h>

xm_inline __u64 xm_bits(__u64 word, int at, int width)
{
	return (word >> at) & ((1ULL << width) - 1);
}

/*
 * A slot: owner 20 | previous owner 20 | moved at 16 | flags 8. Written by user space.
 */
#define XM_SLOT_NONE 0 /* backend 0 does not exist: a slot without an owner */

xm_inline __u32 xm_slot_owner(__u64 slot)
{
	return xm_bits(slot, 0, 20);
}

xm_inline __u32 xm_slot_previous(__u64 slot)
{
	return xm_bits(slot, 20, 20);
}

xm_inline __u16 xm_slot_moved(__u64 slot)
{
	return xm_bits(slot, 40, 16);
}

xm_inline __u64 xm_slot_make(__u32 owner, __u32 previous, __u16 moved, __u8 flags)
{
	return (__u64)(owner & 0xfffff) | (__u64)(previous & 0xfffff) << 20 | (__u64)moved << 40 | (__u64)flags << 56;
}

/*
 * A next hop: MAC 48 | device 12 | kind 4. One store re-aims everything behind a gateway. Towards backends written by user
 * space, towards clients by the kernel.
 */
enum xm_hop_kind {
	XM_HOP_STACK = 0, /* not resolved, or not a device of ours: rewrite, then let the kernel route */
	XM_HOP_SEND = 1,  /* out of the device in the word */
};

xm_inline __u64 xm_hop_make(__u64 mac48, __u32 dev, enum xm_hop_kind kind)
{
	return (mac48 & 0xffffffffffffULL) | (__u64)(dev & 0xfff) << 48 | (__u64)kind << 60;
}

xm_inline __u32 xm_hop_dev(__u64 hop)
{
	return xm_bits(hop, 48, 12);
}

xm_inline __u32 xm_hop_kind(__u64 hop)
{
	return xm_bits(hop, 60, 4);
}

/*
 * What a service does, all of it in one word: slot base (in units) 16 | log2 of the slots 5 | round-robin length 22 |
 * balance 4 | forward 4 | track 2 | on-down 1 | on-no-backend 2. Written by user space; the slots it points at are complete before it is stored.
 */
enum xm_balance { XM_BALANCE_HASH, XM_BALANCE_ROUND_ROBIN, XM_BALANCE_COUNT };
enum xm_forward { XM_FORWARD_NAT, XM_FORWARD_DSR, XM_FORWARD_COUNT };
enum xm_track { XM_TRACK_ALL, XM_TRACK_NONE, XM_TRACK_EXCEPTIONS, XM_TRACK_COUNT };
enum xm_on_down { XM_DOWN_RESET, XM_DOWN_KEEP };
enum xm_on_none { XM_NONE_DROP, XM_NONE_PASS, XM_NONE_RESET };

struct xm_plan_word {
	__u32 base; /* first slot / XM_SLOT_UNIT */
	__u32 log2; /* log2 of the number of slots, 10..21 */
	__u32 rr;   /* slots that a round-robin cursor goes through, 1..1 << log2 */
	__u8 balance;
	__u8 forward;
	__u8 track;
	__u8 on_down;
	__u8 on_none;
	__u8 pad[3];
};

xm_inline __u64 xm_plan_pack(const struct xm_plan_word *p)
{
	return (__u64)p->base | (__u64)p->log2 << 16 | (__u64)p->rr << 21 | (__u64)p->balance << 43 |
	       (__u64)p->forward << 47 | (__u64)p->track << 51 | (__u64)p->on_down << 53 | (__u64)p->on_none << 54;
}

xm_inline struct xm_plan_word xm_plan_unpack(__u64 w)
{
	struct xm_plan_word p = {
		.base = xm_bits(w, 0, 16),
		.log2 = xm_bits(w, 16, 5),
		.rr = xm_bits(w, 21, 22),
		.balance = xm_bits(w, 43, 4),
		.forward = xm_bits(w, 47, 4),
		.track = xm_bits(w, 51, 2),
		.on_down = xm_bits(w, 53, 1),
		.on_none = xm_bits(w, 54, 2),
	};

	return p;
}

/*
 * A flow: backend 20 | tick 16 | client hop 12 | state 4 | flags 4 | sequence 8. Written by the kernel, by compare-and-swap.
 * The sequence changes with each tenant of the entry, so that a reader knows the tuple beside it from a later one's.
 */
enum xm_flow_state {
	XM_FLOW_FREE = 0,
	XM_FLOW_BUSY = 1,    /* its tuple is being written */
	XM_FLOW_CLAIMED = 2, /* written, not yet seen to be alone with its reverse tuple */
	XM_FLOW_DIRECT =
		3, /* a client's own connection to a backend: service 0, the backend field holds the endpoint's key */
	XM_FLOW_SYN = 4,     /* TCP, before the first segment after the SYN-ACK */
	XM_FLOW_OPEN = 5,    /* TCP established */
	XM_FLOW_CLOSING = 6, /* TCP, FIN from both ends or RST */
	XM_FLOW_UDP = 7,
};

#define XM_FIN_CLIENT 1	 /* the client has sent FIN */
#define XM_FIN_BACKEND 2 /* the backend has sent FIN */
#define XM_REPLIED 4	 /* the backend has answered */

struct xm_flow_word {
	__u32 backend;
	__u16 tick;
	__u16 hop;
	__u8 state;
	__u8 flags;
	__u8 seq;
	__u8 pad[5];
};

xm_inline __u64 xm_flow_pack(struct xm_flow_word f)
{
	return (__u64)(f.backend & 0xfffff) | (__u64)f.tick << 20 | (__u64)(f.hop & 0xfff) << 36 |
	       (__u64)(f.state & 15) << 48 | (__u64)(f.flags & 15) << 52 | (__u64)f.seq << 56;
}

xm_inline struct xm_flow_word xm_flow_unpack(__u64 w)
{
	struct xm_flow_word f = {
		.backend = xm_bits(w, 0, 20),
		.tick = xm_bits(w, 20, 16),
		.hop = xm_bits(w, 36, 12),
		.state = xm_bits(w, 48, 4),
		.flags = xm_bits(w, 52, 4),
		.seq = xm_bits(w, 56, 8),
	};

	return f;
}

xm_inline __u8 xm_flow_state_of(__u64 w)
{
	return xm_bits(w, 48, 4);
}
