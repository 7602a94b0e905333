/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The YAML configuration file as a struct xm_spec. Every fault reads `FILE:LINE: KEY: "VALUE": message (limit)`, and
 * nothing that the file says is ignored. Keys, limits, defaults and help stand in const tables (config_keys.c), from
 * which the parser works and docs/config.md is printed.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "user/base/err.h"
#include "user/mesh/spec.h"

#define XM_CONFIG_SIZE_MAX (4 << 20)

/** Reads a file. 0 or -errno with e filled (it may be NULL). *ret is overwritten, not freed; on failure unchanged. */
int xm_config_load(const char *path, struct xm_spec *ret, struct xm_err *e);

/** The same from memory; name stands in messages where the path would. text needs no zero at its end. */
int xm_config_parse(const char *name, const char *text, size_t len, struct xm_spec *ret, struct xm_err *e);

/**
 * YAML that parses back to the same specification, every value written out; free() it. NULL if there is no memory. The
 * operator's word on a backend, which is no matter of the file, is left out.
 */
char *xm_config_dump(const struct xm_spec *s);

/** The body of docs/config.md: a table of keys for each mapping. */
void xm_config_keys_markdown(FILE *f);
