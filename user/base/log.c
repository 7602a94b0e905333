/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum xm_level xm_log_level = XM_LOG_INFO;

void xm_log(enum xm_level level, const char *format, ...)
{
	char line[1024];
	va_list ap;

	if (level > xm_log_level)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "xdpmeshd: %s%s\n",
			level <= XM_LOG_ERR  ? "error: " :
			level == XM_LOG_WARN ? "warning: " :
					       "",
			line);
}
