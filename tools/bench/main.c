/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh-bench: what the data path costs a packet, in a namespace of its own. Exit 0 measured, 1 failed, 2 usage. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

#define ROUNDS 7
#define PACKETS 1000000
#define QUICK_ROUNDS 3
#define QUICK_PACKETS 200000

static const char usage[] = "usage: xdpmesh-bench [--json] [--flows N[,N...]] [--rounds N] [--case NAME] [--quick]\n"
			    "  --json         one JSON object instead of the table\n"
			    "  --flows LIST   numbers of flows, 1 to 1000000 each (default 1,10000,1000000)\n"
			    "  --rounds N     rounds a case, 1 to 25 (default 7)\n"
			    "  --case NAME    this case only\n"
			    "  --quick        3 rounds of 200,000 packets at 1 and 10,000 flows\n"
			    "  --help         this text\n"
			    "cases:\n";

static void help(FILE *to)
{
	fputs(usage, to);
	for (int i = 0; i < bench_case_count; i++)
		fprintf(to, "  %-12s %s\n", bench_cases[i].name, bench_cases[i].text);
	fprintf(to, "  %-12s %s\n", BENCH_REFERENCE, "reference: one dependent random read of a 64 MiB array");
}

/** A number in 1..max at the begin of text, which must end there or at a comma; 0 if it is none. */
static __u32 number(const char *text, char **ret_end, __u32 max)
{
	unsigned long n = strtoul(text, ret_end, 10);

	if (*text < '0' || *text > '9' || (**ret_end && **ret_end != ',') || n > max)
		return 0;
	return n;
}

static int parse_flows(struct bench_options *o, const char *text)
{
	char *end = NULL;

	for (o->count_len = 0; o->count_len < BENCH_COUNTS_MAX; text = end + 1) {
		__u32 n = number(text, &end, PACKETS);

		if (!n)
			break;
		o->counts[o->count_len++] = n;
		if (!*end)
			return 0;
	}
	return rig_fail(EINVAL, "--flows: up to %d numbers, 1 to %d, with commas between", BENCH_COUNTS_MAX, PACKETS);
}

static int parse_case(struct bench_options *o, const char *name)
{
	o->only = name;
	for (int i = 0; i < bench_case_count; i++)
		if (!strcmp(bench_cases[i].name, name))
			return 0;
	return strcmp(name, BENCH_REFERENCE) ? rig_fail(EINVAL, "--case: %s: no such case (see --help)", name) : 0;
}

static int parse_rounds(struct bench_options *o, const char *text)
{
	char *end = NULL;

	o->rounds = number(text, &end, BENCH_ROUNDS_MAX);
	return o->rounds && !*end ? 0 : rig_fail(EINVAL, "--rounds: %s: 1 to %d", text, BENCH_ROUNDS_MAX);
}

/** 0, 1 if all has been said, or -EINVAL. */
static int parse(struct bench_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "flows", required_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "case", required_argument, NULL, 'c' },
		{ "quick", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int quick = 0, opt, err = 0;

	while (!err && (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'j')
			o->json = 1;
		else if (opt == 'f')
			err = parse_flows(o, optarg);
		else if (opt == 'r')
			err = parse_rounds(o, optarg);
		else if (opt == 'c')
			err = parse_case(o, optarg);
		else if (opt == 'q')
			quick = 1;
		else if (opt == 'h')
			return help(stdout), 1;
		else
			return -EINVAL;
	}
	if (err || optind < argc)
		return err ? err : rig_fail(EINVAL, "%s: no arguments are taken (see --help)", argv[optind]);
	o->repeat = quick ? QUICK_PACKETS : PACKETS;
	o->rounds = o->rounds ? o->rounds : quick ? QUICK_ROUNDS : ROUNDS;
	return o->count_len ? 0 : parse_flows(o, quick ? "1,10000" : "1,10000,1000000");
}

static int wanted(const struct bench_options *o, const char *name)
{
	return !o->only || !strcmp(o->only, name);
}

static int late(const struct bench_options *o)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec >= o->deadline;
}

/** All rows of a case. Returns how many, or an error. */
static int run_case(struct rig *r, const struct bench_options *o, const struct bench_case *c, int rows)
{
	int n = c->fresh ? 1 : o->count_len, err;
	struct bench_row row;

	for (int i = 0; i < n; i++) {
		if (late(o))
			return rig_fail(ETIME, "time is up after %d s: use fewer --rounds or one --case",
					BENCH_SECONDS);
		err = bench_measure(r, o, c, c->fresh ? o->repeat : o->counts[i], &row);
		if (err)
			return err;
		bench_report_row(o, &row, !rows && !i);
	}
	return n;
}

static int run_all(struct rig *r, const struct bench_options *o)
{
	struct bench_row row;
	int rows = 0, n;

	for (int i = 0; i < bench_case_count; i++) {
		if (!wanted(o, bench_cases[i].name))
			continue;
		n = run_case(r, o, &bench_cases[i], rows);
		if (n < 0)
			return n;
		rows += n;
	}
	if (!wanted(o, BENCH_REFERENCE))
		return 0;
	n = bench_reference(r, o, &row);
	if (!n)
		bench_report_row(o, &row, !rows);
	return n;
}

static int prepare(struct rig *r)
{
	int err = rig_pin();

	if (!err)
		err = rig_host(r);
	if (!err)
		err = rig_privileges();
	if (!err)
		err = rig_load(r);
	return err ? err : rig_fill(r);
}

int main(int argc, char **argv)
{
	struct bench_options o = {};
	static struct rig rig;
	struct timespec t;
	int err = parse(&o, argc, argv);

	if (err)
		return err < 0 ? 2 : 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	o.deadline = t.tv_sec + BENCH_SECONDS;
	err = prepare(&rig);
	if (!err) {
		bench_report_begin(&o);
		err = run_all(&rig, &o);
		bench_report_end(&o, !err);
	}
	rig_free(&rig);
	return err ? 1 : 0;
}
