/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh health: states are read from the maps, details of checks from the daemon if it lives. */
#include <arpa/inet.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "health.h"
#include "read.h"
#include "user/base/addr.h"

static const char *const orders[] = { "up", "down", "drain", "auto", NULL };

json_t *xm_checks(struct xm_cli *c)
{
	struct xm_err kept = c->e;
	json_t *checks = NULL;

	if (xm_call(c, XM_CALL_READS, "health.show", NULL, &checks))
		c->e = kept;
	return checks;
}

json_t *xm_check_find(const json_t *checks, const char *service, const char *backend)
{
	json_t *row;
	size_t i;

	json_array_foreach(checks, i, row) {
		const char *s = json_string_value(json_object_get(row, "service"));
		const char *b = json_string_value(json_object_get(row, "backend"));

		if (s && b && !strcmp(s, service) && !strcmp(b, backend))
			return row;
	}
	return NULL;
}

static json_t *health_row(const struct xm_reading *r, const struct xm_read_backend *b, const json_t *checks)
{
	static const char *const taken[] = { "type", "successes", "failures", "last_error", "next_check_ms", NULL };
	const struct xm_backend *record = &r->p->backends[b->id];
	char name[XM_NAME_MAX], text[XM_ADDR_TEXT];
	json_t *all = xm_backend_json(r, b), *row, *check;

	xm_service_name(r->p, b->service, name);
	row = json_pack("{s:s, s:O, s:O, s:O, s:O, s:I}", "service", name, "address", json_object_get(all, "address"),
			"port", json_object_get(all, "port"), "state", json_object_get(all, "state"), "reasons",
			json_object_get(all, "reasons"), "since", (json_int_t)r->p->backend_info[b->id].since);
	json_decref(all);
	check = xm_check_find(checks, name, xm_endpoint_text(record->addr, record->port, text));
	for (int i = 0; check && taken[i]; i++)
		json_object_set(row, taken[i], json_object_get(check, taken[i]));
	return row;
}

static void append_rows(json_t *list, const struct xm_reading *r, __u32 service, const json_t *checks)
{
	const struct xm_read_backend *all;
	size_t n;

	all = xm_reading_backends(r, service, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, health_row(r, &all[i], checks));
}

static void text_health(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "SERVICE", "service", XM_FORM_TEXT },
		{ "BACKEND", "address", XM_FORM_ENDPOINT },
		{ "STATE", "state", XM_FORM_TEXT },
		{ "REASONS", "reasons", XM_FORM_TEXT },
		{ "SINCE", "since", XM_FORM_TIME },
		{ "CHECK", "type", XM_FORM_TEXT },
		{ "SUCCESSES", "successes", XM_FORM_NUMBER },
		{ "FAILURES", "failures", XM_FORM_NUMBER },
		{ "NEXT-MS", "next_check_ms", XM_FORM_NUMBER },
		{ "LAST-ERROR", "last_error", XM_FORM_TEXT },
		{ NULL, NULL, 0 },
	};

	xm_table_write(f, doc, columns);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	xm_cleanup_reading struct xm_reading r = {};
	const struct xm_plane *p;
	json_t *checks, *list;
	__u32 only = 0;

	if (xm_args_count(c, argc, 0, 1, "health show [SERVICE]") || (argc && xm_args_name(c, argv[0])))
		return XM_EXIT_USAGE;
	p = xm_cli_plane(c);
	if (!p || xm_reading_take(p, &r, &c->e))
		return XM_EXIT_FAILED;
	if (argc)
		only = xm_reading_service(&r, argv[0], &c->e);
	if (argc && !only)
		return XM_EXIT_FAILED;
	checks = xm_checks(c);
	list = json_array();
	for (size_t s = 0; s < r.services_n; s++)
		if (!only || only == r.services[s])
			append_rows(list, &r, r.services[s], checks);
	json_decref(checks);
	return xm_print(c, list, text_health);
}

static void text_set(FILE *f, const json_t *result)
{
	const char *state = json_string_value(json_object_get(result, "state"));

	fprintf(f, "state %s\n", state ? state : "?");
}

static int set(struct xm_cli *c, int argc, char **argv)
{
	char text[XM_ADDR_TEXT];
	struct xm_addr addr;
	__u16 be_port;
	int status = xm_args_count(c, argc, 3, 3, "health set SERVICE ADDRESS up|down|drain|auto") ?:
			     xm_args_name(c, argv[0])						   ?:
			     xm_args_endpoint(c, "backend", argv[1], &addr, &be_port);
	int order = 0;

	if (status)
		return status;
	while (orders[order] && strcmp(orders[order], argv[2]))
		order++;
	if (!orders[order])
		return xm_usage(c, "state", argv[2], "up | down | drain | auto", "is not known");
	return xm_call_print(c, "health.set",
			     json_pack("{s:s, s:s, s:s}", "service", argv[0], "backend",
				       xm_endpoint_text(addr, be_port, text), "state", orders[order]),
			     text_set);
}

const struct xm_verb xm_health_verbs[] = {
	{ "show", show, "[SERVICE]", "states, reasons, checks" },
	{ "set", set, "SERVICE ADDRESS up|down|drain|auto", "your word above the checks'; auto takes it back" },
	{ NULL, NULL, NULL, NULL },
};
