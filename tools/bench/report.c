/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows as a table for people or as one JSON object. */
#include <sys/utsname.h>

#include "measure.h"

static double ratio(const struct bench_row *row)
{
	return row->floor > 0 ? (row->floor + row->median) / row->floor : 0;
}

static void table_row(const struct bench_row *row)
{
	char flows[16] = "-", target[16] = "-";

	if (row->flows)
		snprintf(flows, sizeof(flows), "%u", row->flows);
	if (row->target)
		snprintf(target, sizeof(target), "%d", row->target);
	printf("%-10s %8s %7.1f %7.1f %7.1f %7.1f %6.2f %7s %-7s %s\n", row->name, flows, row->median, row->min,
	       row->max, row->floor, ratio(row), target,
	       !row->target		  ? "" :
	       row->median <= row->target ? "met" :
					    "missed",
	       row->text);
}

static void json_row(const struct bench_row *row, int first)
{
	printf("%s\n    { \"case\": \"%s\", \"text\": \"%s\", \"flows\": %u, \"verdict\": \"%s\", \"rounds\": %d, "
	       "\"floor_ns\": %.1f, \"ns\": { \"median\": %.1f, \"min\": %.1f, \"max\": %.1f }, \"ratio\": %.2f",
	       first ? "" : ",", row->name, row->text, row->flows, row->verdict, row->rounds, row->floor, row->median,
	       row->min, row->max, ratio(row));
	if (row->target)
		printf(", \"target_ns\": %d, \"met\": %s", row->target, row->median <= row->target ? "true" : "false");
	fputs(" }", stdout);
}

void bench_report_begin(const struct bench_options *o)
{
	struct utsname u = {};

	uname(&u);
	if (!o->json) {
		printf("ns a packet over the driver's floor; %d rounds of %u packets, %d loads, kernel %s\n", o->rounds,
		       o->repeat, RIG_LOADS, u.release);
		printf("%-10s %8s %7s %7s %7s %7s %6s %7s\n", "case", "flows", "median", "min", "max", "floor", "ratio",
		       "target");
		return;
	}
	printf("{\n  \"kernel\": \"%s\", \"machine\": \"%s\", \"rounds\": %d, ", u.release, u.machine, o->rounds);
	printf("\"packets\": %u, \"loads\": %d,\n  \"cases\": [", o->repeat, RIG_LOADS);
}

void bench_report_row(const struct bench_options *o, const struct bench_row *row, int first)
{
	if (o->json)
		json_row(row, first);
	else
		table_row(row);
	fflush(stdout);
}

void bench_report_end(const struct bench_options *o, int complete)
{
	if (o->json)
		printf("\n  ],\n  \"complete\": %s\n}\n", complete ? "true" : "false");
}
