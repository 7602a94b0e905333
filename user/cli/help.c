/* SPDX-License-Identifier: BSD-2-Clause */
/* Help, from the tables that are run: whatever is known is listed, and what is not built yet says so. */
#include "out.h"

#include <string.h>

static json_t *verb_json(const struct xm_noun *noun, const struct xm_verb *verb)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "noun", noun->name, "verb", verb->name, "arguments", verb->args,
			 "help", verb->help, "built", verb->run != NULL);
}

static void verbs_json(json_t *list, const struct xm_noun *noun, const struct xm_verb *only)
{
	for (const struct xm_verb *v = noun->verbs; v->name; v++)
		if (!only || v == only)
			json_array_append_new(list, verb_json(noun, v));
}

static const char *word(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static int syntax(const json_t *row, char *buf, size_t size)
{
	const char *verb = word(row, "verb"), *args = word(row, "arguments");

	return snprintf(buf, size, "xdpmesh %s%s%s%s%s", word(row, "noun"), *verb ? " " : "", verb, *args ? " " : "",
			args);
}

static void write_help(FILE *f, const json_t *list)
{
	char buf[256];
	const json_t *row;
	int width = 0;
	size_t i;

	json_array_foreach(list, i, row) {
		int len = syntax(row, buf, sizeof(buf));

		if (len > width)
			width = len;
	}
	json_array_foreach(list, i, row) {
		syntax(row, buf, sizeof(buf));
		fprintf(f, "  %-*s  %s%s\n", width, buf, word(row, "help"),
			json_is_true(json_object_get(row, "built")) ? "" : " (not built yet)");
	}
}

static void write_options(FILE *f)
{
	fputs("\nOptions: -j JSON, -p JSON indented, --bpffs DIR, --socket PATH\n"
	      "Nouns and verbs may be shortened while they stay unique. Exit status: 0 done, 1 failed, 2 usage.\n"
	      "Addresses: 10.0.2.1:8080, [fd02::1]:8080. Keys and their values: the configuration's words.\n",
	      f);
}

static void text_help(FILE *f, const json_t *list)
{
	fputs("Usage: xdpmesh [-j|-p] [--bpffs DIR] [--socket PATH] NOUN VERB ...\n\n", f);
	write_help(f, list);
	write_options(f);
}

static void text_part(FILE *f, const json_t *list)
{
	fputs("Usage:\n", f);
	write_help(f, list);
}

int xm_help(struct xm_cli *c, const struct xm_noun *noun, const struct xm_verb *verb)
{
	json_t *list = json_array();

	for (const struct xm_noun *n = xm_nouns; n->name; n++)
		if (!noun || n == noun)
			verbs_json(list, n, verb);
	return xm_print(c, list, noun ? text_part : text_help);
}
