/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of a whole specification. Each failure names the service or backend, the value and the limit. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spec.h"
#include "user/base/addr.h"
#include "words.h"

static int fail(struct xm_err *e, const struct xm_service_spec *s, const struct xm_backend_spec *b, const char *limit,
		const char *message)
{
	char object[128], text[XM_ADDR_TEXT];

	snprintf(object, sizeof(object), "service %s", s->name);
	if (b)
		return xm_fail_value(e, EINVAL, object, xm_endpoint_text(b->addr, b->port, text), limit, message);
	return xm_fail_value(e, EINVAL, object, xm_endpoint_text(s->vip, s->port, text), limit, message);
}

static bool is_vip(const struct xm_spec *spec, struct xm_addr addr)
{
	for (size_t i = 0; i < spec->services_n; i++)
		if (xm_addr_eq(spec->services[i].vip, addr))
			return true;
	return false;
}

static bool is_unicast(struct xm_addr a)
{
	__u32 host = ntohl(xm_addr_v4(a));

	return xm_addr_is_v4(a) && host >> 24 != 0 && host >> 24 != 127 && host >> 28 < 14;
}

static int check_backend(const struct xm_spec *spec, const struct xm_service_spec *s, const struct xm_backend_spec *b,
			 struct xm_err *e)
{
	if (!is_unicast(b->addr))
		return fail(e, s, b, "IPv4, not 0.0.0.0/8, 127.0.0.0/8 or 224.0.0.0/3",
			    "backend must have a unicast address");
	if (is_vip(spec, b->addr))
		return fail(e, s, b, NULL, "backend is a virtual address of ours: a packet is balanced once");
	if (s->forward == XM_FORWARD_DSR && b->port != s->port)
		return fail(e, s, b, "the service's port", "backend has another port, and forward: dsr rewrites none");
	if (b->weight > 65535)
		return fail(e, s, b, "weight 0..65535", "backend's weight is too large");
	return 0;
}

static int check_service(const struct xm_spec *spec, const struct xm_service_spec *s, struct xm_err *e)
{
	int err;

	if (!is_unicast(s->vip))
		return fail(e, s, NULL, "IPv4, not 0.0.0.0/8, 127.0.0.0/8 or 224.0.0.0/3",
			    "vip must be a unicast address");
	if (s->forward == XM_FORWARD_DSR && s->track != XM_TRACK_NONE)
		return fail(e, s, NULL, "track: none", "forward: dsr is served without tracking so far");
	if (s->forward == XM_FORWARD_NAT && s->track != XM_TRACK_ALL)
		return fail(e, s, NULL, "track: all", "forward: nat needs an entry for every flow");
	if (s->track == XM_TRACK_NONE && s->balance != XM_BALANCE_HASH)
		return fail(e, s, NULL, "balance: hash", "track: none needs a pick that every packet repeats");
	if (s->track == XM_TRACK_NONE && s->on_none == XM_NONE_RESET)
		return fail(e, s, NULL, "on-no-backend: drop | pass", "track: none answers nobody");
	for (size_t i = 0; i < s->backends_n; i++) {
		err = check_backend(spec, s, &s->backends[i], e);
		if (err)
			return err;
	}
	return 0;
}

static int check_overlap(const struct xm_spec *spec, const struct xm_service_spec *s, struct xm_err *e)
{
	for (const struct xm_service_spec *o = spec->services; o < s; o++) {
		char text[XM_ADDR_TEXT], object[128], message[160];

		if (!xm_addr_eq(o->vip, s->vip) || o->port != s->port || o->proto != s->proto)
			continue;
		snprintf(object, sizeof(object), "service %s", s->name);
		snprintf(message, sizeof(message), "%s is service %s's already",
			 xm_word_of(xm_protocol_words, s->proto), o->name);
		return xm_fail_value(e, EINVAL, object, xm_endpoint_text(s->vip, s->port, text),
				     "one service a vip, port and protocol", message);
	}
	return 0;
}

int xm_spec_check(const struct xm_spec *spec, struct xm_err *e)
{
	size_t backends = 0;
	char value[32], limit[64];
	int err;

	for (size_t i = 0; i < spec->services_n; i++) {
		err = check_service(spec, &spec->services[i], e);
		if (!err)
			err = check_overlap(spec, &spec->services[i], e);
		if (err)
			return err;
		backends += spec->services[i].backends_n;
	}
	/* id 0 is nobody's; a quarter stays free for ids in quarantine */
	if (spec->services_n > spec->limit_services * 3 / 4) {
		snprintf(value, sizeof(value), "%zu", spec->services_n);
		snprintf(limit, sizeof(limit), "three quarters of limits.services %u", spec->limit_services);
		return xm_fail_value(e, EINVAL, "services", value, limit, "are too many");
	}
	if (backends > spec->limit_backends * 3 / 4) {
		snprintf(value, sizeof(value), "%zu", backends);
		snprintf(limit, sizeof(limit), "three quarters of limits.backends %u", spec->limit_backends);
		return xm_fail_value(e, EINVAL, "backends", value, limit, "are too many");
	}
	return 0;
}
