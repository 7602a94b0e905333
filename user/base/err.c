/* SPDX-License-Identifier: BSD-2-Clause */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 100 /* bytes of a value that a message repeats */

/** How many bytes the character that begins with this one has. */
static size_t character(unsigned char first)
{
	return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/** Makes one printable line of it, whatever bytes a value holds: a character that was cut at the end goes. */
static void tidy(char *text)
{
	size_t n = strlen(text), at = n;

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	while (at && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at && character(text[at - 1]) > n - at + 1)
		text[at - 1] = 0;
}

int xm_fail(struct xm_err *e, int code, const char *format, ...)
{
	va_list ap;

	if (!e)
		return -code;
	memset(e, 0, sizeof(*e));
	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
	tidy(e->text);
	return -code;
}

int xm_fail_value(struct xm_err *e, int code, const char *object, const char *value, const char *limit,
		  const char *message)
{
	char shown[SHOWN_MAX + 1];
	size_t n;

	if (!e)
		return -code;
	memset(e, 0, sizeof(*e));
	snprintf(shown, sizeof(shown), "%s", value ? value : "");
	tidy(shown);
	n = snprintf(e->text, sizeof(e->text), "%s: ", object);
	if (value && n < sizeof(e->text))
		n += snprintf(e->text + n, sizeof(e->text) - n, "\"%s\" ", shown);
	if (n < sizeof(e->text))
		n += snprintf(e->text + n, sizeof(e->text) - n, "%s", message);
	if (limit && n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - n, " (%s)", limit);
	snprintf(e->object, sizeof(e->object), "%s", object);
	snprintf(e->value, sizeof(e->value), "%s", shown);
	snprintf(e->limit, sizeof(e->limit), "%s", limit ? limit : "");
	tidy(e->text);
	tidy(e->object);
	tidy(e->limit);
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
