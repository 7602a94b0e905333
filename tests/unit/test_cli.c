/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command: prefixes, arguments, tables, rates; whole command lines over maps in plain memory, against the files of
 * tests/golden/cli/NAME.txt; writing against a socket that answers what it is told to. XM_SRCDIR names the tree; with
 * XM_GOLDEN=write the golden files are written instead of compared. No root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/cli/args.h"
#include "user/cli/out.h"
#include "user/cli/rate.h"
#include "cli_daemon.h"

/* --- command lines */

static const struct {
	const char *name; /* of the golden file */
	const char *line;
} answers[] = {
	{ "help", "help" },
	{ "help-json", "-p help" },
	{ "help-service", "service help" },
	{ "help-verb", "service add web help" },
	{ "net-show", "-p net show" },
	{ "service-show", "service show" },
	{ "service-show-json", "-p service show" },
	{ "service-show-one", "service show web" },
	{ "service-show-unknown", "service show wbe" },
	{ "service-show-unknown-json", "-p service show wbe" },
	{ "backend-show", "backend show" },
	{ "backend-show-json", "-p backend show dns" },
	{ "health-show", "health show" },
	{ "health-show-json", "-p health show web" },
	{ "flow-show", "flow show" },
	{ "flow-show-json", "-p flow show" },
	{ "flow-show-cut", "flow show web limit 1" },
	{ "flow-count", "flow count" },
	{ "flow-count-json", "-p flow count" },
	{ "stats-show", "stats show" },
	{ "stats-show-json", "-p stats show" },
	{ "why-open", "why 192.0.2.1:1001 10.200.1.1:80 tcp" },
	{ "why-died", "why 192.0.2.2:1002 10.200.1.1:80 tcp" },
	{ "why-new", "why 192.0.2.8:1000 10.200.1.1:80 tcp" },
	{ "why-new-json", "-p why 192.0.2.8:1000 10.200.1.1:80 tcp" },
	{ "why-round-robin", "why 192.0.2.8:1000 10.200.1.1:53 udp" },
	{ "why-none", "why 192.0.2.8:1000 10.200.1.2:443 tcp" },
	{ "why-no-hop", "why 192.0.2.9:1000 10.200.1.2:443 tcp" },
	{ "why-no-backend", "why 192.0.2.8:1000 10.200.1.3:80 tcp" },
	{ "why-no-service", "why 192.0.2.8:1000 10.200.1.1:81 tcp" },
	{ "why-not-ours", "why 192.0.2.8:1000 10.9.9.9:81 tcp" },
	{ "why-reply", "why 10.0.2.10:8080 192.0.2.1:1001 tcp" },
	{ "why-direct", "why 192.0.2.5:1005 10.0.2.10:8080 tcp" },
	{ "why-v6", "why [fd02::1]:1000 [fd02::2]:80 tcp" },
	{ "why-backend", "why backend web 10.0.2.9:8080" },
	{ "why-backend-json", "-p why backend web 10.0.2.10:8080" },
	{ "why-backend-unknown", "-p why backend web 10.0.2.11:8080" },
	{ "version", "version" },
	{ "version-json", "-p version" },
	{ "write-without-daemon", "service delete web" },
	{ "write-without-daemon-json", "-p service delete web" },
	{ "config-show-without-daemon", "config show" },
	{ "config-check-missing", "-p config check" },
	{ "bad-address", "-p backend drain web 10.0.2.1:70000" },
};

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 16);

	assert_non_null(text);
	if (f && !fread(text, 1, (1 << 16) - 1, f))
		text[0] = 0;
	if (f)
		fclose(f);
	return text;
}

static void command_lines_give_their_golden_answers(void **state)
{
	const char *dir = getenv("XM_SRCDIR"), *mode = getenv("XM_GOLDEN");
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct answer a = run(answers[i].line);
		char path[512], *want, *got;

		snprintf(path, sizeof(path), "%s/tests/golden/cli/%s.txt", dir ? dir : ".", answers[i].name);
		assert_true(asprintf(&got, "$ xdpmesh %s\n%s%s= %d\n", answers[i].line, a.out, a.err, a.status) > 0);
		if (mode && !strcmp(mode, "write")) {
			FILE *f = fopen(path, "we");

			assert_non_null(f);
			fputs(got, f);
			fclose(f);
		}
		want = slurp(path);
		if (strcmp(want, got)) {
			print_error("%s: want\n%s\ngot\n%s\n", path, want, got);
			bad++;
		}
		free(want);
		free(got);
		answer_free(&a);
	}
	assert_int_equal(bad, 0);
}

static void usage_errors_end_in_2_and_name_their_piece(void **state)
{
	static const struct {
		const char *line, *part;
	} rows[] = {
		{ "", "noun" },
		{ "servise show", "did you mean service?" },
		{ "service shw", "did you mean show?" },
		{ "s", "service or stats or source" },
		{ "service s", "set or show" },
		{ "service add", "service add NAME" },
		{ "service add web vip", "an odd number of words" },
		{ "service add web port 80 port 81", "given twice" },
		{ "service add Web port 80", "a-z, 0-9, dot and minus" },
		{ "service add aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg port 80", "63 bytes" },
		{ "service add web backend 10.0.2.1:0", "port 1..65535" },
		{ "service set web", "service set NAME" },
		{ "service delete web now", "too many words" },
		{ "backend add web", "backend add SERVICE ADDRESS" },
		{ "backend add web fd02::1:80", "[fd02::1]:8080" },
		{ "health set web 10.0.2.1:80 sick", "up | down | drain | auto" },
		{ "flow show limit 0", "1.." },
		{ "flow show web count 3", "limit" },
		{ "flow show web limit", "limit" },
		{ "stats show --rat", "--rate" },
		{ "config rollback x", "generation" },
		{ "why 1.2.3.4:1 10.200.1.1:80 sctp", "tcp | udp" },
		{ "why 1.2.3.4 10.200.1.1:80 tcp", "source" },
		{ "why [fd02::1]:1 10.200.1.1:80 tcp", "family" },
		{ "net attach a-name-of-16-byt", "1..15 bytes" },
		{ "net attach eth0 mode fast", "auto | native | generic" },
		{ "--bpffs", "needs a value" },
		{ "--nosuch service show", "--nosuch" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct answer a = run(rows[i].line);

		if (a.status != XM_EXIT_USAGE || !strstr(a.err, rows[i].part) || strncmp(a.err, "xdpmesh: ", 9) ||
		    *a.out)
			fail_msg("\"%s\": status %d, out \"%s\", err \"%s\"", rows[i].line, a.status, a.out, a.err);
		answer_free(&a);
	}
}

static void what_is_not_built_yet_fails_as_such(void **state)
{
	static const char *const lines[] = { "plan x.yaml",
					     "plan fail 10.0.2.1:80",
					     "event monitor",
					     "batch show",
					     "batch last",
					     "access show",
					     "access set web x y",
					     "source show",
					     "capture",
					     "doctor",
					     "top",
					     "net attach eth0 --shadow",
					     "net detach eth0 --drain",
					     "net attach eth0 mode tc",
					     "why 1.2.3.4:1 10.200.1.1:80 quic" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct answer a = run(lines[i]);

		if (a.status != XM_EXIT_FAILED || !strstr(a.err, "is not built yet"))
			fail_msg("\"%s\": status %d, err \"%s\"", lines[i], a.status, a.err);
		answer_free(&a);
	}
}

/* --- a daemon that knows one answer */

#define ASKED(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}\n"
#define TOLD(result) "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": " result "}\n"

static void writes_ask_the_daemon_and_print_its_result(void **state)
{
	static const struct {
		const char *line, *asked, *told, *out;
	} rows[] = {
		{ "service add web vip 10.200.1.1 port 80 backend 10.0.2.1:80 balance hash backend 10.0.2.2:80",
		  ASKED("service.add", "{\"name\":\"web\",\"set\":{\"vip\":\"10.200.1.1\",\"port\":\"80\",\"backends\":"
				       "[\"10.0.2.1:80\",\"10.0.2.2:80\"],\"balance\":\"hash\"}}"),
		  TOLD("{\"generation\": 8}"), "generation 8\n" },
		{ "-j service delete web", ASKED("service.delete", "{\"name\":\"web\"}"), TOLD("{\"generation\": 8}"),
		  "{\"generation\":8}\n" },
		{ "backend set web [FD02::01]:80 weight 5",
		  ASKED("backend.set", "{\"service\":\"web\",\"backend\":\"[fd02::1]:80\",\"set\":{\"weight\":\"5\"}}"),
		  TOLD("{\"generation\": 9}"), "generation 9\n" },
		{ "backend drain web 10.0.2.1:80",
		  ASKED("backend.drain", "{\"service\":\"web\",\"backend\":\"10.0.2.1:80\"}"),
		  TOLD("{\"generation\": 9}"), "generation 9\n" },
		{ "health set web 10.0.2.1:80 down",
		  ASKED("health.set", "{\"service\":\"web\",\"backend\":\"10.0.2.1:80\",\"state\":\"down\"}"),
		  TOLD("{\"state\": \"down\"}"), "state down\n" },
		{ "net attach eth0 mode generic", ASKED("net.attach", "{\"device\":\"eth0\",\"mode\":\"generic\"}"),
		  TOLD("{\"device\": \"eth0\", \"mode\": \"generic\", \"prog_id\": 5}"),
		  "eth0: attached, generic, program 5\n" },
		{ "net detach eth0", ASKED("net.detach", "{\"device\":\"eth0\"}"), TOLD("{\"device\": \"eth0\"}"),
		  "eth0: detached\n" },
		{ "config apply", ASKED("config.apply", "{}"),
		  TOLD("{\"generation\": 4, \"services\": 1, \"backends\": 2, \"moved\": 512}"),
		  "generation 4: 1 services, 2 backends, 512 slots moved\n" },
		{ "config rollback 3", ASKED("config.rollback", "{\"generation\":3}"),
		  TOLD("{\"generation\": 5, \"services\": 1, \"backends\": 2, \"moved\": 0}"),
		  "generation 5: 1 services, 2 backends, 0 slots moved\n" },
		{ "config show", ASKED("config.show", "{}"), TOLD("{\"yaml\": \"services: []\\n\"}"),
		  "services: []\n" },
		{ "config diff", ASKED("config.diff", "{}"), TOLD("[]"), "no difference\n" },
		{ "config history", ASKED("config.history", "{}"),
		  TOLD("[{\"generation\": 1, \"time\": 1700000000, \"cause\": \"start\"}]"),
		  "GENERATION  TIME                  CAUSE\n         1  2023-11-14T22:13:20Z  start\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct answer a = converse(rows[i].line, rows[i].asked, rows[i].told);

		assert_string_equal(a.out, rows[i].out);
		assert_string_equal(a.err, "");
		assert_int_equal(a.status, XM_EXIT_DONE);
		answer_free(&a);
	}
}

static void what_the_daemon_refuses_is_an_error_with_its_pieces(void **state)
{
	static const char asked[] = ASKED("service.delete", "{\"name\":\"web\"}");
	static const char told[] =
		"{\"jsonrpc\": \"2.0\", \"id\": 1, \"error\": {\"code\": -32000, \"message\": \"no such service\","
		" \"data\": {\"object\": \"service\", \"value\": \"web\"}}}\n";
	struct answer a = converse("service delete web", asked, told);

	(void)state;
	assert_string_equal(a.err, "xdpmesh: no such service\n");
	assert_int_equal(a.status, XM_EXIT_FAILED);
	answer_free(&a);
	a = converse("-j service delete web", asked, told);
	assert_string_equal(a.out,
			    "{\"error\":{\"message\":\"no such service\",\"object\":\"service\",\"value\":\"web\"}}\n");
	assert_int_equal(a.status, XM_EXIT_FAILED);
	answer_free(&a);
	a = converse("service delete web", asked, "nonsense\n");
	assert_non_null(strstr(a.err, "makes no sense"));
	answer_free(&a);
	a = converse("service delete web", asked, "{\"id\"");
	assert_non_null(strstr(a.err, "whether it was done is not known"));
	assert_int_equal(a.status, XM_EXIT_FAILED);
	answer_free(&a);
}

static void health_and_why_show_checks_while_the_daemon_lives(void **state)
{
	static const char asked[] = ASKED("health.show", "{}");
	static const char told[] =
		TOLD("[{\"service\": \"web\", \"backend\": \"10.0.2.9:8080\", \"type\": \"tcp\", \"successes\": 0,"
		     " \"failures\": 4, \"last_error\": \"timeout\", \"next_check_ms\": 900}]");
	struct answer a = converse("health show web", asked, told);

	(void)state;
	assert_non_null(strstr(a.out, "timeout"));
	answer_free(&a);
	a = converse("why backend web 10.0.2.9:8080", asked, told);
	assert_non_null(
		strstr(a.out, "check        tcp: 0 successes, 4 failures, next in 900 ms, last error: timeout\n"));
	answer_free(&a);
	a = converse("why backend web 10.0.2.10:8080", asked, told);
	assert_non_null(strstr(a.out, "check        none\n"));
	answer_free(&a);
}

static void without_a_data_plane_reading_fails_and_version_does_not(void **state)
{
	struct answer a = run_on("/nonexistent/control.sock", NULL, "service show");

	(void)state;
	assert_int_equal(a.status, XM_EXIT_FAILED);
	assert_non_null(strstr(a.err, "/nonexistent/xdpmesh"));
	answer_free(&a);
	a = run_on("/nonexistent/control.sock", NULL, "-j version");
	assert_int_equal(a.status, XM_EXIT_DONE);
	assert_non_null(strstr(a.out, "\"data_plane\":null,\"daemon\":null}"));
	answer_free(&a);
}

/* --- pieces */

static void a_prefix_means_the_only_name_that_begins_with_it(void **state)
{
	static const char *const names[] = { "set", "show", "show-all", "delete", NULL };

	(void)state;
	assert_int_equal(xm_prefix_match("set", names), 0);
	assert_int_equal(xm_prefix_match("d", names), 3);
	assert_int_equal(xm_prefix_match("s", names), XM_MATCH_SEVERAL);
	assert_int_equal(xm_prefix_match("show", names), 1);
	assert_int_equal(xm_prefix_match("show-", names), 2);
	assert_int_equal(xm_prefix_match("deleted", names), XM_MATCH_NONE);
	assert_int_equal(xm_prefix_match("", names), XM_MATCH_NONE);
}

static void options_stand_anywhere_before_two_dashes(void **state)
{
	char *words[] = { "service", "-p", "show", "--socket=/s", "--bpffs", "/b", "--rate", "--", "-j" };
	struct xm_cli c = { 0 };
	int n = sizeof(words) / sizeof(*words);

	(void)state;
	assert_int_equal(xm_args_options(&c, &n, words), 0);
	assert_int_equal(n, 4);
	assert_string_equal(words[0], "service");
	assert_string_equal(words[1], "show");
	assert_string_equal(words[2], "--rate");
	assert_string_equal(words[3], "-j");
	assert_true(c.json && c.pretty);
	assert_string_equal(c.socket, "/s");
	assert_string_equal(c.bpffs, "/b");
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	static const struct xm_column columns[] = {
		{ "A", "a", XM_FORM_TEXT },    { "N", "n", XM_FORM_NUMBER }, { "E", "h", XM_FORM_ENDPOINT },
		{ "P", "p", XM_FORM_PERCENT }, { "L", "l", XM_FORM_TEXT },   { NULL, NULL, 0 },
	};
	json_t *rows = json_pack("[{s:s, s:i, s:s, s:i, s:f, s:[s, s]}, {s:s, s:s, s:i}]", "a", "long", "n", 12345, "h",
				 "fd02::1", "port", 80, "p", 0.25, "l", "x", "y", "a", "b", "h", "10.0.0.1", "port", 1);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	xm_table_write(f, rows, columns);
	fclose(f);
	assert_string_equal(text, "A         N  E                  P  L\n"
				  "long  12345  [fd02::1]:80  25.00%  x,y\n"
				  "b         -  10.0.0.1:1         -  -\n");
	free(text);
	json_decref(rows);
}

static void rates_match_rows_by_name_and_leave_out_what_they_cannot_tell(void **state)
{
	json_t *from = json_pack("[{s:s, s:i, s:i}, {s:s, s:i}]", "name", "a", "packets", 10, "slots", 5, "name", "b",
				 "packets", 9);
	json_t *to = json_pack("[{s:s, s:i}, {s:s, s:i, s:i}, {s:s, s:i}]", "name", "b", "packets", 1, "name", "a",
			       "packets", 30, "slots", 6, "name", "c", "packets", 4);
	json_t *rate = xm_rate(from, to, 2.0);
	char *text = json_dumps(rate, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "[{\"name\":\"b\"},{\"name\":\"a\",\"packets\":10.0,\"slots\":6},{\"name\":\"c\"}]");
	free(text);
	json_decref(from);
	json_decref(to);
	json_decref(rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_give_their_golden_answers),
		cmocka_unit_test(usage_errors_end_in_2_and_name_their_piece),
		cmocka_unit_test(what_is_not_built_yet_fails_as_such),
		cmocka_unit_test(writes_ask_the_daemon_and_print_its_result),
		cmocka_unit_test(what_the_daemon_refuses_is_an_error_with_its_pieces),
		cmocka_unit_test(health_and_why_show_checks_while_the_daemon_lives),
		cmocka_unit_test(without_a_data_plane_reading_fails_and_version_does_not),
		cmocka_unit_test(a_prefix_means_the_only_name_that_begins_with_it),
		cmocka_unit_test(options_stand_anywhere_before_two_dashes),
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(rates_match_rows_by_name_and_leave_out_what_they_cannot_tell),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
