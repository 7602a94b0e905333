/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The driver of seq.c: each run of BPF_PROG_TEST_RUN's repeat notes where the last packet was sent, makes a SYN of another client
 * and port where it lay, and tail-calls the program under test.
 */
#include "seq.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SEQ_CLIENTS 0x0a800000 /* 10.128.0.0/9 */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SEQ_MAX);
	__type(key, __u32);
	__type(value, __u64); /* an address; an element of an array takes 8 bytes */
} went SEC(".maps");

struct seq_job job = {};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr th;
} __attribute__((packed));

SEC("xdp")
int seq_driver(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	__u32 last = job.seq;
	__u64 r, *to;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (f->ip.daddr != SEQ_FRESH) {
		to = bpf_map_lookup_elem(&went, &last);
		if (to)
			*to = f->ip.daddr;
	}
	if (last + 1 >= SEQ_MAX)
		return XDP_ABORTED;
	job.random = job.random * 6364136223846793005ULL + 1442695040888963407ULL;
	r = job.random >> 24;
	f->ip.daddr = job.vip;
	f->ip.saddr = bpf_htonl(SEQ_CLIENTS | (r & 0x7fffff));
	f->ip.ttl = 64;
	f->ip.check = 0;
	f->th.source = (__u16)(r >> 23) | 4;
	f->th.dest = job.port;
	*(volatile __u32 *)&job.seq = last + 1;
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
