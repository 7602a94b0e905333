/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Step 1: one look at the headers, into one struct. Later steps read the struct; they touch the packet only to rewrite it.
 * A packet that lies about its lengths is noted, not judged: whether it matters depends on whether it is ours.
 */
#pragma once

#include "maps.h"

#include <bpf/bpf_endian.h>

#define XM_ETH_IP 0x0800
#define XM_TCP 6
#define XM_UDP 17
#define XM_ICMP 1
#define XM_ETH_LEN 14
#define XM_FRAG_MASK 0x3fff /* more fragments, or an offset */
#define XM_MAX_L4 (XM_ETH_LEN + 60)

#define XM_TH_FIN 1
#define XM_TH_SYN 2
#define XM_TH_RST 4
#define XM_TH_ACK 16

struct xm_pkt {
	struct xm_addr src;
	struct xm_addr dst;
	__u32 l4;      /* offset of the transport header from the frame's begin */
	__u32 ingress; /* ifindex */
	__u16 len;     /* of layer 3, as the header says */
	__u16 sport;   /* network byte order; 0 for ICMP and fragments */
	__u16 dport;
	__u8 proto;
	__u8 ttl;
	__u8 flags; /* TCP's */
	__u8 frag;
	__u8 bad; /* a header is cut off or a length lies */
	__u8 pad;
};

xm_inline void *xm_data(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

xm_inline void *xm_end(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

/** True for a TCP SYN that opens a connection. */
xm_inline bool xm_is_syn(const struct xm_pkt *p)
{
	return p->proto == XM_TCP && (p->flags & (XM_TH_SYN | XM_TH_ACK | XM_TH_RST)) == XM_TH_SYN;
}

/** Ports, flags and lengths of the transport header; sets bad. */
xm_inline void xm_parse_l4(struct xdp_md *ctx, struct xm_pkt *p)
{
	void *l4 = xm_data(ctx) + p->l4, *end = xm_end(ctx);
	__u32 l4len = p->len - (p->l4 - XM_ETH_LEN);

	if (p->proto == XM_TCP) {
		struct tcphdr *th = l4;

		if ((void *)(th + 1) > end || th->off < 0x50 || (__u32)(th->off >> 4) * 4 > l4len) {
			p->bad = 1;
			return;
		}
		p->sport = th->source;
		p->dport = th->dest;
		p->flags = th->flags;
	} else if (p->proto == XM_UDP) {
		struct udphdr *uh = l4;
		__u32 ulen;

		if ((void *)(uh + 1) > end) {
			p->bad = 1;
			return;
		}
		ulen = bpf_ntohs(uh->len);
		if (ulen < sizeof(*uh) || ulen > l4len)
			p->bad = 1;
		p->sport = uh->source;
		p->dport = uh->dest;
	} else if (p->proto == XM_ICMP) {
		if (l4 + sizeof(struct icmphdr) > end || l4len < sizeof(struct icmphdr))
			p->bad = 1;
	}
}

/** The addresses. False if the frame is not IPv4 or too short to hold them: then nothing of it can be ours. */
xm_inline bool xm_parse_addr(struct xdp_md *ctx, struct xm_pkt *p)
{
	struct ethhdr *eth = xm_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > xm_end(ctx) || eth->h_proto != bpf_htons(XM_ETH_IP))
		return false;
	p->src = xm_addr_of_v4(ip->saddr);
	p->dst = xm_addr_of_v4(ip->daddr);
	return true;
}

/** The rest, after xm_parse_addr(). */
xm_inline void xm_parse_rest(struct xdp_md *ctx, struct xm_pkt *p)
{
	struct ethhdr *eth = xm_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	__u64 room = (__u64)xm_end(ctx) - (__u64)eth;
	__u32 ihl;

	p->bad = 1;
	p->frag = p->flags = p->pad = 0;
	p->sport = p->dport = 0;
	if ((void *)(ip + 1) > xm_end(ctx))
		return;
	p->ingress = ctx->ingress_ifindex;
	p->len = bpf_ntohs(ip->tot_len);
	p->proto = ip->protocol;
	p->ttl = ip->ttl;
	ihl = ip->ihl * 4;
	p->l4 = XM_ETH_LEN + ihl;
	if (ip->version != 4 || ihl < sizeof(*ip) || p->len < ihl)
		return;
	if ((__u32)p->len + XM_ETH_LEN > room && (__u64)p->len + XM_ETH_LEN > bpf_xdp_get_buff_len(ctx))
		return;
	p->bad = 0;
	if (ip->frag_off & bpf_htons(XM_FRAG_MASK))
		p->frag = 1;
	else
		xm_parse_l4(ctx, p);
}
