/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first pass over a file, by events: what the document API hides (anchors, tags, a second document) or would spend
 * memory on (depth) is refused here, so that the second pass meets plain trees only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_int.h"

/** The line of a byte. */
static int line_at(const char *text, size_t len, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset && i < len; i++)
		line += text[i] == '\n';
	return line;
}

/** What libyaml says about its input. */
static int fail_yaml(const struct xm_cfg *cfg, const yaml_parser_t *p, const char *text, size_t len)
{
	const char *problem = p->problem ? p->problem : "unreadable";
	char message[200];
	int line = p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return xm_fail(cfg->e, ENOMEM, "%s: out of memory", cfg->name);
	if (p->error == YAML_READER_ERROR) {
		snprintf(message, sizeof(message), "not text: %s", problem);
		line = line_at(text, len, p->problem_offset);
	} else {
		snprintf(message, sizeof(message), "not YAML: %s", problem);
	}
	return xm_cfg_fail_at(cfg, line, NULL, NULL, p->context, message);
}

/** Anchors and tags are never needed here; taking them would let a small file stand for a huge one. */
static int scan_marks(const struct xm_cfg *cfg, int line, yaml_char_t *anchor, yaml_char_t *tag)
{
	if (anchor)
		return xm_cfg_fail_at(cfg, line, "anchor", (char *)anchor, NULL, "not taken: write the value out");
	if (tag)
		return xm_cfg_fail_at(cfg, line, "tag", (char *)tag, NULL, "not taken: write the value alone");
	return 0;
}

struct scan {
	int documents;
	int depth;
};

static int scan_open(const struct xm_cfg *cfg, struct scan *s, int line)
{
	char limit[32];

	if (++s->depth <= XM_CFG_DEPTH_MAX)
		return 0;
	snprintf(limit, sizeof(limit), "%d levels", XM_CFG_DEPTH_MAX);
	return xm_cfg_fail_at(cfg, line, NULL, NULL, limit, "nested too deeply");
}

static int scan_event(const struct xm_cfg *cfg, struct scan *s, yaml_event_t *ev)
{
	int line = ev->start_mark.line + 1, err;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++s->documents > 1)
			return xm_cfg_fail_at(cfg, line, NULL, NULL, "one document a file", "a second document begins");
		return 0;
	case YAML_ALIAS_EVENT:
		return xm_cfg_fail_at(cfg, line, "alias", (char *)ev->data.alias.anchor, NULL,
				      "not taken: write the value out");
	case YAML_SCALAR_EVENT:
		return scan_marks(cfg, line, ev->data.scalar.anchor, ev->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		err = scan_marks(cfg, line, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		return err ? err : scan_open(cfg, s, line);
	case YAML_MAPPING_START_EVENT:
		err = scan_marks(cfg, line, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		return err ? err : scan_open(cfg, s, line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		return 0;
	default:
		return 0;
	}
}

int xm_cfg_scan(const struct xm_cfg *cfg, const char *text, size_t len)
{
	const char *zero = len ? memchr(text, 0, len) : NULL;
	struct scan s = { 0 };
	yaml_parser_t parser;
	bool done = false;
	int err = 0;

	if (zero)
		return xm_cfg_fail_at(cfg, line_at(text, len, zero - text), NULL, NULL, NULL, "not text: a NUL byte");
	if (!yaml_parser_initialize(&parser))
		return xm_fail(cfg->e, ENOMEM, "%s: out of memory", cfg->name);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!err && !done) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&parser, &ev)) {
			err = fail_yaml(cfg, &parser, text, len);
			break;
		}
		done = ev.type == YAML_STREAM_END_EVENT;
		err = scan_event(cfg, &s, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return err;
}
