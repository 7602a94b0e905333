/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Last step: one counter of the verdict and one line of the backend, this CPU's own. Nothing else is counted a packet. */
#pragma once

#include "maps.h"

xm_inline void xm_count_verdict(enum xm_verdict v)
{
	__u64 *n = xm_at(verdicts, bpf_get_smp_processor_id() * XM_VERDICT_CELLS + v);

	if (n)
		*n += 1;
}

xm_inline struct xm_cell *xm_cell_of(__u32 backend)
{
	return xm_at(cells, bpf_get_smp_processor_id() * xm_n_backends + backend);
}

xm_inline void xm_count_forward(__u32 backend, __u32 bytes)
{
	struct xm_cell *c = xm_cell_of(backend);

	if (c) {
		c->packets += 1;
		c->bytes += bytes;
	}
}

xm_inline void xm_count_reply(__u32 backend, __u32 bytes)
{
	struct xm_cell *c = xm_cell_of(backend);

	if (c) {
		c->reply_packets += 1;
		c->reply_bytes += bytes;
	}
}

xm_inline void xm_count_connection(__u32 backend)
{
	struct xm_cell *c = xm_cell_of(backend);

	if (c)
		c->connections += 1;
}
