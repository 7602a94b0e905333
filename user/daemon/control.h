/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket: newline-delimited JSON-RPC 2.0, see docs/control.md. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "user/base/err.h"

#define XM_CONTROL_LINE_MAX (1 << 20)
#define XM_CONTROL_CLIENTS_MAX 64
#define XM_CONTROL_WAITING_MAX (1 << 20) /* bytes of answers that wait for a client; then it is not read from */
#define XM_CONTROL_IDLE 10000		 /* ms that a client may take for a request */

struct xm_daemon;

struct xm_control {
	uv_pipe_t pipe;
	struct xm_daemon *daemon;
	const char *path;
	int clients;
};

#define XM_PARAMS_MAX 4

enum xm_param_kind { XM_PARAM_TEXT = 1, XM_PARAM_NUMBER, XM_PARAM_OBJECT };

struct xm_param {
	const char *name;
	enum xm_param_kind kind;
	bool required;
};

/** A method: gets parameters that its table allows, returns a new result, or NULL with the error filled. */
struct xm_method {
	const char *name;
	bool writes;
	json_t *(*call)(struct xm_daemon *d, json_t *params, struct xm_err *e);
	struct xm_param params[XM_PARAMS_MAX];
};

extern const struct xm_method xm_methods[];

/** Are these the method's parameters, none missing, none unknown, each of its kind? 0 or -EINVAL. */
int xm_params_check(const struct xm_method *m, const json_t *params, struct xm_err *e);

/** A stale socket is replaced; one that answers is refused. */
int xm_control_open(struct xm_control *c, struct xm_daemon *d, uv_loop_t *loop, const char *path, struct xm_err *e);
void xm_control_close(struct xm_control *c);
