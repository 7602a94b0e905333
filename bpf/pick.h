/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Step 3: the pick. Slot by flow hash or by the CPU's cursor; past an owner that is not up, further slots by its hash,
 * so that shares follow weights; then the service's last resort. The state word is read after the slot: from the store of a
 * health flip on, no pick returns that backend.
 */
#pragma once

#include "maps.h"

/* when a pick must avoid backends that the client's port is taken at, it may look at so many slots */
#define XM_PICK_TRIES 32
#define XM_AVOID 3

struct xm_pick {
	__u64 hash;	       /* xm_hash_pick() */
	__u32 service;	       /* id */
	__u32 avoid[XM_AVOID]; /* backends not to return */
	__u32 avoids;	       /* how many of them are set */
	__u32 pad;
};

xm_inline bool xm_pickable(const struct xm_pick *q, __u32 id)
{
	struct xm_backend *b;

	if (id == XM_SLOT_NONE || id == q->avoid[0] || id == q->avoid[1] || id == q->avoid[2])
		return false;
	b = xm_at(backends, id);
	return b && xm_read(b->state) == XM_STATE_UP;
}

/** Where a pick begins: the flow's slot, or the next one of this CPU's cursor. CPUs begin staggered. */
xm_inline __u32 xm_first_slot(const struct xm_pick *q, const struct xm_plan_word *plan)
{
	__u32 cpu = bpf_get_smp_processor_id(), at;
	__u32 *cursor;

	if (plan->balance != XM_BALANCE_ROUND_ROBIN)
		return q->hash & ((1U << plan->log2) - 1);
	cursor = xm_at(cursors, cpu * xm_n_services + q->service);
	if (!cursor)
		return 0;
	at = *cursor + 1;
	if (at >= plan->rr)
		at = 0;
	*cursor = at;
	at += (__u64)cpu * plan->rr / xm_n_cpus;
	return at >= plan->rr ? at - plan->rr : at;
}

/** A backend's id, 0 if none is usable. Global: verified once, called where a flow begins. */
XM_GLOBAL __u32 xm_pick(struct xm_pick *q)
{
	struct xm_service *s;
	struct xm_backend *b;
	struct xm_plan_word plan;
	__u32 at, mask, tries, id;
	__u64 *slot;

	if (!q)
		return 0;
	s = xm_at(services, q->service);
	if (!s)
		return 0;
	plan = xm_plan_unpack(xm_read(s->plan));
	mask = (1U << plan.log2) - 1;
	at = xm_first_slot(q, &plan);
	tries = q->avoids ? XM_PICK_TRIES : XM_DETOURS;
	for (__u32 i = 0; i <= XM_PICK_TRIES; i++) {
		if (i > tries)
			break;
		slot = xm_at(slots, plan.base * XM_SLOT_UNIT + ((at + xm_hash_detour(q->hash, i)) & mask));
		if (!slot)
			return 0;
		id = xm_slot_owner(xm_read(*slot));
		if (xm_pickable(q, id))
			return id;
	}
	id = xm_read(s->last_resort);
	b = xm_at(backends, id);
	return b && b->service == q->service && xm_pickable(q, id) ? id : 0;
}
