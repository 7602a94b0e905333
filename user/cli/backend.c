/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh backend */
#include <string.h>

#include "args.h"
#include "client.h"
#include "read.h"
#include "tables.h"
#include "user/base/addr.h"

const struct xm_column xm_backends_columns[] = {
	{ "SERVICE", "service", XM_FORM_TEXT },
	{ "BACKEND", "address", XM_FORM_ENDPOINT },
	{ "STATE", "state", XM_FORM_TEXT },
	{ "REASONS", "reasons", XM_FORM_TEXT },
	{ "WEIGHT", "weight", XM_FORM_NUMBER },
	{ "SLOTS", "slots", XM_FORM_NUMBER },
	{ "SHARE", "share", XM_FORM_PERCENT },
	{ "PACKETS", "packets", XM_FORM_NUMBER },
	{ "BYTES", "bytes", XM_FORM_NUMBER },
	{ "REPLY-PACKETS", "reply_packets", XM_FORM_NUMBER },
	{ "REPLY-BYTES", "reply_bytes", XM_FORM_NUMBER },
	{ "CONNECTIONS", "connections", XM_FORM_NUMBER },
	{ "IN-FLIGHT", "in_flight", XM_FORM_NUMBER },
	{ NULL, NULL, 0 },
};

static void text_backends(FILE *f, const json_t *doc)
{
	xm_table_write(f, doc, xm_backends_columns);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	xm_cleanup_reading struct xm_reading r = {};
	const struct xm_plane *p;
	__u32 only = 0;

	if (xm_args_count(c, argc, 0, 1, "backend show [SERVICE]") || (argc && xm_args_name(c, argv[0])))
		return XM_EXIT_USAGE;
	p = xm_cli_plane(c);
	if (!p || xm_reading_take(p, &r, &c->e))
		return XM_EXIT_FAILED;
	if (argc)
		only = xm_reading_service(&r, argv[0], &c->e);
	if (argc && !only)
		return XM_EXIT_FAILED;
	return xm_print(c, xm_backends_json(&r, only), text_backends);
}

/** SERVICE ADDRESS as parameters, the address in its one spelling. 0 or XM_EXIT_USAGE. */
static int target(struct xm_cli *c, char **argv, json_t **ret_params)
{
	char text[XM_ADDR_TEXT];
	struct xm_addr addr;
	__u16 be_port;
	int status = xm_args_name(c, argv[0]) ?: xm_args_endpoint(c, "backend", argv[1], &addr, &be_port);

	if (status)
		return status;
	*ret_params = json_pack("{s:s, s:s}", "service", argv[0], "backend", xm_endpoint_text(addr, be_port, text));
	return 0;
}

static int write_pairs(struct xm_cli *c, const char *method, int argc, char **argv)
{
	json_t *params = NULL, *set;
	int status = target(c, argv, &params) ?: xm_args_pairs(c, argc - 2, argv + 2, &set);

	if (status) {
		json_decref(params);
		return status;
	}
	json_object_set_new(params, "set", set);
	return xm_call_print(c, method, params, xm_text_generation);
}

static int write_target(struct xm_cli *c, const char *method, char **argv)
{
	json_t *params;
	int status = target(c, argv, &params);

	return status ?: xm_call_print(c, method, params, xm_text_generation);
}

static int add(struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 2, XM_WORDS_MAX, "backend add SERVICE ADDRESS [key value ...]") ?:
		       write_pairs(c, "backend.add", argc, argv);
}

static int set(struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 3, XM_WORDS_MAX, "backend set SERVICE ADDRESS key value ...") ?:
		       write_pairs(c, "backend.set", argc, argv);
}

static int drain(struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 2, 2, "backend drain SERVICE ADDRESS") ?: write_target(c, "backend.drain", argv);
}

static int delete (struct xm_cli *c, int argc, char **argv)
{
	return xm_args_count(c, argc, 2, 2, "backend delete SERVICE ADDRESS") ?:
										write_target(c, "backend.delete", argv);
}

const struct xm_verb xm_backend_verbs[] = {
	{ "add", add, "SERVICE ADDRESS [key value ...]", "give a service a backend: weight, priority, zone" },
	{ "set", set, "SERVICE ADDRESS key value ...", "change it" },
	{ "drain", drain, "SERVICE ADDRESS", "no new flows to it; its flows go on" },
	{ "delete", delete, "SERVICE ADDRESS", "take it away" },
	{ "show", show, "[SERVICE]", "backends and their figures" },
	{ NULL, NULL, NULL, NULL },
};
