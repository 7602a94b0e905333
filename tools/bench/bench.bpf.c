/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The driver: each run of BPF_PROG_TEST_RUN's repeat makes a fresh packet of the next flow where the last one lay, and
 * tail-calls the program under test. Its own cost is measured with bench_drop in that program's place, and subtracted.
 */
#include "bench.h"

#include "../../bpf/csum.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_FLOWS_MAX / 64);
	__type(key, __u32);
	__type(value, struct bench_owners);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_CHAIN_LINES);
	__type(key, __u32);
	__type(value, struct bench_line);
} chain SEC(".maps");

struct bench_job job = {};

/** The next flow's number: a counter, or the upper half of a 64-bit congruential generator scaled to flows. */
xm_inline __u32 next_flow(void)
{
	__u64 s = job.state;
	__u32 n;

	if (job.random) {
		job.state = s * 6364136223846793005ULL + 1442695040888963407ULL;
		return (s >> 32) * job.flows >> 32;
	}
	n = s + 1 < job.flows ? s + 1 : 0;
	job.state = n;
	return s;
}

/** Puts head and tail back to where they were before the program under test moved them. */
xm_inline bool undo(struct xdp_md *ctx)
{
	__u64 len;

	job.now = (__u64)(long)ctx->data;
	if (!job.begin)
		job.begin = job.now;
	if (job.now != job.begin && bpf_xdp_adjust_head(ctx, (int)(job.begin - job.now)))
		return false;
	len = (__u64)(long)ctx->data_end - (__u64)(long)ctx->data;
	barrier_var(len);
	return len == BENCH_FRAME || !bpf_xdp_adjust_tail(ctx, BENCH_FRAME - (int)len);
}

/**
 * The template, in stores that no header field lies across: a load of two stores' bytes waits until both have left the
 * store buffer, which no packet of a device does to the program under test.
 */
xm_inline void copy(void *frame)
{
	*(__u32 *)frame = *(__u32 *)job.frame;
	*(__u16 *)(frame + 4) = *(__u16 *)(job.frame + 4);
#pragma unroll
	for (int i = 6; i + 8 <= BENCH_FRAME; i += 8)
		*(__u64 *)(frame + i) = *(__u64 *)(job.frame + i);
	*(__u16 *)(frame + BENCH_FRAME - 2) = *(__u16 *)(job.frame + BENCH_FRAME - 2);
}

/** The flow's own fields and both checksums, into a frame that is the template. */
xm_inline void stamp(struct iphdr *ip, struct tcphdr *th, __u32 flow)
{
	__u32 client = bpf_htonl(bench_client(flow)), at = flow / 64;
	__u16 port = bpf_htons(bench_client_port(flow));
	__u64 sum = client;

	if (job.reply) {
		struct bench_owners *o = bpf_map_lookup_elem(&owners, &at);

		ip->daddr = client;
		th->dest = port;
		if (!o)
			return;
		ip->saddr = bpf_htonl(BENCH_BACKEND_NET + o->of[flow & 63]);
		sum += ip->saddr;
	} else {
		ip->saddr = client;
		th->source = port;
	}
	ip->check = ~xm_csum_fold(job.ip_sum + sum);
	th->check = ~xm_csum_fold(job.l4_sum + sum + port);
}

SEC("xdp")
int bench_driver(struct xdp_md *ctx)
{
	void *frame;

	if (!undo(ctx))
		return XDP_ABORTED;
	frame = (void *)(long)ctx->data;
	if (frame + BENCH_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	copy(frame);
	stamp(frame + BENCH_IP_AT, frame + BENCH_L4_AT, next_flow());
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

/** The floor. */
SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/** The reference: reads of a 64 MiB array, each at the place that the last one named. */
SEC("xdp")
int bench_chain(struct xdp_md *ctx)
{
	__u32 at = job.chain;

#pragma unroll
	for (int i = 0; i < BENCH_CHAIN; i++) {
		struct bench_line *line = bpf_map_lookup_elem(&chain, &at);

		if (!line)
			return XDP_ABORTED;
		at = line->next;
	}
	job.chain = at;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
