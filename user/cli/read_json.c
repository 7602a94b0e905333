/* SPDX-License-Identifier: BSD-2-Clause */
/* A reading as JSON: the words of docs/xdpmesh.md. A figure that cannot be observed is absent, never 0. */
#include "read.h"

#include <arpa/inet.h>
#include <string.h>
#include <xdpmesh/reason.h>

#include "user/base/addr.h"
#include "user/mesh/words.h"

static void put(json_t *to, const char *key, __u64 value)
{
	json_object_set_new(to, key, json_integer(value));
}

json_t *xm_reasons_json(__u32 reasons)
{
	json_t *list = json_array();

#define X(word, bit, text)         \
	if (reasons & XM_R_##word) \
		json_array_append_new(list, json_string(#word));
	XM_REASONS(X)
#undef X
	return list;
}

/** Counters since this tenant got its id; replies and flows are seen by class all alone. */
static void put_counters(json_t *to, const struct xm_reading *r, const struct xm_read_backend *b, bool stateless)
{
	const struct xm_cell *base = &r->p->backend_info[b->id].baseline;
	struct xm_cell sum = xm_cell_sum(r->p, b->id);

	put(to, "packets", sum.packets - base->packets);
	put(to, "bytes", sum.bytes - base->bytes);
	if (stateless)
		return;
	put(to, "reply_packets", sum.reply_packets - base->reply_packets);
	put(to, "reply_bytes", sum.reply_bytes - base->reply_bytes);
	put(to, "connections", sum.connections - base->connections);
	put(to, "in_flight", b->in_flight);
}

json_t *xm_backend_json(const struct xm_reading *r, const struct xm_read_backend *b)
{
	const struct xm_backend *record = &r->p->backends[b->id];
	const struct xm_backend_info *info = &r->p->backend_info[b->id];
	struct xm_plan_word plan = xm_plan_unpack(r->p->services[b->service].plan);
	char addr[XM_ADDR_TEXT], zone[XM_NAME_MAX];
	json_t *doc;

	memcpy(zone, info->zone, sizeof(zone));
	zone[sizeof(zone) - 1] = 0;
	doc = json_pack("{s:s, s:i, s:I, s:I, s:s, s:s, s:o, s:I, s:f}", "address", xm_addr_text(record->addr, addr),
			"port", (int)ntohs(record->port), "weight", (json_int_t)info->weight, "priority",
			(json_int_t)info->priority, "zone", zone, "state", xm_word_of(xm_state_words, record->state),
			"reasons", xm_reasons_json(info->reasons), "slots", (json_int_t)b->slots, "share",
			(double)b->slots / (1U << plan.log2));
	if (doc)
		put_counters(doc, r, b, plan.track == XM_TRACK_NONE);
	return doc;
}

json_t *xm_service_json(const struct xm_reading *r, __u32 service)
{
	const struct xm_service *s = &r->p->services[service];
	struct xm_plan_word plan = xm_plan_unpack(s->plan);
	char addr[XM_ADDR_TEXT], name[XM_NAME_MAX];
	json_t *backends = json_array();
	const struct xm_read_backend *all;
	size_t n;

	all = xm_reading_backends(r, service, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(backends, xm_backend_json(r, &all[i]));
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:o}", "name", xm_service_name(r->p, service, name),
			 "vip", xm_addr_text(s->addr, addr), "port", (int)ntohs(s->port), "protocol",
			 xm_word_of(xm_protocol_words, s->proto), "forward", xm_word_of(xm_forward_words, plan.forward),
			 "balance", xm_word_of(xm_balance_words, plan.balance), "generation",
			 (json_int_t)r->p->service_info[service].generation, "backends", backends);
}

json_t *xm_services_json(const struct xm_reading *r, __u32 only)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->services_n; i++)
		if (!only || r->services[i] == only)
			json_array_append_new(list, xm_service_json(r, r->services[i]));
	return list;
}

static void append_backends(json_t *list, const struct xm_reading *r, __u32 service)
{
	char name[XM_NAME_MAX];
	const struct xm_read_backend *all;
	size_t n;

	xm_service_name(r->p, service, name);
	all = xm_reading_backends(r, service, &n);
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_pack("{s:s}", "service", name), *backend = xm_backend_json(r, &all[i]);

		json_object_update(row, backend);
		json_decref(backend);
		json_array_append_new(list, row);
	}
}

json_t *xm_backends_json(const struct xm_reading *r, __u32 only)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->services_n; i++)
		if (!only || r->services[i] == only)
			append_backends(list, r, r->services[i]);
	return list;
}
