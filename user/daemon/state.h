/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: what commands changed against the file (state.json) and the last specifications that were applied
 * (history/N.yaml). Each file is written beside itself, synced and renamed; one that cannot be read is set aside, said so, and
 * things go on without it.
 */
#pragma once

#include "user/mesh/spec.h"

#define XM_HISTORY_KEEP 20

/** What commands changed: whole services, and names that the file has and that are not to be. Devices likewise. */
struct xm_overrides {
	struct xm_spec set; /* services that differ from the file's; devices attached by command */
	char (*deleted)[XM_NAME_MAX];
	size_t deleted_n;
	char detached[XM_DEVICES_MAX][XM_DEVNAME];
	size_t detached_n;
	struct xm_spec
		applied; /* names alone: services of another file that was applied, which the next apply may take away */
};

void xm_overrides_free(struct xm_overrides *o);

/** wanted = file with the overrides. 0 or -ENOMEM. */
int xm_overrides_apply(const struct xm_spec *file, const struct xm_overrides *o, struct xm_spec *ret_want);

/** The overrides that make want of file. 0 or -ENOMEM. */
int xm_overrides_of(const struct xm_spec *file, const struct xm_spec *want, struct xm_overrides *ret);

/** Makes the directory. 0 or -errno. */
int xm_state_open(const char *dir, struct xm_err *e);

/** What is kept; nothing if there is no file or a damaged one, which is set aside and named in the log. */
void xm_state_load(const char *dir, struct xm_overrides *ret);
int xm_state_save(const char *dir, const struct xm_overrides *o, struct xm_err *e);

/** One more line of history; the oldest beyond XM_HISTORY_KEEP goes. */
int xm_history_add(const char *dir, unsigned long long generation, const char *cause, const struct xm_spec *want,
		   struct xm_err *e);

struct xm_history {
	unsigned long long generation;
	long long time;
	char cause[128];
};

/** Newest last. Returns the number, at most max. */
int xm_history_list(const char *dir, struct xm_history *ret, int max);

/** -ENOENT if that generation is not kept. */
int xm_history_load(const char *dir, unsigned long long generation, struct xm_spec *ret, struct xm_err *e);
