/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the control socket's methods only. */
#pragma once

#include "daemon.h"

/** A string parameter; NULL with the error filled if it is missing or no string. */
const char *xm_param_text(json_t *params, const char *key, struct xm_err *e);

/** A copy of what is wanted, to change. 0 or -ENOMEM. */
int xm_copy_want(const struct xm_daemon *d, struct xm_spec *ret, struct xm_err *e);

/** Makes a changed copy live and answers with its generation. Takes want over. */
json_t *xm_commit(struct xm_daemon *d, struct xm_spec *want, const char *cause, struct xm_err *e);

/* methods_config.c */
json_t *xm_method_version(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_config_show(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_config_history(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_config_apply(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_config_rollback(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_net_attach(struct xm_daemon *d, json_t *params, struct xm_err *e);
json_t *xm_method_net_detach(struct xm_daemon *d, json_t *params, struct xm_err *e);
