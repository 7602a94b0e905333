/* SPDX-License-Identifier: BSD-2-Clause */
#include "health.h"

void xm_rise_fall(struct xm_rise_fall *rf, const struct xm_check_spec *c, bool success)
{
	bool first = !rf->successes && !rf->failures && rf->verdict == XM_CHECK_UNKNOWN;

	if (success) {
		rf->failures = 0;
		if (rf->successes < ~0U)
			rf->successes++;
		if (first || rf->successes >= c->rise)
			rf->verdict = XM_CHECK_PASSES;
		return;
	}
	rf->successes = 0;
	if (rf->failures < ~0U)
		rf->failures++;
	if (first || rf->failures >= c->fall)
		rf->verdict = XM_CHECK_FAILS;
}

enum xm_state xm_health_merge(enum xm_admin admin, enum xm_check_type type, enum xm_check_verdict verdict,
			      __u32 *ret_reasons)
{
	bool fails = type != XM_CHECK_NONE && verdict == XM_CHECK_FAILS;
	bool starting = type != XM_CHECK_NONE && verdict == XM_CHECK_UNKNOWN;

	*ret_reasons = (fails ? XM_R_check : 0) | (starting ? XM_R_starting : 0);
	switch (admin) {
	case XM_ADMIN_DOWN:
		*ret_reasons |= XM_R_admin;
		return XM_STATE_DOWN;
	case XM_ADMIN_UP:
		*ret_reasons |= XM_R_admin;
		return XM_STATE_UP;
	case XM_ADMIN_DRAIN:
		*ret_reasons |= XM_R_draining;
		return fails ? XM_STATE_DOWN : XM_STATE_DRAIN;
	default:
		return fails ? XM_STATE_DOWN : starting ? XM_STATE_UNKNOWN : XM_STATE_UP;
	}
}
