/* SPDX-License-Identifier: BSD-2-Clause */
/* The one form of every message about a file. Whatever bytes a file holds, a message is one line of printable text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_int.h"

#define SHOWN_MAX 64 /* bytes of a value that a message repeats */

/** A printable copy, cut at a character's border. Returns buf, of SHOWN_MAX + 4 bytes. */
static const char *shown(const char *value, char *buf)
{
	size_t n = 0;

	for (; n < SHOWN_MAX && value[n]; n++)
		buf[n] = (unsigned char)value[n] < ' ' || value[n] == 127 ? '?' : value[n];
	if (value[n]) {
		while (n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80)
			n--;
		strcpy(buf + n, "...");
		return buf;
	}
	buf[n] = 0;
	return buf;
}

const char *xm_cfg_object(const char *path, const char *word, char *buf)
{
	snprintf(buf, XM_CFG_OBJECT_MAX, "%s%s%s", path, *path && *word ? "." : "", word);
	return buf;
}

int xm_cfg_fail_at(const struct xm_cfg *cfg, int line, const char *object, const char *value, const char *limit,
		   const char *message)
{
	char head[160] = "", quoted[SHOWN_MAX + 4] = "", at[16] = "", tail[160] = "";
	struct xm_err *e = cfg->e;

	if (!e)
		return -EINVAL;
	if (line > 0)
		snprintf(at, sizeof(at), ":%d", line);
	if (object && *object)
		snprintf(head, sizeof(head), "%s: ", object);
	if (value)
		shown(value, quoted);
	if (limit && *limit)
		snprintf(tail, sizeof(tail), " (%s)", limit);
	xm_fail(e, EINVAL, "%.200s%s: %s%s%s%s%s%s", cfg->name, at, head, value ? "\"" : "", quoted,
		value ? "\": " : "", message, tail);
	snprintf(e->object, sizeof(e->object), "%s", object ? object : "");
	snprintf(e->value, sizeof(e->value), "%s", quoted);
	snprintf(e->limit, sizeof(e->limit), "%s", limit ? limit : "");
	return -EINVAL;
}

int xm_cfg_fail(const struct xm_cfg_value *v, const char *limit, const char *message)
{
	char object[XM_CFG_OBJECT_MAX];

	return xm_cfg_fail_at(v->cfg, v->line, xm_cfg_object(v->path, v->key->word, object), v->text, limit, message);
}
