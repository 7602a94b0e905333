/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh stats: counters as they stand, or how they move within a second. */
#include <string.h>
#include <time.h>

#include "args.h"
#include "rate.h"
#include "read.h"
#include "tables.h"
#include "user/mesh/words.h"

static json_t *verdicts_json(const struct xm_plane *p)
{
	json_t *all = json_object();

	for (int v = 0; v < XM_VERDICT_COUNT; v++)
		json_object_set_new(all, xm_word_of(xm_verdict_words, v),
				    json_pack("{s:I}", "packets", (json_int_t)xm_verdict_sum(p, v)));
	return all;
}

static json_t *stats_json(const struct xm_plane *p, struct xm_err *e)
{
	xm_cleanup_reading struct xm_reading r = {};

	if (xm_reading_take(p, &r, e))
		return NULL;
	return json_pack("{s:o, s:o, s:{s:{s:I, s:I}}}", "verdicts", verdicts_json(p), "services",
			 xm_services_json(&r, 0), "tables", "flows", "used", (json_int_t)r.flows_used, "size",
			 (json_int_t)p->meta->sizes.flow_sets * XM_FLOW_WAYS);
}

/** Verdicts that occurred, as rows. */
static json_t *verdict_rows(const json_t *verdicts)
{
	json_t *list = json_array(), *v;
	const char *word;

	json_object_foreach((json_t *)verdicts, word, v) {
		json_t *packets = json_object_get(v, "packets");

		if (packets && json_number_value(packets) != 0)
			json_array_append_new(list, json_pack("{s:s, s:O}", "verdict", word, "packets", packets));
	}
	return list;
}

static void write_backends(FILE *f, const json_t *services)
{
	json_t *list = json_array();
	const json_t *service, *backend;
	size_t i, k;

	json_array_foreach(services, i, service)
		json_array_foreach(json_object_get(service, "backends"), k, backend) {
			json_t *row = json_copy((json_t *)backend);

			json_object_set(row, "service", json_object_get(service, "name"));
			json_array_append_new(list, row);
		}
	if (json_array_size(list)) {
		fputc('\n', f);
		xm_table_write(f, list, xm_backends_columns);
	}
	json_decref(list);
}

static void text_stats(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "VERDICT", "verdict", XM_FORM_TEXT },
		{ "PACKETS", "packets", XM_FORM_NUMBER },
		{ NULL, NULL, 0 },
	};
	json_t *flows = json_object_get(json_object_get(doc, "tables"), "flows"), *rows;

	if (json_object_get(doc, "interval"))
		fprintf(f, "packets, bytes and connections per second, over %.2f s\n\n",
			json_number_value(json_object_get(doc, "interval")));
	rows = verdict_rows(json_object_get(doc, "verdicts"));
	xm_table_write(f, rows, columns);
	json_decref(rows);
	write_backends(f, json_object_get(doc, "services"));
	fprintf(f, "\nflows: %lld of %lld entries in use\n",
		(long long)json_integer_value(json_object_get(flows, "used")),
		(long long)json_integer_value(json_object_get(flows, "size")));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int show_rate(struct xm_cli *c, const struct xm_plane *p)
{
	const struct timespec second = { .tv_sec = 1 };
	double begin = now(), interval;
	json_t *from = stats_json(p, &c->e), *to, *rate;

	if (!from)
		return XM_EXIT_FAILED;
	nanosleep(&second, NULL);
	interval = now() - begin;
	to = stats_json(p, &c->e);
	rate = to ? xm_rate(from, to, interval) : NULL;
	if (rate)
		json_object_set_new(rate, "interval", json_real(interval));
	json_decref(from);
	json_decref(to);
	return xm_print(c, rate, text_stats);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	const struct xm_plane *p;
	json_t *doc;

	if (xm_args_count(c, argc, 0, 1, "stats show [--rate]"))
		return XM_EXIT_USAGE;
	if (argc && strcmp(argv[0], "--rate"))
		return xm_usage(c, "option", argv[0], "--rate", "is not known");
	p = xm_cli_plane(c);
	if (!p)
		return XM_EXIT_FAILED;
	if (argc)
		return show_rate(c, p);
	doc = stats_json(p, &c->e);
	return doc ? xm_print(c, doc, text_stats) : XM_EXIT_FAILED;
}

const struct xm_verb xm_stats_verbs[] = {
	{ "show", show, "[--rate]", "verdicts, backends, tables; --rate: per second" },
	{ NULL, NULL, NULL, NULL },
};
