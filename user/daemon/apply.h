/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making the maps agree with a specification. All that can fail is done in memory first; then what is new is written where no
 * packet looks (add), the words that packets follow are stored (switch), and what is gone is taken out (retire). The journal in
 * meta says how far it came. A daemon that is killed on the way leaves, whatever the store, tables in which every packet finds
 * either the old or the new; the next apply of the same specification finishes the rest, as it works from what is live.
 */
#pragma once

#include "live.h"

struct xm_applied {
	__u64 generation;
	__u32 services; /* that were added, changed or removed */
	__u32 backends;
	__u32 moved;   /* slots whose owner changed */
	bool finished; /* an apply that was cut off had done all but the last store */
};

/**
 * want must have passed xm_spec_check(). What is the same is not touched: an apply of what is live stores nothing and makes no
 * generation. 0, or -errno with nothing changed.
 */
int xm_apply(struct xm_live *l, const struct xm_spec *want, struct xm_applied *ret, struct xm_err *e);
