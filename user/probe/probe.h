/* SPDX-License-Identifier: BSD-2-Clause */
/* Active checks: one attempt each. A kind of check is a vtable; it knows an address and a deadline, and nothing of services. */
#pragma once

#include <uv.h>
#include <xdpmesh/types.h>

struct xm_probe;

struct xm_probe_target {
	struct xm_addr addr;
	__u16 port;    /* network byte order */
	__u32 timeout; /* ms */
};

/** error: NULL if it passed, else why not. Called once, never from within start(). */
typedef void xm_probe_done(void *arg, const char *error);

struct xm_probe_type {
	const char *name;
	/** 0 and a probe that calls done once, or a negative libuv error. */
	int (*start)(uv_loop_t *loop, const struct xm_probe_target *t, xm_probe_done *done, void *arg,
		     struct xm_probe **ret);
	/** Ends a probe that has not called done; it will not. */
	void (*cancel)(struct xm_probe *p);
};

extern const struct xm_probe_type xm_probe_tcp;
