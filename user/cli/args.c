/* SPDX-License-Identifier: BSD-2-Clause */
#include "args.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/addr.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789.-"

int xm_prefix_match(const char *word, const char *const *names)
{
	size_t len = strlen(word);
	int found = XM_MATCH_NONE;

	if (!len)
		return XM_MATCH_NONE;
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], word))
			return i;
		if (strncmp(names[i], word, len))
			continue;
		found = found == XM_MATCH_NONE ? i : XM_MATCH_SEVERAL;
	}
	return found;
}

/** A global option: what it sets, a flag or a text. */
struct option_row {
	const char *letter;
	const char *name;
	bool *flag;
	const char **text;
};

static const struct option_row *option_find(const struct option_row *rows, const char *word, const char **ret_value)
{
	for (; rows->name; rows++) {
		size_t len = strlen(rows->name);

		*ret_value = NULL;
		if (!strcmp(word, rows->name) || (rows->letter && !strcmp(word, rows->letter)))
			return rows;
		if (rows->text && !strncmp(word, rows->name, len) && word[len] == '=') {
			*ret_value = word + len + 1;
			return rows;
		}
	}
	return NULL;
}

int xm_args_options(struct xm_cli *c, int *argc, char **argv)
{
	const struct option_row rows[] = {
		{ "-j", "--json", &c->json, NULL },   { "-p", "--pretty", &c->pretty, NULL },
		{ "-h", "--help", &c->help, NULL },   { "-V", "--version", &c->version, NULL },
		{ NULL, "--bpffs", NULL, &c->bpffs }, { NULL, "--socket", NULL, &c->socket },
		{ NULL, NULL, NULL, NULL },
	};
	const char *value, *lacking = NULL;
	int n = 0, i;

	for (i = 0; i < *argc && strcmp(argv[i], "--"); i++) {
		const struct option_row *o = option_find(rows, argv[i], &value);

		if (!o) {
			argv[n++] = argv[i];
		} else if (o->flag) {
			*o->flag = true;
		} else {
			if (!value && i + 1 < *argc)
				value = argv[++i];
			if (!value || !*value)
				lacking = o->name;
			*o->text = value;
		}
	}
	for (i++; i < *argc; i++)
		argv[n++] = argv[i];
	*argc = n;
	c->json |= c->pretty;
	return lacking ? xm_usage(c, "option", lacking, NULL, "needs a value") : 0;
}

int xm_args_count(struct xm_cli *c, int argc, int min, int max, const char *form)
{
	if (argc < min)
		return xm_usage(c, "arguments", NULL, form, "something is missing");
	if (argc > max)
		return xm_usage(c, "arguments", NULL, form, "too many words");
	return 0;
}

int xm_args_name(struct xm_cli *c, const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return xm_usage(c, "service", name, "1..63 bytes", "is no name");
	if (len >= XM_NAME_MAX)
		return xm_usage(c, "service", name, "at most 63 bytes", "is too long");
	if (strspn(name, NAME_LETTERS) != len)
		return xm_usage(c, "service", name, "a-z, 0-9, dot and minus", "is no name");
	return 0;
}

int xm_args_endpoint(struct xm_cli *c, const char *object, const char *text, struct xm_addr *ret_addr,
		     __u16 *ret_be_port)
{
	if (xm_endpoint_parse(text, ret_addr, ret_be_port))
		return xm_usage(c, object, text, "10.0.2.1:8080 or [fd02::1]:8080, port 1..65535",
				"is no address with a port");
	return 0;
}

int xm_args_device(struct xm_cli *c, const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IF_NAMESIZE || strchr(name, '/'))
		return xm_usage(c, "device", name, "1..15 bytes", "is no device's name");
	return 0;
}

int xm_args_number(struct xm_cli *c, const char *object, const char *text, long min, long max, long *ret)
{
	char limit[64], *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= min && value <= max) {
		*ret = value;
		return 0;
	}
	snprintf(limit, sizeof(limit), "%ld..%ld", min, max);
	return xm_usage(c, object, text, limit, "is no such number");
}

static int pair_backend(struct xm_cli *c, json_t *set, const char *value)
{
	json_t *list = json_object_get(set, "backends");
	char text[XM_ADDR_TEXT];
	struct xm_addr addr;
	__u16 be_port;

	if (xm_args_endpoint(c, "backend", value, &addr, &be_port))
		return XM_EXIT_USAGE;
	if (!list) {
		list = json_array();
		json_object_set_new(set, "backends", list);
	}
	json_array_append_new(list, json_string(xm_endpoint_text(addr, be_port, text)));
	return 0;
}

static int pair(struct xm_cli *c, json_t *set, const char *key, const char *value)
{
	json_t *text;

	if (!*key)
		return xm_usage(c, "key", key, NULL, "is empty");
	if (!strcmp(key, "backend"))
		return pair_backend(c, set, value);
	if (json_object_get(set, key))
		return xm_usage(c, "key", key, "once", "is given twice");
	text = json_string(value);
	if (!text || json_object_set_new(set, key, text))
		return xm_usage(c, "key", key, "UTF-8", "is no text");
	return 0;
}

int xm_args_pairs(struct xm_cli *c, int argc, char **argv, json_t **ret)
{
	json_t *set = json_object();
	int status = 0;

	if (argc % 2)
		status = xm_usage(c, "key", argv[argc - 1], "key value ...", "has no value: an odd number of words");
	for (int i = 0; !status && i + 1 < argc; i += 2)
		status = pair(c, set, argv[i], argv[i + 1]);
	if (status) {
		json_decref(set);
		return status;
	}
	*ret = set;
	return 0;
}
