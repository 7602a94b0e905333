/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods about the daemon, its configuration and its devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "methods.h"
#include "user/base/version.h"
#include "user/mesh/words.h"
#include "user/plane/attach.h"
#include "user/source/config.h"

json_t *xm_method_version(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	(void)params;
	(void)e;
	return json_pack("{s:s, s:i, s:i, s:s, s:I}", "version", XM_VERSION, "abi", XM_ABI, "pid", (int)getpid(),
			 "config", d->o.config, "generation", (json_int_t)d->live.plane.meta->generation);
}

json_t *xm_method_config_show(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	char *yaml = xm_config_dump(&d->want);
	json_t *answer = yaml ? json_pack("{s:s}", "yaml", yaml) : NULL;

	(void)params;
	free(yaml);
	if (!answer)
		xm_fail(e, ENOMEM, "no memory");
	return answer;
}

json_t *xm_method_config_history(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	struct xm_history all[XM_HISTORY_KEEP * 2];
	int n = xm_history_list(d->o.state, all, XM_HISTORY_KEEP * 2);
	json_t *answer = json_array();

	(void)params;
	(void)e;
	for (int i = 0; i < n; i++)
		json_array_append_new(answer, json_pack("{s:I, s:I, s:s}", "generation", (json_int_t)all[i].generation,
							"time", (json_int_t)all[i].time, "cause", all[i].cause));
	return answer;
}

json_t *xm_method_config_apply(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *path = json_string_value(json_object_get(params, "path"));
	struct xm_applied done;

	if (path && path[0] != '/') {
		xm_fail_value(e, EINVAL, "path", path, "an absolute path", "is relative");
		return NULL;
	}
	if (xm_daemon_load(d, path, &done, e))
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:I}", "generation", (json_int_t)done.generation, "services",
			 (json_int_t)done.services, "backends", (json_int_t)done.backends, "moved",
			 (json_int_t)done.moved);
}

/** The operator's words on backends are no part of a generation: they stay. */
static void keep_admin(const struct xm_spec *from, struct xm_spec *to)
{
	for (size_t i = 0; i < from->services_n; i++) {
		const struct xm_service_spec *s = &from->services[i], *t = xm_spec_find(to, s->name);

		for (size_t j = 0; t && j < s->backends_n; j++) {
			struct xm_backend_spec *b = xm_service_spec_find(t, s->backends[j].addr, s->backends[j].port);

			if (b)
				b->admin = s->backends[j].admin;
		}
	}
}

json_t *xm_method_config_rollback(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	json_t *which = json_object_get(params, "generation");
	unsigned long long now = d->live.plane.meta->generation, to = json_integer_value(which);
	struct xm_history all[XM_HISTORY_KEEP * 2];
	int n = xm_history_list(d->o.state, all, XM_HISTORY_KEEP * 2);
	struct xm_spec want;
	char cause[64];

	if (which && json_integer_value(which) < 1) {
		snprintf(cause, sizeof(cause), "%lld", (long long)json_integer_value(which));
		xm_fail_value(e, EINVAL, "generation", cause, "1 or more", "is none");
		return NULL;
	}
	for (int i = 0; !which && i < n; i++)
		if (all[i].generation < now)
			to = all[i].generation;
	if (!to) {
		xm_fail(e, ENOENT, "there is no generation before %llu", now);
		return NULL;
	}
	if (xm_history_load(d->o.state, to, &want, e))
		return NULL;
	keep_admin(&d->want, &want);
	snprintf(cause, sizeof(cause), "rollback to %llu", to);
	return xm_commit(d, &want, cause, e);
}

/** What is attached to a device, as net.attach answers it. */
static json_t *attached_json(const struct xm_daemon *d, const char *name)
{
	struct xm_attached all[XM_DEVICES_MAX];
	int n = xm_attached_list(&d->live.plane, all, XM_DEVICES_MAX);

	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].dev, name))
			return json_pack("{s:s, s:s, s:I}", "device", name, "mode",
					 all[i].generic ? "generic" : "native", "prog_id", (json_int_t)all[i].prog_id);
	return json_pack("{s:s}", "device", name);
}

json_t *xm_method_net_attach(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "device", e),
		   *word = json_string_value(json_object_get(params, "mode"));
	struct xm_device_spec dev = { .mode = XM_MODE_AUTO };
	int mode = word ? xm_word_value(xm_mode_words, word) : XM_MODE_AUTO;
	struct xm_spec want;
	json_t *done;
	char list[64];

	if (!name)
		return NULL;
	if (mode < 0 || !*name || strlen(name) >= sizeof(dev.name)) {
		xm_fail_value(e, EINVAL, mode < 0 ? "mode" : "device", mode < 0 ? word : name,
			      mode < 0 ? xm_words_list(xm_mode_words, list, sizeof(list)) : "1..15 characters",
			      mode == XM_NOT_BUILT ? "is not built yet" :
			      mode < 0		   ? "is none" :
						     "is no device's name");
		return NULL;
	}
	if (xm_copy_want(d, &want, e))
		return NULL;
	snprintf(dev.name, sizeof(dev.name), "%s", name);
	dev.mode = mode;
	for (size_t i = 0; i < want.devices_n; i++)
		if (!strcmp(want.devices[i].name, name))
			want.devices[i--] = want.devices[--want.devices_n];
	if (want.devices_n == XM_DEVICES_MAX) {
		xm_spec_free(&want);
		xm_fail_value(e, ENOSPC, "device", name, "at most 32 devices", "is one too many");
		return NULL;
	}
	want.devices[want.devices_n++] = dev;
	done = xm_commit(d, &want, "net attach", e);
	if (!done)
		return NULL;
	json_decref(done);
	return attached_json(d, name);
}

json_t *xm_method_net_detach(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	const char *name = xm_param_text(params, "device", e);
	struct xm_spec want;
	json_t *done;

	if (!name || xm_copy_want(d, &want, e))
		return NULL;
	for (size_t i = 0; i < want.devices_n; i++)
		if (!strcmp(want.devices[i].name, name)) {
			want.devices[i] = want.devices[--want.devices_n];
			done = xm_commit(d, &want, "net detach", e);
			if (!done)
				return NULL;
			json_decref(done);
			return json_pack("{s:s}", "device", name);
		}
	xm_spec_free(&want);
	xm_fail_value(e, ENOENT, "device", name, NULL, "has no program of ours");
	return NULL;
}
