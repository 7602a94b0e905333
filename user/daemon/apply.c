/* SPDX-License-Identifier: BSD-2-Clause */
#include "apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply_plan.h"
#include "user/base/addr.h"
#include "user/mesh/health.h"

static void set_info(struct xm_plane *p, const struct xm_member *m)
{
	struct xm_backend_info *info = &p->backend_info[m->id];

	info->weight = m->spec->weight;
	info->priority = m->spec->priority;
	memcpy(info->zone, m->spec->zone, sizeof(info->zone));
}

/** A fresh backend's record and its endpoint's key, which must be known before any packet goes there. */
static int add_backend(struct xm_plan *a, const struct xm_change *c, const struct xm_member *m)
{
	struct xm_plane *p = &a->l->plane;
	struct xm_backend *b = &p->backends[m->id];
	struct xm_backend_info *info = &p->backend_info[m->id];
	struct xm_backend fresh = { .service = c->id,
				    .addr = m->spec->addr,
				    .port = m->spec->port,
				    .proto = c->want->proto,
				    .life = XM_LIFE_RETIRED };
	char object[128], text[XM_ADDR_TEXT];
	__u32 reasons;
	int key = 0, hop;

	if (c->want->forward == XM_FORWARD_NAT) {
		key = xm_key_add(p, XM_KEY_ENDPOINT, m->spec->addr, m->spec->port, c->want->proto, 0);
		if (key < 0)
			return key;
	}
	hop = xm_hops_for(&a->l->hops, p, m->spec->addr);
	if (hop == -ELOOP) {
		snprintf(object, sizeof(object), "service %s", c->want->name);
		return xm_fail_value(a->e, ELOOP, object, xm_endpoint_text(m->spec->addr, m->spec->port, text), NULL,
				     "is on this machine: its answers would not come by XDP");
	}
	if (hop < 0)
		return hop;
	fresh.key = key;
	fresh.hop = hop;
	fresh.state = xm_health_merge(m->spec->admin, c->want->check.type, XM_CHECK_UNKNOWN, &reasons);
	*b = fresh;
	memset(info, 0, sizeof(*info));
	info->baseline = xm_cell_sum(p, m->id);
	info->since = time(NULL);
	info->reasons = reasons;
	set_info(p, m);
	xm_publish32("backend.live", &b->life, XM_LIFE_LIVE);
	return 0;
}

static void fill_service(struct xm_plane *p, const struct xm_change *c)
{
	struct xm_service *s = &p->services[c->id];

	*s = (struct xm_service){ .plan = c->plan,
				  .addr = c->want->vip,
				  .port = c->want->port,
				  .proto = c->want->proto,
				  .life = XM_LIFE_RETIRED };
	memset(&p->service_info[c->id], 0, sizeof(p->service_info[c->id]));
	memcpy(p->service_info[c->id].name, c->want->name, XM_NAME_MAX);
	xm_publish32("service.live", &s->life, XM_LIFE_LIVE);
}

static int add_all(struct xm_plan *a)
{
	struct xm_plane *p = &a->l->plane;
	int err = xm_hops_look(&a->l->hops);

	for (size_t i = 0; i < a->n && !err; i++) {
		struct xm_change *c = &a->all[i];

		for (size_t j = 0; j < c->n && !err; j++)
			if (c->members[j].fresh)
				err = add_backend(a, c, &c->members[j]);
		if (c->slots)
			memcpy(p->slots + (size_t)xm_plan_unpack(c->plan).base * XM_SLOT_UNIT, c->slots,
			       c->count * sizeof(*c->slots));
	}
	if (err && err != -ELOOP)
		xm_fail(a->e, -err, "the key or next-hop table is full: raise limits.backends");
	return err;
}

/** From here on packets see the new. */
static int switch_all(struct xm_plan *a, __u64 generation)
{
	struct xm_plane *p = &a->l->plane;
	bool endpoints = p->meta->endpoints;
	int err = 0;

	for (__u32 id = 1; id < p->meta->sizes.backends && !endpoints; id++)
		endpoints = p->backends[id].life == XM_LIFE_LIVE && p->backends[id].key;
	xm_publish32("meta.endpoints", &p->meta->endpoints, endpoints);
	for (size_t i = 0; i < a->n && err >= 0; i++) {
		struct xm_change *c = &a->all[i];

		if (!c->want || !xm_plan_changes(a, c))
			continue;
		for (size_t j = 0; j < c->n; j++)
			set_info(p, &c->members[j]);
		if (c->fresh)
			fill_service(p, c);
		else
			xm_publish64("service.plan", &p->services[c->id].plan, c->plan);
		p->service_info[c->id].generation = generation;
		xm_live_last_resort(a->l, c->id, 0);
		err = xm_key_aim(p, XM_KEY_SERVICE, c->want->vip, c->want->port, c->want->proto, c->id);
		if (err >= 0)
			err = xm_key_add(p, XM_KEY_VIP, c->want->vip, 0, 0, 0);
	}
	return err < 0 ? xm_fail(a->e, -err, "the key table is full: raise limits.services") : 0;
}

static bool vip_in_use(const struct xm_plane *p, struct xm_addr vip)
{
	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_LIVE && xm_addr_eq(p->services[id].addr, vip))
			return true;
	return false;
}

/** Takes a service out: its key first, then the address if nobody else has it. */
static void retire_service(struct xm_plane *p, __u32 id)
{
	struct xm_service *s = &p->services[id];
	__u32 key = xm_key_lookup(p, XM_KEY_SERVICE, s->addr, s->port, s->proto);

	if (key && p->keys[key].value == id)
		xm_key_hide(p, key);
	else
		key = 0;
	xm_publish32("service.retire", &s->life, XM_LIFE_RETIRED);
	if (!vip_in_use(p, s->addr)) {
		__u32 vip = xm_key_lookup(p, XM_KEY_VIP, s->addr, 0, 0);

		if (vip) {
			xm_key_hide(p, vip);
			xm_grace();
			xm_key_free(p, vip);
		}
	}
	xm_grace();
	if (key)
		xm_key_free(p, key);
}

static void retire_all(struct xm_plan *a)
{
	struct xm_plane *p = &a->l->plane;

	for (size_t i = 0; i < a->n; i++)
		if (!a->all[i].want)
			retire_service(p, a->all[i].id);
	for (size_t i = 0; i < a->gone_n; i++) {
		struct xm_backend *b = &p->backends[a->gone[i]];

		xm_publish32("backend.state", &b->state, XM_STATE_DOWN);
		xm_publish32("backend.retire", &b->life, XM_LIFE_RETIRED);
	}
	/* one that went may have been a last resort */
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].want)
			xm_live_last_resort(a->l, a->all[i].id, 0);
	a->l->retired_at = a->l->passes;
}

static int carry_out(struct xm_plan *a, struct xm_applied *ret)
{
	struct xm_plane *p = &a->l->plane;
	__u64 generation = p->meta->generation + 1;
	struct xm_applied done = { .generation = generation };
	int err;

	for (size_t i = 0; i < a->n; i++) {
		done.services += xm_plan_changes(a, &a->all[i]);
		done.moved += a->all[i].moved;
		for (size_t j = 0; j < a->all[i].n; j++)
			done.backends += a->all[i].members[j].fresh;
	}
	done.backends += a->gone_n;
	if (!done.services && !a->gone_n) {
		/* adoption may have finished the last apply: then that is what runs */
		done.finished = p->meta->journal >> 8 > p->meta->generation && (p->meta->journal & 255) != XM_PHASE_ADD;
		if (done.finished)
			xm_publish64("meta.generation", &p->meta->generation, p->meta->journal >> 8);
		done.generation = p->meta->generation;
		xm_publish64("journal.end", &p->meta->journal, 0);
		*ret = done;
		return 0;
	}
	xm_publish64("journal.add", &p->meta->journal, generation << 8 | XM_PHASE_ADD);
	err = add_all(a);
	if (err) {
		/* what is written is nowhere referred to; flows cannot have met it */
		xm_publish64("journal.undo", &p->meta->journal, 0);
		return err;
	}
	a->published = true;
	xm_publish64("journal.switch", &p->meta->journal, generation << 8 | XM_PHASE_SWITCH);
	err = switch_all(a, generation);
	xm_publish64("journal.retire", &p->meta->journal, generation << 8 | XM_PHASE_RETIRE);
	retire_all(a);
	xm_grace();
	xm_publish64("meta.generation", &p->meta->generation, generation);
	xm_publish64("journal.end", &p->meta->journal, 0);
	if (!err)
		*ret = done;
	return err;
}

int xm_apply(struct xm_live *l, const struct xm_spec *want, struct xm_applied *ret, struct xm_err *e)
{
	struct xm_plan a = { .l = l, .e = e };
	int err = -ENOMEM;

	a.all = calloc(want->services_n + l->plane.meta->sizes.services + 1, sizeof(*a.all));
	a.gone = calloc(l->plane.meta->sizes.backends, sizeof(*a.gone));
	a.units = xm_live_slot_units(l);
	if (a.all && a.gone && a.units)
		err = xm_plan_all(&a, want);
	else
		xm_fail(e, ENOMEM, "no memory for an apply");
	if (!err)
		err = carry_out(&a, ret);
	if (err && !a.published)
		xm_plan_forget(&a);
	for (size_t i = 0; i < a.n; i++) {
		free(a.all[i].members);
		free(a.all[i].slots);
	}
	free(a.all);
	free(a.gone);
	free(a.units);
	return err;
}
