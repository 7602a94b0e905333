/* SPDX-License-Identifier: BSD-2-Clause */
#include "read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/addr.h"
#include "user/mesh/words.h"

#define xm_once(word) (*(const volatile typeof(word) *)&(word))

const char *xm_service_name(const struct xm_plane *p, __u32 service, char *buf)
{
	memcpy(buf, p->service_info[service].name, XM_NAME_MAX);
	buf[XM_NAME_MAX - 1] = 0;
	return buf;
}

static int service_cmp(const void *a, const void *b, void *plane)
{
	const struct xm_plane *p = plane;

	return strncmp(p->service_info[*(const __u32 *)a].name, p->service_info[*(const __u32 *)b].name, XM_NAME_MAX);
}

static int backend_cmp(const void *pa, const void *pb, void *plane)
{
	const struct xm_read_backend *a = pa, *b = pb;
	const struct xm_backend *x = &((const struct xm_plane *)plane)->backends[a->id];
	const struct xm_backend *y = &((const struct xm_plane *)plane)->backends[b->id];
	int d = xm_addr_cmp(x->addr, y->addr);

	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	return d ? d : (int)ntohs(x->port) - (int)ntohs(y->port);
}

static void find_services(struct xm_reading *r)
{
	for (__u32 id = 1; id < r->p->meta->sizes.services; id++)
		if (xm_once(r->p->services[id].life) == XM_LIFE_LIVE)
			r->services[r->services_n++] = id;
	qsort_r(r->services, r->services_n, sizeof(*r->services), service_cmp, (void *)r->p);
}

static void find_backends(struct xm_reading *r, const __u32 *slots, const __u32 *in_flight)
{
	const struct xm_plane *p = r->p;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		const struct xm_backend *b = &p->backends[id];

		if (xm_once(b->life) != XM_LIFE_LIVE || b->service >= p->meta->sizes.services)
			continue;
		r->backends[r->backends_n++] = (struct xm_read_backend){
			.id = id,
			.service = b->service,
			.slots = slots[id],
			.in_flight = in_flight[id],
		};
	}
	qsort_r(r->backends, r->backends_n, sizeof(*r->backends), backend_cmp, (void *)p);
}

/** Slots by owner: an owner is of one service only, so one array serves all tables. */
static void count_slots(const struct xm_reading *r, __u32 *slots)
{
	const struct xm_sizes *sizes = &r->p->meta->sizes;

	for (size_t i = 0; i < r->services_n; i++) {
		struct xm_plan_word plan = xm_plan_unpack(xm_once(r->p->services[r->services[i]].plan));
		__u64 from = (__u64)plan.base * XM_SLOT_UNIT, to = from + (1ULL << plan.log2);

		for (; to <= (__u64)sizes->slot_units * XM_SLOT_UNIT && from < to; from++) {
			__u32 owner = xm_slot_owner(xm_once(r->p->slots[from]));

			if (owner < sizes->backends)
				slots[owner]++;
		}
	}
}

static void count_flows(struct xm_reading *r, __u32 *in_flight)
{
	const struct xm_sizes *sizes = &r->p->meta->sizes;
	const struct xm_flow *e = r->p->flows[0].way, *end = e + (size_t)sizes->flow_sets * XM_FLOW_WAYS;

	for (; e < end; e++) {
		struct xm_flow_word f = xm_flow_unpack(xm_once(e->word));
		bool runs = f.state == XM_FLOW_SYN || f.state == XM_FLOW_OPEN || f.state == XM_FLOW_UDP;

		r->flows_used += f.state != XM_FLOW_FREE;
		if (runs && f.backend < sizes->backends)
			in_flight[f.backend]++;
	}
}

int xm_reading_take(const struct xm_plane *p, struct xm_reading *ret, struct xm_err *e)
{
	struct xm_reading r = { .p = p };
	__u32 *slots = calloc(p->meta->sizes.backends, sizeof(*slots));
	__u32 *in_flight = calloc(p->meta->sizes.backends, sizeof(*in_flight));

	r.services = calloc(p->meta->sizes.services, sizeof(*r.services));
	r.backends = calloc(p->meta->sizes.backends, sizeof(*r.backends));
	if (!slots || !in_flight || !r.services || !r.backends) {
		xm_reading_free(&r);
		free(slots);
		free(in_flight);
		return xm_fail(e, ENOMEM, "out of memory");
	}
	find_services(&r);
	count_slots(&r, slots);
	count_flows(&r, in_flight);
	find_backends(&r, slots, in_flight);
	free(slots);
	free(in_flight);
	*ret = r;
	return 0;
}

void xm_reading_free(struct xm_reading *r)
{
	free(r->services);
	free(r->backends);
	r->services = NULL;
	r->backends = NULL;
}

/** "did you mean ...?" out of the live services. */
static int no_service(const struct xm_reading *r, const char *name, struct xm_err *e)
{
	const char **names = calloc(r->services_n + 1, sizeof(*names));
	char message[128] = "is not known to the data plane";
	const char *near;

	for (size_t i = 0; names && i < r->services_n; i++)
		names[i] = r->p->service_info[r->services[i]].name;
	near = names ? xm_words_nearest(name, names) : NULL;
	if (near)
		snprintf(message, sizeof(message), "is not known to the data plane: did you mean %.63s?", near);
	free(names);
	return xm_fail_value(e, ENOENT, "service", name, NULL, message);
}

__u32 xm_reading_service(const struct xm_reading *r, const char *name, struct xm_err *e)
{
	for (size_t i = 0; i < r->services_n; i++)
		if (!strncmp(r->p->service_info[r->services[i]].name, name, XM_NAME_MAX))
			return r->services[i];
	no_service(r, name, e);
	return 0;
}

/** The place of the first backend of a service, or of where it would stand. */
static size_t lower_bound(const struct xm_reading *r, __u32 service)
{
	size_t from = 0, to = r->backends_n;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (r->backends[middle].service < service)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const struct xm_read_backend *xm_reading_backends(const struct xm_reading *r, __u32 service, size_t *ret_n)
{
	size_t from = lower_bound(r, service);

	*ret_n = lower_bound(r, service + 1) - from;
	return r->backends + from;
}

const struct xm_read_backend *xm_reading_backend(const struct xm_reading *r, __u32 service, struct xm_addr addr,
						 __u16 be_port, struct xm_err *e)
{
	char text[XM_ADDR_TEXT], name[XM_NAME_MAX], object[XM_NAME_MAX + 32];
	const struct xm_read_backend *all;
	size_t n;

	all = xm_reading_backends(r, service, &n);
	for (size_t i = 0; i < n; i++)
		if (xm_addr_eq(r->p->backends[all[i].id].addr, addr) && r->p->backends[all[i].id].port == be_port)
			return &all[i];
	snprintf(object, sizeof(object), "service %s: backend", xm_service_name(r->p, service, name));
	xm_fail_value(e, ENOENT, object, xm_endpoint_text(addr, be_port, text), NULL, "is not known to the data plane");
	return NULL;
}
