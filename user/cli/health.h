/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon knows of its checks, for the nouns that show it. */
#pragma once

#include "cli.h"

/** The answer to health.show, NULL without a daemon; c->e stays as it was. */
json_t *xm_checks(struct xm_cli *c);

/** The row of a backend ("10.0.2.1:8080"), borrowed; NULL if it has none. */
json_t *xm_check_find(const json_t *checks, const char *service, const char *backend);
