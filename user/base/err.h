/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, for people: one sentence, lower case, naming object, value and limit. Functions return 0 or -errno and fill
 * this; each level may put its object in front. Log or return, never both.
 */
#pragma once

#include <stddef.h>

#define XM_ERR_MAX 512

struct xm_err {
	char text[XM_ERR_MAX];
	/* the same in pieces, for -j; empty if there is none */
	char object[128];
	char value[128];
	char limit[128];
};

/** Fills the text and returns -code, so that a failing function may end in it. e may be NULL. */
int xm_fail(struct xm_err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The same with its pieces named: the text is OBJECT: "VALUE" MESSAGE (LIMIT). value and limit may be NULL. */
int xm_fail_value(struct xm_err *e, int code, const char *object, const char *value, const char *limit,
		  const char *message);

/** Puts "context: " in front of the text. Returns err, for chaining. */
int xm_err_prefix(struct xm_err *e, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
