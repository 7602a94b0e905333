/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: ranges and defaults of every key, golden pairs, dump and parse again, mutations of a good
 * file. tests/golden/config/NAME.yaml goes with NAME.txt: the message of a bad file, the dump of a good one. XM_SRCDIR
 * names the tree; with XM_GOLDEN=write the answers and docs/config.md are written instead of compared.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/base/addr.h"
#include "user/source/config.h"

#define SERVICE(keys) "services: [{ " keys " }]"
#define WEB "name: web, vip: 10.200.1.1, port: 80, protocol: tcp"
#define GOOD SERVICE(WEB ", backends: [{ address: 10.0.2.1 }]") "\n"

static const char *srcdir(void)
{
	const char *dir = getenv("XM_SRCDIR");

	return dir ? dir : ".";
}

/** A file as text with a zero behind it; NULL if it cannot be read. free() it. */
static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	if (!f || !text)
		return NULL;
	*ret_len = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

static void parse_ok(const char *text, struct xm_spec *ret)
{
	struct xm_err e = { 0 };

	if (xm_config_parse("t", text, strlen(text), ret, &e))
		fail_msg("%s\nof:\n%s", e.text, text);
}

/** A dump names every value, so two specifications are the same if their dumps are. */
static void same_dump(const struct xm_spec *a, const struct xm_spec *b)
{
	char *x = xm_config_dump(a), *y = xm_config_dump(b);

	assert_true(x && y);
	assert_string_equal(x, y);
	free(x);
	free(y);
}

/** A dump parses back to the same specification. Returns the dump. */
static char *round_trip(const struct xm_spec *s)
{
	char *text = xm_config_dump(s);
	xm_cleanup_spec struct xm_spec back = { 0 };

	assert_non_null(text);
	parse_ok(text, &back);
	same_dump(s, &back);
	assert_int_equal(s->services_n, back.services_n);
	for (size_t i = 0; i < s->services_n; i++)
		assert_true(xm_service_spec_equal(&s->services[i], &back.services[i]));
	return text;
}

static void golden_compare(const char *path, const char *got)
{
	const char *mode = getenv("XM_GOLDEN");
	size_t len;
	char *want;

	if (mode && !strcmp(mode, "write")) {
		FILE *f = fopen(path, "we");

		assert_true(f && fputs(got, f) >= 0 && !fclose(f));
		return;
	}
	want = slurp(path, &len);
	if (!want || strcmp(want, got))
		fail_msg("%s\nwant: %s\ngot:  %s", path, want ? want : "(missing)", got);
	free(want);
}

static void golden_one(char *path)
{
	xm_cleanup_spec struct xm_spec spec = { 0 };
	const char *name = strrchr(path, '/') + 1;
	struct xm_err e = { 0 };
	size_t len;
	char *text = slurp(path, &len), *dump;
	int err;

	assert_non_null(text);
	err = xm_config_parse(name, text, len, &spec, &e);
	if (!err != !strncmp(name, "good-", 5))
		fail_msg("%s: %s", path, err ? e.text : "is taken, and should not be");
	dump = err ? NULL : round_trip(&spec);
	strcpy(path + strlen(path) - 5, ".txt");
	golden_compare(path, err ? strcat(e.text, "\n") : dump);
	free(dump);
	free(text);
}

static void files_give_their_golden_answers(void **state)
{
	char pattern[512], path[512];
	glob_t found;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/tests/golden/config/*.yaml", srcdir());
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 25);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s", found.gl_pathv[i]);
		golden_one(path);
	}
	globfree(&found);
}

static void manual_is_printed_from_the_tables(void **state)
{
	static const char mark[] = "<!-- keys: printed by xm_config_keys_markdown(), do not edit below -->\n";
	char path[512], *doc, *cut, *want = NULL;
	size_t len;
	FILE *f = open_memstream(&want, &len);

	(void)state;
	snprintf(path, sizeof(path), "%s/docs/config.md", srcdir());
	doc = slurp(path, &len);
	cut = doc ? strstr(doc, mark) : NULL;
	assert_true(f && cut);
	fprintf(f, "%.*s%s", (int)(cut - doc), doc, mark);
	xm_config_keys_markdown(f);
	fclose(f);
	golden_compare(path, want);
	free(want);
	free(doc);
}

static void empty_file_is_the_default_specification(void **state)
{
	xm_cleanup_spec struct xm_spec got = { 0 }, want;

	(void)state;
	xm_spec_init(&want);
	parse_ok("", &got);
	same_dump(&got, &want);
	/* each limit alone: the others come from the tables, and must be the same */
	parse_ok("limits: {}", &got);
	same_dump(&got, &want);
}

static void service_defaults_are_those_of_the_model(void **state)
{
	xm_cleanup_spec struct xm_spec got = { 0 };
	struct xm_service_spec want;
	struct xm_backend_spec *b;

	(void)state;
	xm_service_spec_init(&want);
	strcpy(want.name, "web");
	want.vip = xm_addr_of_v4(inet_addr("10.200.1.1"));
	want.port = htons(80);
	want.proto = 6;
	parse_ok(SERVICE(WEB ", backends: []"), &got);
	assert_int_equal(got.services_n, 1);
	assert_true(xm_service_spec_equal(&got.services[0], &want));
	xm_spec_free(&got);

	/* health: {} is the model's check, switched on */
	want.check.type = XM_CHECK_TCP;
	parse_ok(SERVICE(WEB ", health: {}, backends: []"), &got);
	assert_true(xm_service_spec_equal(&got.services[0], &want));
	xm_spec_free(&got);

	parse_ok(GOOD, &got);
	b = &got.services[0].backends[0];
	assert_int_equal(b->port, htons(80));
	assert_int_equal(b->weight, 100);
	assert_int_equal(b->priority, 0);
	assert_string_equal(b->zone, "");
	assert_int_equal(b->admin, XM_ADMIN_AUTO);
	assert_int_equal(got.services[0].forward, XM_FORWARD_NAT);
	assert_int_equal(got.services[0].track, XM_TRACK_ALL);
	xm_spec_free(&got);

	/* wherever forward stands */
	parse_ok(SERVICE("track: auto, " WEB ", backends: [], forward: dsr"), &got);
	assert_int_equal(got.services[0].track, XM_TRACK_NONE);
}

/* where a value is put to see whether it is taken: %s is the place */
#define IN_LIMITS "limits: { %s }"
#define IN_DEVICE "devices: [{ %s }]"
#define IN_NODE "node: { %s }"
#define IN_SERVICE SERVICE("%s, " WEB ", backends: []")
#define IN_NAME SERVICE("%s, vip: 10.200.1.1, port: 80, protocol: tcp, backends: []")
#define IN_VIP SERVICE("%s, name: w, port: 80, protocol: tcp, backends: []")
#define IN_PORT SERVICE("%s, name: w, vip: 10.200.1.1, protocol: tcp, backends: []")
#define IN_PROTOCOL SERVICE("%s, name: w, vip: 10.200.1.1, port: 80, backends: []")
#define IN_HEALTH SERVICE(WEB ", health: { %s }, backends: []")
#define IN_BACKEND SERVICE(WEB ", backends: [{ address: 10.0.2.1, %s }]")
#define IN_ADDRESS SERVICE(WEB ", backends: [{ %s }]")
#define A21 "aaaaaaaaaaaaaaaaaaaaa"

static const struct range {
	const char *place, *key;
	const char *taken, *refused; /* values, a bar between them */
} ranges[] = {
	{ IN_LIMITS, "flows", "8|67108864", "7|0|67108865|-8|8.0" },
	{ IN_LIMITS, "services", "2|65536", "1|65537|99999999999|~" },
	{ IN_LIMITS, "backends", "2|1048575", "1|1048576|1k|0x10" },
	{ IN_DEVICE, "name", "eth0|eth0.1|a_b@c|fifteen-letters", "sixteen-letters1|a b|.|..|'a:b'|''" },
	{ IN_DEVICE, "name: e, mode", "auto|native|generic", "tc|Auto|skb|''|[auto]" },
	{ IN_NODE, "name", "n1|" A21 A21 A21 "|1.2-3", A21 A21 A21 "a|N|a_b|''|{}" },
	{ IN_NODE, "zone", "a|" A21 A21 A21, A21 A21 A21 "a|a b|é" },
	{ IN_NAME, "name", "web|" A21 A21 A21 "|.|0", A21 A21 A21 "a|Web|w/b|''" },
	{ IN_VIP, "vip", "10.200.1.1|1.0.0.1|223.255.255.254",
	  "0.0.0.0|127.0.0.1|224.0.0.1|'fd00::1'|1.2.3|10.200.1.01" },
	{ IN_PORT, "port", "1|65535", "0|65536|http|+80|080|80 80" },
	{ IN_PROTOCOL, "protocol", "tcp|udp|'tcp'", "quic|TCP|6|sctp|''" },
	{ IN_SERVICE, "forward", "nat|dsr", "snat|ipip|gue|none|''" },
	{ IN_SERVICE, "balance", "hash|round-robin", "source-hash|random|least-connections|latency|maglev|rr" },
	{ IN_SERVICE, "on-no-backend", "drop|pass|reset", "keep|''" },
	{ IN_SERVICE, "on-down", "reset|keep", "drop|pass" },
	{ IN_SERVICE, "track", "auto|all", "exceptions|yes|none|''|[]" },
	{ IN_SERVICE, "forward: dsr, track", "auto|none", "exceptions|all" },
	{ IN_HEALTH, "type", "tcp|none", "http|https|grpc|udp|exec|ttl" },
	{ IN_HEALTH, "interval", "10ms|1h|60m|3600s", "9ms|2h|61m|0s|1 s|1.5s" },
	{ IN_HEALTH, "timeout", "10ms|2s|2000ms", "9ms|2001ms|1|s|99999999999999999999h|-1s" },
	{ IN_HEALTH, "fall", "1|100", "0|101" },
	{ IN_HEALTH, "rise", "1|100", "0|101" },
	{ IN_HEALTH, "jitter", "0%|50%", "51%|10|'%'|10 %|10%%" },
	{ IN_ADDRESS, "address", "10.0.2.1|192.168.0.1", "'fd00::1'|10.0.2.1:80|0.0.0.0|10.200.1.1|255.255.255.255" },
	{ IN_BACKEND, "port", "1|65535", "0|65536|''" },
	{ IN_BACKEND, "weight", "0|65535", "65536|-1|1.5|10%" },
	{ IN_BACKEND, "priority", "0|65535", "65536|-1" },
	{ IN_BACKEND, "zone", "a|" A21 A21 A21, "A|" A21 A21 A21 "a|''" },
};

/** Does the value pass at its place? The message of a refusal names the key and the value. */
static bool taken(const struct range *r, const char *value)
{
	xm_cleanup_spec struct xm_spec got = { 0 };
	struct xm_err e = { 0 };
	char pair[256], text[512];

	snprintf(pair, sizeof(pair), "%s: %s", r->key, value);
	snprintf(text, sizeof(text), r->place, pair);
	if (!xm_config_parse("t", text, strlen(text), &got, &e)) {
		free(round_trip(&got));
		return true;
	}
	if (strncmp(e.text, "t:1: ", 5) || !e.object[0])
		fail_msg("%s: no line or object\nof: %s", e.text, text);
	return false;
}

/** Tries each value of a list. */
static void try_all(const struct range *r, const char *values, bool want)
{
	char list[512], *save, *value;

	snprintf(list, sizeof(list), "%s", values);
	for (value = strtok_r(list, "|", &save); value; value = strtok_r(NULL, "|", &save))
		if (taken(r, value) != want)
			fail_msg("%s: %s is %s", r->key, value, want ? "refused" : "taken");
}

static void every_key_keeps_its_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		try_all(&ranges[i], ranges[i].taken, true);
		try_all(&ranges[i], ranges[i].refused, false);
	}
}

static void failure_names_its_pieces_and_leaves_the_output_alone(void **state)
{
	static const char text[] = GOOD "limits:\n  flows: 3\n";
	struct xm_spec got, before;
	struct xm_err e;

	(void)state;
	memset(&got, 0x5a, sizeof(got));
	memcpy(&before, &got, sizeof(got));
	assert_int_equal(xm_config_parse("f.yaml", text, strlen(text), &got, &e), -EINVAL);
	assert_string_equal(e.text, "f.yaml:3: limits.flows: \"3\": out of range (8..67108864)");
	assert_string_equal(e.object, "limits.flows");
	assert_string_equal(e.value, "3");
	assert_string_equal(e.limit, "8..67108864");
	assert_int_equal(xm_config_parse("f.yaml", text, strlen(text), &got, NULL), -EINVAL);
	assert_int_equal(xm_config_load("/nonexistent/x.yaml", &got, &e), -ENOENT);
	assert_string_equal(e.text, "/nonexistent/x.yaml: No such file or directory");
	assert_int_equal(xm_config_load("/", &got, NULL), -EISDIR);
	assert_memory_equal(&got, &before, sizeof(got));
}

static void file_of_4_mib_is_the_largest(void **state)
{
	char path[] = "/tmp/xm_config_XXXXXX";
	xm_cleanup_spec struct xm_spec got = { 0 };
	char *text = malloc(XM_CONFIG_SIZE_MAX + 1);
	struct xm_err e = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(text && fd >= 0);
	memset(text, '\n', XM_CONFIG_SIZE_MAX + 1);
	memcpy(text, GOOD, strlen(GOOD));
	assert_int_equal(write(fd, text, XM_CONFIG_SIZE_MAX), XM_CONFIG_SIZE_MAX);
	assert_int_equal(xm_config_load(path, &got, &e), 0);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(xm_config_load(path, &got, &e), -EFBIG);
	assert_non_null(strstr(e.text, ": too large (4 MiB)"));
	close(fd);
	unlink(path);
	free(text);
}

/** Parses whatever it is; what is taken must survive a dump. */
static void parse_any(const char *text, size_t len)
{
	xm_cleanup_spec struct xm_spec got = { 0 };
	struct xm_err e = { 0 };
	/* an allocation of its own, so that a read past the end is seen */
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	if (!xm_config_parse("t", copy, len, &got, &e))
		free(round_trip(&got));
	else
		assert_true(e.text[0] && !strchr(e.text, '\n'));
	free(copy);
}

static void mutations_of_a_good_file_never_crash(void **state)
{
	static const char bytes[] = "{}[]:,-&*!|>'\"%#?\n\t \\0a9~.\x01\xff";
	char path[512], *text, *work;
	const char *rounds = getenv("XM_FUZZ");
	unsigned int seed = 1;
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/config/good-full.yaml", srcdir());
	text = slurp(path, &len);
	work = malloc(2 * len);
	assert_true(text && work);
	for (size_t i = 0; i <= len; i++) {
		parse_any(text, i);
		parse_any(text + i, len - i);
	}
	for (int i = 0, n = rounds ? atoi(rounds) : 5000; i < n; i++) {
		size_t at = rand_r(&seed) % len, span = rand_r(&seed) % (len - at);

		memcpy(work, text, len);
		for (int j = rand_r(&seed) % 4; j > 0; j--)
			work[rand_r(&seed) % len] = bytes[rand_r(&seed) % sizeof(bytes)];
		/* a piece twice */
		memmove(work + at + span, work + at, len - at);
		parse_any(work, len + (i % 2 ? span : 0));
	}
	free(work);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_give_their_golden_answers),
		cmocka_unit_test(manual_is_printed_from_the_tables),
		cmocka_unit_test(empty_file_is_the_default_specification),
		cmocka_unit_test(service_defaults_are_those_of_the_model),
		cmocka_unit_test(every_key_keeps_its_range),
		cmocka_unit_test(failure_names_its_pieces_and_leaves_the_output_alone),
		cmocka_unit_test(file_of_4_mib_is_the_largest),
		cmocka_unit_test(mutations_of_a_good_file_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
