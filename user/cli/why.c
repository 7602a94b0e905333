/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh why: what a packet would meet, and what a backend's state comes from. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>
#include <xdpmesh/reason.h>

#include "args.h"
#include "health.h"
#include "out.h"
#include "read.h"
#include "trace.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"

static const char *text_of(const json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text ? text : "-";
}

static void text_flow(FILE *f, const json_t *doc)
{
	json_t *steps = json_object_get(doc, "steps"), *verdicts = json_object_get(doc, "verdicts"), *v;
	size_t i;

	fprintf(f, "%s\nverdict: ", text_of(doc, "outcome"));
	json_array_foreach(verdicts, i, v)
		fprintf(f, "%s%s", i ? " or " : "", json_string_value(v));
	fputs("\n\n", f);
	json_array_foreach(steps, i, v)
		fprintf(f, "%2zu  %-12s %s\n", i + 1, text_of(v, "step"), text_of(v, "text"));
}

static int why_flow(struct xm_cli *c, int argc, char **argv)
{
	const struct xm_plane *p;
	struct xm_trace_packet q = {};
	char list[64];
	int status = xm_args_count(c, argc, 3, 3, "why SRC:PORT VIP:PORT PROTOCOL, or why backend SERVICE ADDRESS") ?:
			     xm_args_endpoint(c, "source", argv[0], &q.src, &q.sport)				    ?:
			     xm_args_endpoint(c, "destination", argv[1], &q.dst, &q.dport);
	int proto = status ? 0 : xm_word_value(xm_protocol_words, argv[2]);

	if (status)
		return status;
	if (proto == XM_NOT_BUILT)
		return xm_not_built(c, "protocol", argv[2]);
	if (proto < 0)
		return xm_usage(c, "protocol", argv[2], xm_words_list(xm_protocol_words, list, sizeof(list)),
				"is not known");
	if (xm_addr_is_v4(q.src) != xm_addr_is_v4(q.dst))
		return xm_usage(c, "source", argv[0], "the destination's family", "is of another family");
	q.proto = proto;
	p = xm_cli_plane(c);
	return p ? xm_print(c, xm_trace_json(p, &q), text_flow) : XM_EXIT_FAILED;
}

/** Reasons in words. */
static json_t *reason_texts(__u32 reasons)
{
	json_t *list = json_array();

#define X(word, bit, text)         \
	if (reasons & XM_R_##word) \
		json_array_append_new(list, json_string(text));
	XM_REASONS(X)
#undef X
	return list;
}

static json_t *hop_json(const struct xm_plane *p, __u32 id)
{
	__u32 at = p->backends[id].hop;
	char text[XM_TRACE_TEXT];
	bool resolved = xm_trace_hop(p, at < XM_HOPS ? p->hops[at] : 0, text);

	return json_pack("{s:b, s:s}", "resolved", resolved, "text", text);
}

static void put_check(struct xm_cli *c, json_t *doc, const char *service, const char *backend)
{
	json_t *checks = xm_checks(c), *check = xm_check_find(checks, service, backend);

	json_object_set_new(doc, "daemon", json_boolean(checks != NULL));
	if (check)
		json_object_set(doc, "check", check);
	json_decref(checks);
}

static void text_check(FILE *f, const json_t *doc)
{
	json_t *check = json_object_get(doc, "check");

	if (!json_is_true(json_object_get(doc, "daemon"))) {
		fputs("check        daemon not running\n", f);
		return;
	}
	if (!check) {
		fputs("check        none\n", f);
		return;
	}
	fprintf(f, "check        %s: %lld successes, %lld failures, next in %lld ms, last error: %s\n",
		text_of(check, "type"), (long long)json_integer_value(json_object_get(check, "successes")),
		(long long)json_integer_value(json_object_get(check, "failures")),
		(long long)json_integer_value(json_object_get(check, "next_check_ms")), text_of(check, "last_error"));
}

static void text_backend(FILE *f, const json_t *doc)
{
	static const struct xm_column address = { NULL, "address", XM_FORM_ENDPOINT },
				      since = { NULL, "since", XM_FORM_TIME },
				      share = { NULL, "share", XM_FORM_PERCENT };
	json_t *texts = json_object_get(doc, "reason_texts"), *text;
	char a[XM_ADDR_TEXT], b[64];
	size_t i;

	fprintf(f, "backend %s of service %s: %s\n\n", xm_cell_text(doc, &address, a, sizeof(a)),
		text_of(doc, "service"), text_of(doc, "state"));
	json_array_foreach(texts, i, text)
		fprintf(f, "reason       %s\n", json_string_value(text));
	if (!json_array_size(texts))
		fputs("reason       none: nothing speaks against it\n", f);
	fprintf(f, "since        %s\n", xm_cell_text(doc, &since, b, sizeof(b)));
	fprintf(f, "weight       %lld\n", (long long)json_integer_value(json_object_get(doc, "weight")));
	fprintf(f, "slots        %lld of %lld (%s)\n", (long long)json_integer_value(json_object_get(doc, "slots")),
		(long long)json_integer_value(json_object_get(doc, "table")), xm_cell_text(doc, &share, b, sizeof(b)));
	fprintf(f, "next hop     %s\n", text_of(json_object_get(doc, "next_hop"), "text"));
	fprintf(f, "last resort  %s\n", json_is_true(json_object_get(doc, "last_resort")) ? "yes" : "no");
	text_check(f, doc);
}

static json_t *backend_json(struct xm_cli *c, const struct xm_reading *r, const struct xm_read_backend *b)
{
	const struct xm_backend *record = &r->p->backends[b->id];
	const struct xm_backend_info *info = &r->p->backend_info[b->id];
	const struct xm_service *s = &r->p->services[b->service];
	char name[XM_NAME_MAX], text[XM_ADDR_TEXT];
	json_t *all = xm_backend_json(r, b), *doc;

	xm_service_name(r->p, b->service, name);
	doc = json_pack("{s:s}", "service", name);
	json_object_update(doc, all);
	json_decref(all);
	json_object_set_new(doc, "reason_texts", reason_texts(info->reasons));
	json_object_set_new(doc, "since", json_integer(info->since));
	json_object_set_new(doc, "table", json_integer(1 << xm_plan_unpack(s->plan).log2));
	json_object_set_new(doc, "next_hop", hop_json(r->p, b->id));
	json_object_set_new(doc, "last_resort", json_boolean(s->last_resort == b->id));
	put_check(c, doc, name, xm_endpoint_text(record->addr, record->port, text));
	return doc;
}

static int why_backend(struct xm_cli *c, int argc, char **argv)
{
	xm_cleanup_reading struct xm_reading r = {};
	const struct xm_read_backend *b;
	const struct xm_plane *p;
	struct xm_addr addr;
	__u16 be_port;
	__u32 service;
	int status = xm_args_count(c, argc, 2, 2, "why backend SERVICE ADDRESS") ?:
			     xm_args_name(c, argv[0])				 ?:
			     xm_args_endpoint(c, "backend", argv[1], &addr, &be_port);

	if (status)
		return status;
	p = xm_cli_plane(c);
	if (!p || xm_reading_take(p, &r, &c->e))
		return XM_EXIT_FAILED;
	service = xm_reading_service(&r, argv[0], &c->e);
	b = service ? xm_reading_backend(&r, service, addr, be_port, &c->e) : NULL;
	return b ? xm_print(c, backend_json(c, &r, b), text_backend) : XM_EXIT_FAILED;
}

const struct xm_verb xm_why_verbs[] = {
	{ "backend", why_backend, "SERVICE ADDRESS", "why a backend is in its state" },
	{ "", why_flow, "SRC:PORT VIP:PORT PROTOCOL", "what a packet of this flow would meet, step by step" },
	{ NULL, NULL, NULL, NULL },
};
