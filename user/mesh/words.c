/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <stdio.h>
#include <string.h>
#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include "spec.h"

#define XM_EDITS_MAX 3
#define XM_WORD_MAX 64

const struct xm_word xm_forward_words[] = {
	{ "nat", XM_FORWARD_NAT }, { "dsr", XM_FORWARD_DSR }, { "snat", XM_NOT_BUILT },
	{ "ipip", XM_NOT_BUILT },  { "gue", XM_NOT_BUILT },   { NULL, 0 },
};

const struct xm_word xm_balance_words[] = {
	{ "hash", XM_BALANCE_HASH },
	{ "round-robin", XM_BALANCE_ROUND_ROBIN },
	{ "source-hash", XM_NOT_BUILT },
	{ "random", XM_NOT_BUILT },
	{ "least-connections", XM_NOT_BUILT },
	{ "latency", XM_NOT_BUILT },
	{ "maglev", XM_NOT_BUILT },
	{ NULL, 0 },
};

const struct xm_word xm_track_words[] = {
	{ "all", XM_TRACK_ALL },
	{ "none", XM_TRACK_NONE },
	{ "exceptions", XM_NOT_BUILT },
	{ NULL, 0 },
};

const struct xm_word xm_on_down_words[] = {
	{ "reset", XM_DOWN_RESET },
	{ "keep", XM_DOWN_KEEP },
	{ NULL, 0 },
};

const struct xm_word xm_on_none_words[] = {
	{ "drop", XM_NONE_DROP },
	{ "pass", XM_NONE_PASS },
	{ "reset", XM_NONE_RESET },
	{ NULL, 0 },
};

const struct xm_word xm_protocol_words[] = {
	{ "tcp", 6 },
	{ "udp", 17 },
	{ "quic", XM_NOT_BUILT },
	{ NULL, 0 },
};

const struct xm_word xm_mode_words[] = {
	{ "auto", XM_MODE_AUTO },
	{ "native", XM_MODE_NATIVE },
	{ "generic", XM_MODE_GENERIC },
	{ "tc", XM_NOT_BUILT },
	{ NULL, 0 },
};

const struct xm_word xm_check_words[] = {
	{ "none", XM_CHECK_NONE }, { "tcp", XM_CHECK_TCP },  { "http", XM_NOT_BUILT },
	{ "https", XM_NOT_BUILT }, { "grpc", XM_NOT_BUILT }, { "udp", XM_NOT_BUILT },
	{ "exec", XM_NOT_BUILT },  { "ttl", XM_NOT_BUILT },  { NULL, 0 },
};

const struct xm_word xm_state_words[] = {
	{ "unknown", XM_STATE_UNKNOWN }, { "up", XM_STATE_UP },		  { "drain", XM_STATE_DRAIN },
	{ "down", XM_STATE_DOWN },	 { "ejected", XM_STATE_EJECTED }, { NULL, 0 },
};

const struct xm_word xm_verdict_words[] = {
#define X(word, action, text) { #word, XM_V_##word },
	XM_VERDICTS(X)
#undef X
		{ NULL, 0 },
};

int xm_word_value(const struct xm_word *table, const char *word)
{
	for (; table->word; table++)
		if (!strcmp(table->word, word))
			return table->value;
	return -1;
}

const char *xm_word_of(const struct xm_word *table, int value)
{
	for (; table->word; table++)
		if (table->value == value)
			return table->word;
	return "?";
}

const char *xm_words_list(const struct xm_word *table, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = 0;
	for (; table->word && n < size; table++)
		if (table->value != XM_NOT_BUILT)
			n += snprintf(buf + n, size - n, "%s%s", n ? " | " : "", table->word);
	return buf;
}

/** Edits between two words (Wagner and Fischer, 1974), capped lengths. */
static int distance(const char *a, const char *b)
{
	int row[XM_WORD_MAX + 1];
	int la = strlen(a), lb = strlen(b);

	if (la > XM_WORD_MAX || lb > XM_WORD_MAX)
		return XM_WORD_MAX;
	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *xm_words_nearest(const char *misspelt, const char *const *names)
{
	const char *best = NULL;
	int least = XM_EDITS_MAX + 1;

	for (; *names; names++) {
		int d = distance(misspelt, *names);

		if (d < least && d < (int)strlen(*names)) {
			least = d;
			best = *names;
		}
	}
	return best;
}
