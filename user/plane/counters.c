/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>

#include "plane.h"

struct xm_cell xm_cell_sum(const struct xm_plane *p, __u32 backend)
{
	struct xm_cell sum = {};

	for (__u32 cpu = 0; cpu < p->meta->sizes.cpus; cpu++) {
		const volatile struct xm_cell *c = &p->cells[(size_t)cpu * p->meta->sizes.backends + backend];

		sum.packets += c->packets;
		sum.bytes += c->bytes;
		sum.reply_packets += c->reply_packets;
		sum.reply_bytes += c->reply_bytes;
		sum.connections += c->connections;
	}
	return sum;
}

__u64 xm_verdict_sum(const struct xm_plane *p, enum xm_verdict v)
{
	__u64 sum = 0;

	for (__u32 cpu = 0; cpu < p->meta->sizes.cpus; cpu++)
		sum += *(volatile __u64 *)&p->verdicts[cpu * XM_VERDICT_CELLS + v];
	return sum;
}

int xm_sweep_run(struct xm_plane *p, __u32 from, __u32 count, struct xm_sweep *ret)
{
	struct xm_sweep job = { .from = from, .count = count };
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &job, .ctx_size_in = sizeof(job));
	int err = bpf_prog_test_run_opts(p->prog_sweep, &o);

	if (err)
		return -errno;
	if (o.retval)
		return -EIO;
	*ret = job;
	return 0;
}
