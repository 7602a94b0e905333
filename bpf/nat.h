/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Step 4 of class all: a client's packet to its backend, a backend's reply to its client. The entry decides while it lives;
 * a flow begins with a SYN or a datagram and nothing else.
 */
#pragma once

#include "flow.h"
#include "forward.h"
#include "pick.h"
#include "reset.h"
#include "rewrite.h"

#define XM_NAT_PICKS (XM_AVOID + 1)

/** All that a client's packet is decided by. */
struct xm_nat {
	struct xm_flow_query q;
	struct xm_plan_word plan;
	__u32 service;
	__u32 backend; /* the answer */
};

xm_inline enum xm_verdict xm_answer_reset(struct xdp_md *ctx, struct xm_pkt *p, enum xm_verdict v)
{
	/* a RST is never answered by one */
	if (p->flags & XM_TH_RST)
		return XM_V_stray_drop;
	return xm_reset_frame(ctx, p) ? v : XM_V_malformed;
}

xm_inline enum xm_verdict xm_no_backend(struct xdp_md *ctx, struct xm_pkt *p, __u8 on_none)
{
	if (on_none == XM_NONE_PASS)
		return XM_V_no_backend_pass;
	if (on_none == XM_NONE_RESET && p->proto == XM_TCP)
		return xm_answer_reset(ctx, p, XM_V_no_backend_reset);
	return XM_V_no_backend_drop;
}

/** Finds a backend at which the client's port is free and makes the entry. Returns index + 1, or an answer below 0. */
XM_GLOBAL int xm_nat_begin(struct xdp_md *ctx, struct xm_nat *n, struct xm_pkt *p)
{
	struct xm_pick pick = {};
	struct xm_flow_new new = {};
	struct xm_hop_query hop = {};
	struct xm_backend *b;
	int index = 0;

	if (!n || !p)
		return XM_FLOW_FULL;
	hop.from = xm_addr_v4(p->dst);
	hop.to = xm_addr_v4(p->src);
	new.q = n->q;
	new.hop = xm_client_hop(ctx, &hop);
	new.state = p->proto == XM_TCP ? XM_FLOW_SYN : XM_FLOW_UDP;
	pick.hash = xm_hash_pick(n->q.hash, n->service);
	pick.service = n->service;
	for (__u32 i = 0; i < XM_NAT_PICKS; i++) {
		new.backend = xm_pick(&pick);
		b = xm_at(backends, new.backend);
		if (!new.backend || !b)
			return index; /* 0: none usable; else the collision that we could not get round */
		new.q.key = b->key;
		index = xm_flow_insert(&new);
		if (index == XM_FLOW_TWIN)
			return xm_flow_find(&n->q);
		if (index != XM_FLOW_TAKEN)
			break;
		if (i < XM_AVOID)
			pick.avoid[i] = new.backend;
		pick.avoids = i + 1;
	}
	if (index > 0) {
		n->backend = new.backend;
		xm_count_connection(new.backend);
	}
	return index;
}

/** The word after a client's packet. */
xm_inline struct xm_flow_word xm_nat_step(struct xm_flow_word f, const struct xm_pkt *p, __u8 fin)
{
	f.tick = xm_tick();
	if (p->proto != XM_TCP)
		return f;
	if (p->flags & XM_TH_FIN)
		f.flags |= fin;
	if ((p->flags & XM_TH_RST) || (f.flags & (XM_FIN_CLIENT | XM_FIN_BACKEND)) == (XM_FIN_CLIENT | XM_FIN_BACKEND))
		f.state = XM_FLOW_CLOSING;
	else if (f.state == XM_FLOW_SYN && (f.flags & XM_REPLIED) && !(p->flags & XM_TH_SYN))
		f.state = XM_FLOW_OPEN;
	return f;
}

/** Stores what changed; a lost race only costs the stamp. */
xm_inline void xm_nat_store(struct xm_flow *e, __u64 from, struct xm_flow_word to)
{
	__u64 w = xm_flow_pack(to);

	if (w != from)
		xm_cas(&e->word, from, w);
}

/** Must a known flow begin anew? A SYN on a closed one, a UDP flow or a SYN whose backend is gone. */
xm_inline bool xm_nat_anew(const struct xm_pkt *p, struct xm_flow_word f, bool dead)
{
	if (xm_is_syn(p))
		return f.state == XM_FLOW_CLOSING || (dead && f.state == XM_FLOW_SYN);
	return dead && p->proto == XM_UDP;
}

xm_inline bool xm_dead(const struct xm_backend *b)
{
	__u32 state = xm_read(b->state);

	return state == XM_STATE_DOWN || b->life != XM_LIFE_LIVE;
}

/** Rewrites a client's packet for its backend and sends it. */
xm_inline struct xm_way xm_nat_forward(struct xdp_md *ctx, struct xm_pkt *p, __u32 id, struct xm_backend *b)
{
	struct xm_end to = { .addr = b->addr, .port = b->port, .source = 0 };
	struct xm_way way = { .verdict = XM_V_ttl };
	__u64 *hop = xm_at(hops, b->hop);

	if (p->ttl <= 1)
		return way;
	way.verdict = XM_V_internal;
	if (!hop || !xm_rewrite(ctx, p, &to))
		return way;
	xm_count_forward(id, p->len);
	return xm_send(ctx, p, xm_read(*hop), XM_V_forward_tx);
}

/** What becomes of a packet for which no flow could be made. */
xm_inline enum xm_verdict xm_nat_refused(struct xdp_md *ctx, struct xm_pkt *p, struct xm_nat *n, int why)
{
	if (why == XM_FLOW_FULL)
		return XM_V_flows_full;
	if (why == XM_FLOW_TAKEN || why == XM_FLOW_TWIN)
		return XM_V_nat_collision;
	return xm_no_backend(ctx, p, n->plan.on_none);
}

/** A flow that begins with this packet. */
xm_inline struct xm_way xm_nat_new(struct xdp_md *ctx, struct xm_pkt *p, struct xm_nat *n)
{
	struct xm_way way = {};
	struct xm_backend *b;
	struct xm_flow *e;
	int index = xm_nat_begin(ctx, n, p);

	if (index <= 0) {
		way.verdict = xm_nat_refused(ctx, p, n, index);
		return way;
	}
	e = xm_flow_at(index - 1);
	n->backend = e ? xm_flow_unpack(xm_read(e->word)).backend : 0;
	b = xm_at(backends, n->backend);
	way.verdict = XM_V_internal;
	if (!e || !b)
		return way;
	return xm_nat_forward(ctx, p, n->backend, b);
}

/** A client's packet to a service of class all. */
xm_inline struct xm_way xm_nat_client(struct xdp_md *ctx, struct xm_pkt *p, __u32 service, struct xm_plan_word plan)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_nat n = { .service = service, .plan = plan };
	struct xm_way way = {};
	struct xm_flow_word f;
	struct xm_backend *b;
	struct xm_flow *e;
	__u32 index;
	bool dead;
	__u64 w;

	n.q.client = p->src;
	n.q.client_port = p->sport;
	n.q.vip_port = p->dport;
	n.q.owner = xm_flow_owner(service, p->proto);
	n.q.hash = xm_hash_client(p->src, p->sport, p->proto, &secret);
	index = xm_flow_find(&n.q);
	if (!index) {
		if (p->proto == XM_UDP || xm_is_syn(p))
			return xm_nat_new(ctx, p, &n);
		way.verdict = xm_answer_reset(ctx, p, XM_V_stray_reset);
		return way;
	}
	e = xm_flow_at(index - 1);
	way.verdict = XM_V_internal;
	if (!e)
		return way;
	w = xm_read(e->word);
	f = xm_flow_unpack(w);
	b = xm_at(backends, f.backend);
	if (!b)
		return way;
	dead = xm_dead(b);
	if (xm_nat_anew(p, f, dead)) {
		xm_flow_free(e, w);
		return xm_nat_new(ctx, p, &n);
	}
	if (dead && plan.on_down == XM_DOWN_RESET) {
		f.state = XM_FLOW_CLOSING;
		xm_nat_store(e, w, f);
		way.verdict = xm_answer_reset(ctx, p, XM_V_down_reset);
		return way;
	}
	xm_nat_store(e, w, xm_nat_step(f, p, XM_FIN_CLIENT));
	return xm_nat_forward(ctx, p, f.backend, b);
}

/** A packet from an endpoint of ours: a reply of a flow, or its own traffic, which passes untouched. */
xm_inline struct xm_way xm_nat_backend(struct xdp_md *ctx, struct xm_pkt *p, __u32 key)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_flow_query q = { .client = p->dst, .client_port = p->dport, .key = key };
	struct xm_way way = { .verdict = XM_V_no_flow };
	struct xm_flow_word f, to;
	struct xm_service *s;
	struct xm_end end;
	struct xm_flow *e;
	__u32 index;
	__u64 w, *hop;

	q.owner = p->proto;
	q.hash = xm_hash_client(p->dst, p->dport, p->proto, &secret);
	index = xm_flow_find(&q);
	e = index ? xm_flow_at(index - 1) : 0;
	if (!e)
		return way;
	w = xm_read(e->word);
	f = xm_flow_unpack(w);
	way.verdict = XM_V_direct;
	if (f.state == XM_FLOW_DIRECT) {
		f.tick = xm_tick();
		xm_nat_store(e, w, f);
		return way;
	}
	way.verdict = XM_V_ttl;
	if (p->ttl <= 1)
		return way;
	way.verdict = XM_V_internal;
	s = xm_at(services, e->owner >> 8);
	if (!s)
		return way;
	to = xm_nat_step(f, p, XM_FIN_BACKEND);
	to.flags |= XM_REPLIED;
	if (to.tick != f.tick) { /* once a second: does the kernel still send this client's packets the same way? */
		struct xm_hop_query hq = { .from = xm_addr_v4(s->addr), .to = xm_addr_v4(p->dst) };

		to.hop = xm_client_hop(ctx, &hq);
	}
	xm_nat_store(e, w, to);
	end.addr = s->addr;
	end.port = e->vip_port;
	end.source = 1;
	hop = xm_at(client_hops, to.hop);
	if (!hop || !xm_rewrite(ctx, p, &end))
		return way;
	xm_count_reply(f.backend, p->len);
	return xm_send(ctx, p, xm_read(*hop), XM_V_reply_tx);
}

/** A client's own connection to a backend begins: note it, so that its answers are not taken for a service's. */
XM_GLOBAL int xm_nat_direct(struct xm_pkt *p, __u32 key)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_flow_new new = { .backend = key, .state = XM_FLOW_DIRECT };

	if (!p)
		return 0;
	new.q.client = p->src;
	new.q.client_port = p->sport;
	new.q.vip_port = p->dport;
	new.q.owner = xm_flow_owner(0, p->proto);
	new.q.key = key;
	new.q.hash = xm_hash_client(p->src, p->sport, p->proto, &secret);
	return xm_flow_insert(&new);
}
