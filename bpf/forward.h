/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Step 5: out of a device, or rewritten into the stack. Turns a next hop's word into MACs and a way to send. */
#pragma once

#include "count.h"
#include "parse.h"

#define XM_AF_INET 2
#define XM_HOP_PROBES 8

struct xm_way {
	enum xm_verdict verdict;
	__u32 ifindex; /* of a redirect */
};

/* the three verdicts of a direction stand in the order tx, redirect, stack */
_Static_assert(XM_V_forward_redirect == XM_V_forward_tx + 1 && XM_V_forward_stack == XM_V_forward_tx + 2, "order");
_Static_assert(XM_V_reply_redirect == XM_V_reply_tx + 1 && XM_V_reply_stack == XM_V_reply_tx + 2, "order");

/** Writes the MACs and returns tx, redirect or stack, counted from the verdict tx. */
xm_inline struct xm_way xm_send(struct xdp_md *ctx, const struct xm_pkt *p, __u64 hop, enum xm_verdict tx)
{
	struct xm_way way = { .verdict = tx + 2 };
	struct ethhdr *eth = xm_data(ctx);
	struct xm_dev *dev;

	if (xm_hop_kind(hop) != XM_HOP_SEND)
		return way;
	dev = xm_at(devs, xm_hop_dev(hop));
	/* the kernel fragments what is too long, or says so */
	if (!dev || !dev->sends || p->len > dev->mtu || (void *)(eth + 1) > xm_end(ctx))
		return way;
	__builtin_memcpy(eth->h_dest, &hop, 4);
	__builtin_memcpy(eth->h_dest + 4, (void *)&hop + 4, 2);
	__builtin_memcpy(eth->h_source, dev->mac, 6);
	way.ifindex = dev->ifindex;
	way.verdict = dev->ifindex == p->ingress ? tx : tx + 1;
	return way;
}

/** The index of a hop's word in client_hops, entered if it is not there; 0 (the stack) if there is no room near. */
xm_inline __u32 xm_hop_enter(__u64 hop)
{
	__u32 h = xm_fold(hop) >> 32;

	for (__u32 i = 0; i < XM_HOP_PROBES; i++) {
		__u32 at = (h + i) & (XM_CLIENT_HOPS - 1);
		__u64 *e = xm_at(client_hops, at);
		__u64 w;

		if (!e || !at)
			continue;
		w = xm_read(*e);
		if (!w)
			w = __sync_val_compare_and_swap(e, 0, hop);
		if (!w || w == hop)
			return at;
	}
	return 0;
}

struct xm_hop_query {
	__u32 from; /* our side: the VIP */
	__u32 to;   /* the client */
};

/** Where the kernel's routes and neighbours send a client's packets. 0: let the stack do it. Global: verified once. */
XM_GLOBAL __u32 xm_client_hop(struct xdp_md *ctx, struct xm_hop_query *q)
{
	struct bpf_fib_lookup fib;
	__u64 mac = 0;
	__u32 *dev;

	if (!q)
		return 0;
	__builtin_memset(&fib, 0, sizeof(fib));
	fib.family = XM_AF_INET;
	fib.src[0] = q->from;
	fib.dst[0] = q->to;
	fib.ifindex = ctx->ingress_ifindex;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0))
		return 0;
	dev = bpf_map_lookup_elem(&dev_index, &fib.ifindex);
	if (!dev)
		return 0;
	__builtin_memcpy(&mac, fib.dmac, 6);
	return xm_hop_enter(xm_hop_make(mac, *dev, XM_HOP_SEND));
}
