/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets by the million through the programs, and the flow table brought to where a case begins. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <string.h>

#include "rig.h"

#define TH_SYN 2
#define TH_ACK 16
#define STRAYS 1000 /* one packet in so many may have another verdict: of a flow whose two sets were full */
#define ETH_SOURCE_AT 6

static const char *const verdict_words[] = {
#define X(word, action, text) #word,
	XM_VERDICTS(X)
#undef X
};

const char *rig_verdict(enum xm_verdict v)
{
	return verdict_words[v];
}

static __u64 sum_words(const void *at, size_t len)
{
	__u64 sum = 0;
	__u16 w;

	for (size_t i = 0; i < len; i += 2) {
		memcpy(&w, (const char *)at + i, 2);
		sum += w;
	}
	return sum;
}

void rig_packet(struct rig *r, const struct rig_packet *p)
{
	__u8 *frame = r->job->frame;
	struct ethhdr eth = { .h_proto = htons(ETH_P_IP), .h_source = { 2, 0, 0, 0, 2, 0xfe } };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP };
	struct tcphdr th = { .seq = htonl(1000), .ack_seq = htonl(2000), .window = htons(64000) };
	__u16 len = BENCH_FRAME - BENCH_L4_AT;

	memcpy(eth.h_dest, r->mac, sizeof(r->mac));
	ip.tot_len = htons(BENCH_FRAME - BENCH_IP_AT);
	ip.daddr = htonl(p->to);
	if (p->to)
		th.dest = htons(p->port);
	else
		th.source = htons(BENCH_BACKEND_PORT);
	memset(frame, 0, BENCH_FRAME);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + BENCH_IP_AT, &ip, sizeof(ip));
	memcpy(frame + BENCH_L4_AT, &th, sizeof(th));
	frame[BENCH_L4_AT + 12] = 0x50;
	frame[BENCH_L4_AT + 13] = p->flags;
	r->job->reply = !p->to;
	r->job->ip_sum = sum_words(frame + BENCH_IP_AT, sizeof(ip));
	r->job->l4_sum =
		sum_words(frame + BENCH_L4_AT, len) + sum_words(&ip.daddr, 4) + htons(IPPROTO_TCP) + htons(len);
}

int rig_drive(struct rig *r, int load, enum rig_program program, __u32 repeat, __u32 *ret_ns)
{
	struct xdp_md ctx = { .data_end = BENCH_FRAME, .ingress_ifindex = r->ifindex };
	__u32 slot = 0;
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = r->job->frame,
		.data_size_in = BENCH_FRAME,
		.ctx_in = &ctx,
		.ctx_size_in = sizeof(ctx),
		.repeat = repeat,
	};

	if (bpf_map_update_elem(r->target_fd, &slot, &r->load[load].fd[program], BPF_ANY))
		return rig_fail(errno, "program array: %s", strerror(errno));
	r->job->begin = 0;
	if (bpf_prog_test_run_opts(r->load[load].driver_fd, &opts))
		return rig_fail(errno, "test run: %s", strerror(errno));
	if (opts.retval == 0)
		return rig_fail(EIO, "the driver could not make its packet or call the program");
	*ret_ns = opts.duration;
	return 0;
}

static void count_verdicts(const struct rig *r, __u64 *ret_sum)
{
	memset(ret_sum, 0, XM_VERDICT_COUNT * sizeof(*ret_sum));
	for (__u32 cpu = 0; cpu < r->sizes.cpus; cpu++)
		for (int v = 0; v < XM_VERDICT_COUNT; v++)
			ret_sum[v] += r->map.verdicts[cpu * XM_VERDICT_CELLS + v];
}

int rig_drive_as(struct rig *r, int load, __u32 repeat, enum xm_verdict verdict, __u32 *ret_ns)
{
	__u64 before[XM_VERDICT_COUNT], after[XM_VERDICT_COUNT], most = 0;
	int err, other = verdict;

	count_verdicts(r, before);
	err = rig_drive(r, load, RIG_MESH, repeat, ret_ns);
	if (err)
		return err;
	count_verdicts(r, after);
	for (int v = 0; v < XM_VERDICT_COUNT; v++) {
		if (v == (int)verdict || after[v] - before[v] <= most)
			continue;
		most = after[v] - before[v];
		other = v;
	}
	if (after[verdict] - before[verdict] >= repeat - repeat / STRAYS)
		return 0;
	return rig_fail(EIO, "%u packets: %llu were %s, but %llu %s", repeat, after[verdict] - before[verdict],
			verdict_words[verdict], most, verdict_words[other]);
}

void rig_flows_clear(struct rig *r)
{
	memset(r->map.flows, 0, (size_t)r->sizes.flow_sets * sizeof(*r->map.flows));
}

/** Notes each flow's backend, for the replies. Returns the number of flows that are open. */
static __u32 note_owners(struct rig *r)
{
	__u32 open = 0, entries = r->sizes.flow_sets * XM_FLOW_WAYS;

	for (__u32 i = 0; i < entries; i++) {
		struct xm_flow *e = &r->map.flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];
		struct xm_flow_word f = xm_flow_unpack(e->word);
		__u32 flow = bench_flow(ntohl(xm_addr_v4(e->client)), ntohs(e->client_port));

		if (f.state == XM_FLOW_FREE || flow >= BENCH_FLOWS_MAX)
			continue;
		r->map.owners[flow / 64].of[flow % 64] = f.backend - BENCH_BACKENDS;
		open += f.state == XM_FLOW_OPEN;
	}
	return open;
}

int rig_flows_open(struct rig *r, __u32 n)
{
	const struct rig_packet syn = { .to = RIG_VIP, .port = RIG_NAT_PORT, .flags = TH_SYN };
	const struct rig_packet syn_ack = { .flags = TH_SYN | TH_ACK };
	const struct rig_packet ack = { .to = RIG_VIP, .port = RIG_NAT_PORT, .flags = TH_ACK };
	__u32 ns, open;
	int err;

	rig_flows_clear(r);
	r->job->random = 0;
	r->job->flows = n;
	r->job->state = 0;
	r->map.meta->endpoints = BENCH_BACKENDS;
	rig_packet(r, &syn);
	err = rig_drive_as(r, 0, n, XM_V_forward_tx, &ns);
	if (err)
		return err;
	note_owners(r);
	rig_packet(r, &syn_ack);
	err = rig_drive_as(r, 0, n, XM_V_reply_tx, &ns);
	if (err)
		return err;
	rig_packet(r, &ack);
	err = rig_drive_as(r, 0, n, XM_V_forward_tx, &ns);
	if (err)
		return err;
	open = note_owners(r);
	return open >= n - n / STRAYS ? 0 : rig_fail(EIO, "of %u flows only %u were established", n, open);
}
