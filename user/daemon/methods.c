/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that change services and backends: parameters to a changed specification, and on to xm_daemon_want(). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "methods.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"
#include "user/source/config_set.h"

static const struct xm_word admin_words[] = {
	{ "auto", XM_ADMIN_AUTO },   { "up", XM_ADMIN_UP }, { "down", XM_ADMIN_DOWN },
	{ "drain", XM_ADMIN_DRAIN }, { NULL, 0 },
};

/** A string parameter; NULL with the error filled if it is missing or no string. */
const char *xm_param_text(json_t *params, const char *key, struct xm_err *e)
{
	const char *text = json_string_value(json_object_get(params, key));

	if (!text)
		xm_fail_value(e, EINVAL, key, NULL, "a string", "is missing");
	return text;
}

static struct xm_service_spec *service_of(struct xm_spec *want, const char *name, struct xm_err *e)
{
	struct xm_service_spec *s = name ? xm_spec_find(want, name) : NULL;

	if (name && !s)
		xm_fail_value(e, ENOENT, "service", name, NULL, "does not exist");
	return s;
}

static int endpoint_of(json_t *params, struct xm_addr *ret_addr, __u16 *ret_port, struct xm_err *e)
{
	const char *text = xm_param_text(params, "backend", e);

	if (!text)
		return -EINVAL;
	if (xm_endpoint_parse(text, ret_addr, ret_port))
		return xm_fail_value(e, EINVAL, "backend", text, "ADDRESS:PORT", "is no address with a port");
	return 0;
}

static struct xm_backend_spec *backend_of(struct xm_service_spec *s, json_t *params, struct xm_err *e)
{
	struct xm_backend_spec *b;
	struct xm_addr addr;
	char object[128];
	__u16 port;

	if (!s || endpoint_of(params, &addr, &port, e))
		return NULL;
	b = xm_service_spec_find(s, addr, port);
	snprintf(object, sizeof(object), "service %s", s->name);
	if (!b)
		xm_fail_value(e, ENOENT, object, json_string_value(json_object_get(params, "backend")), NULL,
			      "is no backend of it");
	return b;
}

static int set_service(struct xm_service_spec *s, json_t *set, struct xm_err *e)
{
	const char *key;
	char object[128];
	json_t *value;
	int err = 0;

	snprintf(object, sizeof(object), "service %s", s->name);
	json_object_foreach(set, key, value) {
		if (!strcmp(key, "backends") && json_is_array(value))
			continue; /* service.add's */
		if (!json_is_string(value))
			return xm_fail_value(e, EINVAL, key, NULL, "a string", "has a value of another kind");
		err = xm_config_set_service(object, s, key, json_string_value(value), e);
		if (err)
			return err;
	}
	return 0;
}

static int set_backend(const struct xm_service_spec *s, struct xm_backend_spec *b, json_t *set, struct xm_err *e)
{
	char object[160], text[XM_ADDR_TEXT];
	const char *key;
	json_t *value;
	int err;

	snprintf(object, sizeof(object), "service %s: backend %s", s->name, xm_endpoint_text(b->addr, b->port, text));
	json_object_foreach(set, key, value) {
		if (!json_is_string(value))
			return xm_fail_value(e, EINVAL, key, NULL, "a string", "has a value of another kind");
		if (!strcmp(key, "address") || !strcmp(key, "port"))
			return xm_fail_value(e, EINVAL, object, key, NULL, "is its name: add another backend instead");
		err = xm_config_set_backend(object, b, key, json_string_value(value), e);
		if (err)
			return err;
	}
	return 0;
}

/** Makes a changed copy live. Takes want over. */
json_t *xm_commit(struct xm_daemon *d, struct xm_spec *want, const char *cause, struct xm_err *e)
{
	struct xm_applied done;
	int err = xm_daemon_want(d, want, cause, &done, e);

	xm_spec_free(want);
	if (err)
		return NULL;
	xm_daemon_keep(d);
	return json_pack("{s:I, s:I, s:I, s:I}", "generation", (json_int_t)done.generation, "services",
			 (json_int_t)done.services, "backends", (json_int_t)done.backends, "moved",
			 (json_int_t)done.moved);
}

/** A copy of what is wanted to change. */
int xm_copy_want(const struct xm_daemon *d, struct xm_spec *ret, struct xm_err *e)
{
	int err = xm_spec_copy(&d->want, ret);

	return err ? xm_fail(e, -err, "no memory") : 0;
}

static json_t *service_add(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "name", e), *need;
	json_t *set = json_object_get(params, "set"), *backends = json_object_get(set, "backends"), *one;
	struct xm_service_spec s;
	struct xm_spec want;
	size_t i;
	int err;

	if (!name)
		return NULL;
	if (json_object_get(set, "name")) {
		xm_fail_value(e, EINVAL, "service", name, NULL, "is named twice");
		return NULL;
	}
	for (int k = 0; (need = xm_config_service_required(k)); k++)
		if (!json_object_get(set, need)) {
			xm_fail_value(e, EINVAL, "service", name, "vip, port and protocol are required", need);
			xm_fail(e, EINVAL, "service %s: %s is missing (vip, port and protocol are required)", name,
				need);
			return NULL;
		}
	xm_service_spec_init(&s);
	err = xm_config_set_service("service", &s, "name", name, e);
	if (!err)
		err = set_service(&s, set, e);
	json_array_foreach(backends, i, one) {
		struct xm_backend_spec b = { .weight = 100 };

		if (err)
			break;
		if (!json_is_string(one) || xm_endpoint_parse(json_string_value(one), &b.addr, &b.port))
			err = xm_fail_value(e, EINVAL, "backend", json_string_value(one), "ADDRESS:PORT",
					    "is no address with a port");
		if (!err && xm_service_spec_add_backend(&s, &b))
			err = xm_fail_value(e, EEXIST, "backend", json_string_value(one), NULL, "is named twice");
	}
	err = err ? err : xm_copy_want(d, &want, e);
	if (err) {
		xm_service_spec_free(&s);
		return NULL;
	}
	err = xm_spec_add_service(&want, &s);
	xm_service_spec_free(&s);
	if (err) {
		xm_spec_free(&want);
		xm_fail_value(e, -err, "service", name, NULL, "exists already");
		return NULL;
	}
	return xm_commit(d, &want, "service add", e);
}

static json_t *service_set(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "name", e);
	json_t *set = json_object_get(params, "set");
	struct xm_service_spec *s;
	struct xm_spec want;

	if (!name || xm_copy_want(d, &want, e))
		return NULL;
	s = service_of(&want, name, e);
	if (s && json_object_get(set, "name"))
		xm_fail_value(e, EINVAL, "service", name, NULL, "cannot be renamed: add another and delete this one");
	else if (s && json_object_get(set, "backends"))
		xm_fail_value(e, EINVAL, "service", name, "backend add, backend delete",
			      "has its backends changed one by one");
	else if (s && !set_service(s, set, e))
		return xm_commit(d, &want, "service set", e);
	xm_spec_free(&want);
	return NULL;
}

static json_t *service_delete(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "name", e);
	struct xm_service_spec *s;
	struct xm_spec want;

	if (!name || xm_copy_want(d, &want, e))
		return NULL;
	s = service_of(&want, name, e);
	if (!s) {
		xm_spec_free(&want);
		return NULL;
	}
	xm_spec_remove(&want, s);
	return xm_commit(d, &want, "service delete", e);
}

static json_t *backend_add(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "service", e);
	struct xm_backend_spec b = { .weight = 100 };
	struct xm_service_spec *s;
	struct xm_spec want;

	if (!name || endpoint_of(params, &b.addr, &b.port, e) || xm_copy_want(d, &want, e))
		return NULL;
	s = service_of(&want, name, e);
	if (s && !set_backend(s, &b, json_object_get(params, "set"), e)) {
		if (!xm_service_spec_add_backend(s, &b))
			return xm_commit(d, &want, "backend add", e);
		xm_fail_value(e, EEXIST, name, json_string_value(json_object_get(params, "backend")), NULL,
			      "is a backend of it already");
	}
	xm_spec_free(&want);
	return NULL;
}

static json_t *backend_set(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "service", e);
	struct xm_service_spec *s;
	struct xm_backend_spec *b;
	struct xm_spec want;

	if (!name || xm_copy_want(d, &want, e))
		return NULL;
	s = service_of(&want, name, e);
	b = backend_of(s, params, e);
	if (b && !set_backend(s, b, json_object_get(params, "set"), e))
		return xm_commit(d, &want, "backend set", e);
	xm_spec_free(&want);
	return NULL;
}

static json_t *backend_delete(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "service", e);
	struct xm_service_spec *s;
	struct xm_backend_spec *b;
	struct xm_spec want;

	if (!name || xm_copy_want(d, &want, e))
		return NULL;
	s = service_of(&want, name, e);
	b = backend_of(s, params, e);
	if (!b) {
		xm_spec_free(&want);
		return NULL;
	}
	xm_service_spec_remove(s, b);
	return xm_commit(d, &want, "backend delete", e);
}

/** The operator's word: the store comes first, the disk after it. */
static json_t *set_admin(struct xm_daemon *d, json_t *params, int admin, struct xm_err *e)
{
	const char *name = xm_param_text(params, "service", e);
	struct xm_service_spec *s = name ? service_of(&d->want, name, e) : NULL;
	struct xm_backend_spec *b = s ? backend_of(s, params, e) : NULL;
	__u32 service, id;

	if (!b)
		return NULL;
	b->admin = admin;
	xm_checks_set_admin(&d->checks, s, b);
	xm_daemon_keep(d);
	service = xm_live_service(&d->live, s->name);
	id = xm_live_backend(&d->live, service, b->addr, b->port);
	return json_pack("{s:s, s:I}", "state", xm_word_of(xm_state_words, d->live.plane.backends[id].state),
			 "generation", (json_int_t)d->live.plane.meta->generation);
}

static json_t *backend_drain(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	return set_admin(d, params, XM_ADMIN_DRAIN, e);
}

static json_t *health_set(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *word = xm_param_text(params, "state", e);
	int admin = word ? xm_word_value(admin_words, word) : -1;
	char list[64];

	if (!word)
		return NULL;
	if (admin < 0) {
		xm_fail_value(e, EINVAL, "state", word, xm_words_list(admin_words, list, sizeof(list)), "is none");
		return NULL;
	}
	return set_admin(d, params, admin, e);
}

static json_t *health_show(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	(void)params;
	(void)e;
	return xm_checks_json(&d->checks);
}

const struct xm_method xm_methods[] = {
	{ "version", false, xm_method_version, {} },
	{ "config.show", false, xm_method_config_show, {} },
	{ "config.diff", false, xm_config_diff, {} },
	{ "config.history", false, xm_method_config_history, {} },
	{ "config.apply", true, xm_method_config_apply, { { "path", XM_PARAM_TEXT, false } } },
	{ "config.rollback", true, xm_method_config_rollback, { { "generation", XM_PARAM_NUMBER, false } } },
	{ "service.add", true, service_add, { { "name", XM_PARAM_TEXT, true }, { "set", XM_PARAM_OBJECT, true } } },
	{ "service.set", true, service_set, { { "name", XM_PARAM_TEXT, true }, { "set", XM_PARAM_OBJECT, true } } },
	{ "service.delete", true, service_delete, { { "name", XM_PARAM_TEXT, true } } },
	{ "backend.add",
	  true,
	  backend_add,
	  { { "service", XM_PARAM_TEXT, true },
	    { "backend", XM_PARAM_TEXT, true },
	    { "set", XM_PARAM_OBJECT, false } } },
	{ "backend.set",
	  true,
	  backend_set,
	  { { "service", XM_PARAM_TEXT, true }, { "backend", XM_PARAM_TEXT, true }, { "set", XM_PARAM_OBJECT, true } } },
	{ "backend.drain",
	  true,
	  backend_drain,
	  { { "service", XM_PARAM_TEXT, true }, { "backend", XM_PARAM_TEXT, true } } },
	{ "backend.delete",
	  true,
	  backend_delete,
	  { { "service", XM_PARAM_TEXT, true }, { "backend", XM_PARAM_TEXT, true } } },
	{ "health.set",
	  true,
	  health_set,
	  { { "service", XM_PARAM_TEXT, true }, { "backend", XM_PARAM_TEXT, true }, { "state", XM_PARAM_TEXT, true } } },
	{ "health.show", false, health_show, {} },
	{ "net.attach",
	  true,
	  xm_method_net_attach,
	  { { "device", XM_PARAM_TEXT, true }, { "mode", XM_PARAM_TEXT, false } } },
	{ "net.detach", true, xm_method_net_detach, { { "device", XM_PARAM_TEXT, true } } },
	{ NULL, false, NULL, {} },
};
