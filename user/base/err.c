/* SPDX-License-Identifier: BSD-2-Clause */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int xm_fail(struct xm_err *e, int code, const char *format, ...)
{
	va_list ap;

	if (!e)
		return -code;
	memset(e, 0, sizeof(*e));
	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
	return -code;
}

int xm_fail_value(struct xm_err *e, int code, const char *object, const char *value, const char *limit,
		  const char *message)
{
	size_t n;

	if (!e)
		return -code;
	memset(e, 0, sizeof(*e));
	n = snprintf(e->text, sizeof(e->text), "%s: ", object);
	if (value && n < sizeof(e->text))
		n += snprintf(e->text + n, sizeof(e->text) - n, "\"%.100s\" ", value);
	if (n < sizeof(e->text))
		n += snprintf(e->text + n, sizeof(e->text) - n, "%s", message);
	if (limit && n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - n, " (%s)", limit);
	snprintf(e->object, sizeof(e->object), "%s", object);
	snprintf(e->value, sizeof(e->value), "%s", value ? value : "");
	snprintf(e->limit, sizeof(e->limit), "%s", limit ? limit : "");
	return -code;
}

int xm_err_prefix(struct xm_err *e, int err, const char *format, ...)
{
	char old[XM_ERR_MAX];
	va_list ap;
	int n;

	if (!e)
		return err;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, format);
	n = vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - n, ": %.*s", (int)(sizeof(e->text) - n - 3), old);
	return err;
}
