/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration's words: each table goes both ways, holds every value of its enum, and lists only what is built; a
 * misspelt word finds its nearest.
 */
#include <string.h>

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include "prop.h"
#include "user/mesh/spec.h"
#include "user/mesh/words.h"

/** Every table, and how many values its enum has that are built, from 0 on; 0 if they are no such run. */
static const struct table {
	const char *name;
	const struct xm_word *words;
	int values;
} tables[] = {
	{ "forward", xm_forward_words, XM_FORWARD_COUNT },  { "balance", xm_balance_words, XM_BALANCE_COUNT },
	{ "track", xm_track_words, XM_TRACK_EXCEPTIONS },   { "on-down", xm_on_down_words, XM_DOWN_KEEP + 1 },
	{ "on-none", xm_on_none_words, XM_NONE_RESET + 1 }, { "protocol", xm_protocol_words, 0 },
	{ "mode", xm_mode_words, XM_MODE_COUNT },	    { "check", xm_check_words, XM_CHECK_TCP + 1 },
	{ "state", xm_state_words, XM_STATE_COUNT },	    { "verdict", xm_verdict_words, XM_VERDICT_COUNT },
};

#define TABLES (sizeof(tables) / sizeof(*tables))

static void every_word_is_found_and_every_value_gives_its_word_back(void **state)
{
	(void)state;
	for (const struct table *t = tables; t < tables + TABLES; t++)
		for (const struct xm_word *w = t->words; w->word; w++) {
			assert_int_equal(xm_word_value(t->words, w->word), w->value);
			assert_true(w->value >= 0 || w->value == XM_NOT_BUILT);
			if (w->value >= 0)
				assert_string_equal(xm_word_of(t->words, w->value), w->word);
		}
}

static void every_value_of_an_enum_has_a_word(void **state)
{
	(void)state;
	for (const struct table *t = tables; t < tables + TABLES; t++) {
		int built = 0;

		for (int v = 0; v < t->values; v++)
			if (!strcmp(xm_word_of(t->words, v), "?"))
				fail_msg("%s: value %d has no word", t->name, v);
		for (const struct xm_word *w = t->words; w->word; w++)
			built += w->value >= 0;
		if (t->values)
			assert_int_equal(built, t->values);
	}
}

static void protocols_are_their_ip_numbers(void **state)
{
	(void)state;
	assert_int_equal(xm_word_value(xm_protocol_words, "tcp"), 6);
	assert_int_equal(xm_word_value(xm_protocol_words, "udp"), 17);
	assert_string_equal(xm_word_of(xm_protocol_words, 6), "tcp");
}

static void a_default_of_zero_is_the_first_word(void **state)
{
	(void)state;
	assert_string_equal(xm_word_of(xm_forward_words, 0), "nat");
	assert_string_equal(xm_word_of(xm_balance_words, 0), "hash");
	assert_string_equal(xm_word_of(xm_track_words, 0), "all");
	assert_string_equal(xm_word_of(xm_on_down_words, 0), "reset");
	assert_string_equal(xm_word_of(xm_on_none_words, 0), "drop");
	assert_string_equal(xm_word_of(xm_mode_words, 0), "auto");
	assert_string_equal(xm_word_of(xm_check_words, 0), "none");
	assert_string_equal(xm_word_of(xm_state_words, 0), "unknown");
}

static void a_word_of_no_table_is_refused_and_one_not_built_says_so(void **state)
{
	static const char *const bad[] = { "", " ", "NAT", "nat ", "na", "natt", "0", "?" };

	(void)state;
	for (const struct table *t = tables; t < tables + TABLES; t++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			assert_int_equal(xm_word_value(t->words, bad[i]), -1);
	assert_int_equal(xm_word_value(xm_forward_words, "gue"), XM_NOT_BUILT);
	assert_int_equal(xm_word_value(xm_balance_words, "maglev"), XM_NOT_BUILT);
	assert_string_equal(xm_word_of(xm_forward_words, 99), "?");
	assert_string_equal(xm_word_of(xm_forward_words, -1), "?");
}

/* ---- lists ---- */

static void a_list_has_the_words_that_are_built(void **state)
{
	char buf[256];

	(void)state;
	assert_string_equal(xm_words_list(xm_forward_words, buf, sizeof(buf)), "nat | dsr");
	assert_string_equal(xm_words_list(xm_balance_words, buf, sizeof(buf)), "hash | round-robin");
	assert_string_equal(xm_words_list(xm_track_words, buf, sizeof(buf)), "all | none");
	assert_string_equal(xm_words_list(xm_on_down_words, buf, sizeof(buf)), "reset | keep");
	assert_string_equal(xm_words_list(xm_on_none_words, buf, sizeof(buf)), "drop | pass | reset");
	assert_string_equal(xm_words_list(xm_protocol_words, buf, sizeof(buf)), "tcp | udp");
	assert_string_equal(xm_words_list(xm_mode_words, buf, sizeof(buf)), "auto | native | generic");
	assert_string_equal(xm_words_list(xm_check_words, buf, sizeof(buf)), "none | tcp");
	assert_string_equal(xm_words_list(xm_state_words, buf, sizeof(buf)), "unknown | up | drain | down | ejected");
}

static void a_list_is_cut_off_at_the_end_of_any_buffer(void **state)
{
	char whole[2048], buf[2048];

	(void)state;
	for (const struct table *t = tables; t < tables + TABLES; t++) {
		xm_words_list(t->words, whole, sizeof(whole));
		for (size_t size = 1; size <= strlen(whole) + 1; size++) {
			memset(buf, '!', sizeof(buf));
			assert_ptr_equal(xm_words_list(t->words, buf, size), buf);
			assert_int_equal(strlen(buf), size - 1);
			assert_memory_equal(buf, whole, size - 1);
			assert_int_equal(buf[size], '!');
		}
	}
}

/* ---- nearest ---- */

static void check_nearest(const char *misspelt, const char *want)
{
	static const char *const names[] = { "nat",	"dsr",	   "round-robin", "least-connections",
					     "on-down", "on-none", NULL };
	const char *got = xm_words_nearest(misspelt, names);

	if ((!got != !want) || (got && strcmp(got, want)))
		fail_msg("\"%s\": \"%s\", wanted \"%s\"", misspelt, got ? got : "none", want ? want : "none");
}

static void a_misspelt_word_finds_the_nearest(void **state)
{
	(void)state;
	check_nearest("nat", "nat");
	check_nearest("nta", "nat");
	check_nearest("dst", "dsr");
	check_nearest("roundrobin", "round-robin");
	check_nearest("rund-robbin", "round-robin");
	check_nearest("on-dwon", "on-down");
	check_nearest("onnone", "on-none");
}

static void a_word_that_is_near_to_none_finds_none(void **state)
{
	char longest[300];

	(void)state;
	check_nearest("", NULL);
	check_nearest("xyz", NULL);
	check_nearest("completely different", NULL);
	check_nearest("round", NULL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	check_nearest(longest, NULL);
	assert_null(xm_words_nearest("nat", (const char *const[]){ NULL }));
}

/** One edit of a word: a letter more, less or other. */
static void edit(struct prop *p, char *word)
{
	size_t n = strlen(word), at = prop_below(p, n);
	char letter = 'a' + prop_below(p, 26);

	switch (prop_below(p, 3)) {
	case 0:
		memmove(word + at + 1, word + at, n - at + 1);
		word[at] = letter;
		return;
	case 1:
		memmove(word + at, word + at + 1, n - at);
		return;
	}
	word[at] = letter;
}

static void up_to_three_edits_of_a_long_word_are_found(void **state)
{
	static const char *const names[] = { "backends", "least-connections", "0123456789", NULL };

	(void)state;
	for (struct prop p = prop_begin(5000); prop_more(&p);) {
		char word[32];
		int edits = prop_below(&p, 4), which = prop_below(&p, 3);
		const char *got;

		snprintf(word, sizeof(word), "%s", names[which]);
		for (int i = 0; i < edits; i++)
			edit(&p, word);
		got = xm_words_nearest(word, names);
		prop_ok(&p, got && !strcmp(got, names[which]), "%s: %s, wanted %s", word, got ? got : "none",
			names[which]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_is_found_and_every_value_gives_its_word_back),
		cmocka_unit_test(every_value_of_an_enum_has_a_word),
		cmocka_unit_test(protocols_are_their_ip_numbers),
		cmocka_unit_test(a_default_of_zero_is_the_first_word),
		cmocka_unit_test(a_word_of_no_table_is_refused_and_one_not_built_says_so),
		cmocka_unit_test(a_list_has_the_words_that_are_built),
		cmocka_unit_test(a_list_is_cut_off_at_the_end_of_any_buffer),
		cmocka_unit_test(a_misspelt_word_finds_the_nearest),
		cmocka_unit_test(a_word_that_is_near_to_none_finds_none),
		cmocka_unit_test(up_to_three_edits_of_a_long_word_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
