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
#define XM_HOP_TICKS 4	  /* log2 of the ticks after which a flow's way to its client is looked up again */
#define XM_UPDATE_TRIES 4 /* two directions meet at a word; more than a few rounds of that are no accident */

/** All that a client's packet is decided by. */
struct xm_nat {
	struct xm_flow_query q;
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
			break; /* none usable, or none that was not tried */
		new.q.key = b->key;
		index = xm_flow_insert(&new);
		if (index != XM_FLOW_TAKEN)
			break;
		if (i < XM_AVOID)
			pick.avoid[i] = new.backend;
		pick.avoids = i + 1;
	}
	for (__u32 i = 0; i < XM_AVOID && i < pick.avoids && index == XM_FLOW_TAKEN; i++) {
		new.backend = pick.avoid[i];
		new.force = 1;
		b = xm_at(backends, new.backend);
		new.q.key = b ? b->key : 0;
		index = xm_flow_insert(&new);
	}
	if (index == XM_FLOW_TWIN) {
		index = xm_flow_find(&n->q);
		n->backend = xm_flow_unpack(n->q.word).backend;
		/* it gave way as well, or is not done: the client will send again */
		return index ? index : XM_FLOW_TWIN;
	}
	if (index > 0) {
		n->backend = new.backend;
		xm_count_connection(new.backend);
	}
	return index;
}

/** The word after a packet; fin tells whose it is. */
xm_inline struct xm_flow_word xm_nat_step(struct xm_flow_word f, const struct xm_pkt *p, __u8 fin)
{
	f.tick = xm_tick();
	if (p->proto != XM_TCP)
		return f;
	if (p->flags & XM_TH_FIN)
		f.flags |= fin;
	if ((p->flags & XM_TH_RST) || (f.flags & (XM_FIN_CLIENT | XM_FIN_BACKEND)) == (XM_FIN_CLIENT | XM_FIN_BACKEND))
		f.state = XM_FLOW_CLOSING;
	else if (f.state == XM_FLOW_SYN && (f.flags & XM_REPLIED) && fin == XM_FIN_CLIENT && !(p->flags & XM_TH_SYN))
		f.state = XM_FLOW_OPEN;
	return f;
}

/** The hop argument of xm_nat_update(): it was not looked up again, the word keeps its own. */
#define XM_SAME_HOP (~0U)

/** What a packet does to its flow's word: nothing is lost to a packet of the other direction at the same instant. */
xm_inline void xm_nat_update(struct xm_flow *e, __u64 w, const struct xm_pkt *p, __u8 fin, __u8 flags, __u32 hop)
{
	for (__u32 i = 0; i < XM_UPDATE_TRIES; i++) {
		struct xm_flow_word f = xm_flow_unpack(w);
		__u64 to, seen;

		f.flags |= flags;
		if (hop != XM_SAME_HOP)
			f.hop = hop;
		to = xm_flow_pack(xm_nat_step(f, p, fin));
		if (to == w)
			return;
		seen = xm_cas(&e->word, w, to);
		if (seen == w || seen >> 56 != w >> 56 || xm_flow_state_of(seen) < XM_FLOW_DIRECT)
			return; /* done, or it is this flow's no more */
		w = seen;
	}
}

/** Is it time to ask the kernel again how this flow's client is reached? */
xm_inline bool xm_hop_due(struct xm_flow_word f)
{
	return (f.tick ^ xm_tick()) >> XM_HOP_TICKS;
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
xm_inline enum xm_verdict xm_nat_refused(struct xdp_md *ctx, struct xm_pkt *p, __u8 on_none, int why)
{
	if (why == XM_FLOW_FULL)
		return XM_V_flows_full;
	if (why == XM_FLOW_TAKEN || why == XM_FLOW_TWIN)
		return XM_V_nat_collision;
	return xm_no_backend(ctx, p, on_none);
}

/** A flow that begins with this packet. */
xm_inline struct xm_way xm_nat_new(struct xdp_md *ctx, struct xm_pkt *p, struct xm_nat *n, __u8 on_none)
{
	struct xm_way way = { .verdict = XM_V_ttl };
	struct xm_backend *b;
	int index;

	if (p->ttl <= 1)
		return way;
	index = xm_nat_begin(ctx, n, p);

	if (index <= 0) {
		way.verdict = xm_nat_refused(ctx, p, on_none, index);
		return way;
	}
	b = xm_at(backends, n->backend);
	way.verdict = XM_V_internal;
	if (!b)
		return way;
	return xm_nat_forward(ctx, p, n->backend, b);
}

/** A segment of no flow: the stack's, if the SYN was passed to it as no backend was usable; else of no connection that we know. */
xm_inline enum xm_verdict xm_nat_stray(struct xdp_md *ctx, struct xm_pkt *p, __u32 service, __u8 on_none)
{
	struct xm_service *s = xm_at(services, service);

	if (on_none == XM_NONE_PASS && s && !xm_read(s->last_resort))
		return XM_V_no_backend_pass;
	return xm_answer_reset(ctx, p, XM_V_stray_reset);
}

/** A client's packet to a service of class all. */
xm_inline struct xm_way xm_nat_client(struct xdp_md *ctx, struct xm_pkt *p, __u32 service, struct xm_plan_word plan)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_nat n = { .service = service };
	struct xm_way way = {};
	struct xm_flow_word f;
	struct xm_backend *b;
	struct xm_flow *e;
	__u32 index, hop = XM_SAME_HOP;
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
			return xm_nat_new(ctx, p, &n, plan.on_none);
		way.verdict = xm_nat_stray(ctx, p, service, plan.on_none);
		return way;
	}
	e = xm_flow_at(index - 1);
	way.verdict = XM_V_internal;
	if (!e)
		return way;
	w = n.q.word;
	f = xm_flow_unpack(w);
	b = xm_at(backends, f.backend);
	if (!b)
		return way;
	dead = xm_dead(b);
	if (xm_nat_anew(p, f, dead)) {
		xm_flow_end(e, w);
		return xm_nat_new(ctx, p, &n, plan.on_none);
	}
	if (dead && plan.on_down == XM_DOWN_RESET) {
		f.state = XM_FLOW_CLOSING;
		xm_cas(&e->word, w, xm_flow_pack(f));
		way.verdict = xm_answer_reset(ctx, p, XM_V_down_reset);
		return way;
	}
	if (xm_hop_due(f)) {
		struct xm_hop_query hq = { .from = xm_addr_v4(p->dst), .to = xm_addr_v4(p->src) };

		hop = xm_client_hop(ctx, &hq);
	}
	xm_nat_update(e, w, p, XM_FIN_CLIENT, 0, hop);
	return xm_nat_forward(ctx, p, f.backend, b);
}

/** A packet from an endpoint of ours: a reply of a flow, or its own traffic, which passes untouched. */
xm_inline struct xm_way xm_nat_backend(struct xdp_md *ctx, struct xm_pkt *p, __u32 key)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_flow_query q = { .client = p->dst, .client_port = p->dport, .key = key };
	struct xm_way way = { .verdict = XM_V_no_flow };
	struct xm_flow_word f;
	struct xm_service *s;
	struct xm_end end;
	struct xm_flow *e;
	__u32 index, to = XM_SAME_HOP;
	__u64 *hop;

	q.owner = p->proto;
	q.hash = xm_hash_client(p->dst, p->dport, p->proto, &secret);
	index = xm_flow_find(&q);
	e = index ? xm_flow_at(index - 1) : 0;
	if (!e)
		return way;
	f = xm_flow_unpack(q.word);
	way.verdict = XM_V_direct;
	if (!(q.found_owner >> 8)) {
		f.tick = xm_tick();
		if (p->flags & (XM_TH_FIN | XM_TH_RST)) /* its port may be a service's again */
			f.state = XM_FLOW_CLOSING;
		if (xm_flow_pack(f) != q.word)
			xm_cas(&e->word, q.word, xm_flow_pack(f));
		return way;
	}
	way.verdict = XM_V_ttl;
	if (p->ttl <= 1)
		return way;
	way.verdict = XM_V_internal;
	s = xm_at(services, q.found_owner >> 8);
	if (!s)
		return way;
	hop = xm_at(client_hops, f.hop);
	/* the daemon takes a hop out when a route or a neighbour changes */
	if (hop && (xm_hop_due(f) || (!xm_read(*hop) && (f.hop || f.tick != xm_tick())))) {
		struct xm_hop_query hq = { .from = xm_addr_v4(s->addr), .to = xm_addr_v4(p->dst) };

		to = xm_client_hop(ctx, &hq);
		hop = xm_at(client_hops, to);
	}
	xm_nat_update(e, q.word, p, XM_FIN_BACKEND, XM_REPLIED, to);
	end.addr = s->addr;
	end.port = q.found_port;
	end.source = 1;
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
	/* by its reverse tuple: noted already, or a service's flow, which stays; a closed one gives way */
	if (xm_flow_find(&new.q) && xm_flow_state_of(new.q.word) != XM_FLOW_CLOSING)
		return 0;
	new.force = 1;
	return xm_flow_insert(&new);
}
