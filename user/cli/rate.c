/* SPDX-License-Identifier: BSD-2-Clause */
#include "rate.h"

#include <stdbool.h>
#include <string.h>

static bool is_counter(const char *key)
{
	static const char *const counters[] = { "packets", "bytes", "reply_packets", "reply_bytes", "connections" };

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		if (!strcmp(counters[i], key))
			return true;
	return false;
}

/** Do two rows stand for the same thing? */
static bool same_row(const json_t *a, const json_t *b)
{
	static const char *const names[] = { "name", "address", "port" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *x = json_object_get(a, names[i]), *y = json_object_get(b, names[i]);

		if ((x || y) && !json_equal(x, y))
			return false;
	}
	return true;
}

/** The row's earlier self: nearly always at the same place. */
static const json_t *earlier_row(const json_t *from, size_t at, const json_t *row)
{
	const json_t *other = json_array_get(from, at);
	size_t i;

	if (other && same_row(other, row))
		return other;
	json_array_foreach(from, i, other)
		if (same_row(other, row))
			return other;
	return NULL;
}

static json_t *rate_of(const json_t *from, const json_t *to, double seconds)
{
	json_int_t a = json_integer_value(from), b = json_integer_value(to);

	if (!json_is_integer(from) || b < a)
		return NULL;
	return json_real((b - a) / seconds);
}

static json_t *rate_object(const json_t *from, const json_t *to, double seconds)
{
	json_t *out = json_object(), *v;
	const char *key;

	json_object_foreach((json_t *)to, key, v) {
		const json_t *before = json_object_get(from, key);
		bool counter = is_counter(key) && json_is_integer(v);
		json_t *value = counter ? rate_of(before, v, seconds) : xm_rate(before, v, seconds);

		if (value)
			json_object_set_new(out, key, value);
	}
	return out;
}

json_t *xm_rate(const json_t *from, const json_t *to, double seconds)
{
	json_t *out;
	const json_t *row;
	size_t i;

	if (json_is_object(to))
		return rate_object(from, to, seconds);
	if (!json_is_array(to))
		return json_copy((json_t *)to);
	out = json_array();
	json_array_foreach(to, i, row)
		json_array_append_new(out,
				      xm_rate(json_is_array(from) ? earlier_row(from, i, row) : NULL, row, seconds));
	return out;
}
