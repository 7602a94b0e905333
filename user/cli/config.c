/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh config: check reads a file here and now; everything else is the daemon's to know and to do. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "user/source/config.h"

static long long number(const json_t *doc, const char *key)
{
	return json_integer_value(json_object_get(doc, key));
}

static void text_check(FILE *f, const json_t *doc)
{
	fprintf(f, "%s: good: %lld services, %lld backends\n", json_string_value(json_object_get(doc, "file")),
		number(doc, "services"), number(doc, "backends"));
}

static int check(struct xm_cli *c, int argc, char **argv)
{
	const char *path = argc ? argv[0] : c->config;
	struct xm_spec spec;
	size_t backends = 0;
	json_t *doc;

	if (xm_args_count(c, argc, 0, 1, "config check [FILE]"))
		return XM_EXIT_USAGE;
	if (xm_config_load(path, &spec, &c->e))
		return XM_EXIT_FAILED;
	for (size_t i = 0; i < spec.services_n; i++)
		backends += spec.services[i].backends_n;
	doc = json_pack("{s:s, s:I, s:I}", "file", path, "services", (json_int_t)spec.services_n, "backends",
			(json_int_t)backends);
	xm_spec_free(&spec);
	return xm_print(c, doc, text_check);
}

static void text_apply(FILE *f, const json_t *doc)
{
	fprintf(f, "generation %lld: %lld services, %lld backends, %lld slots moved\n", number(doc, "generation"),
		number(doc, "services"), number(doc, "backends"), number(doc, "moved"));
}

static int apply(struct xm_cli *c, int argc, char **argv)
{
	json_t *params = json_object();
	char path[PATH_MAX];

	if (xm_args_count(c, argc, 0, 1, "config apply [FILE]")) {
		json_decref(params);
		return XM_EXIT_USAGE;
	}
	if (argc && !realpath(argv[0], path)) {
		json_decref(params);
		xm_fail_value(&c->e, errno, "file", argv[0], NULL, strerror(errno));
		return XM_EXIT_FAILED;
	}
	if (argc)
		json_object_set_new(params, "path", json_string(path));
	return xm_call_print(c, "config.apply", params, text_apply);
}

static int rollback(struct xm_cli *c, int argc, char **argv)
{
	json_t *params = json_object();
	long generation = 0;
	int status = xm_args_count(c, argc, 0, 1, "config rollback [GENERATION]");

	if (!status && argc)
		status = xm_args_number(c, "generation", argv[0], 1, LONG_MAX, &generation);
	if (status) {
		json_decref(params);
		return status;
	}
	if (argc)
		json_object_set_new(params, "generation", json_integer(generation));
	return xm_call_print(c, "config.rollback", params, text_apply);
}

/** A reading method without parameters. */
static int ask(struct xm_cli *c, int argc, const char *form, const char *method, xm_text *text)
{
	json_t *result;

	if (xm_args_count(c, argc, 0, 0, form))
		return XM_EXIT_USAGE;
	if (xm_call(c, XM_CALL_READS, method, NULL, &result))
		return XM_EXIT_FAILED;
	return xm_print(c, result, text);
}

static void text_diff(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "SERVICE", "service", XM_FORM_TEXT },
		{ "BACKEND", "backend", XM_FORM_TEXT },
		{ "DEVICE", "device", XM_FORM_TEXT },
		{ "KEY", "key", XM_FORM_TEXT },
		{ "FILE", "file", XM_FORM_TEXT },
		{ "RUNNING", "running", XM_FORM_TEXT },
		{ NULL, NULL, 0 },
	};

	if (json_array_size(doc))
		xm_table_write(f, doc, columns);
	else
		fputs("no difference\n", f);
}

static int diff(struct xm_cli *c, int argc, char **argv)
{
	(void)argv;
	return ask(c, argc, "config diff", "config.diff", text_diff);
}

static void text_show(FILE *f, const json_t *doc)
{
	const char *yaml = json_string_value(json_object_get(doc, "yaml"));

	fputs(yaml ? yaml : "", f);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	(void)argv;
	return ask(c, argc, "config show", "config.show", text_show);
}

static void text_history(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "GENERATION", "generation", XM_FORM_NUMBER },
		{ "TIME", "time", XM_FORM_TIME },
		{ "CAUSE", "cause", XM_FORM_TEXT },
		{ NULL, NULL, 0 },
	};

	xm_table_write(f, doc, columns);
}

static int history(struct xm_cli *c, int argc, char **argv)
{
	(void)argv;
	return ask(c, argc, "config history", "config.history", text_history);
}

const struct xm_verb xm_config_verbs[] = {
	{ "check", check, "[FILE]", "is a file good? needs no daemon" },
	{ "apply", apply, "[FILE]", "make it so; without FILE the daemon's own" },
	{ "diff", diff, "", "where what runs differs from the file" },
	{ "show", show, "", "what is wanted now, as YAML" },
	{ "rollback", rollback, "[GENERATION]", "back to an earlier generation; without one, to the last" },
	{ "history", history, "", "generations that there were" },
	{ NULL, NULL, NULL, NULL },
};
