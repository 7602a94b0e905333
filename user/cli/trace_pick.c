/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace of a flow that begins: which backend the pick finds. Repeats bpf/pick.h and xm_nat_begin() of bpf/nat.h. */
#include "trace.h"

#include <string.h>

#include "user/base/addr.h"

/* as in bpf/pick.h */
#define PICK_TRIES 32
#define AVOID 3

struct pick {
	__u64 hash;
	__u32 avoid[AVOID];
	__u32 avoids;
};

static __u32 state_of(const struct xm_plane *p, __u32 id)
{
	return *(const volatile __u32 *)&p->backends[id].state;
}

static bool pickable(const struct xm_plane *p, const struct pick *q, __u32 id)
{
	if (id == XM_SLOT_NONE || id == q->avoid[0] || id == q->avoid[1] || id == q->avoid[2])
		return false;
	return id < p->meta->sizes.backends && state_of(p, id) == XM_STATE_UP;
}

/** The owner of a slot of the service, 0 if the slot is none. */
static __u32 owner_of(const struct xm_trace *t, __u32 slot)
{
	__u64 at = (__u64)t->plan.base * XM_SLOT_UNIT + slot;

	if (at >= (__u64)t->p->meta->sizes.slot_units * XM_SLOT_UNIT)
		return XM_SLOT_NONE;
	return xm_slot_owner(*(const volatile __u64 *)&t->p->slots[at]);
}

/** Slots by the hash: the first, then detours. 0: none of them is usable. */
static __u32 walk(struct xm_trace *t, const struct pick *q)
{
	__u32 mask = (1U << t->plan.log2) - 1, at = q->hash & mask;
	__u32 tries = q->avoids ? PICK_TRIES : XM_DETOURS;
	char text[XM_TRACE_TEXT];

	for (__u32 i = 0; i <= tries; i++) {
		__u32 slot = (at + xm_hash_detour(q->hash, i)) & mask, id = owner_of(t, slot);

		if (!i)
			xm_trace_step(t, "slot", "hash %016llx, slot %u of %u: %s", (unsigned long long)q->hash, slot,
				      mask + 1, xm_trace_backend(t->p, id, text));
		else
			xm_trace_step(t, "detour", "%u of %u, slot %u: %s", i, tries, slot,
				      xm_trace_backend(t->p, id, text));
		if (!pickable(t->p, q, id))
			continue;
		json_object_set_new(t->doc, "slot", json_integer(slot));
		return id;
	}
	return 0;
}

static __u32 last_resort(struct xm_trace *t, const struct pick *q)
{
	__u32 id = t->p->services[t->service].last_resort;
	char text[XM_TRACE_TEXT];

	xm_trace_step(t, "last-resort", "%s", xm_trace_backend(t->p, id, text));
	return id < t->p->meta->sizes.backends && t->p->backends[id].service == t->service && pickable(t->p, q, id) ?
		       id :
		       0;
}

static void no_backend(struct xm_trace *t)
{
	bool reset = t->plan.track != XM_TRACK_NONE && t->q.proto == 6;

	if (t->plan.on_none == XM_NONE_PASS)
		xm_trace_outcome(t, XM_V_no_backend_pass,
				 "no usable backend: passed to the kernel (on-no-backend: pass)");
	else if (t->plan.on_none == XM_NONE_RESET && reset)
		xm_trace_outcome(t, XM_V_no_backend_reset,
				 "no usable backend: answered with RST (on-no-backend: reset)");
	else
		xm_trace_outcome(t, XM_V_no_backend_drop, "no usable backend: dropped (on-no-backend: drop)");
}

/** Backends that the round-robin cursor can stop at. */
static __u32 usable(const struct xm_trace *t)
{
	__u32 n = 0;

	for (__u32 id = 1; id < t->p->meta->sizes.backends; id++) {
		const struct xm_backend *b = &t->p->backends[id];

		if (b->life == XM_LIFE_LIVE && b->service == t->service && state_of(t->p, id) == XM_STATE_UP &&
		    t->p->backend_info[id].weight)
			n++;
	}
	return n;
}

/** Neither set of the flow table has an entry to give. True if the outcome is told. */
static bool no_room(struct xm_trace *t)
{
	struct xm_trace_tuple tuple = { .client = t->q.src, .client_port = t->q.sport, .owner = t->q.proto };
	const char *unless = "";

	if (t->plan.track == XM_TRACK_NONE)
		return false;
	switch (xm_trace_room(t->p, &tuple, &t->taken)) {
	case XM_ROOM_FREE:
		return false;
	case XM_ROOM_SYN:
		unless = ", unless a SYN there that stays unanswered for 3 seconds gives way";
		break;
	case XM_ROOM_NONE:
		break;
	}
	xm_trace_step(t, "flow", "no room in either set of the flow table%s", unless);
	xm_trace_outcome(t, XM_V_flows_full, "no room in the flow table for a new flow: dropped%s", unless);
	return true;
}

/** Round robin: what can be told. True if the outcome is told. */
static bool round_robin(struct xm_trace *t)
{
	__u32 n = usable(t);

	xm_trace_step(t, "slot",
		      "round robin over %u slots, a cursor a CPU: which slot is next cannot be told in advance",
		      t->plan.rr);
	if (!n)
		return false;
	if (no_room(t))
		return true;
	xm_trace_outcome(t, XM_V_forward_tx,
			 "to one of the usable backends (%u) in turn: round robin, which one cannot be told in advance",
			 n);
	xm_trace_verdict(t, XM_V_forward_redirect);
	xm_trace_verdict(t, t->plan.track == XM_TRACK_NONE ? XM_V_no_hop : XM_V_forward_stack);
	return true;
}

/**
 * Is the client's port in use at this backend? A closed flow gives way to the same service, and to another one by
 * force: when no other backend will do.
 */
static bool collides(struct xm_trace *t, __u32 id, bool force)
{
	struct xm_trace_tuple tuple = {
		.client = t->q.src,
		.client_port = t->q.sport,
		.owner = t->q.proto,
		.key = t->p->backends[id].key,
		.self = t->taken, /* a closed flow that the new one displaces is in nobody's way */
	};
	char text[XM_TRACE_TEXT];
	struct xm_flow other;

	if (t->plan.track == XM_TRACK_NONE || !tuple.key || !xm_trace_find(t->p, &tuple, &other))
		return false;
	if (xm_flow_state_of(other.word) == XM_FLOW_CLOSING &&
	    (force || other.owner == xm_flow_owner(t->service, t->q.proto)))
		return false;
	xm_trace_step(t, "collision", "the client's port is in use at %s", xm_trace_backend(t->p, id, text));
	return true;
}

/** Round robin decides here? Class none asks the cursor only past an owner that is not usable. */
static bool by_cursor(const struct xm_trace *t, const struct pick *q)
{
	__u32 mask = (1U << t->plan.log2) - 1;

	if (t->plan.balance != XM_BALANCE_ROUND_ROBIN)
		return false;
	return t->plan.track != XM_TRACK_NONE || !pickable(t->p, q, owner_of(t, q->hash & mask));
}

/** Every backend that was tried is taken: the first one again, by force. */
static void collision(struct xm_trace *t, __u32 first)
{
	if (collides(t, first, true)) {
		xm_trace_outcome(t, XM_V_nat_collision, "the client's port is in use at every backend tried: dropped");
		return;
	}
	xm_trace_step(t, "collision", "no other backend will do: another service's closed flow gives way");
	xm_trace_forward(t, first);
}

void xm_trace_pick(struct xm_trace *t)
{
	__u64 client = xm_hash_client(t->q.src, t->q.sport, t->q.proto, &t->p->meta->key);
	struct pick q = { .hash = xm_hash_pick(client, t->service) };
	bool cursor = by_cursor(t, &q);

	if (cursor && round_robin(t))
		return;
	while (q.avoids <= AVOID) {
		__u32 id = cursor ? 0 : walk(t, &q);

		if (!id)
			id = last_resort(t, &q);
		if (!id)
			break;
		if (no_room(t))
			return;
		if (!collides(t, id, false)) {
			xm_trace_forward(t, id);
			return;
		}
		if (q.avoids < AVOID)
			q.avoid[q.avoids] = id;
		q.avoids++;
	}
	if (q.avoids)
		collision(t, q.avoid[0]);
	else
		no_backend(t);
}
