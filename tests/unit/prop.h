/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Property tests: many small random cases, each from a seed of its own, so that one line of environment repeats the one
 * that failed. XM_SEED: the first case's seed, else a fixed one. XM_CASES: how many, else the test's own number, cut
 * off after PROP_MS so that a slow machine or a sanitizer costs cases and not time. Brings what a cmocka test includes.
 *
 *	for (struct prop p = prop_begin(200); prop_more(&p);)
 *		prop_ok(&p, f(prop_below(&p, 10)) < 10, "f of less than ten");
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define PROP_SEED 20240229
#define PROP_MS 250

struct prop {
	uint64_t seed;	/* of the first case; case i has seed + i */
	uint64_t state; /* of the generator */
	unsigned long at, cases;
	uint64_t until; /* ms; 0 if XM_CASES was given */
};

static inline uint64_t prop_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static inline struct prop prop_begin(unsigned long cases)
{
	const char *seed = getenv("XM_SEED"), *many = getenv("XM_CASES");
	struct prop p = { .seed = PROP_SEED, .cases = cases };

	if (seed)
		p.seed = strtoull(seed, NULL, 0);
	if (many)
		p.cases = strtoul(many, NULL, 0);
	else
		p.until = prop_ms() + PROP_MS;
	return p;
}

/** Begins the next case; false after the last. The first always runs. */
static inline bool prop_more(struct prop *p)
{
	if (p->at >= p->cases || (p->at && p->until && prop_ms() > p->until))
		return false;
	p->state = p->seed + p->at++;
	return true;
}

/** 64 random bits (SplitMix64). The step is odd, so neighbouring seeds make unrelated cases. */
static inline uint64_t prop_next(struct prop *p)
{
	uint64_t x = p->state * 0xd1342543de82ef95ULL + 0x632be59bd9b4e019ULL;

	p->state = x;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/** 0..n - 1. */
static inline uint32_t prop_below(struct prop *p, uint32_t n)
{
	return (prop_next(p) >> 32) * n >> 32;
}

/** 1..max, each number of digits about as likely as the next. */
static inline uint32_t prop_log(struct prop *p, uint32_t max)
{
	uint32_t cap = 1U << prop_below(p, 33 - __builtin_clz(max));

	return 1 + prop_below(p, cap < max ? cap : max);
}

/** A weight as in a mesh: all equal, small, any, or few heavy ones among light ones; style 4..7 with zeros. */
static inline uint32_t prop_weight(struct prop *p, int style)
{
	if (style >= 4 && !prop_below(p, 5))
		return 0;
	switch (style & 3) {
	case 0:
		return 100;
	case 1:
		return 1 + prop_below(p, 10);
	case 2:
		return prop_log(p, 65535);
	}
	return prop_below(p, 10) ? 1 : 65535;
}

/** Names a case that failed, how to run it alone, and ends the test. */
static inline void __attribute__((format(printf, 5, 6)))
prop_check(const struct prop *p, bool ok, const char *file, int line, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (ok)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	print_error("case %lu: %s\nalone: XM_SEED=%llu XM_CASES=1\n", p->at - 1, text,
		    (unsigned long long)(p->seed + p->at - 1));
	_fail(file, line);
}

#define prop_ok(p, ok, ...) prop_check(p, ok, __FILE__, __LINE__, __VA_ARGS__)
