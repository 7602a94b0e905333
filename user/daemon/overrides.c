/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

void xm_overrides_free(struct xm_overrides *o)
{
	xm_spec_free(&o->set);
	xm_spec_free(&o->applied);
	free(o->deleted);
	memset(o, 0, sizeof(*o));
}

static void set_device(struct xm_spec *s, const struct xm_device_spec *d)
{
	for (size_t i = 0; i < s->devices_n; i++)
		if (!strcmp(s->devices[i].name, d->name)) {
			s->devices[i] = *d;
			return;
		}
	if (s->devices_n < XM_DEVICES_MAX)
		s->devices[s->devices_n++] = *d;
}

static void remove_device(struct xm_spec *s, const char *name)
{
	for (size_t i = 0; i < s->devices_n; i++)
		if (!strcmp(s->devices[i].name, name)) {
			s->devices[i] = s->devices[--s->devices_n];
			return;
		}
}

int xm_overrides_apply(const struct xm_spec *file, const struct xm_overrides *o, struct xm_spec *ret_want)
{
	struct xm_service_spec *there;
	struct xm_spec want;
	int err = xm_spec_copy(file, &want);

	if (err)
		return err;
	for (size_t i = 0; i < o->deleted_n; i++) {
		there = xm_spec_find(&want, o->deleted[i]);
		if (there)
			xm_spec_remove(&want, there);
	}
	for (size_t i = 0; i < o->set.services_n && !err; i++) {
		there = xm_spec_find(&want, o->set.services[i].name);
		if (there)
			xm_spec_remove(&want, there);
		err = xm_spec_add_service(&want, &o->set.services[i]);
	}
	for (size_t i = 0; i < o->detached_n; i++)
		remove_device(&want, o->detached[i]);
	for (size_t i = 0; i < o->set.devices_n; i++)
		set_device(&want, &o->set.devices[i]);
	if (err)
		xm_spec_free(&want);
	else
		*ret_want = want;
	return err;
}

static bool has_device(const struct xm_spec *s, const struct xm_device_spec *d, bool mode)
{
	for (size_t i = 0; i < s->devices_n; i++)
		if (!strcmp(s->devices[i].name, d->name) && (!mode || s->devices[i].mode == d->mode))
			return true;
	return false;
}

static int add_deleted(struct xm_overrides *o, const char *name)
{
	char(*grown)[XM_NAME_MAX] = realloc(o->deleted, (o->deleted_n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	o->deleted = grown;
	snprintf(grown[o->deleted_n++], XM_NAME_MAX, "%s", name);
	return 0;
}

int xm_overrides_of(const struct xm_spec *file, const struct xm_spec *want, struct xm_overrides *ret)
{
	struct xm_overrides o = {};
	int err = 0;

	xm_spec_init(&o.set);
	for (size_t i = 0; i < want->services_n && !err; i++) {
		const struct xm_service_spec *s = &want->services[i], *f = xm_spec_find(file, s->name);

		if (!f || !xm_service_spec_equal(s, f))
			err = xm_spec_add_service(&o.set, s);
	}
	for (size_t i = 0; i < file->services_n && !err; i++)
		if (!xm_spec_find(want, file->services[i].name))
			err = add_deleted(&o, file->services[i].name);
	for (size_t i = 0; i < want->devices_n; i++)
		if (!has_device(file, &want->devices[i], true))
			set_device(&o.set, &want->devices[i]);
	for (size_t i = 0; i < file->devices_n; i++)
		if (!has_device(want, &file->devices[i], false))
			memcpy(o.detached[o.detached_n++], file->devices[i].name, XM_DEVNAME);
	if (err)
		xm_overrides_free(&o);
	else
		*ret = o;
	return err;
}
