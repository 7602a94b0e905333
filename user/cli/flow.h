/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the flow table, for the nouns that look into it. */
#pragma once

#include "cli.h"

/** Words of enum xm_flow_state, from XM_FLOW_DIRECT on. */
extern const char *const xm_flow_words[];

/** Copies an entry that holds a flow; false if it does not, or changed hands meanwhile. */
bool xm_flow_copy(const struct xm_flow *e, struct xm_flow *ret);

/** A copied entry as `flow show` has it. */
json_t *xm_flow_json(const struct xm_plane *p, const struct xm_flow *e);
