/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/addr.h"

void xm_spec_init(struct xm_spec *s)
{
	memset(s, 0, sizeof(*s));
	s->limit_flows = XM_DEFAULT_FLOWS;
	s->limit_services = XM_DEFAULT_SERVICES;
	s->limit_backends = XM_DEFAULT_BACKENDS;
}

void xm_service_spec_init(struct xm_service_spec *s)
{
	memset(s, 0, sizeof(*s));
	s->check = (struct xm_check_spec){ .interval = 2000, .timeout = 1000, .fall = 2, .rise = 2, .jitter = 10 };
}

void xm_service_spec_free(struct xm_service_spec *s)
{
	free(s->backends);
	s->backends = NULL;
	s->backends_n = 0;
}

void xm_spec_free(struct xm_spec *s)
{
	for (size_t i = 0; i < s->services_n; i++)
		xm_service_spec_free(&s->services[i]);
	free(s->services);
	s->services = NULL;
	s->services_n = 0;
}

int xm_service_spec_copy(const struct xm_service_spec *from, struct xm_service_spec *ret_to)
{
	struct xm_service_spec to = *from;

	to.backends = NULL;
	if (from->backends_n) {
		to.backends = malloc(from->backends_n * sizeof(*to.backends));
		if (!to.backends)
			return -ENOMEM;
		memcpy(to.backends, from->backends, from->backends_n * sizeof(*to.backends));
	}
	*ret_to = to;
	return 0;
}

int xm_spec_copy(const struct xm_spec *from, struct xm_spec *ret_to)
{
	struct xm_spec to = *from;

	to.services = NULL;
	to.services_n = 0;
	for (size_t i = 0; i < from->services_n; i++) {
		int err = xm_spec_add_service(&to, &from->services[i]);

		if (err) {
			xm_spec_free(&to);
			return err;
		}
	}
	*ret_to = to;
	return 0;
}

/** Opens a gap at index at of an array of n elements. NULL if there is no memory. */
static void *array_gap(void *array, size_t n, size_t at, size_t size)
{
	char *grown = realloc(array, (n + 1) * size);

	if (grown)
		memmove(grown + (at + 1) * size, grown + at * size, (n - at) * size);
	return grown;
}

int xm_spec_add_service(struct xm_spec *s, const struct xm_service_spec *service)
{
	struct xm_service_spec copy, *grown;
	size_t at = s->services_n;
	int err;

	if (xm_spec_find(s, service->name))
		return -EEXIST;
	while (at > 0 && strcmp(s->services[at - 1].name, service->name) > 0)
		at--;
	err = xm_service_spec_copy(service, &copy);
	if (err)
		return err;
	grown = array_gap(s->services, s->services_n, at, sizeof(copy));
	if (!grown) {
		xm_service_spec_free(&copy);
		return -ENOMEM;
	}
	grown[at] = copy;
	s->services = grown;
	s->services_n++;
	return 0;
}

static int backend_cmp(const struct xm_backend_spec *a, struct xm_addr addr, __u16 be_port)
{
	int d = xm_addr_cmp(a->addr, addr);
	__u16 x = __builtin_bswap16(a->port), y = __builtin_bswap16(be_port);

	return d ? d : (int)x - (int)y;
}

int xm_service_spec_add_backend(struct xm_service_spec *s, const struct xm_backend_spec *b)
{
	struct xm_backend_spec *grown;
	size_t at = s->backends_n;

	if (xm_service_spec_find(s, b->addr, b->port))
		return -EEXIST;
	while (at > 0 && backend_cmp(&s->backends[at - 1], b->addr, b->port) > 0)
		at--;
	grown = array_gap(s->backends, s->backends_n, at, sizeof(*b));
	if (!grown)
		return -ENOMEM;
	grown[at] = *b;
	s->backends = grown;
	s->backends_n++;
	return 0;
}

struct xm_service_spec *xm_spec_find(const struct xm_spec *s, const char *name)
{
	size_t low = 0, high = s->services_n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int d = strcmp(s->services[mid].name, name);

		if (!d)
			return &s->services[mid];
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct xm_backend_spec *xm_service_spec_find(const struct xm_service_spec *s, struct xm_addr addr, __u16 be_port)
{
	size_t low = 0, high = s->backends_n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int d = backend_cmp(&s->backends[mid], addr, be_port);

		if (!d)
			return &s->backends[mid];
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void xm_spec_remove(struct xm_spec *s, struct xm_service_spec *service)
{
	size_t at = service - s->services;

	xm_service_spec_free(service);
	memmove(service, service + 1, (s->services_n - at - 1) * sizeof(*service));
	s->services_n--;
}

void xm_service_spec_remove(struct xm_service_spec *s, struct xm_backend_spec *b)
{
	size_t at = b - s->backends;

	memmove(b, b + 1, (s->backends_n - at - 1) * sizeof(*b));
	s->backends_n--;
}

static bool backend_equal(const struct xm_backend_spec *a, const struct xm_backend_spec *b)
{
	return !backend_cmp(a, b->addr, b->port) && a->weight == b->weight && a->priority == b->priority &&
	       a->admin == b->admin && !strcmp(a->zone, b->zone);
}

static bool check_equal(const struct xm_check_spec *a, const struct xm_check_spec *b)
{
	if (a->type != b->type)
		return false;
	return a->type == XM_CHECK_NONE || (a->interval == b->interval && a->timeout == b->timeout &&
					    a->fall == b->fall && a->rise == b->rise && a->jitter == b->jitter);
}

bool xm_service_spec_equal(const struct xm_service_spec *a, const struct xm_service_spec *b)
{
	if (strcmp(a->name, b->name) || !xm_addr_eq(a->vip, b->vip) || a->port != b->port || a->proto != b->proto ||
	    a->forward != b->forward || a->balance != b->balance || a->track != b->track || a->on_down != b->on_down ||
	    a->on_none != b->on_none || !check_equal(&a->check, &b->check) || a->backends_n != b->backends_n)
		return false;
	for (size_t i = 0; i < a->backends_n; i++)
		if (!backend_equal(&a->backends[i], &b->backends[i]))
			return false;
	return true;
}
