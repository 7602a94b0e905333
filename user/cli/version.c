/* SPDX-License-Identifier: BSD-2-Clause */
/* xdpmesh version: works whatever of the three is missing, and with maps of another ABI. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "user/base/version.h"

/** What the pinned meta holds, at least up to its ABI's number; free() it. NULL: no data plane that can be read. */
static struct xm_meta *pinned_meta(const char *bpffs)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	struct xm_meta *meta = NULL;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/meta", bpffs);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.value_size >= offsetof(struct xm_meta, tick_shift))
		meta = calloc(1, info.value_size + sizeof(*meta));
	if (meta && bpf_map_lookup_elem(fd, &zero, meta)) {
		free(meta);
		meta = NULL;
	}
	close(fd);
	return meta;
}

static json_t *data_plane_json(const struct xm_meta *meta)
{
	json_t *doc;

	if (!meta || meta->magic != XM_MAGIC)
		return json_null();
	doc = json_pack("{s:I}", "abi", (json_int_t)meta->abi);
	if (meta->abi == XM_ABI)
		json_object_set_new(doc, "generation", json_integer(meta->generation));
	return doc;
}

static json_t *daemon_json(struct xm_cli *c)
{
	static const char *const keys[] = { "pid", "version", "config", "generation" };
	json_t *all, *doc;

	if (xm_call(c, XM_CALL_READS, "version", NULL, &all)) {
		memset(&c->e, 0, sizeof(c->e));
		return json_null();
	}
	doc = json_object();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_object_get(all, keys[i]))
			json_object_set(doc, keys[i], json_object_get(all, keys[i]));
	json_decref(all);
	return doc;
}

static long long number(const json_t *doc, const char *key)
{
	return json_integer_value(json_object_get(doc, key));
}

static const char *text_of(const json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text ? text : "?";
}

static void text_version(FILE *f, const json_t *doc)
{
	json_t *plane = json_object_get(doc, "data_plane"), *daemon = json_object_get(doc, "daemon");

	fprintf(f, "xdpmesh     %s, ABI %lld\n", text_of(doc, "version"), number(doc, "abi"));
	if (!json_is_object(plane))
		fputs("data plane  none\n", f);
	else if (json_object_get(plane, "generation"))
		fprintf(f, "data plane  ABI %lld, generation %lld\n", number(plane, "abi"),
			number(plane, "generation"));
	else
		fprintf(f, "data plane  ABI %lld\n", number(plane, "abi"));
	if (json_is_object(daemon))
		fprintf(f, "daemon      %s, pid %lld, %s, generation %lld\n", text_of(daemon, "version"),
			number(daemon, "pid"), text_of(daemon, "config"), number(daemon, "generation"));
	else
		fputs("daemon      not running\n", f);
}

static int version(struct xm_cli *c, int argc, char **argv)
{
	struct xm_meta *meta = NULL;
	json_t *doc;

	(void)argv;
	if (xm_args_count(c, argc, 0, 0, "version"))
		return XM_EXIT_USAGE;
	if (!c->plane)
		meta = pinned_meta(c->bpffs);
	doc = json_pack("{s:s, s:i, s:o, s:o}", "version", XM_VERSION, "abi", XM_ABI, "data_plane",
			data_plane_json(c->plane ? c->plane->meta : meta), "daemon", daemon_json(c));
	free(meta);
	return xm_print(c, doc, text_version);
}

const struct xm_verb xm_version_verbs[] = {
	{ "", version, "", "versions of this command, the data plane and the daemon" },
	{ NULL, NULL, NULL, NULL },
};
