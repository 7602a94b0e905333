/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A round is the floor, then the case, with one of the loads. ns are the kernel's own (opts.duration, whole ns a
 * packet): a clock round the system call would measure its RCU wait.
 */
#include <stdlib.h>
#include <time.h>

#include "measure.h"

#define SEED 0x2545f4914f6cdd1dULL
#define MILLION 1000000

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/** Sorts. */
static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/** The difference of the medians; the extremes are of single rounds. */
static void summarize(double *floor, double *ns, int n, struct bench_row *row)
{
	double lo = ns[0] - floor[0], hi = lo;

	for (int i = 1; i < n; i++) {
		double d = ns[i] - floor[i];

		lo = d < lo ? d : lo;
		hi = d > hi ? d : hi;
	}
	row->rounds = n;
	row->floor = median(floor, n);
	row->median = median(ns, n) - row->floor;
	row->min = lo;
	row->max = hi;
}

static int target(const struct bench_case *c, __u32 flows)
{
	if (flows == 1)
		return c->target_one;
	return flows >= MILLION ? c->target_million : c->target_between;
}

/** The same flows for the floor as for the case. */
static void aim(struct rig *r, const struct bench_case *c, __u32 flows, int round)
{
	r->job->random = !c->fresh;
	r->job->flows = flows;
	r->job->state = c->fresh ? 0 : SEED * (round + 1);
	r->map.meta->endpoints = c->nat ? BENCH_BACKENDS : 0;
	rig_packet(r, &c->packet);
}

int bench_measure(struct rig *r, const struct bench_options *o, const struct bench_case *c, __u32 flows,
		  struct bench_row *ret_row)
{
	double floor[BENCH_ROUNDS_MAX], ns[BENCH_ROUNDS_MAX];
	int err = c->table == BENCH_OPEN ? rig_flows_open(r, flows) : 0, n = 0;
	__u32 low, high;

	for (; n < o->rounds && !err && (!n || now() < o->deadline); n++) {
		if (c->table == BENCH_EMPTY)
			rig_flows_clear(r);
		aim(r, c, flows, n);
		err = rig_drive(r, n % RIG_LOADS, RIG_DROP, o->repeat, &low);
		aim(r, c, flows, n);
		if (!err)
			err = rig_drive_as(r, n % RIG_LOADS, o->repeat, c->verdict, &high);
		if (err)
			return rig_fail(-err, "case %s at %u flows, round %d: not what was to be measured", c->name,
					flows, n + 1);
		floor[n] = low;
		ns[n] = high;
	}
	if (err)
		return rig_fail(-err, "case %s: %u flows could not be established", c->name, flows);
	*ret_row = (struct bench_row){
		.name = c->name,
		.text = c->text,
		.verdict = rig_verdict(c->verdict),
		.flows = flows,
		.target = target(c, flows),
	};
	summarize(floor, ns, n, ret_row);
	return 0;
}

int bench_reference(struct rig *r, const struct bench_options *o, struct bench_row *ret_row)
{
	double floor[BENCH_ROUNDS_MAX], ns[BENCH_ROUNDS_MAX];
	__u32 low, high;
	int err = 0, n = 0;

	for (; n < o->rounds && (!n || now() < o->deadline); n++) {
		aim(r, &bench_cases[0], 1, n);
		err = rig_drive(r, n % RIG_LOADS, RIG_DROP, o->repeat, &low);
		if (!err)
			err = rig_drive(r, n % RIG_LOADS, RIG_CHAIN, o->repeat / BENCH_CHAIN, &high);
		if (err)
			return err;
		floor[n] = low;
		/* a read's share, above the same floor */
		ns[n] = low + ((double)high - low) / BENCH_CHAIN;
	}
	*ret_row = (struct bench_row){
		.name = BENCH_REFERENCE,
		.text = "reference: one dependent random read of a 64 MiB array",
		.verdict = "",
	};
	summarize(floor, ns, n, ret_row);
	return 0;
}
