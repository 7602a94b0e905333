/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sweep, run by the daemon a stretch of the flow table at a time: takes out what is idle and what belongs to a retired
 * backend. It runs in the kernel because a flow's word has one writer. An entry that changes under it stays, and is
 * reported: an id leaves quarantine only after a sweep that lost nothing.
 */
#include "flow.h"

xm_inline bool xm_swept(const struct xm_meta *m, struct xm_flow_word f, __u32 owner)
{
	__u32 limit = xm_idle_limit(m, f.state);
	struct xm_backend *b;
	struct xm_key *k;

	if (limit && (__u16)(xm_tick() - f.tick) >= limit)
		return f.state != XM_FLOW_BUSY;
	if (f.state < XM_FLOW_DIRECT)
		return false;
	if (!(owner >> 8)) { /* a direct connection: its backend field is a key */
		k = xm_at(keys, f.backend);
		return k && k->value == XM_KEY_RETIRED;
	}
	b = xm_at(backends, f.backend);
	return b && b->life == XM_LIFE_RETIRED;
}

struct xm_sweep_ctx {
	struct xm_sweep *job;
	struct xm_meta *m;
};

static long sweep_set(__u32 i, struct xm_sweep_ctx *c)
{
	struct xm_flow_set *set = xm_at(flows, c->job->from + i);

	if (!set)
		return 1;
	for (__u32 way = 0; way < XM_FLOW_WAYS; way++) {
		struct xm_flow *e = &set->way[way];
		__u64 w = xm_read(e->word);

		if (xm_flow_state_of(w) == XM_FLOW_FREE)
			continue;
		if (!xm_swept(c->m, xm_flow_unpack(w), xm_read(e->owner))) {
			c->job->used++;
			continue;
		}
		if (xm_flow_free(e, w))
			c->job->taken++;
		else
			c->job->lost++;
	}
	return 0;
}

SEC("syscall")
int xdpmesh_sweep(struct xm_sweep *job)
{
	struct xm_sweep local = *job;
	struct xm_sweep_ctx c = { .job = &local };

	c.m = xm_at(meta, 0);
	if (!c.m)
		return 1;
	if (bpf_loop(local.count, sweep_set, &c, 0) < 0)
		return 1;
	*job = local;
	return 0;
}

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";
