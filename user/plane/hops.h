/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops towards backends: for each backend the route says through which neighbour, for each neighbour one word holds MAC and
 * device. A gateway that changes is one store, however many backends stand behind it.
 */
#pragma once

#include "plane.h"
#include "route.h"

struct xm_hop_use {
	struct xm_addr via;
	__u32 ifindex; /* 0: unused */
	bool seen;     /* in the refresh that is going on */
};

struct xm_hops {
	struct xm_hop_use *use; /* XM_HOPS of them, by the hop's id */
	__u32 next;
	struct xm_route route;
	struct xm_neigh *seen; /* by xm_hops_look() */
	int seen_n;
};

int xm_hops_open(struct xm_hops *ret, struct xm_err *e);
void xm_hops_close(struct xm_hops *h);

/** Routes every live backend anew (routes: true) and stores what has changed; else only the neighbours' MACs. 0 or -errno. */
int xm_hops_refresh(struct xm_hops *h, struct xm_plane *p, bool routes);

/** Empties every next hop towards a client, as routes have changed: the next packet of each flow asks the kernel. */
void xm_hops_forget_clients(struct xm_plane *p);

/** Reads the neighbours, for the xm_hops_for() that follow. 0 or -errno. */
int xm_hops_look(struct xm_hops *h);

/**
 * The hop for a backend about to be published: resolution is asked for at once. An id, never 0, or -errno; -ELOOP: the address is this
 * machine's own.
 */
int xm_hops_for(struct xm_hops *h, struct xm_plane *p, struct xm_addr to);
