/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health: a check for each backend of a service that has one, and the merged verdict of check and operator, stored the moment it
 * changes. Checks start spread over their interval; a new backend's first one comes at once.
 */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "live.h"
#include "user/mesh/health.h"

struct xm_check;

struct xm_checks {
	uv_loop_t *loop;
	struct xm_live *live;
	struct xm_check *first; /* a list */
};

void xm_checks_init(struct xm_checks *c, uv_loop_t *loop, struct xm_live *live);

/** Makes the checks agree with what is wanted, which is live by now, and stores every backend's merged state. */
int xm_checks_sync(struct xm_checks *c, const struct xm_spec *want);

/** The operator's word on one backend: stored at once. */
void xm_checks_set_admin(struct xm_checks *c, const struct xm_service_spec *s, const struct xm_backend_spec *b);

/** Ends all; their handles close in the loop. */
void xm_checks_stop(struct xm_checks *c);

/** What health.show answers. A new reference. */
json_t *xm_checks_json(const struct xm_checks *c);
