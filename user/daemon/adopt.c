/* SPDX-License-Identifier: BSD-2-Clause */
#include "adopt.h"

#include "user/base/log.h"

static bool key_used(const struct xm_plane *p, __u32 id)
{
	const struct xm_key *k = &p->keys[id];

	if (xm_key_lookup(p, k->kind, k->addr, k->port, k->proto) != id)
		return false;
	if (k->kind == XM_KEY_SERVICE)
		return k->value < p->meta->sizes.services && p->services[k->value].life == XM_LIFE_LIVE;
	if (k->kind == XM_KEY_VIP)
		for (__u32 s = 1; s < p->meta->sizes.services; s++)
			if (p->services[s].life == XM_LIFE_LIVE && xm_addr_eq(p->services[s].addr, k->addr))
				return true;
	if (k->kind == XM_KEY_ENDPOINT)
		for (__u32 b = 1; b < p->meta->sizes.backends; b++)
			if (p->backends[b].life != XM_LIFE_FREE && p->backends[b].key == id)
				return true;
	return false;
}

/** Backends of a service that is not live: it was being made, or taken out. */
static void retire_orphans(struct xm_plane *p)
{
	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		struct xm_backend *b = &p->backends[id];

		if (b->life != XM_LIFE_LIVE || p->services[b->service].life == XM_LIFE_LIVE)
			continue;
		xm_publish32("backend.state", &b->state, XM_STATE_DOWN);
		xm_publish32("backend.retire", &b->life, XM_LIFE_RETIRED);
	}
}

void xm_adopt(struct xm_live *l)
{
	static const char *const phases[] = { "before it began", "adding", "switching", "retiring" };
	struct xm_plane *p = &l->plane;
	__u64 journal = p->meta->journal;
	int hidden = 0;

	if (!p->adopted)
		return;
	xm_log(XM_LOG_INFO, "adopted the data plane in %s, generation %llu%s", p->bpffs, p->meta->generation,
	       p->upgraded ? ", with this build's programs" : "");
	if (journal)
		xm_log(XM_LOG_WARN, "the apply of generation %llu was cut off while %s: finishing it", journal >> 8,
		       phases[journal & 3]);
	retire_orphans(p);
	for (__u32 id = 1; id < p->meta->sizes.services; id++)
		if (p->services[id].life == XM_LIFE_LIVE)
			xm_live_last_resort(l, id, 0);
	for (__u32 id = 1; id < p->meta->sizes.keys; id++) {
		if (!p->keys[id].kind || key_used(p, id) || p->keys[id].value == XM_KEY_RETIRED)
			continue;
		xm_key_hide(p, id);
		hidden++;
	}
	if (hidden)
		xm_grace();
	for (__u32 id = 1; hidden && id < p->meta->sizes.keys; id++)
		if (p->keys[id].kind == XM_KEY_ENDPOINT && !key_used(p, id))
			p->keys[id].value = XM_KEY_RETIRED; /* direct flows may name it */
		else if (p->keys[id].kind && !key_used(p, id))
			xm_key_free(p, id);
}
