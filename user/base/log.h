/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's log: one line an event on stderr, with systemd's priority prefix when stderr is the journal's. */
#pragma once

enum xm_level { XM_LOG_ERR = 3, XM_LOG_WARN = 4, XM_LOG_INFO = 6, XM_LOG_DEBUG = 7 };

/** Lines above this level are dropped. The one global. */
extern enum xm_level xm_log_level;

void xm_log(enum xm_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
