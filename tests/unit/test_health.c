/* SPDX-License-Identifier: BSD-2-Clause */
/* Rise and fall of a check, by sequences of results; what operator and check give together, every one. */
#include <string.h>

#include "prop.h"
#include "user/mesh/health.h"

/** Results as letters, s and f, and the verdict after each: ? + - */
struct sequence {
	__u32 rise, fall;
	const char *results, *verdicts;
};

static char letter(enum xm_check_verdict v)
{
	return v == XM_CHECK_PASSES ? '+' : v == XM_CHECK_FAILS ? '-' : '?';
}

static void run(const struct sequence *q, struct xm_rise_fall rf)
{
	const struct xm_check_spec c = { .type = XM_CHECK_TCP, .rise = q->rise, .fall = q->fall };
	char got[64] = "";

	assert_int_equal(strlen(q->results), strlen(q->verdicts));
	for (size_t i = 0; q->results[i]; i++) {
		xm_rise_fall(&rf, &c, q->results[i] == 's');
		got[i] = letter(rf.verdict);
	}
	assert_string_equal(got, q->verdicts);
}

static void the_first_result_decides_at_once(void **state)
{
	static const struct sequence all[] = {
		{ 1, 1, "s", "+" }, { 100, 100, "s", "+" }, { 1, 1, "f", "-" }, { 100, 100, "f", "-" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		run(&all[i], (struct xm_rise_fall){});
}

static void later_results_decide_after_rise_or_fall_in_a_row(void **state)
{
	static const struct sequence all[] = {
		{ 1, 1, "sfsf", "+-+-" },
		{ 2, 3, "sffff", "+++--" },
		{ 3, 2, "fssss", "---++" },
		{ 2, 2, "sffss", "++--+" },
		{ 5, 1, "sfsssss", "+-----+" },
		{ 1, 5, "fsfffff", "-+++++-" },
		{ 4, 4, "ssssffffssss", "+++++++----+" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		run(&all[i], (struct xm_rise_fall){});
}

static void a_success_resets_failures_and_a_failure_successes(void **state)
{
	static const struct sequence all[] = {
		{ 2, 3, "sffsffsff", "+++++++++" },
		{ 3, 2, "fssfssfss", "---------" },
		{ 2, 2, "sfsfsff", "++++++-" },
		{ 2, 2, "fsfsfss", "------+" },
	};
	const struct xm_check_spec c = { .rise = 3, .fall = 3 };
	struct xm_rise_fall rf = {};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		run(&all[i], (struct xm_rise_fall){});
	xm_rise_fall(&rf, &c, false);
	xm_rise_fall(&rf, &c, false);
	assert_true(rf.failures == 2 && rf.successes == 0);
	xm_rise_fall(&rf, &c, true);
	assert_true(rf.failures == 0 && rf.successes == 1);
	xm_rise_fall(&rf, &c, false);
	assert_true(rf.failures == 1 && rf.successes == 0);
}

/** After a restart the verdict is known and the counts are not: then no first result decides. */
static void a_verdict_that_is_remembered_is_not_overturned_by_one_result(void **state)
{
	static const struct sequence up = { 2, 2, "ff", "+-" }, down = { 2, 2, "ss", "-+" };

	(void)state;
	run(&up, (struct xm_rise_fall){ .verdict = XM_CHECK_PASSES });
	run(&down, (struct xm_rise_fall){ .verdict = XM_CHECK_FAILS });
}

static void counts_do_not_wrap(void **state)
{
	const struct xm_check_spec c = { .rise = 2, .fall = 2 };
	struct xm_rise_fall rf = { .successes = ~0U, .verdict = XM_CHECK_PASSES };

	(void)state;
	xm_rise_fall(&rf, &c, true);
	assert_true(rf.successes == ~0U && rf.verdict == XM_CHECK_PASSES);
	rf = (struct xm_rise_fall){ .failures = ~0U, .verdict = XM_CHECK_FAILS };
	xm_rise_fall(&rf, &c, false);
	assert_true(rf.failures == ~0U && rf.verdict == XM_CHECK_FAILS);
}

/** By another way: the last run of equal results that is as long as rise or fall is the verdict. */
static void any_sequence_gives_the_verdict_of_its_last_long_enough_run(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(2000); prop_more(&p);) {
		const struct xm_check_spec c = { .rise = 1 + prop_below(&p, 6), .fall = 1 + prop_below(&p, 6) };
		struct xm_rise_fall rf = {};
		bool results[60], want = false;

		for (int i = 0; i < 60; i++) {
			__u32 run = 1;

			results[i] = prop_below(&p, 4) ? i && results[i - 1] : prop_below(&p, 2);
			while ((int)run <= i && results[i - run] == results[i])
				run++;
			if (!i || run >= (results[i] ? c.rise : c.fall))
				want = results[i];
			xm_rise_fall(&rf, &c, results[i]);
			prop_ok(&p, rf.verdict == (want ? XM_CHECK_PASSES : XM_CHECK_FAILS),
				"result %d, run of %u, rise %u, fall %u: verdict %d", i, run, c.rise, c.fall,
				rf.verdict);
			prop_ok(&p, rf.successes == (results[i] ? run : 0) && rf.failures == (results[i] ? 0 : run),
				"a run of %u: %u successes, %u failures", run, rf.successes, rf.failures);
		}
	}
}

enum { A = XM_R_admin, C = XM_R_check, S = XM_R_starting, D = XM_R_draining };

/** [admin][type][verdict]: verdicts in the order unknown, passes, fails. Without a check its verdict is nothing. */
static const struct merged {
	enum xm_state state;
	__u32 reasons;
} merges[4][2][3] = {
	[XM_ADMIN_AUTO] = {
		[XM_CHECK_NONE] = { { XM_STATE_UP, 0 }, { XM_STATE_UP, 0 }, { XM_STATE_UP, 0 } },
		[XM_CHECK_TCP] = { { XM_STATE_UNKNOWN, S }, { XM_STATE_UP, 0 }, { XM_STATE_DOWN, C } },
	},
	[XM_ADMIN_UP] = {
		[XM_CHECK_NONE] = { { XM_STATE_UP, A }, { XM_STATE_UP, A }, { XM_STATE_UP, A } },
		[XM_CHECK_TCP] = { { XM_STATE_UP, A | S }, { XM_STATE_UP, A }, { XM_STATE_UP, A | C } },
	},
	[XM_ADMIN_DOWN] = {
		[XM_CHECK_NONE] = { { XM_STATE_DOWN, A }, { XM_STATE_DOWN, A }, { XM_STATE_DOWN, A } },
		[XM_CHECK_TCP] = { { XM_STATE_DOWN, A | S }, { XM_STATE_DOWN, A }, { XM_STATE_DOWN, A | C } },
	},
	[XM_ADMIN_DRAIN] = {
		[XM_CHECK_NONE] = { { XM_STATE_DRAIN, D }, { XM_STATE_DRAIN, D }, { XM_STATE_DRAIN, D } },
		[XM_CHECK_TCP] = { { XM_STATE_DRAIN, D | S }, { XM_STATE_DRAIN, D }, { XM_STATE_DOWN, D | C } },
	},
};

static void operator_and_check_give_the_state_and_every_reason(void **state)
{
	(void)state;
	for (int admin = XM_ADMIN_AUTO; admin <= XM_ADMIN_DRAIN; admin++)
		for (int type = XM_CHECK_NONE; type <= XM_CHECK_TCP; type++)
			for (int verdict = XM_CHECK_UNKNOWN; verdict <= XM_CHECK_FAILS; verdict++) {
				const struct merged *want = &merges[admin][type][verdict];
				__u32 reasons = ~0U;
				enum xm_state got = xm_health_merge(admin, type, verdict, &reasons);

				if (got != want->state || reasons != want->reasons)
					fail_msg(
						"admin %d, type %d, verdict %d: state %d, want %d; reasons %#x, want %#x",
						admin, type, verdict, got, want->state, reasons, want->reasons);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_result_decides_at_once),
		cmocka_unit_test(later_results_decide_after_rise_or_fall_in_a_row),
		cmocka_unit_test(a_success_resets_failures_and_a_failure_successes),
		cmocka_unit_test(a_verdict_that_is_remembered_is_not_overturned_by_one_result),
		cmocka_unit_test(counts_do_not_wrap),
		cmocka_unit_test(any_sequence_gives_the_verdict_of_its_last_long_enough_run),
		cmocka_unit_test(operator_and_check_give_the_state_and_every_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
