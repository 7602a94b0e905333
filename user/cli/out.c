/* SPDX-License-Identifier: BSD-2-Clause */
#include "out.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "user/base/addr.h"

#define XM_CELL_TEXT 512
#define XM_COLUMNS_MAX 24
#define XM_REAL_DIGITS 6 /* significant ones in JSON: shares and rates need no more */

static void join(const json_t *list, char *buf, size_t size)
{
	size_t n = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (n < size)
			n += snprintf(buf + n, size - n, "%s%s", i ? "," : "", json_string_value(item));
	if (!n)
		snprintf(buf, size, "-");
}

static void plain(const json_t *v, char *buf, size_t size)
{
	if (json_is_string(v) && json_string_length(v))
		snprintf(buf, size, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(buf, size, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(buf, size, "%.1f", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(buf, size, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_array(v))
		join(v, buf, size);
	else
		snprintf(buf, size, "-");
}

static void time_text(const json_t *v, char *buf, size_t size)
{
	time_t at = json_integer_value(v);
	struct tm tm;

	if (!at || !gmtime_r(&at, &tm) || !strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, size, "-");
}

static void endpoint(const json_t *row, const json_t *v, char *buf, size_t size)
{
	const char *addr = json_string_value(v);

	snprintf(buf, size, strchr(addr, ':') ? "[%s]:%d" : "%s:%d", addr,
		 (int)json_integer_value(json_object_get(row, "port")));
}

const char *xm_cell_text(const json_t *row, const struct xm_column *column, char *buf, size_t size)
{
	const json_t *v = json_object_get(row, column->key);

	if (column->form == XM_FORM_PERCENT && json_is_number(v))
		snprintf(buf, size, "%.2f%%", json_number_value(v) * 100);
	else if (column->form == XM_FORM_ENDPOINT && json_is_string(v))
		endpoint(row, v, buf, size);
	else if (column->form == XM_FORM_TIME && json_is_integer(v))
		time_text(v, buf, size);
	else if (column->form == XM_FORM_COUNT && json_is_array(v))
		snprintf(buf, size, "%zu", json_array_size(v));
	else
		plain(v, buf, size);
	return buf;
}

static bool to_the_right(enum xm_cell_form form)
{
	return form == XM_FORM_NUMBER || form == XM_FORM_PERCENT || form == XM_FORM_COUNT;
}

static void cell_write(FILE *f, const char *text, const struct xm_column *column, int width)
{
	bool last = !column[1].title;

	if (to_the_right(column->form))
		fprintf(f, "%*s", width, text);
	else if (last)
		fputs(text, f);
	else
		fprintf(f, "%-*s", width, text);
	fputs(last ? "\n" : "  ", f);
}

void xm_table_write(FILE *f, const json_t *rows, const struct xm_column *columns)
{
	char buf[XM_CELL_TEXT];
	int width[XM_COLUMNS_MAX];
	const json_t *row;
	size_t i;

	for (int k = 0; columns[k].title; k++) {
		width[k] = strlen(columns[k].title);
		json_array_foreach(rows, i, row) {
			int len = strlen(xm_cell_text(row, &columns[k], buf, sizeof(buf)));

			if (len > width[k])
				width[k] = len;
		}
	}
	for (int k = 0; columns[k].title; k++)
		cell_write(f, columns[k].title, &columns[k], width[k]);
	json_array_foreach(rows, i, row)
		for (int k = 0; columns[k].title; k++)
			cell_write(f, xm_cell_text(row, &columns[k], buf, sizeof(buf)), &columns[k], width[k]);
}

static void json_write(struct xm_cli *c, const json_t *doc)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(XM_REAL_DIGITS);

	json_dumpf(doc, c->out, flags | (c->pretty ? JSON_INDENT(2) : JSON_COMPACT));
	fputc('\n', c->out);
}

int xm_print(struct xm_cli *c, json_t *doc, xm_text *text)
{
	if (!doc) {
		xm_fail(&c->e, ENOMEM, "out of memory");
		return XM_EXIT_FAILED;
	}
	if (c->json)
		json_write(c, doc);
	else
		text(c->out, doc);
	json_decref(doc);
	if (fflush(c->out) || ferror(c->out)) {
		xm_fail(&c->e, EIO, "output: %s", strerror(errno));
		return XM_EXIT_FAILED;
	}
	return XM_EXIT_DONE;
}

/** A piece of the error; what is no UTF-8 (a word of the command line may be anything) loses its odd bytes. */
static void piece(json_t *error, const char *key, const char *text)
{
	char ascii[XM_ERR_MAX];
	json_t *value = json_string(text);

	if (!value) {
		snprintf(ascii, sizeof(ascii), "%s", text);
		for (char *at = ascii; *at; at++)
			*at = *at & 0x80 ? '?' : *at;
		value = json_string(ascii);
	}
	if (*text)
		json_object_set(error, key, value);
	json_decref(value);
}

void xm_print_error(struct xm_cli *c)
{
	json_t *error, *doc;

	if (!c->json) {
		fprintf(c->err, "xdpmesh: %s\n", c->e.text);
		return;
	}
	error = json_object();
	piece(error, "message", c->e.text);
	piece(error, "object", c->e.object);
	piece(error, "value", c->e.value);
	piece(error, "limit", c->e.limit);
	doc = json_pack("{s:o}", "error", error);
	json_write(c, doc);
	json_decref(doc);
	fflush(c->out);
}
