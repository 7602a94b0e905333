/* SPDX-License-Identifier: BSD-2-Clause */
/* An apply as it is worked out in memory, between apply_plan.c and apply.c. */
#pragma once

#include "live.h"

/** A backend of a service in the making. */
struct xm_member {
	__u32 id;
	bool fresh;
	const struct xm_backend_spec *spec;
};

/** What happens to one service. */
struct xm_change {
	const struct xm_service_spec *want; /* NULL: it goes */
	__u32 id;
	bool fresh;
	struct xm_member *members;
	size_t n;
	__u64 *slots; /* the new table; NULL: the live one stays */
	__u32 count;
	__u64 plan;
	__u32 moved;
	bool info; /* weights, zones or the like differ */
};

struct xm_plan {
	struct xm_live *l;
	struct xm_change *all;
	size_t n;
	__u8 *units; /* slot units in use, the new tables' included */
	__u32 *gone; /* backends that are retired */
	size_t gone_n;
	bool published; /* packets may see it: no more to be forgotten */
	struct xm_err *e;
};

/** Works out everything that can fail. Ids are reserved; xm_plan_forget() gives them back. */
int xm_plan_all(struct xm_plan *a, const struct xm_spec *want);

/** Is there anything to do for this service? */
bool xm_plan_changes(const struct xm_plan *a, const struct xm_change *c);

/** A plan that was not carried out leaves nothing. */
void xm_plan_forget(struct xm_plan *a);
