/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_set.h"

#include <errno.h>
#include <string.h>

#include "config_int.h"

#define HEALTH "health."

static const struct xm_cfg_map *map_of(const char *path)
{
	for (size_t i = 0; xm_cfg_maps[i]; i++)
		if (!strcmp(xm_cfg_maps[i]->path, path))
			return xm_cfg_maps[i];
	return NULL;
}

static int unknown(const struct xm_cfg *cfg, const struct xm_cfg_map *map, const char *key)
{
	const char *names[XM_CFG_KEYS_MAX + 1] = { 0 }, *near;
	char message[128] = "unknown key";

	for (size_t i = 0; i < XM_CFG_KEYS_MAX && map->keys[i].word; i++)
		names[i] = map->keys[i].word;
	near = xm_words_nearest(key, names);
	if (near)
		snprintf(message, sizeof(message), "unknown key, is it %s?", near);
	return xm_cfg_fail_at(cfg, 0, NULL, key, NULL, message);
}

/** Takes one scalar; what needs a mapping or a list has no place in a command's words. */
static int set(const char *object, const char *path, void *target, const char *key, const char *value, struct xm_err *e)
{
	const struct xm_cfg_map *map = map_of(path);
	struct xm_cfg cfg = { .name = object, .e = e };
	struct xm_cfg_value v = { .cfg = &cfg, .path = "", .text = value };
	yaml_node_t node = { .type = YAML_SCALAR_NODE };

	for (v.key = map->keys; v.key->word && strcmp(v.key->word, key);)
		v.key++;
	if (!v.key->word)
		return unknown(&cfg, map, key);
	if (!v.key->take)
		return xm_cfg_fail_at(&cfg, 0, key, value, NULL, "not built yet");
	if (v.key->form && strstr(v.key->form, "mapping"))
		return xm_cfg_fail_at(&cfg, 0, key, value, "as health.KEY, or by backend add",
				      "cannot be set as a word");
	v.node = &node;
	return v.key->take(&v, target);
}

int xm_config_set_service(const char *object, struct xm_service_spec *s, const char *key, const char *value,
			  struct xm_err *e)
{
	struct xm_service_spec copy = *s;
	int err;

	if (strncmp(key, HEALTH, strlen(HEALTH))) {
		err = set(object, "services", &copy, key, value, e);
		/* what is tracked follows the way of forwarding, till it is set itself */
		if (!err && copy.forward != s->forward)
			copy.track = copy.forward == XM_FORWARD_NAT ? XM_TRACK_ALL : XM_TRACK_NONE;
	} else {
		if (copy.check.type == XM_CHECK_NONE)
			copy.check.type = XM_CHECK_TCP;
		err = set(object, "services.health", &copy.check, key + strlen(HEALTH), value, e);
		if (!err && copy.check.timeout > copy.check.interval)
			copy.check.timeout = copy.check.interval;
	}
	if (!err)
		*s = copy;
	return err;
}

int xm_config_set_backend(const char *object, struct xm_backend_spec *b, const char *key, const char *value,
			  struct xm_err *e)
{
	struct xm_backend_spec copy = *b;
	int err = set(object, "services.backends", &copy, key, value, e);

	if (!err)
		*b = copy;
	return err;
}

const char *xm_config_service_required(int i)
{
	const struct xm_cfg_map *map = map_of("services");

	for (const struct xm_cfg_key *k = map->keys; k->word; k++)
		if (k->required && strcmp(k->word, "name") && strcmp(k->word, "backends") && !i--)
			return k->word;
	return NULL;
}
