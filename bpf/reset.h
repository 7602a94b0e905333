/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TCP segment turned into the RST that answers it (RFC 9293, 3.10.7.1), sent back the way it came: addresses and ports
 * swapped, options and payload cut off, both checksums whole.
 */
#pragma once

#include "csum.h"
#include "parse.h"

#define XM_RST_LEN (XM_ETH_LEN + sizeof(struct iphdr) + sizeof(struct tcphdr))
#define XM_RST_TTL 64

struct xm_reset {
	__be32 saddr, daddr; /* of the answer */
	__u16 sport, dport;
	__be32 seq, ack;
	__u8 flags;
	__u8 pad[3];
};

/** What answers the segment: its ACK number if it has one, else an acknowledgement of all it takes up. */
xm_inline bool xm_reset_plan(struct xdp_md *ctx, const struct xm_pkt *p, struct xm_reset *r)
{
	struct tcphdr *th = xm_data(ctx) + (p->l4 & 127);
	__u32 taken;

	if ((void *)(th + 1) > xm_end(ctx))
		return false;
	r->saddr = xm_addr_v4(p->dst);
	r->daddr = xm_addr_v4(p->src);
	r->sport = p->dport;
	r->dport = p->sport;
	if (th->flags & XM_TH_ACK) {
		r->seq = th->ack_seq;
		r->ack = 0;
		r->flags = XM_TH_RST;
		return true;
	}
	taken = p->len - (p->l4 - XM_ETH_LEN) - (th->off >> 4) * 4;
	taken += !!(th->flags & XM_TH_SYN) + !!(th->flags & XM_TH_FIN);
	r->seq = 0;
	r->ack = bpf_htonl(bpf_ntohl(th->seq) + taken);
	r->flags = XM_TH_RST | XM_TH_ACK;
	return true;
}

xm_inline __u64 xm_sum_words(const void *at, __u32 len)
{
	const __u16 *w = at;
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < len / 2; i++)
		sum += w[i];
	return sum;
}

xm_inline bool xm_reset_write(struct xdp_md *ctx, const struct xm_reset *r)
{
	struct ethhdr *eth = xm_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *th = (void *)(ip + 1);
	__u8 mac[6];

	if ((void *)(th + 1) > xm_end(ctx))
		return false;
	__builtin_memcpy(mac, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, mac, 6);
	__builtin_memset(ip, 0, sizeof(*ip) + sizeof(*th));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*th));
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = XM_RST_TTL;
	ip->protocol = XM_TCP;
	ip->saddr = r->saddr;
	ip->daddr = r->daddr;
	ip->check = ~xm_csum_fold(xm_sum_words(ip, sizeof(*ip)));
	th->source = r->sport;
	th->dest = r->dport;
	th->seq = r->seq;
	th->ack_seq = r->ack;
	th->off = 0x50;
	th->flags = r->flags;
	th->check = ~xm_csum_fold(xm_sum_words(th, sizeof(*th)) + (__u64)r->saddr + r->daddr + bpf_htons(XM_TCP) +
				  bpf_htons(sizeof(*th)));
	return true;
}

/** Makes the frame its own answer. False: it could not be, drop it. Global: verified once. */
XM_GLOBAL int xm_reset_frame(struct xdp_md *ctx, struct xm_pkt *p)
{
	struct xm_reset r = {};
	__u64 len;

	if (!p || !xm_reset_plan(ctx, p, &r))
		return false;
	len = bpf_xdp_get_buff_len(ctx);
	if (len > XM_RST_LEN && bpf_xdp_adjust_tail(ctx, (int)XM_RST_LEN - (int)len))
		return false;
	return xm_reset_write(ctx, &r);
}
