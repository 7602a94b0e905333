/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Step 4 of class none: the flow hash alone decides, no packet leaves a trace. dsr: the frame's MACs change, and its TTL. */
#pragma once

#include "forward.h"
#include "pick.h"
#include "rewrite.h"

xm_inline bool xm_ttl_less(struct xdp_md *ctx)
{
	struct iphdr *ip = xm_data(ctx) + XM_ETH_LEN;

	if ((void *)(ip + 1) > xm_end(ctx))
		return false;
	ip->check = xm_csum_apply(ip->check, (__u16)~bpf_htons(0x0100));
	ip->ttl--;
	return true;
}

/** The owner of a hash pick's slot if it is up: the way of nearly every packet, inline. */
xm_inline __u32 xm_pick_fast(const struct xm_plan_word *plan, __u64 hash)
{
	__u64 *slot = xm_at(slots, plan->base * XM_SLOT_UNIT + (hash & ((1U << plan->log2) - 1)));
	__u32 id = slot ? xm_slot_owner(xm_read(*slot)) : 0;
	struct xm_backend *b = xm_at(backends, id);

	return b && xm_read(b->state) == XM_STATE_UP ? id : 0;
}

xm_inline struct xm_way xm_stateless(struct xdp_md *ctx, struct xm_pkt *p, __u32 service, struct xm_plan_word plan)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_way way = { .verdict = XM_V_ttl };
	__u64 hash = xm_hash_client(p->src, p->sport, p->proto, &secret);
	struct xm_backend *b;
	__u64 *hop;
	__u32 id;

	if (p->ttl <= 1)
		return way;
	hash = xm_hash_pick(hash, service);
	id = xm_pick_fast(&plan, hash);
	if (!id) {
		struct xm_pick pick = { .hash = hash, .service = service };

		id = xm_pick(&pick);
	}
	way.verdict = plan.on_none == XM_NONE_PASS ? XM_V_no_backend_pass : XM_V_no_backend_drop;
	if (!id)
		return way;
	b = xm_at(backends, id);
	hop = b ? xm_at(hops, b->hop) : 0;
	way.verdict = XM_V_internal;
	if (!hop || !xm_ttl_less(ctx))
		return way;
	way = xm_send(ctx, p, xm_read(*hop), XM_V_forward_tx);
	if (way.verdict == XM_V_forward_stack) /* still addressed to the VIP: the stack would take it for its own */
		way.verdict = XM_V_no_hop;
	else
		xm_count_forward(id, p->len);
	return way;
}
