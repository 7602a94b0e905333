/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh service */
#include <string.h>

#include "args.h"
#include "client.h"
#include "read.h"
#include "tables.h"

static void text_services(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "NAME", "name", XM_FORM_TEXT },	   { "VIP", "vip", XM_FORM_ENDPOINT },
		{ "PROTOCOL", "protocol", XM_FORM_TEXT },  { "FORWARD", "forward", XM_FORM_TEXT },
		{ "BALANCE", "balance", XM_FORM_TEXT },	   { "GENERATION", "generation", XM_FORM_NUMBER },
		{ "BACKENDS", "backends", XM_FORM_COUNT }, { NULL, NULL, 0 },
	};

	xm_table_write(f, doc, columns);
}

static void text_service(FILE *f, const json_t *doc)
{
	text_services(f, doc);
	fputc('\n', f);
	xm_table_write(f, json_object_get(json_array_get(doc, 0), "backends"), xm_backends_columns + 1);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	xm_cleanup_reading struct xm_reading r = {};
	const struct xm_plane *p;
	__u32 only = 0;

	if (xm_args_count(c, argc, 0, 1, "service show [NAME]") || (argc && xm_args_name(c, argv[0])))
		return XM_EXIT_USAGE;
	p = xm_cli_plane(c);
	if (!p || xm_reading_take(p, &r, &c->e))
		return XM_EXIT_FAILED;
	if (argc)
		only = xm_reading_service(&r, argv[0], &c->e);
	if (argc && !only)
		return XM_EXIT_FAILED;
	return xm_print(c, xm_services_json(&r, only), argc ? text_service : text_services);
}

static int write_pairs(struct xm_cli *c, const char *method, int argc, char **argv)
{
	json_t *set;
	int status = xm_args_name(c, argv[0]) ?: xm_args_pairs(c, argc - 1, argv + 1, &set);

	if (status)
		return status;
	return xm_call_print(c, method, json_pack("{s:s, s:o}", "name", argv[0], "set", set), xm_text_generation);
}

static int add(struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 1, XM_WORDS_MAX, "service add NAME key value ...") ?:
		       write_pairs(c, "service.add", argc, argv);
}

static int set(struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 2, XM_WORDS_MAX, "service set NAME key value ...") ?:
		       write_pairs(c, "service.set", argc, argv);
}

static int delete (struct xm_cli *c, int argc, char **argv)
{
	int status = xm_args_count(c, argc, 1, 1, "service delete NAME") ?: xm_args_name(c, argv[0]);

	return status ?: xm_call_print(c, "service.delete", json_pack("{s:s}", "name", argv[0]), xm_text_generation);
}

const struct xm_verb xm_service_verbs[] = {
	{ "add", add, "NAME key value ...", "make a service: vip, port, protocol, backend ..." },
	{ "set", set, "NAME key value ...", "change it" },
	{ "delete", delete, "NAME", "take it and its backends away" },
	{ "show", show, "[NAME]", "services; of one, its backends too" },
	{ NULL, NULL, NULL, NULL },
};
