/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP: echo to a VIP is answered; an error finds its flow by the packet that it quotes and reaches the flow's other end with
 * the quote as that end knows it. A slow path: bytes are loaded and stored by helpers, so that the quote may lie anywhere.
 */
#pragma once

#include "key.h"
#include "nat.h"

#define XM_ICMP_ECHO_REPLY 0
#define XM_ICMP_UNREACH 3
#define XM_ICMP_ECHO 8
#define XM_ICMP_TIME 11
#define XM_ICMP_PARAMETER 12
#define XM_ECHO_TTL 64
#define XM_TCP_CHECK_AT 16 /* of the TCP header; quoted by those who quote more than 8 bytes */
#define XM_UDP_CHECK_AT 6

/** The packet that an error quotes. */
struct xm_quote {
	struct iphdr ip;
	__u16 ports[2];
	__u32 ip_at; /* offsets from the frame's begin */
	__u32 l4_at;
	__u32 end; /* of the outer packet: what lies behind it in the frame is padding */
};

/** What the error is changed to. */
struct xm_icmp_to {
	__u32 addr;  /* of the quote's end that changes */
	__u32 outer; /* new outer source (reply) or destination (forward); 0: stays */
	__u16 port;
	__u8 source; /* 1: the quote's source changes and the outer destination, 0: the quote's destination and the outer source */
	__u8 pad;
};

xm_inline bool xm_quote_read(struct xdp_md *ctx, const struct xm_pkt *p, struct xm_quote *q)
{
	__u32 ihl;

	q->ip_at = p->l4 + sizeof(struct icmphdr);
	q->end = XM_ETH_LEN + p->len;
	if (bpf_xdp_load_bytes(ctx, q->ip_at, &q->ip, sizeof(q->ip)))
		return false;
	ihl = q->ip.ihl * 4;
	q->l4_at = q->ip_at + ihl;
	if (q->ip.version != 4 || ihl < sizeof(q->ip) || (q->ip.frag_off & bpf_htons(0x1fff)))
		return false;
	if (q->ip.protocol != XM_TCP && q->ip.protocol != XM_UDP)
		return false;
	if (q->l4_at + sizeof(q->ports) > q->end)
		return false;
	return !bpf_xdp_load_bytes(ctx, q->l4_at, q->ports, sizeof(q->ports));
}

/** The quoted transport checksum, if it was quoted: returns what its change adds to the ICMP checksum's sum. */
xm_inline __u64 xm_quote_check(struct xdp_md *ctx, const struct xm_quote *q, __u64 diff)
{
	__u32 at = q->l4_at + (q->ip.protocol == XM_TCP ? XM_TCP_CHECK_AT : XM_UDP_CHECK_AT);
	__u16 old, new;

	if (at + sizeof(old) > q->end || bpf_xdp_load_bytes(ctx, at, &old, sizeof(old)))
		return 0;
	if (q->ip.protocol == XM_UDP && !old)
		return 0;
	new = xm_csum_apply(old, diff);
	if (q->ip.protocol == XM_UDP && !new)
		new = 0xffff;
	bpf_xdp_store_bytes(ctx, at, &new, sizeof(new));
	return xm_csum_diff(old, new, XM_ALL16);
}

/** The quote: address, header checksum, port, transport checksum. Returns what that adds to the ICMP checksum's sum. */
xm_inline __u64 xm_quote_write(struct xdp_md *ctx, struct xm_quote *q, const struct xm_icmp_to *to)
{
	__u32 old = to->source ? q->ip.saddr : q->ip.daddr;
	__u16 old_port = to->source ? q->ports[0] : q->ports[1], old_check = q->ip.check;
	__u64 diff = xm_csum_diff(old, to->addr, XM_ALL32), sum = diff, l4;

	if (to->source)
		q->ip.saddr = to->addr;
	else
		q->ip.daddr = to->addr;
	q->ip.check = xm_csum_apply(old_check, diff);
	sum += xm_csum_diff(old_check, q->ip.check, XM_ALL16);
	l4 = xm_csum_diff(old_port, to->port, XM_ALL16);
	q->ports[to->source ? 0 : 1] = to->port;
	bpf_xdp_store_bytes(ctx, q->ip_at, &q->ip, sizeof(q->ip));
	bpf_xdp_store_bytes(ctx, q->l4_at, q->ports, sizeof(q->ports));
	return sum + l4 + xm_quote_check(ctx, q, diff + l4);
}

/** The outer header and the ICMP checksum. */
XM_GLOBAL int xm_icmp_write(struct xdp_md *ctx, struct xm_pkt *p, struct xm_quote *q, struct xm_icmp_to *to)
{
	struct iphdr ip;
	struct icmphdr ih;
	__u64 diff;

	if (!p || !q || !to)
		return false;
	if (bpf_xdp_load_bytes(ctx, XM_ETH_LEN, &ip, sizeof(ip)) || bpf_xdp_load_bytes(ctx, p->l4, &ih, sizeof(ih)))
		return false;
	diff = xm_quote_write(ctx, q, to);
	ih.checksum = xm_csum_apply(ih.checksum, diff);
	bpf_xdp_store_bytes(ctx, p->l4, &ih, sizeof(ih));
	diff = (__u16)~bpf_htons(0x0100);
	if (to->outer) {
		diff += xm_csum_diff(to->source ? ip.daddr : ip.saddr, to->outer, XM_ALL32);
		if (to->source)
			ip.daddr = to->outer;
		else
			ip.saddr = to->outer;
	}
	ip.ttl--;
	ip.check = xm_csum_apply(ip.check, diff);
	bpf_xdp_store_bytes(ctx, XM_ETH_LEN, &ip, sizeof(ip));
	return true;
}

/** An echo request becomes its reply. */
xm_inline enum xm_verdict xm_echo(struct xdp_md *ctx, const struct xm_pkt *p)
{
	struct ethhdr *eth = xm_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *ih = xm_data(ctx) + (p->l4 & 127);
	__u8 mac[6];
	__u32 addr;

	if ((void *)(ip + 1) > xm_end(ctx) || (void *)(ih + 1) > xm_end(ctx))
		return XM_V_malformed;
	__builtin_memcpy(mac, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, mac, 6);
	addr = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->check =
		xm_csum_apply(ip->check, xm_csum_diff(bpf_htons(ip->ttl << 8), bpf_htons(XM_ECHO_TTL << 8), XM_ALL16));
	ip->ttl = XM_ECHO_TTL;
	ih->checksum = xm_csum_apply(ih->checksum, xm_csum_diff(bpf_htons(XM_ICMP_ECHO << 8), 0, XM_ALL16));
	ih->type = XM_ICMP_ECHO_REPLY;
	return XM_V_echo;
}

xm_inline bool xm_icmp_is_error(__u8 type)
{
	return type == XM_ICMP_UNREACH || type == XM_ICMP_TIME || type == XM_ICMP_PARAMETER;
}

/** An error to a VIP: it quotes a reply as the client got it, and is for the backend. */
xm_inline struct xm_way xm_icmp_forward(struct xdp_md *ctx, struct xm_pkt *p, struct xm_quote *q)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_way way = { .verdict = XM_V_icmp_unknown };
	struct xm_addr vip = xm_addr_of_v4(q->ip.saddr);
	struct xm_flow_query fq = { .client = xm_addr_of_v4(q->ip.daddr) };
	struct xm_icmp_to to = { .source = 1 };
	struct xm_backend *b;
	__u64 *hop;
	__u32 id;

	id = xm_key_find(XM_KEY_SERVICE, vip, q->ports[0], q->ip.protocol, xm_hash_addr(vip, &secret));
	struct xm_key *k = id ? xm_at(keys, id) : 0;
	if (!k)
		return way;
	fq.client_port = q->ports[1];
	fq.vip_port = q->ports[0];
	fq.owner = xm_flow_owner(k->value, q->ip.protocol);
	fq.hash = xm_hash_client(fq.client, fq.client_port, q->ip.protocol, &secret);
	if (!xm_flow_find(&fq))
		return way;
	way.verdict = XM_V_ttl;
	if (p->ttl <= 1)
		return way;
	id = xm_flow_unpack(fq.word).backend;
	b = xm_at(backends, id);
	hop = b ? xm_at(hops, b->hop) : 0;
	way.verdict = XM_V_internal;
	if (!hop)
		return way;
	to.addr = to.outer = xm_addr_v4(b->addr);
	to.port = b->port;
	if (!xm_icmp_write(ctx, p, q, &to))
		return way;
	xm_count_forward(id, p->len);
	return xm_send(ctx, p, xm_read(*hop), XM_V_forward_tx);
}

/** An error on its way to a client: it quotes a packet as we sent it to a backend. */
xm_inline struct xm_way xm_icmp_reply(struct xdp_md *ctx, struct xm_pkt *p, struct xm_quote *q)
{
	struct xm_hash_key secret = xm_secret();
	struct xm_way way = { .verdict = XM_V_not_ours };
	struct xm_addr end = xm_addr_of_v4(q->ip.daddr);
	struct xm_flow_query fq = { .client = xm_addr_of_v4(q->ip.saddr), .client_port = q->ports[0] };
	struct xm_icmp_to to = { .source = 0 };
	struct xm_flow_word f;
	struct xm_service *s;
	__u64 *hop;

	fq.key = xm_key_find(XM_KEY_ENDPOINT, end, q->ports[1], q->ip.protocol, xm_hash_addr(end, &secret));
	if (!fq.key)
		return way;
	way.verdict = XM_V_icmp_unknown;
	fq.owner = q->ip.protocol;
	fq.hash = xm_hash_client(fq.client, fq.client_port, q->ip.protocol, &secret);
	if (!xm_flow_find(&fq))
		return way;
	f = xm_flow_unpack(fq.word);
	way.verdict = XM_V_direct;
	if (!(fq.found_owner >> 8))
		return way;
	way.verdict = XM_V_ttl;
	if (p->ttl <= 1)
		return way;
	s = xm_at(services, fq.found_owner >> 8);
	hop = xm_at(client_hops, f.hop);
	way.verdict = XM_V_internal;
	if (!s || !hop)
		return way;
	to.addr = xm_addr_v4(s->addr);
	to.port = fq.found_port;
	/* the backend itself speaks as the VIP, a router on the way as itself */
	to.outer = xm_addr_eq(p->src, end) ? to.addr : 0;
	if (!xm_icmp_write(ctx, p, q, &to))
		return way;
	xm_count_reply(f.backend, p->len);
	return xm_send(ctx, p, xm_read(*hop), XM_V_reply_tx);
}

/** ICMP to a VIP, or (vip: 0) any ICMP that passes a host with nat services. Global: off the fast path, a stack frame of its own. */
XM_GLOBAL int xm_icmp(struct xdp_md *ctx, struct xm_pkt *p, struct xm_way *way, __u32 vip)
{
	struct icmphdr *ih;
	struct xm_quote q = {};

	if (!p || !way)
		return 0;
	ih = xm_data(ctx) + (p->l4 & 127);
	way->verdict = vip ? XM_V_no_service : XM_V_not_ours;
	if (p->bad || (void *)(ih + 1) > xm_end(ctx))
		return 0;
	if (vip && ih->type == XM_ICMP_ECHO && !ih->code) {
		way->verdict = xm_echo(ctx, p);
		return 0;
	}
	if (!xm_icmp_is_error(ih->type))
		return 0;
	if (vip)
		way->verdict = XM_V_icmp_unknown;
	if (!xm_quote_read(ctx, p, &q))
		return 0;
	*way = vip ? xm_icmp_forward(ctx, p, &q) : xm_icmp_reply(ctx, p, &q);
	return 0;
}
