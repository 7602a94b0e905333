/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases, how they are measured, and what comes of it. */
#pragma once

#include <stdio.h>

#include "rig.h"

#define BENCH_ROUNDS_MAX 25
#define BENCH_COUNTS_MAX 8
#define BENCH_SECONDS 170 /* then no further round is begun */

enum bench_table { BENCH_AS_IT_IS, BENCH_OPEN, BENCH_EMPTY };

struct bench_case {
	const char *name;
	const char *text;
	struct rig_packet packet;
	enum xm_verdict verdict;
	enum bench_table table; /* what the flow table must hold before a round */
	__u8 nat;		/* does the host have nat services? */
	__u8 fresh;		/* every packet another flow */
	int target_one;		/* ns over the floor at one flow, at a million, and between; 0: none */
	int target_million;
	int target_between;
};

extern const struct bench_case bench_cases[];
extern const int bench_case_count;

#define BENCH_REFERENCE "memory" /* the name under which the reference is chosen */

struct bench_options {
	__u32 counts[BENCH_COUNTS_MAX];
	int count_len;
	int rounds;
	__u32 repeat;
	const char *only; /* a case's name, or NULL */
	int json;
	long deadline; /* CLOCK_MONOTONIC, seconds */
};

struct bench_row {
	const char *name;
	const char *text;
	const char *verdict;
	__u32 flows;
	int rounds; /* that were measured */
	int target;
	double floor;
	double median, min, max; /* over the floor */
};

/** One case at one count. */
int bench_measure(struct rig *r, const struct bench_options *o, const struct bench_case *c, __u32 flows,
		  struct bench_row *ret_row);
/** The reference: one dependent random read of a 64 MiB array. */
int bench_reference(struct rig *r, const struct bench_options *o, struct bench_row *ret_row);

/* report.c: begin, rows, end */
void bench_report_begin(const struct bench_options *o);
void bench_report_row(const struct bench_options *o, const struct bench_row *row, int first);
void bench_report_end(const struct bench_options *o, int complete);
