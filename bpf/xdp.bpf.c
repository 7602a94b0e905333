/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The XDP hook. parse -> vip -> (flow | pick) -> backend -> forward -> count: the steps return a verdict, and this file alone
 * turns it into what the driver is told, and counts it. Twice, because a device with frames in several buffers wants a
 * program that says it can.
 */
#include "icmp.h"
#include "stateless.h"

/** A TCP or UDP packet to a service. False: there is no such service. h: xm_hash_addr() of the destination. */
xm_inline bool xm_to_service(struct xdp_md *ctx, struct xm_pkt *p, __u64 h, struct xm_way *way)
{
	__u32 id = xm_key_find(XM_KEY_SERVICE, p->dst, p->dport, p->proto, h);
	struct xm_key *k = id ? xm_at(keys, id) : 0;
	struct xm_service *s = k ? xm_at(services, k->value) : 0;
	struct xm_plan_word plan;

	if (!s)
		return false;
	plan = xm_plan_unpack(xm_read(s->plan));
	*way = plan.track == XM_TRACK_NONE ? xm_stateless(ctx, p, k->value, plan) :
					     xm_nat_client(ctx, p, k->value, plan);
	return true;
}

/** Anything else to an address of ours. */
xm_inline struct xm_way xm_to_vip(struct xdp_md *ctx, struct xm_pkt *p)
{
	struct xm_way way = { .verdict = XM_V_no_service };

	if (p->frag)
		way.verdict = XM_V_fragment;
	else if (p->bad)
		way.verdict = XM_V_malformed;
	else if (p->proto == XM_ICMP)
		xm_icmp(ctx, p, &way, 1);
	return way;
}

/** A packet to somebody else, on a host with nat services. */
xm_inline struct xm_way xm_passing(struct xdp_md *ctx, struct xm_pkt *p, __u64 h)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_way way = { .verdict = XM_V_not_ours };
	__u32 key;

	if (p->proto == XM_ICMP && !p->frag) {
		xm_icmp(ctx, p, &way, 0);
		return way;
	}
	if (p->bad || p->frag || (p->proto != XM_TCP && p->proto != XM_UDP))
		return way;
	key = xm_key_find(XM_KEY_ENDPOINT, p->src, p->sport, p->proto, xm_hash_addr(p->src, &secret));
	if (key)
		return xm_nat_backend(ctx, p, key);
	if (p->proto == XM_UDP || xm_is_syn(p)) {
		key = xm_key_find(XM_KEY_ENDPOINT, p->dst, p->dport, p->proto, h);
		if (key) {
			xm_nat_direct(p, key);
			way.verdict = XM_V_direct;
		}
	}
	return way;
}

xm_inline struct xm_way xm_run(struct xdp_md *ctx)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_way way = { .verdict = XM_V_not_ours };
	struct xm_meta *m;
	struct xm_pkt p;
	__u32 vip;
	__u64 h;

	if (!xm_parse_addr(ctx, &p))
		return way;
	h = xm_hash_addr(p.dst, &secret);
	vip = xm_key_tagged(XM_KEY_VIP, 0, 0, h);
	if (vip) {
		xm_parse_rest(ctx, &p);
		if (!p.bad && !p.frag && (p.proto == XM_TCP || p.proto == XM_UDP) && xm_to_service(ctx, &p, h, &way))
			return way;
		/* the service's key tells the address too; only here the tag has to prove itself */
		if (xm_key_is(vip, XM_KEY_VIP, p.dst, 0, 0))
			return xm_to_vip(ctx, &p);
	}
	m = xm_at(meta, 0);
	if (!m || !m->endpoints)
		return way;
	xm_parse_rest(ctx, &p);
	return xm_passing(ctx, &p, h);
}

xm_inline int xm_finish(struct xm_way way)
{
	xm_count_verdict(way.verdict);
	switch (way.verdict) {
#define X(word, action, text) \
	case XM_V_##word:     \
		return XDP_##action == XDP_REDIRECT ? bpf_redirect(way.ifindex, 0) : XDP_##action;
		XM_VERDICTS(X)
#undef X
	default:
		return XDP_DROP;
	}
}

SEC("xdp")
int xdpmesh_xdp(struct xdp_md *ctx)
{
	return xm_finish(xm_run(ctx));
}

SEC("xdp.frags")
int xdpmesh_frags(struct xdp_md *ctx)
{
	return xm_finish(xm_run(ctx));
}

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";
