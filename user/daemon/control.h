/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket: newline-delimited JSON-RPC 2.0, see docs/control.md. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "user/base/err.h"

#define XM_CONTROL_LINE_MAX (1 << 20)
#define XM_CONTROL_CLIENTS_MAX 64
#define XM_CONTROL_IDLE 10000 /* ms that a client may take for a request */

struct xm_daemon;

struct xm_control {
	uv_pipe_t pipe;
	struct xm_daemon *daemon;
	const char *path;
	int clients;
};

/** A method: returns a new result, or NULL with the error filled and a code. */
struct xm_method {
	const char *name;
	bool writes;
	json_t *(*call)(struct xm_daemon *d, json_t *params, struct xm_err *e);
};

extern const struct xm_method xm_methods[];

/** A stale socket is replaced; one that answers is refused. */
int xm_control_open(struct xm_control *c, struct xm_daemon *d, uv_loop_t *loop, const char *path, struct xm_err *e);
void xm_control_close(struct xm_control *c);
