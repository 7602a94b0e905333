/* SPDX-License-Identifier: BSD-2-Clause */
#include "apply_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/mesh/slots.h"

static bool same_place(const struct xm_service *s, const struct xm_service_spec *want)
{
	return xm_addr_eq(s->addr, want->vip) && s->port == want->port && s->proto == want->proto;
}

/** The live service of that name at that place: a cut-off move may have left two of one name. */
static __u32 live_at(const struct xm_plane *p, const struct xm_service_spec *want)
{
	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_LIVE && same_place(&p->services[id], want) &&
		    !strcmp(p->service_info[id].name, want->name))
			return id;
	return 0;
}

/** Does the plan hold this service's id? */
static bool planned(const struct xm_plan *a, __u32 id)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].want && a->all[i].id == id)
			return true;
	return false;
}

static int no_room(struct xm_plan *a, const char *what, __u32 limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%u", limit);
	return xm_fail_value(a->e, ENOSPC, what, text, "ids in quarantine return within a minute",
			     "are all in use or in quarantine");
}

/** The members of a service: live ones keep their ids. */
static int plan_members(struct xm_plan *a, struct xm_change *c)
{
	struct xm_plane *p = &a->l->plane;

	c->members = calloc(c->want->backends_n + 1, sizeof(*c->members));
	if (!c->members)
		return -ENOMEM;
	for (size_t i = 0; i < c->want->backends_n; i++) {
		const struct xm_backend_spec *spec = &c->want->backends[i];
		struct xm_member m = { .spec = spec };
		struct xm_backend_info *info;

		if (!c->fresh)
			m.id = xm_live_backend(a->l, c->id, spec->addr, spec->port);
		/* replies find a flow by the endpoint's key: with or without one it is another record */
		if (m.id && (c->want->forward == XM_FORWARD_NAT) != !!p->backends[m.id].key)
			m.id = 0;
		info = &p->backend_info[m.id];
		if (m.id)
			c->info |= info->weight != spec->weight || info->priority != spec->priority ||
				   strcmp(info->zone, spec->zone);
		if (!m.id) {
			m.fresh = true;
			m.id = xm_live_free_backend(a->l);
			if (!m.id)
				return no_room(a, "limits.backends", p->meta->sizes.backends);
			/* reserved: nobody else may find it free; a crash leaves it to the next start */
			p->backends[m.id].life = XM_LIFE_RETIRED;
			p->backends[m.id].key = 0;
			p->backends[m.id].state = XM_STATE_DOWN;
		}
		c->members[c->n++] = m;
	}
	return 0;
}

/** Backends of a live service that are not wanted any more. */
static void plan_gone(struct xm_plan *a, const struct xm_change *c)
{
	struct xm_plane *p = &a->l->plane;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		bool stays = false;

		if (p->backends[id].life != XM_LIFE_LIVE || p->backends[id].service != c->id)
			continue;
		for (size_t i = 0; i < c->n && !stays; i++)
			stays = c->members[i].id == id;
		if (!stays)
			a->gone[a->gone_n++] = id;
	}
}

/** The table as it shall be, from the live one. */
static int make_table(struct xm_plan *a, struct xm_change *c, const struct xm_plan_word *live,
		      struct xm_plan_word *plan)
{
	struct xm_plane *p = &a->l->plane;
	struct xm_share *share = calloc(c->n + 1, sizeof(*share));
	const __u64 *old = p->slots + (size_t)live->base * XM_SLOT_UNIT;
	__u32 old_count = live->log2 ? 1U << live->log2 : 0, length = 0;
	int err = 0;

	c->count = xm_slots_size(c->n);
	if (c->count < old_count)
		c->count = old_count; /* it does not shrink while running */
	c->slots = calloc(c->count, sizeof(*c->slots));
	if (!share || !c->slots)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < c->n; i++)
		share[i] = (struct xm_share){ c->members[i].id, c->members[i].spec->weight };
	/* doubling copies: slot i to i and i + M, so every pick stays */
	for (__u32 i = 0; !err && old_count && i < c->count; i++)
		c->slots[i] = old[i & (old_count - 1)];
	if (!err && c->want->balance == XM_BALANCE_ROUND_ROBIN)
		err = xm_slots_interleave(c->slots, c->count, share, c->n, &length);
	else if (!err)
		err = xm_slots_move(c->slots, c->count, share, c->n, xm_slot_clock(), &c->moved);
	for (__u32 i = 0; length && i < c->count; i++)
		c->moved += !old_count || xm_slot_owner(c->slots[i]) != xm_slot_owner(old[i & (old_count - 1)]);
	plan->rr = length ? length : 1;
	while ((1U << plan->log2) < c->count)
		plan->log2++;
	free(share);
	if (!err && c->count == old_count && !memcmp(c->slots, old, c->count * sizeof(*old)) && plan->rr == live->rr) {
		plan->base = live->base;
		free(c->slots);
		c->slots = NULL;
	}
	return err;
}

static int plan_table(struct xm_plan *a, struct xm_change *c)
{
	struct xm_plan_word live = {}, plan = {
		.balance = c->want->balance,
		.forward = c->want->forward,
		.track = c->want->track,
		.on_down = c->want->on_down,
		.on_none = c->want->on_none,
	};
	int err, base;

	if (!c->fresh)
		live = xm_plan_unpack(a->l->plane.services[c->id].plan);
	err = make_table(a, c, &live, &plan);
	if (err)
		return err;
	if (c->slots) {
		base = xm_live_free_slots(a->l, a->units, c->count);
		if (base < 0)
			return no_room(a, "slots", a->l->plane.meta->sizes.slot_units * XM_SLOT_UNIT);
		plan.base = base;
	}
	c->plan = xm_plan_pack(&plan);
	return 0;
}

static int plan_service(struct xm_plan *a, const struct xm_service_spec *want)
{
	struct xm_plane *p = &a->l->plane;
	struct xm_change *c = &a->all[a->n];
	int err;

	c->want = want;
	c->id = live_at(p, want);
	if (!c->id) {
		c->fresh = true;
		c->id = xm_live_free_service(a->l);
		if (!c->id)
			return no_room(a, "limits.services", p->meta->sizes.services);
		p->services[c->id].life = XM_LIFE_RETIRED; /* reserved */
		p->services[c->id].plan = 0;
	}
	a->n++;
	err = plan_members(a, c);
	if (!err && !c->fresh)
		plan_gone(a, c);
	return err ? err : plan_table(a, c);
}

int xm_plan_all(struct xm_plan *a, const struct xm_spec *want)
{
	struct xm_plane *p = &a->l->plane;
	int err = 0;

	for (size_t i = 0; i < want->services_n && !err; i++)
		err = plan_service(a, &want->services[i]);
	for (__u32 id = 1; id < p->meta->sizes.services && !err; id++) {
		if (p->services[id].life != XM_LIFE_LIVE || planned(a, id))
			continue;
		a->all[a->n] = (struct xm_change){ .id = id };
		plan_gone(a, &a->all[a->n++]);
	}
	if (err == -ENOMEM)
		xm_fail(a->e, ENOMEM, "no memory for the new tables");
	return err;
}

/** Do packets find the service? Not if a daemon was killed right before it stored the keys. */
static bool keyed(const struct xm_plane *p, const struct xm_change *c)
{
	__u32 key = xm_key_lookup(p, XM_KEY_SERVICE, c->want->vip, c->want->port, c->want->proto);

	return key && p->keys[key].value == c->id && xm_key_lookup(p, XM_KEY_VIP, c->want->vip, 0, 0);
}

bool xm_plan_changes(const struct xm_plan *a, const struct xm_change *c)
{
	if (!c->want || c->fresh || c->slots || c->info || c->plan != a->l->plane.services[c->id].plan)
		return true;
	if (!keyed(&a->l->plane, c))
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (c->members[i].fresh)
			return true;
	return false;
}

static void forget_backend(struct xm_live *l, __u32 id)
{
	__u32 key = l->plane.backends[id].key;

	l->plane.backends[id].life = XM_LIFE_FREE;
	if (key)
		xm_live_drop_endpoint(l, key);
}

void xm_plan_forget(struct xm_plan *a)
{
	struct xm_plane *p = &a->l->plane;

	for (size_t i = 0; i < a->n; i++) {
		struct xm_change *c = &a->all[i];

		for (size_t j = 0; j < c->n; j++)
			if (c->members[j].fresh)
				forget_backend(a->l, c->members[j].id);
		if (c->fresh)
			p->services[c->id].life = XM_LIFE_FREE;
	}
}
