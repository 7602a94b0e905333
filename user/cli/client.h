/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to the daemon over its control socket: a line out, a line back, within ten seconds (docs/control.md). */
#pragma once

#include "out.h"

enum xm_call_kind {
	XM_CALL_READS,
	XM_CALL_WRITES, /* a failure says that nothing was changed, if that is so */
};

/**
 * Asks, and takes params over. 0 with the result, or -errno with c->e filled: -ENOTCONN if no daemon answers at all,
 * else what the daemon refused.
 */
int xm_call(struct xm_cli *c, enum xm_call_kind kind, const char *method, json_t *params, json_t **ret_result);

/** A whole writing command: asks and prints the result. Returns enum xm_exit. */
int xm_call_print(struct xm_cli *c, const char *method, json_t *params, xm_text *text);

/** The result of most writing methods: "generation 8". */
void xm_text_generation(FILE *f, const json_t *result);
