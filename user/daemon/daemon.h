/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmeshd as a whole: one thread, one loop. What is wanted = the file and the overrides; every change goes one way, xm_daemon_want(). */
#pragma once

#include "apply.h"
#include "checks.h"
#include "control.h"
#include "state.h"

#include <uv.h>

struct xm_daemon_options {
	const char *config;
	const char *bpffs;
	const char *socket;
	const char *state;
};

struct xm_daemon {
	struct xm_daemon_options o;
	uv_loop_t loop;
	struct xm_live live;
	struct xm_checks checks;
	struct xm_control control;
	struct xm_spec file;	/* as last read */
	struct xm_spec want;	/* what is live */
	struct xm_spec applied; /* the other file that was applied last, if one was: its services are no command's */
	uv_poll_t route;
	uv_timer_t refresh; /* netlink said something: look again soon */
	int dirty;	    /* XM_EVENT_ bits seen since */
	uv_timer_t sweep;
	uv_signal_t hup, term, intr;
	bool failed;   /* why it ends */
	bool starting; /* till the first apply is done */
};

/** Starts everything; packets are served when it returns. 0 or -errno. */
int xm_daemon_start(struct xm_daemon *d, const struct xm_daemon_options *o, struct xm_err *e);

/** Runs till SIGTERM or SIGINT; the data plane stays as it is. 0, or -EIO if the data plane was taken away. */
int xm_daemon_run(struct xm_daemon *d);

/**
 * Makes want live: rules, maps, devices, checks, state, history. Takes want over on success (the caller's is emptied); on failure
 * nothing has changed. cause: a few words for the history.
 */
int xm_daemon_want(struct xm_daemon *d, struct xm_spec *want, const char *cause, struct xm_applied *ret,
		   struct xm_err *e);

/** Reads a file (NULL: the daemon's own) and makes it live; overrides of what it names end. */
int xm_daemon_load(struct xm_daemon *d, const char *path, struct xm_applied *ret, struct xm_err *e);

/** The method config.diff. */
json_t *xm_config_diff(struct xm_daemon *d, json_t *params, struct xm_err *e);

/** Keeps the overrides. Failure is said in the log: what is live stays live. */
void xm_daemon_keep(struct xm_daemon *d);
