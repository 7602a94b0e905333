/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why a backend is in its state: one bit each, all shown. X(word, bit, text) */
#pragma once

#define XM_REASONS(X)                                \
	X(admin, 0, "set by the operator")           \
	X(check, 1, "the active check failed")       \
	X(starting, 2, "no check has succeeded yet") \
	X(draining, 3, "drained by the operator")

enum xm_reason {
#define X(word, bit, text) XM_R_##word = 1 << (bit),
	XM_REASONS(X)
#undef X
};
