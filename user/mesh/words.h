/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration's words and their values, one table for the file, the command, the JSON and the help. A word of a feature
 * that is not built yet stands here too, so that it is refused as such and not as a misspelling.
 */
#pragma once

#include <stddef.h>

#define XM_NOT_BUILT (-2)

struct xm_word {
	const char *word;
	int value; /* or XM_NOT_BUILT */
};

extern const struct xm_word xm_forward_words[];
extern const struct xm_word xm_balance_words[];
extern const struct xm_word xm_track_words[];
extern const struct xm_word xm_on_down_words[];
extern const struct xm_word xm_on_none_words[];
extern const struct xm_word xm_protocol_words[];
extern const struct xm_word xm_mode_words[];
extern const struct xm_word xm_check_words[];
extern const struct xm_word xm_state_words[];
extern const struct xm_word xm_verdict_words[];

/** The value of a word: >= 0, XM_NOT_BUILT, or -1 if it is none. */
int xm_word_value(const struct xm_word *table, const char *word);

/** The word of a value, "?" if there is none. */
const char *xm_word_of(const struct xm_word *table, int value);

/** "a | b | c": the words that are built. Returns buf. */
const char *xm_words_list(const struct xm_word *table, char *buf, size_t size);

/** The known word nearest to a misspelt one (at most 3 edits), NULL if none is near. names: ends in NULL. */
const char *xm_words_nearest(const char *misspelt, const char *const *names);
