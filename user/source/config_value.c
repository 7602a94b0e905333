/* SPDX-License-Identifier: BSD-2-Clause */
/* Scalars: from text to a member of the specification, within the limits of the key's table row. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config_int.h"
#include "user/base/addr.h"

#define NUMBER_DIGITS 10 /* more than any limit has */
#define NAME_LIMIT "[a-z0-9.-], 1..63 characters"
#define DEVICE_LIMIT "1..15 characters, without space, '/', ':' and quotes"

static const struct unit {
	const char *word;
	__u32 ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

const char *xm_cfg_ms_text(__u32 ms, char *buf)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms == 0 || ms % units[i].ms)
			continue;
		snprintf(buf, XM_CFG_MS_TEXT, "%u%s", ms / units[i].ms, units[i].word);
		return buf;
	}
	strcpy(buf, "0s");
	return buf;
}

const char *xm_cfg_limit_text(const struct xm_cfg_key *key, char *buf, size_t size)
{
	char min[XM_CFG_MS_TEXT], max[XM_CFG_MS_TEXT];

	buf[0] = 0;
	if (key->words)
		return xm_words_list(key->words, buf, size);
	if (!key->max)
		return buf;
	if (key->take == xm_cfg_take_percent)
		snprintf(buf, size, "%u%%..%u%%", key->min, key->max);
	else if (key->form) /* a duration */
		snprintf(buf, size, "%s..%s", xm_cfg_ms_text(key->min, min), xm_cfg_ms_text(key->max, max));
	else
		snprintf(buf, size, "%u..%u", key->min, key->max);
	return buf;
}

static int fail_limit(const struct xm_cfg_value *v, const char *message)
{
	char limit[96];

	return xm_cfg_fail(v, xm_cfg_limit_text(v->key, limit, sizeof(limit)), message);
}

/** Every scalar begins here: a sequence or a mapping has no text. */
static int need_text(const struct xm_cfg_value *v)
{
	if (!v->text)
		return fail_limit(v, v->node->type == YAML_SEQUENCE_NODE ? "wants one value, not a list" :
									   "wants one value, not a mapping");
	if (!*v->text)
		return fail_limit(v, "empty");
	return 0;
}

/** A decimal number without sign or leading zeros, whatever follows it. Returns its end, NULL if there is none. */
static const char *digits(const char *text, __u64 *ret_number)
{
	size_t n = strspn(text, "0123456789");
	__u64 number = 0;

	if (!n || (n > 1 && *text == '0'))
		return NULL;
	/* longer ones are above every limit: saturate */
	for (size_t i = 0; i < n; i++)
		number = i < NUMBER_DIGITS ? number * 10 + (text[i] - '0') : UINT64_MAX / 3600000;
	*ret_number = number;
	return text + n;
}

/** The number of v times unit, within the limits of its key. */
static int in_range(const struct xm_cfg_value *v, __u64 number, __u32 unit, __u32 *ret)
{
	number *= unit;
	if (number < v->key->min || number > v->key->max)
		return fail_limit(v, "out of range");
	*ret = number;
	return 0;
}

int xm_cfg_take_u32(const struct xm_cfg_value *v, void *target)
{
	const char *end;
	__u64 number;
	int err = need_text(v);

	if (err)
		return err;
	end = digits(v->text, &number);
	if (!end || *end)
		return fail_limit(v, "not a whole number");
	return in_range(v, number, 1, (__u32 *)((char *)target + v->key->offset));
}

int xm_cfg_take_port(const struct xm_cfg_value *v, void *target)
{
	struct xm_cfg_key key = *v->key;
	struct xm_cfg_value plain = *v;
	__u32 port;
	__u16 be;
	int err;

	plain.key = &key;
	key.offset = 0;
	err = xm_cfg_take_u32(&plain, &port);
	if (err)
		return err;
	be = htons(port);
	memcpy((char *)target + v->key->offset, &be, sizeof(be));
	return 0;
}

int xm_cfg_take_ms(const struct xm_cfg_value *v, void *target)
{
	const char *end;
	__u64 number;
	int err = need_text(v);

	if (err)
		return err;
	end = digits(v->text, &number);
	for (size_t i = 0; end && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].word))
			return in_range(v, number, units[i].ms, (__u32 *)((char *)target + v->key->offset));
	return fail_limit(v, "not a duration: a whole number with ms, s, m or h");
}

int xm_cfg_take_percent(const struct xm_cfg_value *v, void *target)
{
	const char *end;
	__u64 number;
	int err = need_text(v);

	if (err)
		return err;
	end = digits(v->text, &number);
	if (!end || strcmp(end, "%"))
		return fail_limit(v, "not a percentage: a whole number with %");
	return in_range(v, number, 1, (__u32 *)((char *)target + v->key->offset));
}

int xm_cfg_take_name(const struct xm_cfg_value *v, void *target)
{
	size_t len;
	int err = need_text(v);

	if (err)
		return err;
	len = strlen(v->text);
	if (strspn(v->text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len)
		return xm_cfg_fail(v, NAME_LIMIT, "a name cannot have such characters");
	if (len >= XM_NAME_MAX)
		return xm_cfg_fail(v, NAME_LIMIT, "too long");
	memcpy((char *)target + v->key->offset, v->text, len + 1);
	return 0;
}

int xm_cfg_take_device(const struct xm_cfg_value *v, void *target)
{
	size_t len;
	int err = need_text(v);

	if (err)
		return err;
	len = strlen(v->text);
	if (len >= XM_DEVNAME)
		return xm_cfg_fail(v, DEVICE_LIMIT, "too long");
	for (const char *c = v->text; *c; c++)
		if (*c <= ' ' || *c >= 127 || strchr("/:\"'\\", *c))
			return xm_cfg_fail(v, DEVICE_LIMIT, "no device has such a name");
	if (!strcmp(v->text, ".") || !strcmp(v->text, ".."))
		return xm_cfg_fail(v, DEVICE_LIMIT, "no device has such a name");
	memcpy((char *)target + v->key->offset, v->text, len + 1);
	return 0;
}

int xm_cfg_take_addr(const struct xm_cfg_value *v, void *target)
{
	struct xm_addr addr;
	int err = need_text(v);

	if (err)
		return err;
	if (xm_addr_parse(v->text, &addr))
		return xm_cfg_fail(v, "IPv4", "not an address");
	/* by its text: ::ffff:10.0.0.1 would pass as IPv4 */
	if (strchr(v->text, ':'))
		return xm_cfg_fail(v, "IPv4", "IPv6 is not built yet");
	memcpy((char *)target + v->key->offset, &addr, sizeof(addr));
	return 0;
}

int xm_cfg_word(const struct xm_cfg_value *v, const char *limit, int *ret_value)
{
	const char *names[XM_CFG_KEYS_MAX + 1] = { 0 }, *near;
	const struct xm_word *w = v->key->words;
	char message[128];
	int value, err = need_text(v);

	if (err)
		return err;
	value = xm_word_value(w, v->text);
	if (value == XM_NOT_BUILT)
		return xm_cfg_fail(v, limit, "not built yet");
	if (value >= 0) {
		*ret_value = value;
		return 0;
	}
	for (size_t i = 0; i < XM_CFG_KEYS_MAX && w[i].word; i++)
		names[i] = w[i].word;
	near = xm_words_nearest(v->text, names);
	snprintf(message, sizeof(message), near ? "unknown word, is it %s?" : "unknown word", near);
	return xm_cfg_fail(v, limit, message);
}

/** For members of one byte. */
int xm_cfg_take_word8(const struct xm_cfg_value *v, void *target)
{
	char limit[96];
	int value, err;

	err = xm_cfg_word(v, xm_cfg_limit_text(v->key, limit, sizeof(limit)), &value);
	if (!err)
		*((__u8 *)target + v->key->offset) = value;
	return err;
}

/** For members that are enums. */
int xm_cfg_take_word32(const struct xm_cfg_value *v, void *target)
{
	char limit[96];
	int value, err;

	err = xm_cfg_word(v, xm_cfg_limit_text(v->key, limit, sizeof(limit)), &value);
	if (!err)
		memcpy((char *)target + v->key->offset, &value, sizeof(value));
	return err;
}
