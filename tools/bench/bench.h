/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver program and its user agree on: the job, how a flow's number becomes its addresses, who is who. */
#pragma once

#include <xdpmesh/types.h>

#define BENCH_FRAME 64 /* bytes: Ethernet, IPv4, TCP and ten bytes of payload */
#define BENCH_IP_AT 14
#define BENCH_L4_AT 34

#define BENCH_BACKENDS 100	     /* of each service; backend i has address BENCH_BACKEND_NET + i */
#define BENCH_BACKEND_NET 0xcb007100 /* 203.0.113.0 */
#define BENCH_BACKEND_PORT 8080
#define BENCH_CLIENT_NET 0x0a000000 /* 10.0.0.0/8: sixteen flows an address */
#define BENCH_CLIENT_PORT 32768
#define BENCH_FLOWS_MAX (1 << 20)

#define BENCH_CHAIN 16		    /* dependent reads of one run of the reference */
#define BENCH_CHAIN_LINES (1 << 20) /* 64 MiB of cache lines */

/** What the driver does until told otherwise. Sums are of 16-bit words in memory order, stamped fields being 0. */
struct bench_job {
	__u64 state; /* of the flow numbers: a counter, or the random generator's */
	__u64 begin; /* where the first packet of this call began; 0: not seen yet */
	__u64 now;   /* where this one begins */
	__u64 ip_sum;
	__u64 l4_sum;
	__u32 flows;  /* flow numbers are below this */
	__u32 random; /* 0: they count */
	__u32 reply;  /* 1: from the flow's backend to its client, 0: from the client */
	__u32 chain;  /* where the reference's next read is */
	__u16 pad;    /* the frame's IP header is aligned */
	__u8 frame[BENCH_FRAME];
	__u8 end[6];
};
_Static_assert(sizeof(struct bench_job) == 128, "job");

/** A cache line of the reference's map: where to read next. */
struct bench_line {
	__u32 next;
	__u32 pad[15];
};
_Static_assert(sizeof(struct bench_line) == 64, "line");

/** Which backend (1..BENCH_BACKENDS) a flow has, a byte each: small enough to stay in a near cache. */
struct bench_owners {
	__u8 of[64];
};

xm_inline __u32 bench_client(__u32 flow)
{
	return BENCH_CLIENT_NET + (flow >> 4);
}

xm_inline __u16 bench_client_port(__u32 flow)
{
	return BENCH_CLIENT_PORT + (flow & 15);
}

/** The flow's number, from its client's end in host byte order. */
xm_inline __u32 bench_flow(__u32 client, __u16 port)
{
	return (client - BENCH_CLIENT_NET) << 4 | (port & 15);
}
