/* SPDX-License-Identifier: BSD-2-Clause */
/* From a path to a specification that has passed every rule: read, scan, load, walk, check. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_int.h"

/** The rules of the whole file name a service: its line is put in front. */
static int check_whole(const struct xm_cfg *cfg, const struct xm_spec *spec)
{
	static const char head[] = "service ";
	int line = 0, err = xm_spec_check(spec, cfg->e);

	if (!err || !cfg->e)
		return err;
	if (!strncmp(cfg->e->object, head, strlen(head)))
		line = xm_cfg_service_line(cfg->doc, cfg->e->object + strlen(head));
	if (line)
		return xm_err_prefix(cfg->e, err, "%.200s:%d", cfg->name, line);
	return xm_err_prefix(cfg->e, err, "%.200s", cfg->name);
}

static bool is_nothing(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       node->data.scalar.length == 0;
}

/** The document's tree to a specification. */
static int walk(const struct xm_cfg *cfg, struct xm_spec *ret)
{
	xm_cleanup_spec struct xm_spec spec;
	yaml_node_t *root = yaml_document_get_root_node(cfg->doc);
	int err = 0;

	xm_spec_init(&spec);
	if (root && !is_nothing(root))
		err = xm_cfg_mapping(cfg, root, xm_cfg_maps[0], &spec);
	if (!err)
		err = check_whole(cfg, &spec);
	if (err)
		return err;
	*ret = spec;
	spec.services = NULL; /* the caller's now */
	spec.services_n = 0;
	return 0;
}

int xm_config_parse(const char *name, const char *text, size_t len, struct xm_spec *ret, struct xm_err *e)
{
	static const char bom[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 with it */
	yaml_document_t doc;
	struct xm_cfg cfg = { .name = name, .doc = &doc, .e = e };
	yaml_parser_t parser;
	int err;

	if (len > XM_CONFIG_SIZE_MAX)
		return xm_fail(e, EFBIG, "%.200s: too large (4 MiB)", name);
	if (len >= strlen(bom) && !memcmp(text, bom, strlen(bom))) {
		text += strlen(bom);
		len -= strlen(bom);
	}
	err = xm_cfg_scan(&cfg, text, len);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return xm_fail(e, ENOMEM, "%.200s: out of memory", name);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &doc)) {
		err = walk(&cfg, ret);
		yaml_document_delete(&doc);
	} else {
		/* the scan has passed the same text */
		err = xm_fail(e, ENOMEM, "%.200s: out of memory", name);
	}
	yaml_parser_delete(&parser);
	return err;
}

/** Reads up to size bytes; the length, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	return len;
}

int xm_config_load(const char *path, struct xm_spec *ret, struct xm_err *e)
{
	/* one byte more than is taken, to see that there is more */
	size_t size = XM_CONFIG_SIZE_MAX + 1;
	ssize_t len;
	char *text;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return xm_fail(e, errno, "%.200s: %s", path, strerror(errno));
	text = malloc(size);
	len = text ? read_all(fd, text, size) : -ENOMEM;
	if (len < 0)
		err = xm_fail(e, -len, "%.200s: %s", path, strerror(-len));
	else
		err = xm_config_parse(path, text, len, ret, e);
	free(text);
	close(fd);
	return err;
}
