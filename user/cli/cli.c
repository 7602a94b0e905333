/* SPDX-License-Identifier: BSD-2-Clause */
/* From words to a command: options out, the noun, the verb, help on the way; the one place that prints an error. */
#include "cli.h"

#include <string.h>

#include "args.h"
#include "out.h"
#include "user/mesh/words.h"

#define XM_NAMES_MAX 32 /* nouns, or verbs of a noun, "help" and the end included */

int xm_usage(struct xm_cli *c, const char *object, const char *value, const char *limit, const char *message)
{
	xm_fail_value(&c->e, 0, object, value, limit, message);
	return XM_EXIT_USAGE;
}

int xm_not_built(struct xm_cli *c, const char *what, const char *word)
{
	xm_fail_value(&c->e, 0, what, word, NULL, "is not built yet");
	return XM_EXIT_FAILED;
}

const struct xm_plane *xm_cli_plane(struct xm_cli *c)
{
	if (!c->plane && !xm_plane_view(c->bpffs, &c->view, &c->e))
		c->plane = &c->view;
	return c->plane;
}

/** A word that is none of the names: the ones that it may stand for. */
static int unknown(struct xm_cli *c, const char *what, const char *word, const char *const *names, int match)
{
	char list[256] = "";
	size_t n = 0, len = strlen(word);
	const char *near = xm_words_nearest(word, names);

	if (match == XM_MATCH_SEVERAL) {
		for (; *names && n < sizeof(list); names++)
			if (!strncmp(*names, word, len))
				n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? " or " : "", *names);
		return xm_usage(c, what, word, list, "is ambiguous");
	}
	if (near) {
		snprintf(list, sizeof(list), "is not known: did you mean %s?", near);
		return xm_usage(c, what, word, NULL, list);
	}
	for (; *names && n < sizeof(list); names++)
		n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? " | " : "", *names);
	return xm_usage(c, what, word, list, "is not known");
}

static bool is_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "help"))
			return true;
	return false;
}

static int run_verb(struct xm_cli *c, const struct xm_noun *noun, const struct xm_verb *verb, int argc, char **argv)
{
	if (c->help || is_help(argc, argv))
		return xm_help(c, noun, verb);
	if (!verb->run) {
		char words[64];

		snprintf(words, sizeof(words), "%s%s%s", noun->name, *verb->name ? " " : "", verb->name);
		return xm_not_built(c, "command", words);
	}
	return verb->run(c, argc, argv);
}

/** The verb that a noun alone means: its nameless one, else show. */
static const struct xm_verb *default_verb(const struct xm_noun *noun)
{
	const struct xm_verb *show = NULL;

	for (const struct xm_verb *v = noun->verbs; v->name; v++) {
		if (!*v->name)
			return v;
		if (!strcmp(v->name, "show"))
			show = v;
	}
	return show;
}

static int run_noun(struct xm_cli *c, const struct xm_noun *noun, int argc, char **argv)
{
	const struct xm_verb *otherwise = default_verb(noun);
	const char *names[XM_NAMES_MAX] = { NULL };
	const struct xm_verb *verbs[XM_NAMES_MAX];
	int n = 0, match;

	if (argc == 0 && c->help)
		return xm_help(c, noun, NULL);
	if (argc == 0)
		return otherwise ? run_verb(c, noun, otherwise, 0, argv) :
				   xm_usage(c, "verb", NULL, noun->name, "is missing");
	for (const struct xm_verb *v = noun->verbs; n < XM_NAMES_MAX - 2 && v->name; v++) {
		if (!*v->name)
			continue;
		names[n] = v->name;
		verbs[n++] = v;
	}
	names[n] = "help";
	match = xm_prefix_match(argv[0], names);
	if (match == n)
		return xm_help(c, noun, NULL);
	if (match >= 0)
		return run_verb(c, noun, verbs[match], argc - 1, argv + 1);
	if (otherwise && !*otherwise->name && match == XM_MATCH_NONE)
		return run_verb(c, noun, otherwise, argc, argv);
	return unknown(c, "verb", argv[0], names, match);
}

/** help [NOUN [VERB]]: the same as NOUN [VERB] help. */
static int run_help(struct xm_cli *c, int argc, char **argv);

static int run_words(struct xm_cli *c, int argc, char **argv)
{
	const char *names[XM_NAMES_MAX] = { NULL };
	int n = 0, match;

	if (c->version && !argc)
		return xm_version_verbs[0].run(c, 0, argv);
	if (!argc)
		return c->help ? xm_help(c, NULL, NULL) :
				 xm_usage(c, "noun", NULL, "xdpmesh help lists them", "is missing");
	for (; n < XM_NAMES_MAX - 2 && xm_nouns[n].name; n++)
		names[n] = xm_nouns[n].name;
	names[n] = "help";
	match = xm_prefix_match(argv[0], names);
	if (match == n)
		return run_help(c, argc - 1, argv + 1);
	if (match < 0 && argv[0][0] == '-')
		return xm_usage(c, "option", argv[0], "-j | -p | -h | -V | --bpffs DIR | --socket PATH",
				"is not known");
	if (match < 0)
		return unknown(c, "noun", argv[0], names, match);
	return run_noun(c, &xm_nouns[match], argc - 1, argv + 1);
}

static int run_help(struct xm_cli *c, int argc, char **argv)
{
	if (!argc || !strcmp(argv[0], "help"))
		return xm_help(c, NULL, NULL);
	c->help = true;
	return run_words(c, argc, argv);
}

int xm_cli_main(struct xm_cli *c, int argc, char **argv)
{
	int status = xm_args_options(c, &argc, argv);

	if (!status)
		status = run_words(c, argc, argv);
	if (status)
		xm_print_error(c);
	if (c->plane == &c->view)
		xm_plane_close(&c->view);
	return status;
}
