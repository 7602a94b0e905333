/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the configuration parser only. */
#pragma once

#include <stddef.h>
#include <yaml.h>

#include "user/base/err.h"
#include "user/mesh/spec.h"
#include "user/mesh/words.h"

#define XM_CFG_KEYS_MAX 32   /* keys of one mapping */
#define XM_CFG_DEPTH_MAX 16  /* nested mappings and sequences: the deepest key needs 5 */
#define XM_CFG_OBJECT_MAX 96 /* bytes of a key's full name, services.health.interval */
#define XM_CFG_MS_TEXT 16    /* bytes of a duration's text */

/** A document that is being read. */
struct xm_cfg {
	const char *name; /* of the file */
	yaml_document_t *doc;
	struct xm_err *e;
};

struct xm_cfg_key;

/** A value on its way into the specification. */
struct xm_cfg_value {
	const struct xm_cfg *cfg;
	const char *path; /* of the mapping that it stands in, "" for the file's */
	const struct xm_cfg_key *key;
	yaml_node_t *node; /* NULL: the key is absent and its default is being taken */
	const char *text;  /* of a scalar or a default, else NULL */
	int line;
};

/** Puts a value where it belongs; target is the struct of the mapping. 0 or -errno with the error filled. */
typedef int xm_cfg_take(const struct xm_cfg_value *v, void *target);

/** A key of a mapping. Keys are taken in the order of the table, so that one may depend on those above it. */
struct xm_cfg_key {
	const char *word;
	xm_cfg_take *take; /* NULL: of a feature that is not built yet */
	size_t offset;	   /* of the member in the mapping's struct */
	__u32 min, max;
	const struct xm_word *words;
	const char *form;     /* what a value looks like, where neither words nor limits tell */
	const char *fallback; /* the default as text; NULL: none */
	bool required;
	const char *help;
};

/** A mapping: its path names it in messages and in the manual. */
struct xm_cfg_map {
	const char *path;
	const char *title;
	const struct xm_cfg_key *keys; /* a NULL word ends them */
};

/* config_keys.c: every mapping, the file's own first; a NULL path ends them */
extern const struct xm_cfg_map *const xm_cfg_maps[];

/* config_walk.c */

/** Takes each key of a mapping, then the defaults of those that are absent. */
int xm_cfg_mapping(const struct xm_cfg *cfg, yaml_node_t *node, const struct xm_cfg_map *map, void *target);

/** Calls fn for each item of a sequence; target is passed on. */
typedef int xm_cfg_item(const struct xm_cfg_value *list, yaml_node_t *item, void *target);
int xm_cfg_sequence(const struct xm_cfg_value *v, size_t max, const char *limit, xm_cfg_item *fn, void *target);

/** Items of a sequence, 0 for other nodes. */
size_t xm_cfg_length(const yaml_node_t *node);

/** The line of the service of that name, 0 if there is none. */
int xm_cfg_service_line(yaml_document_t *doc, const char *name);

/* config_fail.c: each returns -EINVAL */

/** `FILE:LINE: OBJECT: "VALUE": message (limit)`; object, value and limit may be NULL. */
int xm_cfg_fail_at(const struct xm_cfg *cfg, int line, const char *object, const char *value, const char *limit,
		   const char *message);
/** The same about a value that is being taken. */
int xm_cfg_fail(const struct xm_cfg_value *v, const char *limit, const char *message);
/** services.port: the full name of a key. Returns buf, of XM_CFG_OBJECT_MAX bytes. */
const char *xm_cfg_object(const char *path, const char *word, char *buf);

/* config_scan.c */

/** Everything that a document's nodes do not show: syntax, anchors, tags, several documents, depth. */
int xm_cfg_scan(const struct xm_cfg *cfg, const char *text, size_t len);

/* config_value.c: scalars. Those that need limits or words find them in v->key. */
xm_cfg_take xm_cfg_take_u32, xm_cfg_take_port, xm_cfg_take_ms, xm_cfg_take_percent, xm_cfg_take_name,
	xm_cfg_take_device, xm_cfg_take_addr, xm_cfg_take_word8, xm_cfg_take_word32;

/** The value of v's word in its table. */
int xm_cfg_word(const struct xm_cfg_value *v, const char *limit, int *ret_value);
/** 2s, 1500ms. Returns buf, of XM_CFG_MS_TEXT bytes. */
const char *xm_cfg_ms_text(__u32 ms, char *buf);
/** The limits of a key as text, "" if it has none. */
const char *xm_cfg_limit_text(const struct xm_cfg_key *key, char *buf, size_t size);
