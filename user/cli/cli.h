/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command `xdpmesh NOUN VERB ...`: tables of nouns and verbs, a file a noun. A command builds one JSON document and
 * prints it through out.h, as text or as it is; it fails by filling the error and returning an exit status, and
 * xm_cli_main() prints that once. Everything from outside (files, paths, maps) hangs on struct xm_cli, so that the
 * whole command runs in a unit test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "user/base/err.h"
#include "user/plane/plane.h"

enum xm_exit { XM_EXIT_DONE = 0, XM_EXIT_FAILED = 1, XM_EXIT_USAGE = 2 };

struct xm_cli {
	bool json;
	bool pretty;
	bool help;    /* -h */
	bool version; /* -V */
	const char *bpffs;
	const char *socket;
	const char *config;
	FILE *out;
	FILE *err;
	const struct xm_plane *plane; /* set by a test, or by xm_cli_plane() */
	struct xm_plane view;	      /* what xm_cli_plane() opened */
	struct xm_err e;	      /* why a command failed */
};

/** A command: its own words only. Returns enum xm_exit, with c->e filled unless done. */
typedef int xm_command(struct xm_cli *c, int argc, char **argv);

struct xm_verb {
	const char *name; /* "": what the noun does with words that are no verb */
	xm_command *run;  /* NULL: known, but not built yet */
	const char *args;
	const char *help;
};

struct xm_noun {
	const char *name;
	const struct xm_verb *verbs; /* a NULL name ends them */
	const char *help;
};

/* a NULL name ends them */
extern const struct xm_noun xm_nouns[];

/* one table a file */
extern const struct xm_verb xm_net_verbs[], xm_service_verbs[], xm_backend_verbs[], xm_health_verbs[], xm_flow_verbs[],
	xm_stats_verbs[], xm_config_verbs[], xm_why_verbs[], xm_version_verbs[];

/** Runs one command line, prints its answer or its error. Returns the exit status. */
int xm_cli_main(struct xm_cli *c, int argc, char **argv);

/** The data plane for reading, opened at the first call. NULL with c->e filled: end with XM_EXIT_FAILED. */
const struct xm_plane *xm_cli_plane(struct xm_cli *c);

/** Ends a command in a usage error: "OBJECT: "VALUE" MESSAGE (LIMIT)". value and limit may be NULL. */
int xm_usage(struct xm_cli *c, const char *object, const char *value, const char *limit, const char *message);

/** "not built yet", exit status 1. */
int xm_not_built(struct xm_cli *c, const char *what, const char *word);

/* help.c */

/** Help for everything, a noun, or a verb; noun and verb may be NULL. */
int xm_help(struct xm_cli *c, const struct xm_noun *noun, const struct xm_verb *verb);
