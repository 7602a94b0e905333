/* SPDX-License-Identifier: BSD-2-Clause */
#include "hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"

int xm_hops_open(struct xm_hops *ret, struct xm_err *e)
{
	struct xm_hops h = { .next = 1 };
	int err = xm_route_open(&h.route, e);

	if (err)
		return err;
	h.use = calloc(XM_HOPS, sizeof(*h.use));
	if (!h.use) {
		xm_route_close(&h.route);
		return xm_fail(e, ENOMEM, "no memory for next hops");
	}
	*ret = h;
	return 0;
}

void xm_hops_close(struct xm_hops *h)
{
	xm_route_close(&h->route);
	free(h->use);
	free(h->seen);
	h->use = NULL;
	h->seen = NULL;
}

static bool hop_is(const struct xm_hop_use *u, const struct xm_route_answer *r)
{
	return u->ifindex == r->ifindex && xm_addr_eq(u->via, r->via);
}

/** A hop's id for a route; ids are given round and round, so that one just freed rests longest. */
static int hop_of(struct xm_hops *h, struct xm_plane *p, const struct xm_route_answer *r)
{
	for (__u32 id = 1; id < XM_HOPS; id++)
		if (h->use[id].ifindex && hop_is(&h->use[id], r))
			return id;
	for (__u32 i = 0; i < XM_HOPS; i++) {
		__u32 id = (h->next + i) % XM_HOPS;

		if (!id || h->use[id].ifindex)
			continue;
		h->use[id] = (struct xm_hop_use){ .via = r->via, .ifindex = r->ifindex, .seen = true };
		h->next = id + 1;
		xm_publish64("hop.begin", &p->hops[id], 0); /* the stack, till its neighbour is known */
		xm_neigh_manage(&h->route, r->ifindex, r->via);
		return id;
	}
	return -ENOSPC;
}

/** No route, or to ourselves: a hop that leaves it to the stack. */
static void route_of(struct xm_hops *h, struct xm_addr to, struct xm_route_answer *ret)
{
	if (xm_route_get(&h->route, to, ret) || ret->local)
		*ret = (struct xm_route_answer){ .ifindex = ~0U, .via = to };
}

static bool known(const struct xm_hop_use *u, const struct xm_neigh *neigh, int n)
{
	for (int i = 0; i < n; i++)
		if (neigh[i].ifindex == u->ifindex && xm_addr_eq(neigh[i].addr, u->via))
			return true;
	return false;
}

/** The kernel forgets what it managed for us when a device's address changes or somebody flushes: it is asked again. */
static void manage_again(struct xm_hops *h, const struct xm_neigh *neigh, int n)
{
	for (__u32 id = 1; id < XM_HOPS; id++) {
		struct xm_hop_use *u = &h->use[id];

		if (u->ifindex && u->ifindex != ~0U && !known(u, neigh, n))
			xm_neigh_manage(&h->route, u->ifindex, u->via);
	}
}

static __u64 word_of(const struct xm_plane *p, const struct xm_hop_use *u, const struct xm_neigh *neigh, int n)
{
	__u32 dev = xm_dev_find(p, u->ifindex);

	if (!dev || !p->devs[dev].sends)
		return xm_hop_make(0, 0, XM_HOP_STACK);
	for (int i = 0; i < n; i++)
		if (neigh[i].valid && neigh[i].ifindex == u->ifindex && xm_addr_eq(neigh[i].addr, u->via))
			return xm_hop_make(neigh[i].mac, dev, XM_HOP_SEND);
	return xm_hop_make(0, 0, XM_HOP_STACK);
}

/** Every live backend's route; its hop if it changed. */
static int refresh_routes(struct xm_hops *h, struct xm_plane *p)
{
	for (__u32 id = 1; id < XM_HOPS; id++)
		h->use[id].seen = false;
	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		struct xm_backend *b = &p->backends[id];
		struct xm_route_answer r;
		int hop;

		if (b->life == XM_LIFE_FREE)
			continue;
		route_of(h, b->addr, &r);
		/* an adopted hop keeps its id if nobody else has bound it */
		if (b->hop && b->hop < XM_HOPS && !h->use[b->hop].ifindex) {
			h->use[b->hop] = (struct xm_hop_use){ .via = r.via, .ifindex = r.ifindex };
			xm_neigh_manage(&h->route, r.ifindex, r.via);
		}
		hop = b->hop && hop_is(&h->use[b->hop], &r) ? (int)b->hop : hop_of(h, p, &r);
		if (hop < 0)
			return hop;
		h->use[hop].seen = true;
		xm_publish32("backend.hop", &b->hop, hop);
	}
	for (__u32 id = 1; id < XM_HOPS; id++)
		if (!h->use[id].seen)
			h->use[id] = (struct xm_hop_use){};
	return 0;
}

/** Is a neighbour on that device known by that MAC? */
static bool mac_lives(const struct xm_plane *p, __u64 hop, const struct xm_neigh *neigh, int n)
{
	__u32 ifindex = p->devs[xm_hop_dev(hop) & (XM_DEVS - 1)].ifindex;

	for (int i = 0; i < n; i++)
		if (neigh[i].valid && neigh[i].ifindex == ifindex && neigh[i].mac == (hop & 0xffffffffffffULL))
			return true;
	return false;
}

static void forget(struct xm_plane *p, __u32 id, __u64 hop)
{
	__atomic_compare_exchange_n(&p->client_hops[id], &hop, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

void xm_hops_forget_clients(struct xm_plane *p)
{
	for (__u32 id = 1; id < XM_CLIENT_HOPS; id++)
		forget(p, id, __atomic_load_n(&p->client_hops[id], __ATOMIC_RELAXED));
}

/**
 * Next hops towards clients that may be true no more are emptied: the next packet asks the kernel. The kernel only enters
 * where 0 stands and we only empty, both by compare-and-swap.
 */
static void forget_clients(struct xm_plane *p, const struct xm_neigh *neigh, int n)
{
	for (__u32 id = 1; id < XM_CLIENT_HOPS; id++) {
		__u64 hop = __atomic_load_n(&p->client_hops[id], __ATOMIC_RELAXED);

		if (hop && !mac_lives(p, hop, neigh, n))
			forget(p, id, hop);
	}
}

int xm_hops_refresh(struct xm_hops *h, struct xm_plane *p, bool routes)
{
	struct xm_neigh *neigh = NULL;
	int err = routes ? refresh_routes(h, p) : 0, n;

	if (err)
		return err;
	n = xm_neigh_dump(&h->route, &neigh);
	if (n < 0)
		return n;
	for (__u32 id = 1; id < XM_HOPS; id++)
		if (h->use[id].ifindex)
			xm_publish64("hop", &p->hops[id], word_of(p, &h->use[id], neigh, n));
	manage_again(h, neigh, n);
	forget_clients(p, neigh, n);
	free(neigh);
	return 0;
}

int xm_hops_look(struct xm_hops *h)
{
	struct xm_neigh *neigh = NULL;
	int n = xm_neigh_dump(&h->route, &neigh);

	if (n < 0)
		return n;
	free(h->seen);
	h->seen = neigh;
	h->seen_n = n;
	return 0;
}

int xm_hops_for(struct xm_hops *h, struct xm_plane *p, struct xm_addr to)
{
	struct xm_route_answer r = {};
	int hop;

	if (!xm_route_get(&h->route, to, &r) && r.local)
		return -ELOOP;
	route_of(h, to, &r);
	hop = hop_of(h, p, &r);
	if (hop > 0)
		xm_publish64("hop", &p->hops[hop], word_of(p, &h->use[hop], h->seen, h->seen_n));
	return hop;
}
