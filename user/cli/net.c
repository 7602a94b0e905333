/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh net: the program on devices. What is attached is read from the pinned links. */
#include <string.h>

#include "args.h"
#include "client.h"
#include "user/mesh/words.h"
#include "user/plane/attach.h"

static void text_net(FILE *f, const json_t *doc)
{
	static const struct xm_column columns[] = {
		{ "DEVICE", "device", XM_FORM_TEXT },	  { "IFINDEX", "ifindex", XM_FORM_NUMBER },
		{ "MODE", "mode", XM_FORM_TEXT },	  { "FRAGS", "frags", XM_FORM_TEXT },
		{ "PROGRAM", "prog_id", XM_FORM_NUMBER }, { "LINK", "link_id", XM_FORM_NUMBER },
		{ "ALIVE", "alive", XM_FORM_TEXT },	  { NULL, NULL, 0 },
	};

	xm_table_write(f, doc, columns);
}

static int show(struct xm_cli *c, int argc, char **argv)
{
	const struct xm_plane *p;
	struct xm_attached all[XM_DEVS];
	json_t *list;
	int n;

	(void)argv;
	if (xm_args_count(c, argc, 0, 0, "net show"))
		return XM_EXIT_USAGE;
	p = xm_cli_plane(c);
	if (!p)
		return XM_EXIT_FAILED;
	list = json_array();
	n = xm_attached_list(p, all, XM_DEVS);
	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:b, s:I, s:I, s:b}", "device", all[i].dev,
						      "ifindex", (json_int_t)all[i].ifindex, "mode",
						      all[i].generic ? "generic" : "native", "frags", all[i].frags,
						      "prog_id", (json_int_t)all[i].prog_id, "link_id",
						      (json_int_t)all[i].link_id, "alive", all[i].alive));
	return xm_print(c, list, text_net);
}

static void text_attach(FILE *f, const json_t *result)
{
	const char *dev = json_string_value(json_object_get(result, "device"));
	const char *mode = json_string_value(json_object_get(result, "mode"));

	fprintf(f, "%s: attached, %s, program %lld\n", dev ? dev : "?", mode ? mode : "?",
		(long long)json_integer_value(json_object_get(result, "prog_id")));
}

static int check_mode(struct xm_cli *c, const char *mode)
{
	char list[128];
	int value = xm_word_value(xm_mode_words, mode);

	if (value == XM_NOT_BUILT)
		return xm_not_built(c, "mode", mode);
	if (value < 0)
		return xm_usage(c, "mode", mode, xm_words_list(xm_mode_words, list, sizeof(list)), "is not known");
	return 0;
}

static int attach(struct xm_cli *c, int argc, char **argv)
{
	const char *mode = "auto";
	int status = xm_args_count(c, argc, 1, 3, "net attach DEV [mode auto|native|generic]") ?:
			     xm_args_device(c, argv[0]);

	if (status)
		return status;
	if (argc > 1 && !strcmp(argv[1], "--shadow"))
		return xm_not_built(c, "option", argv[1]);
	if (argc > 1 && strcmp(argv[1], "mode"))
		return xm_usage(c, "key", argv[1], "mode", "is not known");
	if (argc == 2)
		return xm_usage(c, "key", "mode", "auto | native | generic", "has no value");
	if (argc == 3)
		mode = argv[2];
	return check_mode(c, mode) ?:
		       xm_call_print(c, "net.attach", json_pack("{s:s, s:s}", "device", argv[0], "mode", mode),
				     text_attach);
}

static void text_detach(FILE *f, const json_t *result)
{
	const char *dev = json_string_value(json_object_get(result, "device"));

	fprintf(f, "%s: detached\n", dev ? dev : "?");
}

static int detach(struct xm_cli *c, int argc, char **argv)
{
	int status = xm_args_count(c, argc, 1, 2, "net detach DEV") ?: xm_args_device(c, argv[0]);

	if (status)
		return status;
	if (argc == 2 && !strcmp(argv[1], "--drain"))
		return xm_not_built(c, "option", argv[1]);
	if (argc == 2)
		return xm_usage(c, "arguments", argv[1], "net detach DEV", "is too many");
	return xm_call_print(c, "net.detach", json_pack("{s:s}", "device", argv[0]), text_detach);
}

const struct xm_verb xm_net_verbs[] = {
	{ "attach", attach, "DEV [mode auto|native|generic]", "put the program on a device" },
	{ "detach", detach, "DEV", "take it off" },
	{ "show", show, "", "devices that have it" },
	{ NULL, NULL, NULL, NULL },
};
