/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh flow: the flow table. A tuple counts only if the entry's sequence was the same before and after reading. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "flow.h"
#include "out.h"
#include "read.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"

#define XM_FLOW_LINES 1000
#define xm_once(word) (*(const volatile typeof(word) *)&(word))

const char *const xm_flow_words[] = {
	[XM_FLOW_DIRECT] = "direct",   [XM_FLOW_SYN] = "syn", [XM_FLOW_OPEN] = "open",
	[XM_FLOW_CLOSING] = "closing", [XM_FLOW_UDP] = "udp",
};

bool xm_flow_copy(const struct xm_flow *e, struct xm_flow *ret)
{
	__u64 word = xm_once(e->word), again;

	if (xm_flow_state_of(word) < XM_FLOW_DIRECT || xm_flow_state_of(word) > XM_FLOW_UDP)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*ret = *e;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	again = xm_once(e->word);
	if (again >> 56 != word >> 56 || xm_flow_state_of(again) < XM_FLOW_DIRECT)
		return false;
	ret->word = word;
	return true;
}

/** Flows of the table, those of one service or all: the first max copied, all counted. */
struct listing {
	struct xm_flow *flows; /* owned */
	size_t n, max;
	__u64 total;
};

static void list_flows(const struct xm_plane *p, __u32 only, struct listing *l)
{
	const struct xm_flow *e = p->flows[0].way, *end = e + (size_t)p->meta->sizes.flow_sets * XM_FLOW_WAYS;
	struct xm_flow copy;

	for (; e < end; e++) {
		if (!xm_flow_copy(e, &copy) || (only && copy.owner >> 8 != only))
			continue;
		if (l->n < l->max)
			l->flows[l->n++] = copy;
		l->total++;
	}
}

static int flow_cmp(const void *pa, const void *pb)
{
	const struct xm_flow *a = pa, *b = pb;
	int d = xm_addr_cmp(a->client, b->client);

	if (!d)
		d = (int)ntohs(a->client_port) - (int)ntohs(b->client_port);
	if (!d)
		d = a->owner < b->owner ? -1 : a->owner > b->owner;
	return d ? d : (int)ntohs(a->vip_port) - (int)ntohs(b->vip_port);
}

/** The backend's end: a direct connection holds its endpoint's key instead. */
static void put_backend(json_t *row, const struct xm_plane *p, struct xm_flow_word f, bool direct)
{
	char text[XM_ADDR_TEXT];

	if (direct && f.backend < p->meta->sizes.keys && p->keys[f.backend].kind)
		xm_endpoint_text(p->keys[f.backend].addr, p->keys[f.backend].port, text);
	else if (!direct && f.backend < p->meta->sizes.backends && p->backends[f.backend].life)
		xm_endpoint_text(p->backends[f.backend].addr, p->backends[f.backend].port, text);
	else
		return;
	json_object_set_new(row, "backend", json_string(text));
}

json_t *xm_flow_json(const struct xm_plane *p, const struct xm_flow *e)
{
	struct xm_flow_word f = xm_flow_unpack(e->word);
	char text[XM_ADDR_TEXT], name[XM_NAME_MAX];
	__u32 service = e->owner >> 8;
	json_t *row = json_pack("{s:s}", "client", xm_endpoint_text(e->client, e->client_port, text));

	if (service && service < p->meta->sizes.services && p->services[service].life) {
		xm_endpoint_text(p->services[service].addr, e->vip_port, text);
		json_object_set_new(row, "vip", json_string(text));
	}
	put_backend(row, p, f, !(e->owner >> 8));
	if (service && service < p->meta->sizes.services && *xm_service_name(p, service, name))
		json_object_set_new(row, "service", json_string(name));
	json_object_set_new(row, "protocol", json_string(xm_word_of(xm_protocol_words, e->owner & 0xff)));
	json_object_set_new(row, "state", json_string(xm_flow_words[f.state]));
	json_object_set_new(row, "replied", json_boolean(f.flags & XM_REPLIED));
	return row;
}

static void text_flows(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "PROTOCOL", "protocol", XM_FORM_TEXT }, { "CLIENT", "client", XM_FORM_TEXT },
		{ "VIP", "vip", XM_FORM_TEXT },		  { "BACKEND", "backend", XM_FORM_TEXT },
		{ "SERVICE", "service", XM_FORM_TEXT },	  { "STATE", "state", XM_FORM_TEXT },
		{ "REPLIED", "replied", XM_FORM_TEXT },	  { NULL, NULL, 0 },
	};

	xm_table_write(f, doc, columns);
}

/** The id of a service named on the command line; 0 with c->e filled. */
static __u32 named_service(struct xm_cli *c, const struct xm_plane *p, const char *name)
{
	xm_cleanup_reading struct xm_reading r = {};

	return xm_reading_take(p, &r, &c->e) ? 0 : xm_reading_service(&r, name, &c->e);
}

static int print_flows(struct xm_cli *c, const struct xm_plane *p, __u32 only, size_t max)
{
	struct listing l = { .flows = calloc(max, sizeof(struct xm_flow)), .max = max };
	json_t *list = json_array();
	int status;

	if (!l.flows)
		l.max = 0;
	list_flows(p, only, &l);
	qsort(l.flows, l.n, sizeof(*l.flows), flow_cmp);
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(list, xm_flow_json(p, &l.flows[i]));
	free(l.flows);
	status = xm_print(c, list, text_flows);
	if (!status && l.total > l.n)
		fprintf(c->err, "xdpmesh: %zu of %llu flows shown (limit %zu): \"limit N\" shows more\n", l.n,
			(unsigned long long)l.total, max);
	return status;
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	const struct xm_plane *p;
	long max = XM_FLOW_LINES;
	bool named = argc == 1 || argc == 3;
	__u32 only = 0;
	int at = named, status = xm_args_count(c, argc, 0, 3, "flow show [SERVICE] [limit N]");

	if (!status && named)
		status = xm_args_name(c, argv[0]);
	if (!status && argc > at && strcmp(argv[at], "limit"))
		status = xm_usage(c, "key", argv[at], "limit", "is not known");
	if (!status && argc > at)
		status = xm_args_number(c, "limit", argv[at + 1], 1, XM_MAX_FLOWS * 2L, &max);
	if (status)
		return status;
	p = xm_cli_plane(c);
	if (!p)
		return XM_EXIT_FAILED;
	if (named)
		only = named_service(c, p, argv[0]);
	if (named && !only)
		return XM_EXIT_FAILED;
	if (max > (long)p->meta->sizes.flow_sets * XM_FLOW_WAYS)
		max = (long)p->meta->sizes.flow_sets * XM_FLOW_WAYS;
	return print_flows(c, p, only, max);
}

static void text_count(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "SERVICE", "service", XM_FORM_TEXT },
		{ "FLOWS", "flows", XM_FORM_NUMBER },
		{ NULL, NULL, 0 },
	};
	json_t *states = json_object_get(doc, "states"), *n;
	const char *word;

	fprintf(f, "%lld of %lld entries in use:", (long long)json_integer_value(json_object_get(doc, "used")),
		(long long)json_integer_value(json_object_get(doc, "size")));
	json_object_foreach(states, word, n)
		fprintf(f, " %s %lld", word, (long long)json_integer_value(n));
	fputs("\n\n", f);
	xm_table_write(f, json_object_get(doc, "services"), columns);
}

static json_t *count_json(const struct xm_reading *r, const __u64 *states, const __u32 *services)
{
	static const int order[] = { XM_FLOW_SYN, XM_FLOW_OPEN, XM_FLOW_CLOSING, XM_FLOW_UDP, XM_FLOW_DIRECT };
	json_t *words = json_object(), *list = json_array();
	char name[XM_NAME_MAX];

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		json_object_set_new(words, xm_flow_words[order[i]], json_integer(states[order[i]]));
	for (size_t i = 0; i < r->services_n; i++)
		if (xm_plan_unpack(r->p->services[r->services[i]].plan).track != XM_TRACK_NONE)
			json_array_append_new(list, json_pack("{s:s, s:I}", "service",
							      xm_service_name(r->p, r->services[i], name), "flows",
							      (json_int_t)services[r->services[i]]));
	return json_pack("{s:I, s:I, s:o, s:o}", "used", (json_int_t)r->flows_used, "size",
			 (json_int_t)r->p->meta->sizes.flow_sets * XM_FLOW_WAYS, "states", words, "services", list);
}

static int count(struct xm_cli *c, int argc, char **argv)
{
	xm_cleanup_reading struct xm_reading r = {};
	const struct xm_plane *p;
	const struct xm_flow *e;
	__u64 states[16] = {};
	__u32 *services;
	json_t *doc;

	(void)argv;
	if (xm_args_count(c, argc, 0, 0, "flow count"))
		return XM_EXIT_USAGE;
	p = xm_cli_plane(c);
	if (!p || xm_reading_take(p, &r, &c->e))
		return XM_EXIT_FAILED;
	services = calloc(p->meta->sizes.services, sizeof(*services));
	e = p->flows[0].way;
	for (size_t i = 0; services && i < (size_t)p->meta->sizes.flow_sets * XM_FLOW_WAYS; i++) {
		struct xm_flow copy;

		if (!xm_flow_copy(&e[i], &copy))
			continue;
		states[xm_flow_state_of(copy.word)]++;
		if (copy.owner >> 8 < p->meta->sizes.services)
			services[copy.owner >> 8]++;
	}
	doc = services ? count_json(&r, states, services) : NULL;
	free(services);
	return xm_print(c, doc, text_count);
}

const struct xm_verb xm_flow_verbs[] = {
	{ "show", show, "[SERVICE] [limit N]", "flows; at most 1000 unless you say otherwise" },
	{ "count", count, "", "how many, by state and by service" },
	{ NULL, NULL, NULL, NULL },
};
