/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and endpoints in text, and the errors of user/base. What is refused leaves the output as it was; what is
 * printed parses back to the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "prop.h"
#include "user/base/addr.h"
#include "user/base/err.h"

static struct xm_addr addr(const char *text)
{
	struct xm_addr a;

	if (xm_addr_parse(text, &a))
		fail_msg("\"%s\" does not parse", text);
	return a;
}

/* ---- addresses ---- */

static void an_ipv4_address_is_v4_mapped_in_memory(void **state)
{
	static const __u8 want[16] = { [10] = 0xff, 0xff, 10, 0, 2, 1 };
	struct xm_addr a = addr("10.0.2.1");

	(void)state;
	assert_memory_equal(&a, want, sizeof(want));
	assert_true(xm_addr_is_v4(a));
	assert_int_equal(xm_addr_v4(a), htonl(0x0a000201));
	assert_true(xm_addr_eq(a, xm_addr_of_v4(htonl(0x0a000201))));
}

static void an_ipv6_address_keeps_its_bytes(void **state)
{
	static const __u8 want[16] = { 0xfd, 0x02, [15] = 1 };
	struct xm_addr a = addr("fd02::1");

	(void)state;
	assert_memory_equal(&a, want, sizeof(want));
	assert_false(xm_addr_is_v4(a));
	assert_false(xm_addr_eq(a, addr("fd02::2")));
	assert_false(xm_addr_eq(a, addr("fd03::1")));
}

static void a_mapped_address_is_the_ipv4_one(void **state)
{
	(void)state;
	assert_true(xm_addr_eq(addr("::ffff:10.0.2.1"), addr("10.0.2.1")));
	assert_false(xm_addr_is_v4(addr("::10.0.2.1")));
	assert_false(xm_addr_is_v4(addr("1::ffff:10.0.2.1")));
}

static const char *const bad_addrs[] = {
	"",	      " ",	     "10.0.2",	   "10.0.2.1.1", "10.0.2.256",	      "10.0.2.-1",
	"010.0.2.1",  "0x0a.0.2.1",  " 10.0.2.1",  "10.0.2.1 ",	 "10.0.2.1/24",	      "10.0.2.1:80",
	"fd02::1::2", "fd02::12345", "fe80::1%lo", "[fd02::1]",	 "1:2:3:4:5:6:7:8:9", "web",
	":",	      "::g",
};

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_addrs) / sizeof(*bad_addrs); i++) {
		struct xm_addr a = { 1, 2 };

		if (xm_addr_parse(bad_addrs[i], &a) != -EINVAL || a.hi != 1 || a.lo != 2)
			fail_msg("\"%s\" is taken for an address", bad_addrs[i]);
	}
}

static void random_addr(struct prop *p, struct xm_addr *ret)
{
	*ret = (struct xm_addr){ prop_next(p), prop_next(p) };
	if (prop_below(p, 2))
		*ret = xm_addr_of_v4(prop_next(p));
	/* runs of zeros, for which the text is shortened */
	else if (prop_below(p, 2))
		ret->hi &= ~0ULL << prop_below(p, 64), ret->lo &= ~0ULL >> prop_below(p, 64);
}

static void any_address_prints_and_parses_back(void **state)
{
	char text[XM_ADDR_TEXT];

	(void)state;
	for (struct prop p = prop_begin(20000); prop_more(&p);) {
		struct xm_addr a, back;

		random_addr(&p, &a);
		prop_ok(&p, xm_addr_text(a, text) == text, "another buffer");
		prop_ok(&p, !xm_addr_parse(text, &back) && xm_addr_eq(a, back), "%s", text);
		prop_ok(&p, xm_addr_is_v4(a) == !strchr(text, ':'), "%s", text);
	}
}

/* ---- endpoints ---- */

struct endpoint {
	const char *text, *addr;
	__u16 port;
};

static const struct endpoint good_endpoints[] = {
	{ "10.0.2.1:80", "10.0.2.1", 80 },
	{ "10.0.2.1:1", "10.0.2.1", 1 },
	{ "255.255.255.255:65535", "255.255.255.255", 65535 },
	{ "[fd02::1]:8080", "fd02::1", 8080 },
	{ "[::]:443", "::", 443 },
	{ "[::ffff:10.0.2.1]:80", "10.0.2.1", 80 },
};

static const char *const bad_endpoints[] = {
	"",
	":",
	":80",
	"10.0.2.1",
	"10.0.2.1:",
	"10.0.2.1:0",
	"10.0.2.1:65536",
	"10.0.2.1:-1",
	"10.0.2.1:+1",
	"10.0.2.1: 1",
	"10.0.2.1:80 ",
	"10.0.2.1:8x",
	"10.0.2.1:18446744073709551617",
	"10.0.2.1:80:80",
	"fd02::1",
	"fd02::1:80",
	"[fd02::1]",
	"[fd02::1]:",
	"[fd02::1]80",
	"[fd02::1:80",
	"fd02::1]:80",
	"[]:80",
	"[:80",
	"]:80",
	"[10.0.2.1]:80",
	"[[fd02::1]]:80",
	"web:80",
	"[fd02:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80",
};

static void endpoints_parse_and_print(void **state)
{
	char text[XM_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(good_endpoints) / sizeof(*good_endpoints); i++) {
		const struct endpoint *g = &good_endpoints[i];
		struct xm_addr a;
		__u16 port;

		if (xm_endpoint_parse(g->text, &a, &port))
			fail_msg("\"%s\" is refused", g->text);
		assert_true(xm_addr_eq(a, addr(g->addr)));
		assert_int_equal(ntohs(port), g->port);
		if (!strstr(g->text, "ffff:"))
			assert_string_equal(xm_endpoint_text(a, port, text), g->text);
	}
}

static void what_is_no_endpoint_is_refused_and_leaves_the_outputs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_endpoints) / sizeof(*bad_endpoints); i++) {
		struct xm_addr a = { 1, 2 };
		__u16 port = 3;

		if (xm_endpoint_parse(bad_endpoints[i], &a, &port) != -EINVAL || a.hi != 1 || a.lo != 2 || port != 3)
			fail_msg("\"%s\" is taken for an endpoint, or an output changed", bad_endpoints[i]);
	}
}

static void any_endpoint_prints_and_parses_back(void **state)
{
	char text[XM_ADDR_TEXT];

	(void)state;
	for (struct prop p = prop_begin(20000); prop_more(&p);) {
		__u16 port = htons(1 + prop_below(&p, 65535)), back_port;
		struct xm_addr a, back;

		random_addr(&p, &a);
		xm_endpoint_text(a, port, text);
		prop_ok(&p, !xm_endpoint_parse(text, &back, &back_port), "%s is refused", text);
		prop_ok(&p, xm_addr_eq(a, back) && port == back_port, "%s", text);
	}
}

/** Random text out of the letters that matter must not overrun, and what is taken must be an endpoint in full. */
static void any_text_is_an_endpoint_or_refused(void **state)
{
	static const char letters[] = "[]::..0125f% ";

	(void)state;
	for (struct prop p = prop_begin(20000); prop_more(&p);) {
		size_t n = prop_below(&p, 2 * XM_ADDR_TEXT);
		char *text = test_calloc(n + 1, 1), again[XM_ADDR_TEXT];
		struct xm_addr a, b;
		__u16 port, port_b;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[prop_below(&p, sizeof(letters) - 1)];
		if (!xm_endpoint_parse(text, &a, &port)) {
			xm_endpoint_text(a, port, again);
			prop_ok(&p, !xm_endpoint_parse(again, &b, &port_b) && xm_addr_eq(a, b) && port == port_b, "%s",
				text);
		}
		test_free(text);
	}
}

static void the_longest_endpoint_fits_its_buffer(void **state)
{
	char text[XM_ADDR_TEXT];

	(void)state;
	xm_endpoint_text(addr("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"), 0xffff, text);
	assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

/* ---- order ---- */

static void ipv4_comes_first_then_by_value(void **state)
{
	static const char *const sorted[] = { "0.0.0.0",   "9.255.0.1", "10.0.0.1", "10.0.0.2",
					      "255.0.0.0", "::",	"::1",	    "fd02::1" };
	int n = sizeof(sorted) / sizeof(*sorted);

	(void)state;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			int d = xm_addr_cmp(addr(sorted[i]), addr(sorted[j]));

			if ((d > 0) - (d < 0) != (i > j) - (i < j))
				fail_msg("%s against %s: %d", sorted[i], sorted[j], d);
		}
}

static void order_is_total(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(20000); prop_more(&p);) {
		struct xm_addr a, b, c;

		random_addr(&p, &a);
		random_addr(&p, &b);
		random_addr(&p, &c);
		prop_ok(&p, !xm_addr_cmp(a, a), "not equal to itself");
		prop_ok(&p, (xm_addr_cmp(a, b) < 0) == (xm_addr_cmp(b, a) > 0), "not antisymmetric");
		prop_ok(&p, (xm_addr_cmp(a, b) == 0) == xm_addr_eq(a, b), "equal, or not");
		if (xm_addr_cmp(a, b) <= 0 && xm_addr_cmp(b, c) <= 0)
			prop_ok(&p, xm_addr_cmp(a, c) <= 0, "not transitive");
	}
}

/* ---- errors ---- */

static void an_error_names_object_value_and_limit(void **state)
{
	struct xm_err e;

	(void)state;
	assert_int_equal(xm_fail_value(&e, EINVAL, "service web", "70000", "1..65535", "is no port"), -EINVAL);
	assert_string_equal(e.text, "service web: \"70000\" is no port (1..65535)");
	assert_string_equal(e.object, "service web");
	assert_string_equal(e.value, "70000");
	assert_string_equal(e.limit, "1..65535");
	assert_int_equal(xm_fail_value(&e, ENOENT, "service web", NULL, NULL, "is not there"), -ENOENT);
	assert_string_equal(e.text, "service web: is not there");
	assert_string_equal(e.value, "");
	assert_int_equal(xm_fail(&e, EIO, "map %d", 7), -EIO);
	assert_string_equal(e.text, "map 7");
	assert_string_equal(e.object, "");
	assert_int_equal(xm_err_prefix(&e, -EIO, "file %s", "a.yaml"), -EIO);
	assert_string_equal(e.text, "file a.yaml: map 7");
}

static void an_error_without_a_buffer_is_still_an_error(void **state)
{
	(void)state;
	assert_int_equal(xm_fail(NULL, EIO, "text"), -EIO);
	assert_int_equal(xm_fail_value(NULL, EINVAL, "a", "b", "c", "d"), -EINVAL);
	assert_int_equal(xm_err_prefix(NULL, -EIO, "text"), -EIO);
}

static void errors_of_any_length_are_cut_off_and_end(void **state)
{
	static char text[2 * XM_ERR_MAX];

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		struct xm_err e;

		memset(text, 'x', n);
		text[n] = 0;
		xm_fail_value(&e, EINVAL, text, text, text, text);
		assert_true(strnlen(e.text, sizeof(e.text)) < sizeof(e.text));
		assert_true(strnlen(e.object, sizeof(e.object)) < sizeof(e.object));
		assert_true(strnlen(e.value, sizeof(e.value)) < sizeof(e.value));
		assert_true(strnlen(e.limit, sizeof(e.limit)) < sizeof(e.limit));
		xm_err_prefix(&e, -EINVAL, "%s", text);
		assert_true(strnlen(e.text, sizeof(e.text)) < sizeof(e.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_address_is_v4_mapped_in_memory),
		cmocka_unit_test(an_ipv6_address_keeps_its_bytes),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_one),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(any_address_prints_and_parses_back),
		cmocka_unit_test(endpoints_parse_and_print),
		cmocka_unit_test(what_is_no_endpoint_is_refused_and_leaves_the_outputs),
		cmocka_unit_test(any_endpoint_prints_and_parses_back),
		cmocka_unit_test(any_text_is_an_endpoint_or_refused),
		cmocka_unit_test(the_longest_endpoint_fits_its_buffer),
		cmocka_unit_test(ipv4_comes_first_then_by_value),
		cmocka_unit_test(order_is_total),
		cmocka_unit_test(an_error_names_object_value_and_limit),
		cmocka_unit_test(an_error_without_a_buffer_is_still_an_error),
		cmocka_unit_test(errors_of_any_length_are_cut_off_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
