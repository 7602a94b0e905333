/* SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XM_SWEEP_MOST (1 << 20) /* sets a run: bpf_loop() takes no more than 2^23 */

__u32 xm_live_service(const struct xm_live *l, const char *name)
{
	const struct xm_plane *p = &l->plane;

	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_LIVE && !strcmp(p->service_info[id].name, name))
			return id;
	return 0;
}

__u32 xm_live_backend(const struct xm_live *l, __u32 service, struct xm_addr addr, __u16 be_port)
{
	const struct xm_plane *p = &l->plane;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		const struct xm_backend *b = &p->backends[id];

		if (b->life == XM_LIFE_LIVE && b->service == service && b->port == be_port && xm_addr_eq(b->addr, addr))
			return id;
	}
	return 0;
}

__u32 xm_live_free_service(struct xm_live *l)
{
	__u32 n = l->plane.meta->sizes.services;

	for (__u32 i = 0; i < n; i++) {
		__u32 id = (l->next_service + i) % n;

		if (!id || l->plane.services[id].life != XM_LIFE_FREE)
			continue;
		l->next_service = id + 1;
		return id;
	}
	return 0;
}

__u32 xm_live_free_backend(struct xm_live *l)
{
	__u32 n = l->plane.meta->sizes.backends;

	for (__u32 i = 0; i < n; i++) {
		__u32 id = (l->next_backend + i) % n;

		if (!id || l->plane.backends[id].life != XM_LIFE_FREE)
			continue;
		l->next_backend = id + 1;
		return id;
	}
	return 0;
}

__u8 *xm_live_slot_units(const struct xm_live *l)
{
	const struct xm_plane *p = &l->plane;
	__u8 *taken = calloc(p->meta->sizes.slot_units, 1);

	for (__u32 id = 1; taken && id < p->meta->sizes.services; id++) {
		struct xm_plan_word plan = xm_plan_unpack(p->services[id].plan);

		if (p->services[id].life == XM_LIFE_FREE || !plan.log2)
			continue;
		for (__u32 i = 0; i < (1U << plan.log2) / XM_SLOT_UNIT && plan.base + i < p->meta->sizes.slot_units;
		     i++)
			taken[plan.base + i] = 1;
	}
	return taken;
}

int xm_live_free_slots(const struct xm_live *l, __u8 *taken, __u32 count)
{
	__u32 units = count / XM_SLOT_UNIT, run = 0;

	for (__u32 i = 0; i < l->plane.meta->sizes.slot_units; i++) {
		run = taken[i] ? 0 : run + 1;
		if (run < units)
			continue;
		memset(taken + i + 1 - units, 1, units);
		return i + 1 - units;
	}
	return -ENOSPC;
}

static bool is_resort(const struct xm_plane *p, __u32 service, __u32 id)
{
	const struct xm_backend *b = &p->backends[id];

	return id && b->life == XM_LIFE_LIVE && b->service == service && b->state == XM_STATE_UP &&
	       p->backend_info[id].weight;
}

void xm_live_last_resort(struct xm_live *l, __u32 service, __u32 avoid)
{
	struct xm_plane *p = &l->plane;
	struct xm_service *s = &p->services[service];

	if (s->last_resort != avoid && is_resort(p, service, s->last_resort))
		return;
	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		if (id == avoid || !is_resort(p, service, id))
			continue;
		xm_publish32("service.last_resort", &s->last_resort, id);
		return;
	}
	xm_publish32("service.last_resort", &s->last_resort, 0);
}

bool xm_live_set_state(struct xm_live *l, __u32 backend, enum xm_state state, __u32 reasons)
{
	struct xm_plane *p = &l->plane;
	struct xm_backend *b = &p->backends[backend];
	struct xm_backend_info *info = &p->backend_info[backend];
	bool changed = b->state != state || info->reasons != reasons;

	if (state != XM_STATE_UP && p->services[b->service].last_resort == backend)
		xm_live_last_resort(l, b->service, backend);
	if (b->state != state)
		info->since = time(NULL);
	info->reasons = reasons;
	xm_publish32("backend.state", &b->state, state);
	if (state == XM_STATE_UP)
		xm_live_last_resort(l, b->service, 0);
	return changed;
}

static bool endpoint_in_use(const struct xm_plane *p, __u32 key)
{
	for (__u32 id = 1; id < p->meta->sizes.backends; id++)
		if (p->backends[id].life != XM_LIFE_FREE && p->backends[id].key == key)
			return true;
	return false;
}

void xm_live_drop_endpoint(struct xm_live *l, __u32 key)
{
	if (endpoint_in_use(&l->plane, key))
		return;
	xm_key_hide(&l->plane, key);
	l->plane.keys[key].value = XM_KEY_RETIRED;
}

/** Endpoints that were hidden before this pass began: no direct flow names them any more. */
static void free_keys(struct xm_plane *p)
{
	for (__u32 id = 1; id < p->meta->sizes.keys; id++)
		if (p->keys[id].kind == XM_KEY_ENDPOINT && p->keys[id].value == XM_KEY_RETIRED)
			xm_key_free(p, id);
}

/** No entry of the flow table names them any more: ids may have another tenant. */
static void release_retired(struct xm_live *l)
{
	struct xm_plane *p = &l->plane;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		struct xm_backend *b = &p->backends[id];
		__u32 key = b->key;

		if (b->life != XM_LIFE_RETIRED)
			continue;
		xm_publish32("backend.free", &b->life, XM_LIFE_FREE);
		if (key)
			xm_live_drop_endpoint(l, key);
	}
	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_RETIRED)
			xm_publish32("service.free", &p->services[id].life, XM_LIFE_FREE);
	xm_grace();
}

static bool any_retired(const struct xm_plane *p)
{
	for (__u32 id = 1; id < p->meta->sizes.backends; id++)
		if (p->backends[id].life == XM_LIFE_RETIRED)
			return true;
	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_RETIRED)
			return true;
	return false;
}

int xm_live_sweep(struct xm_live *l, __u32 stretch)
{
	__u32 sets = l->plane.meta->sizes.flow_sets;
	struct xm_sweep done;
	int err;

	if (l->sweep_at >= sets) {
		bool clean = !l->sweep_lost && l->passes > l->retired_at;

		l->flows_used = l->sweep_used;
		l->sweep_at = l->sweep_used = 0;
		l->sweep_lost = false;
		l->passes++;
		if (clean) {
			free_keys(&l->plane);
			if (any_retired(&l->plane))
				release_retired(l);
		}
		return 0;
	}
	if (stretch > XM_SWEEP_MOST)
		stretch = XM_SWEEP_MOST;
	if (stretch > sets - l->sweep_at)
		stretch = sets - l->sweep_at;
	err = xm_sweep_run(&l->plane, l->sweep_at, stretch, &done);
	if (err)
		return err;
	l->sweep_at += stretch;
	l->sweep_used += done.used;
	l->sweep_lost |= done.lost > 0;
	return 0;
}
