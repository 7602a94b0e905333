/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/base/addr.h"
#include "user/base/dirs.h"
#include "user/base/log.h"
#include "user/source/config.h"

#define XM_PATH 512
#define XM_CAUSE_LINE "# cause: "

int xm_state_open(const char *dir, struct xm_err *e)
{
	char path[XM_PATH];

	int err;

	snprintf(path, sizeof(path), "%s/history", dir);
	err = xm_make_dirs(path);
	return err ? xm_fail(e, -err, "state directory %s: %s", path, strerror(-err)) : 0;
}

/** Beside itself, synced, renamed, and the directory synced: after a crash it is the old one or the new. */
static int write_file(const char *dir, const char *name, const char *text, struct xm_err *e)
{
	char path[XM_PATH], fresh[XM_PATH];
	size_t left = strlen(text);
	int fd, err = 0, d;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(fresh, sizeof(fresh), "%s/%s.new", dir, name);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return xm_fail(e, errno, "%s: %s", fresh, strerror(errno));
	while (left && !err) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0) {
			text += n;
			left -= n;
		}
	}
	if (!err && fsync(fd))
		err = -errno;
	close(fd);
	if (!err && rename(fresh, path))
		err = -errno;
	d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d >= 0) {
		fsync(d);
		close(d);
	}
	if (err)
		unlink(fresh);
	return err ? xm_fail(e, -err, "%s: %s", path, strerror(-err)) : 0;
}

static json_t *admin_json(const struct xm_spec *s)
{
	json_t *all = json_array();
	char text[XM_ADDR_TEXT];

	for (size_t i = 0; i < s->services_n; i++)
		for (size_t j = 0; j < s->services[i].backends_n; j++) {
			const struct xm_backend_spec *b = &s->services[i].backends[j];

			if (b->admin)
				json_array_append_new(
					all, json_pack("{s:s, s:s, s:i}", "service", s->services[i].name, "backend",
						       xm_endpoint_text(b->addr, b->port, text), "admin", b->admin));
		}
	return all;
}

static json_t *names_json(const struct xm_spec *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->services_n; i++)
		json_array_append_new(all, json_string(s->services[i].name));
	return all;
}

static void load_names(json_t *all, struct xm_spec *ret)
{
	struct xm_service_spec s;
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one) {
		xm_service_spec_init(&s);
		if (json_is_string(one)) {
			snprintf(s.name, sizeof(s.name), "%s", json_string_value(one));
			xm_spec_add_service(ret, &s);
		}
	}
}

int xm_state_save(const char *dir, const struct xm_overrides *o, struct xm_err *e)
{
	char *yaml = xm_config_dump(&o->set), *text;
	json_t *root = json_object(), *deleted = json_array(), *detached = json_array();
	int err;

	for (size_t i = 0; i < o->deleted_n; i++)
		json_array_append_new(deleted, json_string(o->deleted[i]));
	for (size_t i = 0; i < o->detached_n; i++)
		json_array_append_new(detached, json_string(o->detached[i]));
	json_object_set_new(root, "set", json_string(yaml ? yaml : ""));
	json_object_set_new(root, "admin", admin_json(&o->set));
	json_object_set_new(root, "deleted", deleted);
	json_object_set_new(root, "detached", detached);
	json_object_set_new(root, "applied", names_json(&o->applied));
	text = json_dumps(root, JSON_INDENT(1));
	err = yaml && text ? write_file(dir, "state.json", text, e) :
			     xm_fail(e, ENOMEM, "no memory for the state file");
	json_decref(root);
	free(text);
	free(yaml);
	return err;
}

static void load_admin(struct xm_spec *s, json_t *all)
{
	size_t i;
	json_t *one;

	json_array_foreach(all, i, one) {
		const char *service = json_string_value(json_object_get(one, "service"));
		const char *backend = json_string_value(json_object_get(one, "backend"));
		json_int_t admin = json_integer_value(json_object_get(one, "admin"));
		struct xm_service_spec *sv = service ? xm_spec_find(s, service) : NULL;
		struct xm_backend_spec *b;
		struct xm_addr addr;
		__u16 port;

		if (!sv || !backend || xm_endpoint_parse(backend, &addr, &port) || admin < 0 || admin > XM_ADMIN_DRAIN)
			continue;
		b = xm_service_spec_find(sv, addr, port);
		if (b)
			b->admin = admin;
	}
}

static int load_json(json_t *root, struct xm_overrides *o, struct xm_err *e)
{
	const char *yaml = json_string_value(json_object_get(root, "set"));
	json_t *deleted = json_object_get(root, "deleted"), *detached = json_object_get(root, "detached"), *one;
	size_t i;
	int err;

	if (!yaml)
		return xm_fail(e, EINVAL, "no \"set\" in it");
	err = xm_config_parse("set", yaml, strlen(yaml), &o->set, e);
	if (err)
		return err;
	load_admin(&o->set, json_object_get(root, "admin"));
	load_names(json_object_get(root, "applied"), &o->applied);
	o->deleted = calloc(json_array_size(deleted) + 1, XM_NAME_MAX);
	json_array_foreach(deleted, i, one)
		if (o->deleted && json_is_string(one))
			snprintf(o->deleted[o->deleted_n++], XM_NAME_MAX, "%s", json_string_value(one));
	json_array_foreach(detached, i, one)
		if (o->detached_n < XM_DEVICES_MAX && json_is_string(one))
			snprintf(o->detached[o->detached_n++], XM_DEVNAME, "%s", json_string_value(one));
	return 0;
}

void xm_state_load(const char *dir, struct xm_overrides *ret)
{
	char path[XM_PATH], aside[XM_PATH];
	struct xm_err e = {};
	json_error_t je;
	json_t *root;
	int err;

	memset(ret, 0, sizeof(*ret));
	xm_spec_init(&ret->set);
	snprintf(path, sizeof(path), "%s/state.json", dir);
	if (access(path, F_OK))
		return;
	root = json_load_file(path, 0, &je);
	err = root ? load_json(root, ret, &e) : xm_fail(&e, EINVAL, "line %d: %.200s", je.line, je.text);
	json_decref(root);
	if (!err)
		return;
	snprintf(aside, sizeof(aside), "%s/state.json.damaged", dir);
	rename(path, aside);
	xm_log(XM_LOG_ERR, "%s: %s: set aside as %s; changes made by command are lost", path, e.text, aside);
	xm_overrides_free(ret);
	xm_spec_init(&ret->set);
}

static int generation_cmp(const void *a, const void *b)
{
	const struct xm_history *x = a, *y = b;

	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static void read_cause(const char *dir, struct xm_history *h)
{
	char path[XM_PATH], line[256] = "";
	struct stat st = {};
	FILE *f;

	snprintf(path, sizeof(path), "%s/history/%llu.yaml", dir, h->generation);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(line, sizeof(line), f) && !strncmp(line, XM_CAUSE_LINE, strlen(XM_CAUSE_LINE)))
		snprintf(h->cause, sizeof(h->cause), "%.*s", (int)strcspn(line + strlen(XM_CAUSE_LINE), "\n"),
			 line + strlen(XM_CAUSE_LINE));
	if (!fstat(fileno(f), &st))
		h->time = st.st_mtime;
	fclose(f);
}

int xm_history_list(const char *dir, struct xm_history *ret, int max)
{
	char path[XM_PATH];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/history", dir);
	d = opendir(path);
	while (d && n < max && (entry = readdir(d))) {
		char *end;
		unsigned long long generation = strtoull(entry->d_name, &end, 10);

		if (end == entry->d_name || strcmp(end, ".yaml"))
			continue;
		memset(&ret[n], 0, sizeof(ret[n]));
		ret[n].generation = generation;
		read_cause(dir, &ret[n++]);
	}
	if (d)
		closedir(d);
	qsort(ret, n, sizeof(*ret), generation_cmp);
	return n;
}

int xm_history_add(const char *dir, unsigned long long generation, const char *cause, const struct xm_spec *want,
		   struct xm_err *e)
{
	struct xm_history old[XM_HISTORY_KEEP * 2];
	char *yaml = xm_config_dump(want), *text = NULL, name[64], path[XM_PATH];
	int err, n;

	if (!yaml || asprintf(&text, XM_CAUSE_LINE "%s\n%s", cause, yaml) < 0)
		err = xm_fail(e, ENOMEM, "no memory for the history");
	else {
		snprintf(name, sizeof(name), "%llu.yaml", generation);
		snprintf(path, sizeof(path), "%s/history", dir);
		err = write_file(path, name, text, e);
	}
	free(text);
	free(yaml);
	n = xm_history_list(dir, old, XM_HISTORY_KEEP * 2);
	for (int i = 0; i < n - XM_HISTORY_KEEP; i++) {
		snprintf(path, sizeof(path), "%s/history/%llu.yaml", dir, old[i].generation);
		unlink(path);
	}
	return err;
}

int xm_history_load(const char *dir, unsigned long long generation, struct xm_spec *ret, struct xm_err *e)
{
	char path[XM_PATH], value[32];

	snprintf(path, sizeof(path), "%s/history/%llu.yaml", dir, generation);
	if (access(path, F_OK)) {
		snprintf(value, sizeof(value), "%llu", generation);
		return xm_fail_value(e, ENOENT, "generation", value, "see config history", "is not kept");
	}
	return xm_config_load(path, ret, e);
}
