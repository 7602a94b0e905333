/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wanted, as data: defaults, sorted arrays under random adds and removes, copies that share nothing, equality,
 * and the rules of the whole as a table with one row a rule.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "prop.h"
#include "user/base/addr.h"
#include "user/mesh/spec.h"

static struct xm_addr addr(const char *text)
{
	struct xm_addr a;

	if (xm_addr_parse(text, &a))
		fail_msg("\"%s\" does not parse", text);
	return a;
}

static struct xm_backend_spec backend(const char *endpoint)
{
	struct xm_backend_spec b = { .weight = 100, .zone = "a" };

	if (xm_endpoint_parse(endpoint, &b.addr, &b.port))
		fail_msg("\"%s\" does not parse", endpoint);
	return b;
}

/** A good service: tcp, one backend. */
static struct xm_service_spec service(const char *name, const char *endpoint)
{
	struct xm_backend_spec b = backend("10.0.2.1:80");
	struct xm_service_spec s;

	xm_service_spec_init(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	if (xm_endpoint_parse(endpoint, &s.vip, &s.port))
		fail_msg("\"%s\" does not parse", endpoint);
	s.proto = IPPROTO_TCP;
	assert_int_equal(xm_service_spec_add_backend(&s, &b), 0);
	return s;
}

static void add_service(struct xm_spec *spec, const char *name, const char *endpoint)
{
	struct xm_service_spec s = service(name, endpoint);

	assert_int_equal(xm_spec_add_service(spec, &s), 0);
	xm_service_spec_free(&s);
}

/* ---- defaults ---- */

static void a_new_specification_has_the_default_limits_and_nothing_else(void **state)
{
	xm_cleanup_spec struct xm_spec s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	xm_spec_init(&s);
	assert_int_equal(s.limit_flows, XM_DEFAULT_FLOWS);
	assert_int_equal(s.limit_services, XM_DEFAULT_SERVICES);
	assert_int_equal(s.limit_backends, XM_DEFAULT_BACKENDS);
	assert_int_equal(s.services_n + s.devices_n, 0);
	assert_null(s.services);
	assert_int_equal(xm_spec_check(&s, NULL), 0);
	assert_null(xm_spec_find(&s, "web"));
}

static void a_new_service_has_no_check_but_the_times_of_one(void **state)
{
	struct xm_service_spec s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	xm_service_spec_init(&s);
	assert_int_equal(s.check.type, XM_CHECK_NONE);
	assert_in_range(s.check.interval, 10, 3600000);
	assert_in_range(s.check.timeout, 10, s.check.interval);
	assert_in_range(s.check.fall, 1, 100);
	assert_in_range(s.check.rise, 1, 100);
	assert_in_range(s.check.jitter, 0, 50);
	assert_int_equal(s.forward, XM_FORWARD_NAT);
	assert_int_equal(s.track, XM_TRACK_ALL);
	assert_int_equal(s.backends_n, 0);
	xm_service_spec_free(&s);
	xm_service_spec_free(&s);
}

/* ---- sorted arrays ---- */

#define UNIVERSE 40

/** Adds and removes at random among a few endpoints; a bitmap says which must be there. */
static void backends_stay_sorted_and_findable(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(500); prop_more(&p);) {
		struct xm_service_spec s;
		bool there[UNIVERSE] = { false };

		xm_service_spec_init(&s);
		for (int step = 0; step < 100; step++) {
			__u32 k = prop_below(&p, UNIVERSE);
			struct xm_backend_spec b = { .port = htons(1 + k % 4 * 0x00ff), .weight = k }, *found;

			b.addr = k % 3 ? xm_addr_of_v4(htonl(0x0a0000f0 + k / 4 * 8)) : (struct xm_addr){ 1 + k, k };
			found = xm_service_spec_find(&s, b.addr, b.port);
			prop_ok(&p, !found == !there[k] && (!found || found->weight == k), "backend %u", k);
			if (prop_below(&p, 3)) {
				int err = xm_service_spec_add_backend(&s, &b);

				prop_ok(&p, err == (found ? -EEXIST : 0), "add of %u: %d", k, err);
			} else if (found) {
				xm_service_spec_remove(&s, found);
			}
			there[k] = xm_service_spec_find(&s, b.addr, b.port) != NULL;
		}
		for (size_t i = 1; i < s.backends_n; i++) {
			int d = xm_addr_cmp(s.backends[i - 1].addr, s.backends[i].addr);

			prop_ok(&p, d < 0 || (!d && ntohs(s.backends[i - 1].port) < ntohs(s.backends[i].port)),
				"at %zu", i);
		}
		xm_service_spec_free(&s);
	}
}

static void services_stay_sorted_and_findable(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(300); prop_more(&p);) {
		xm_cleanup_spec struct xm_spec spec;
		bool there[UNIVERSE] = { false };
		size_t n = 0;

		xm_spec_init(&spec);
		for (int step = 0; step < 60; step++) {
			__u32 k = prop_below(&p, UNIVERSE);
			struct xm_service_spec *found, s;
			char name[16];

			snprintf(name, sizeof(name), "s%u", k);
			found = xm_spec_find(&spec, name);
			prop_ok(&p, !found == !there[k], "service %s", name);
			if (found && prop_below(&p, 2)) {
				xm_spec_remove(&spec, found);
				there[k] = false;
				continue;
			}
			s = service(name, "10.200.1.1:80");
			prop_ok(&p, xm_spec_add_service(&spec, &s) == (found ? -EEXIST : 0), "add of %s", name);
			xm_service_spec_free(&s);
			there[k] = true;
		}
		for (int k = 0; k < UNIVERSE; k++)
			n += there[k];
		prop_ok(&p, spec.services_n == n, "%zu services, not %zu", spec.services_n, n);
		for (size_t i = 1; i < n; i++)
			prop_ok(&p, strcmp(spec.services[i - 1].name, spec.services[i].name) < 0, "order at %zu", i);
	}
}

/* ---- copies ---- */

static void a_copy_is_equal_and_shares_nothing(void **state)
{
	xm_cleanup_spec struct xm_spec spec, copy;

	(void)state;
	xm_spec_init(&spec);
	spec.limit_flows = 4096;
	add_service(&spec, "web", "10.200.1.1:80");
	add_service(&spec, "api", "10.200.1.2:80");
	assert_int_equal(xm_spec_copy(&spec, &copy), 0);
	assert_int_equal(copy.limit_flows, 4096);
	assert_int_equal(copy.services_n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(xm_service_spec_equal(&spec.services[i], &copy.services[i]));
	copy.services[0].backends[0].weight++;
	assert_false(xm_service_spec_equal(&spec.services[0], &copy.services[0]));
	xm_spec_remove(&spec, xm_spec_find(&spec, "web"));
	assert_non_null(xm_spec_find(&copy, "web"));
}

static void an_added_service_is_a_copy(void **state)
{
	xm_cleanup_spec struct xm_spec spec;
	struct xm_service_spec s = service("web", "10.200.1.1:80");

	(void)state;
	xm_spec_init(&spec);
	assert_int_equal(xm_spec_add_service(&spec, &s), 0);
	s.backends[0].weight = 7;
	xm_service_spec_free(&s);
	assert_int_equal(spec.services[0].backends[0].weight, 100);
}

/* ---- equality ---- */

static void the_order_of_writing_is_no_difference(void **state)
{
	struct xm_backend_spec two = backend("10.0.2.2:80"), three = backend("[fd02::1]:80");
	struct xm_service_spec a = service("web", "10.200.1.1:80"), b = service("web", "10.200.1.1:80");

	(void)state;
	assert_int_equal(xm_service_spec_add_backend(&a, &two), 0);
	assert_int_equal(xm_service_spec_add_backend(&a, &three), 0);
	assert_int_equal(xm_service_spec_add_backend(&b, &three), 0);
	assert_false(xm_service_spec_equal(&a, &b));
	assert_int_equal(xm_service_spec_add_backend(&b, &two), 0);
	assert_true(xm_service_spec_equal(&a, &b));
	xm_service_spec_free(&a);
	xm_service_spec_free(&b);
}

static void times_of_a_check_that_is_off_are_no_difference(void **state)
{
	struct xm_service_spec a = service("web", "10.200.1.1:80"), b = service("web", "10.200.1.1:80");

	(void)state;
	b.check.interval++;
	assert_true(xm_service_spec_equal(&a, &b));
	b.check.type = XM_CHECK_TCP;
	assert_false(xm_service_spec_equal(&a, &b));
	a.check.type = XM_CHECK_TCP;
	assert_false(xm_service_spec_equal(&a, &b));
	a.check.interval++;
	assert_true(xm_service_spec_equal(&a, &b));
	xm_service_spec_free(&a);
	xm_service_spec_free(&b);
}

#define DIFFERENT(field)                                                 \
	do {                                                             \
		__typeof__(b.field) was = b.field;                       \
		b.field++;                                               \
		if (xm_service_spec_equal(&a, &b))                       \
			fail_msg("another %s is no difference", #field); \
		b.field = was;                                           \
	} while (0)

static void every_field_makes_a_difference(void **state)
{
	struct xm_service_spec a = service("web", "10.200.1.1:80"), b = service("web", "10.200.1.1:80");

	(void)state;
	a.check.type = b.check.type = XM_CHECK_TCP;
	DIFFERENT(name[0]);
	DIFFERENT(vip.lo);
	DIFFERENT(vip.hi);
	DIFFERENT(port);
	DIFFERENT(proto);
	DIFFERENT(forward);
	DIFFERENT(balance);
	DIFFERENT(track);
	DIFFERENT(on_down);
	DIFFERENT(on_none);
	DIFFERENT(check.interval);
	DIFFERENT(check.timeout);
	DIFFERENT(check.fall);
	DIFFERENT(check.rise);
	DIFFERENT(check.jitter);
	DIFFERENT(backends[0].addr.lo);
	DIFFERENT(backends[0].port);
	DIFFERENT(backends[0].weight);
	DIFFERENT(backends[0].priority);
	DIFFERENT(backends[0].zone[0]);
	DIFFERENT(backends[0].admin);
	assert_true(xm_service_spec_equal(&a, &b));
	xm_service_spec_free(&a);
	xm_service_spec_free(&b);
}

/* ---- rules ---- */

/** Services web (10.200.1.1:80, backend 10.0.2.1:80) and api (10.200.1.2:80, the same backend), one thing changed. */
struct rule {
	const char *name;
	void (*change)(struct xm_spec *spec, struct xm_service_spec *web);
	const char *text; /* of the error; NULL if it is allowed */
};

#define UNICAST "IPv4, not 0.0.0.0/8, 127.0.0.0/8 or 224.0.0.0/3"
#define CHANGE(name, ...)                                                   \
	static void name(struct xm_spec *spec, struct xm_service_spec *web) \
	{                                                                   \
		(void)spec;                                                 \
		(void)web;                                                  \
		__VA_ARGS__;                                                \
	}
CHANGE(nothing, (void)0)
CHANGE(vip_six, web->vip = addr("fd00::1"))
CHANGE(vip_loopback, web->vip = addr("127.0.0.1"))
CHANGE(vip_highest, web->vip = addr("223.255.255.255"))
CHANGE(backend_multicast, web->backends->addr = addr("224.0.0.1"))
CHANGE(backend_zero, web->backends->addr = addr("0.0.0.0"))
CHANGE(backend_own_vip, web->backends->addr = addr("10.200.1.1"))
CHANGE(backend_other_vip, web->backends->addr = addr("10.200.1.2"))
CHANGE(backend_heaviest, web->backends->weight = 65535)
CHANGE(backend_too_heavy, web->backends->weight = 65536)
CHANGE(dsr, web->forward = XM_FORWARD_DSR, web->track = XM_TRACK_NONE)
CHANGE(dsr_tracked, web->forward = XM_FORWARD_DSR)
CHANGE(dsr_port, dsr(spec, web); web->backends->port = htons(8080))
CHANGE(dsr_round_robin, dsr(spec, web); web->balance = XM_BALANCE_ROUND_ROBIN)
CHANGE(nat_untracked, web->track = XM_TRACK_NONE)
CHANGE(nat_port, web->backends->port = htons(8080))
CHANGE(overlap, web->vip = addr("10.200.1.2"))
CHANGE(overlap_port, web->vip = addr("10.200.1.2"), web->port = htons(81))
CHANGE(overlap_proto, web->vip = addr("10.200.1.2"), web->proto = IPPROTO_UDP)
CHANGE(services_fit, spec->limit_services = 3)
CHANGE(services_too_many, spec->limit_services = 2)
CHANGE(backends_too_many, spec->limit_backends = 2)

static const struct rule rules[] = {
	{ "as it is", nothing, NULL },
	{ "the highest unicast address", vip_highest, NULL },
	{ "the heaviest backend", backend_heaviest, NULL },
	{ "dsr", dsr, NULL },
	{ "nat to another port", nat_port, NULL },
	{ "one vip, two ports", overlap_port, NULL },
	{ "one vip, two protocols", overlap_proto, NULL },
	{ "as many services as fit", services_fit, NULL },
	{ "an IPv6 vip", vip_six, "service web: \"[fd00::1]:80\" vip must be a unicast address (" UNICAST ")" },
	{ "a loopback vip", vip_loopback, "service web: \"127.0.0.1:80\" vip must be a unicast address (" UNICAST ")" },
	{ "a multicast backend", backend_multicast,
	  "service web: \"224.0.0.1:80\" backend must have a unicast address (" UNICAST ")" },
	{ "a backend of zeros", backend_zero,
	  "service web: \"0.0.0.0:80\" backend must have a unicast address (" UNICAST ")" },
	{ "its own vip as backend", backend_own_vip,
	  "service web: \"10.200.1.1:80\" backend is a virtual address of ours: a packet is balanced once" },
	{ "another's vip as backend", backend_other_vip,
	  "service web: \"10.200.1.2:80\" backend is a virtual address of ours: a packet is balanced once" },
	{ "too much weight", backend_too_heavy,
	  "service web: \"10.0.2.1:80\" backend's weight is too large (weight 0..65535)" },
	{ "dsr with tracking", dsr_tracked,
	  "service web: \"10.200.1.1:80\" forward: dsr is served without tracking so far (track: none)" },
	{ "dsr to another port", dsr_port,
	  "service web: \"10.0.2.1:8080\" backend has another port, and forward: dsr rewrites none (the service's port)" },
	{ "round-robin without tracking", dsr_round_robin,
	  "service web: \"10.200.1.1:80\" track: none needs a pick that every packet repeats (balance: hash)" },
	{ "nat without tracking", nat_untracked,
	  "service web: \"10.200.1.1:80\" forward: nat needs an entry for every flow (track: all)" },
	{ "two services on one endpoint", overlap,
	  "service web: \"10.200.1.2:80\" tcp is service api's already (one service a vip, port and protocol)" },
	{ "too many services", services_too_many,
	  "services: \"2\" are too many (three quarters of limits.services 2)" },
	{ "too many backends", backends_too_many,
	  "backends: \"2\" are too many (three quarters of limits.backends 2)" },
};

static void each_rule_refuses_what_it_is_for_and_names_it(void **state)
{
	(void)state;
	for (const struct rule *r = rules; r < rules + sizeof(rules) / sizeof(*rules); r++) {
		xm_cleanup_spec struct xm_spec spec;
		struct xm_err e = { 0 };
		int err;

		xm_spec_init(&spec);
		add_service(&spec, "api", "10.200.1.2:80");
		add_service(&spec, "web", "10.200.1.1:80");
		r->change(&spec, xm_spec_find(&spec, "web"));
		err = xm_spec_check(&spec, &e);
		if (err != (r->text ? -EINVAL : 0) || strcmp(e.text, r->text ? r->text : ""))
			fail_msg("%s: %d\nsaid:   %s\nwanted: %s", r->name, err, e.text, r->text ? r->text : "");
		assert_int_equal(xm_spec_check(&spec, NULL), err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_specification_has_the_default_limits_and_nothing_else),
		cmocka_unit_test(a_new_service_has_no_check_but_the_times_of_one),
		cmocka_unit_test(backends_stay_sorted_and_findable),
		cmocka_unit_test(services_stay_sorted_and_findable),
		cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
		cmocka_unit_test(an_added_service_is_a_copy),
		cmocka_unit_test(the_order_of_writing_is_no_difference),
		cmocka_unit_test(times_of_a_check_that_is_off_are_no_difference),
		cmocka_unit_test(every_field_makes_a_difference),
		cmocka_unit_test(each_rule_refuses_what_it_is_for_and_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
