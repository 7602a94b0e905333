/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a command line: options, unique prefixes, and values whose form is checked before the daemon sees them. */
#pragma once

#include "cli.h"

#define XM_MATCH_NONE (-1)
#define XM_MATCH_SEVERAL (-2)

#define XM_WORDS_MAX 4096 /* of one command; the request has a limit of its own */

/** The index of the name that a word is, or is the only one to begin with. NULL ends the names. */
int xm_prefix_match(const char *word, const char *const *names);

/** Takes the global options out of the words, wherever they stand; "--" ends them. 0 or XM_EXIT_USAGE. */
int xm_args_options(struct xm_cli *c, int *argc, char **argv);

/** A service's name: length and characters. 0 or XM_EXIT_USAGE. */
int xm_args_name(struct xm_cli *c, const char *name);

/** A backend's address and port. 0 or XM_EXIT_USAGE. */
int xm_args_endpoint(struct xm_cli *c, const char *object, const char *text, struct xm_addr *ret_addr,
		     __u16 *ret_be_port);

/** A device's name. 0 or XM_EXIT_USAGE. */
int xm_args_device(struct xm_cli *c, const char *name);

/** An integer of min..max. 0 or XM_EXIT_USAGE. */
int xm_args_number(struct xm_cli *c, const char *object, const char *text, long min, long max, long *ret);

/**
 * key value pairs as an object of strings, in their order; "backend" may come again and again and becomes the array
 * "backends". 0 or XM_EXIT_USAGE.
 */
int xm_args_pairs(struct xm_cli *c, int argc, char **argv, json_t **ret);

/** Fails unless there are min..max words; form says what they should be. 0 or XM_EXIT_USAGE. */
int xm_args_count(struct xm_cli *c, int argc, int min, int max, const char *form);
