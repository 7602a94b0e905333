/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's tables, from the parser's. */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "config_int.h"

/** Text in a table's cell: a bar would end it. */
static void cell(FILE *f, const char *text)
{
	for (; *text; text++)
		fprintf(f, *text == '|' ? "\\|" : "%c", *text);
}

static void values(FILE *f, const struct xm_cfg_key *key)
{
	char limit[96];

	xm_cfg_limit_text(key, limit, sizeof(limit));
	if (key->fallback && !strcmp(key->fallback, "auto") && key->words && xm_word_value(key->words, "auto") < 0)
		cell(f, "auto | "); /* a word that stands for one of the others */
	if (key->form)
		fprintf(f, "%s%s", key->form, limit[0] ? ", " : "");
	cell(f, limit);
}

static void built(FILE *f, const struct xm_cfg_map *map)
{
	fputs("| key | value | default | meaning |\n|---|---|---|---|\n", f);
	for (const struct xm_cfg_key *key = map->keys; key->word; key++) {
		if (!key->take)
			continue;
		fprintf(f, "| `%s` | ", key->word);
		values(f, key);
		if (key->fallback)
			fprintf(f, " | `%s` | ", key->fallback);
		else
			fprintf(f, " | %s | ", key->required ? "required" : "");
		cell(f, key->help);
		fputs(" |\n", f);
	}
}

static void not_built(FILE *f, const struct xm_cfg_map *map)
{
	const char *lead = "\nNot built yet, and refused as such: ";

	for (const struct xm_cfg_key *key = map->keys; key->word; key++) {
		if (key->take)
			continue;
		fprintf(f, "%s`%s` (%s)", lead, key->word, key->help);
		lead = ", ";
	}
	if (!strcmp(lead, ", "))
		fputs(".\n", f);
}

/** Words that are known but have no code behind them. */
static void words_not_built(FILE *f, const struct xm_cfg_map *map)
{
	for (const struct xm_cfg_key *key = map->keys; key->word; key++) {
		const char *lead = ": ";
		bool any = false;

		for (const struct xm_word *w = key->words; w && w->word; w++) {
			if (w->value != XM_NOT_BUILT)
				continue;
			if (!any)
				fprintf(f, "\nWords of `%s` that are not built yet", key->word);
			fprintf(f, "%s%s", lead, w->word);
			lead = ", ";
			any = true;
		}
		if (any)
			fputs(".\n", f);
	}
}

void xm_config_keys_markdown(FILE *f)
{
	for (const struct xm_cfg_map *const *map = xm_cfg_maps; *map; map++) {
		if ((*map)->path[0])
			fprintf(f, "\n## `%s`: %s\n\n", (*map)->path, (*map)->title);
		else
			fprintf(f, "\n## %s\n\n", (*map)->title);
		built(f, *map);
		not_built(f, *map);
		words_not_built(f, *map);
	}
}
