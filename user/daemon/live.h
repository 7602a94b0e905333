/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is live, read from the maps: they are the only memory of it, so a new daemon knows as much as the old one. Ids, and the
 * one store of a health flip.
 */
#pragma once

#include "user/mesh/spec.h"
#include "user/plane/hops.h"
#include "user/plane/plane.h"

struct xm_live {
	struct xm_plane plane;
	struct xm_hops hops;
	__u32 next_backend; /* where the search for a free id goes on: a freed id rests */
	__u32 next_service;
	__u32 sweep_at;	  /* next set of the flow table */
	bool sweep_lost;  /* this pass has met an entry that it could not take */
	__u32 sweep_used; /* entries seen in this pass */
	__u32 flows_used; /* entries seen in the last whole pass */
	__u64 retired_at; /* passes begun when the last id was retired */
	__u64 passes;	  /* passes begun */
};

/** The id of a live service, 0 if there is none of that name. */
__u32 xm_live_service(const struct xm_live *l, const char *name);

/** The id of a live backend of a service, 0 if there is none. */
__u32 xm_live_backend(const struct xm_live *l, __u32 service, struct xm_addr addr, __u16 be_port);

/** Ids that nobody uses, marked by no store yet: the caller's till it publishes or forgets them. 0 if there is none. */
__u32 xm_live_free_service(struct xm_live *l);
__u32 xm_live_free_backend(struct xm_live *l);

/** A region of slots that no live service uses and that is not in taken (a bit a unit). Base in units, or -ENOSPC. */
int xm_live_free_slots(const struct xm_live *l, __u8 *taken, __u32 count);

/** A bitmap of the units in use, one byte a unit; free() it. */
__u8 *xm_live_slot_units(const struct xm_live *l);

/**
 * The store of a health flip. The service's last resort is another usable backend before one goes down, and this one if there is
 * none when it comes up. Returns true if anything changed.
 */
bool xm_live_set_state(struct xm_live *l, __u32 backend, enum xm_state state, __u32 reasons);

/** Chooses a last resort anew: a usable backend other than avoid, 0 if there is none. */
void xm_live_last_resort(struct xm_live *l, __u32 service, __u32 avoid);

/** Takes an endpoint's key out of the table if no backend has it any more; its record rests till direct flows are swept. */
void xm_live_drop_endpoint(struct xm_live *l, __u32 key);

/**
 * A stretch of the sweep, and at the end of a pass the release of ids whose last entries it took. Call it often; a whole pass takes
 * sets / stretch calls.
 */
int xm_live_sweep(struct xm_live *l, __u32 stretch);
