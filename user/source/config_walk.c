/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings and sequences, driven by the tables. A mapping is read in two steps: every key of the file is found in the
 * table, then the table is gone through in its own order. So a default may depend on a key that stands further down.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_int.h"

static int line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

/** The text of a scalar; NULL for other nodes. */
static const char *text_of(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/** An escape may put a zero into a value: the text would end there, and the rest be ignored. */
static bool has_zero(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       strlen((const char *)node->data.scalar.value) != node->data.scalar.length;
}

static int fail_unknown(const struct xm_cfg *cfg, const struct xm_cfg_map *map, const yaml_node_t *node)
{
	const char *names[XM_CFG_KEYS_MAX + 1] = { 0 }, *near;
	char message[128];

	for (size_t i = 0; i < XM_CFG_KEYS_MAX && map->keys[i].word; i++)
		names[i] = map->keys[i].word;
	near = xm_words_nearest(text_of(node), names);
	snprintf(message, sizeof(message), near ? "unknown key, is it %s?" : "unknown key", near);
	return xm_cfg_fail_at(cfg, line_of(node), map->path, text_of(node), NULL, message);
}

/** Files a pair of the mapping under its key's index. */
static int file_pair(const struct xm_cfg *cfg, const struct xm_cfg_map *map, const yaml_node_pair_t *pair,
		     yaml_node_t **found)
{
	yaml_node_t *node = yaml_document_get_node(cfg->doc, pair->key);
	yaml_node_t *value = yaml_document_get_node(cfg->doc, pair->value);
	char object[XM_CFG_OBJECT_MAX], limit[32];
	size_t i = 0;

	if (!text_of(node) || has_zero(node))
		return xm_cfg_fail_at(cfg, line_of(node), map->path, NULL, NULL, "a key must be one word");
	while (map->keys[i].word && strcmp(map->keys[i].word, text_of(node)))
		i++;
	if (!map->keys[i].word)
		return fail_unknown(cfg, map, node);
	xm_cfg_object(map->path, map->keys[i].word, object);
	if (!map->keys[i].take)
		return xm_cfg_fail_at(cfg, line_of(node), object, NULL, NULL, "not built yet");
	if (found[i]) {
		snprintf(limit, sizeof(limit), "once, as in line %d", line_of(found[i]));
		return xm_cfg_fail_at(cfg, line_of(node), object, text_of(value), limit, "given twice");
	}
	if (has_zero(value))
		return xm_cfg_fail_at(cfg, line_of(value), object, text_of(value), NULL, "has a NUL character");
	found[i] = value;
	return 0;
}

int xm_cfg_mapping(const struct xm_cfg *cfg, yaml_node_t *node, const struct xm_cfg_map *map, void *target)
{
	yaml_node_t *found[XM_CFG_KEYS_MAX] = { 0 };
	int err = 0;

	if (node->type != YAML_MAPPING_NODE)
		return xm_cfg_fail_at(cfg, line_of(node), map->path, text_of(node), "key: value", "wants a mapping");
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; !err && p < node->data.mapping.pairs.top; p++)
		err = file_pair(cfg, map, p, found);
	for (size_t i = 0; !err && map->keys[i].word; i++) {
		const struct xm_cfg_key *key = &map->keys[i];
		struct xm_cfg_value v = {
			.cfg = cfg,
			.path = map->path,
			.key = key,
			.node = found[i],
			.text = found[i] ? text_of(found[i]) : key->fallback,
			.line = line_of(found[i] ? found[i] : node),
		};

		if (!found[i] && key->required)
			return xm_cfg_fail(&v, NULL, "missing");
		if (found[i] || (key->fallback && key->take))
			err = key->take(&v, target);
	}
	return err;
}

size_t xm_cfg_length(const yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return 0;
	return node->data.sequence.items.top - node->data.sequence.items.start;
}

int xm_cfg_sequence(const struct xm_cfg_value *v, size_t max, const char *limit, xm_cfg_item *fn, void *target)
{
	yaml_node_item_t *from, *to;
	char count[32];
	int err = 0;

	if (v->node->type != YAML_SEQUENCE_NODE)
		return xm_cfg_fail(v, "[] for none", "wants a list");
	from = v->node->data.sequence.items.start;
	to = v->node->data.sequence.items.top;
	if (xm_cfg_length(v->node) > max) {
		struct xm_cfg_value many = *v;

		snprintf(count, sizeof(count), "%zu", xm_cfg_length(v->node));
		many.text = count;
		return xm_cfg_fail(&many, limit, "too many");
	}
	for (; !err && from < to; from++)
		err = fn(v, yaml_document_get_node(v->cfg->doc, *from), target);
	return err;
}

/** The value of a key in a mapping node, NULL if it is none or has no such key. */
static yaml_node_t *member(yaml_document_t *doc, yaml_node_t *node, const char *word)
{
	if (!node || node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		const char *text = text_of(yaml_document_get_node(doc, p->key));

		if (text && !strcmp(text, word))
			return yaml_document_get_node(doc, p->value);
	}
	return NULL;
}

int xm_cfg_service_line(yaml_document_t *doc, const char *name)
{
	yaml_node_t *list = member(doc, yaml_document_get_root_node(doc), "services");

	if (!list || list->type != YAML_SEQUENCE_NODE)
		return 0;
	for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
		yaml_node_t *word = member(doc, yaml_document_get_node(doc, *i), "name");

		if (word && text_of(word) && !strcmp(text_of(word), name))
			return line_of(word);
	}
	return 0;
}
