/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rewriting one end of a packet: address and port, TTL, and both checksums by difference. */
#pragma once

#include "csum.h"
#include "parse.h"

#define XM_ALL32 0xffffffffU
#define XM_ALL16 0xffffU

/** Which end of the packet becomes what. */
struct xm_end {
	struct xm_addr addr;
	__u16 port;  /* network byte order */
	__u8 source; /* 1: the source is rewritten, 0: the destination */
};

xm_inline void xm_rewrite_ports(struct xdp_md *ctx, const struct xm_pkt *p, const struct xm_end *to, __u64 addr_diff)
{
	void *l4 = xm_data(ctx) + (p->l4 & 127), *end = xm_end(ctx);
	__u16 old = to->source ? p->sport : p->dport;
	__u64 diff = addr_diff + xm_csum_diff(old, to->port, XM_ALL16);

	if (p->proto == XM_TCP) {
		struct tcphdr *th = l4;

		if ((void *)(th + 1) > end)
			return;
		if (to->source)
			th->source = to->port;
		else
			th->dest = to->port;
		th->check = xm_csum_apply(th->check, diff);
	} else {
		struct udphdr *uh = l4;
		__u16 check;

		if ((void *)(uh + 1) > end)
			return;
		if (to->source)
			uh->source = to->port;
		else
			uh->dest = to->port;
		if (!uh->check) /* the sender chose to send none */
			return;
		check = xm_csum_apply(uh->check, diff);
		uh->check = check ? check : 0xffff;
	}
}

/** Address, TTL, header checksum, port, transport checksum. False only if the packet is shorter than it was. */
xm_inline bool xm_rewrite(struct xdp_md *ctx, const struct xm_pkt *p, const struct xm_end *to)
{
	struct iphdr *ip = xm_data(ctx) + XM_ETH_LEN;
	__u32 addr = xm_addr_v4(to->addr), old;
	__u64 diff;

	if ((void *)(ip + 1) > xm_end(ctx))
		return false;
	old = to->source ? ip->saddr : ip->daddr;
	if (to->source)
		ip->saddr = addr;
	else
		ip->daddr = addr;
	diff = xm_csum_diff(old, addr, XM_ALL32);
	/* the TTL is the upper byte of its word: one less adds the complement of its unit */
	ip->check = xm_csum_apply(ip->check, diff + (__u16)~bpf_htons(0x0100));
	ip->ttl--;
	xm_rewrite_ports(ctx, p, to, diff);
	return true;
}
