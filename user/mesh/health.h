/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on a backend, merged from what the operator and the check say, with a bit for each reason. Pure. */
#pragma once

#include <xdpmesh/reason.h>
#include <xdpmesh/record.h>

#include "spec.h"

enum xm_check_verdict { XM_CHECK_UNKNOWN, XM_CHECK_PASSES, XM_CHECK_FAILS };

/** Rise and fall of one check. */
struct xm_rise_fall {
	__u32 successes; /* in a row */
	__u32 failures;	 /* in a row */
	enum xm_check_verdict verdict;
};

/** Counts a result; a first result of either kind decides at once, later ones after rise or fall. */
void xm_rise_fall(struct xm_rise_fall *rf, const struct xm_check_spec *c, bool success);

/** The state that follows, and its reasons (enum xm_reason bits). */
enum xm_state xm_health_merge(enum xm_admin admin, enum xm_check_type type, enum xm_check_verdict verdict,
			      __u32 *ret_reasons);
