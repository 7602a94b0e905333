/* SPDX-License-Identifier: BSD-2-Clause */
/* config.diff: where what runs differs from what the file says, a line each. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"

static void line(json_t *all, const char *service, const char *backend, const char *key, const char *file,
		 const char *running)
{
	json_t *one;

	if (!strcmp(file, running))
		return;
	one = json_pack("{s:s, s:s, s:s, s:s}", "service", service, "key", key, "file", file, "running", running);
	if (backend)
		json_object_set_new(one, "backend", json_string(backend));
	json_array_append_new(all, one);
}

static void number(json_t *all, const char *service, const char *backend, const char *key, __u32 file, __u32 running)
{
	char a[16], b[16];

	snprintf(a, sizeof(a), "%u", file);
	snprintf(b, sizeof(b), "%u", running);
	line(all, service, backend, key, a, b);
}

static void word(json_t *all, const char *service, const char *key, const struct xm_word *words, int file, int running)
{
	line(all, service, NULL, key, xm_word_of(words, file), xm_word_of(words, running));
}

static const char *admin_word(__u8 admin)
{
	static const char *const words[] = { "auto", "up", "down", "drain" };

	return words[admin & 3];
}

static void backends(json_t *all, const struct xm_service_spec *f, const struct xm_service_spec *r)
{
	char text[XM_ADDR_TEXT];

	for (size_t i = 0; i < r->backends_n; i++) {
		const struct xm_backend_spec *b = &r->backends[i], *o = xm_service_spec_find(f, b->addr, b->port);

		xm_endpoint_text(b->addr, b->port, text);
		if (!o) {
			line(all, r->name, text, "backend", "absent", "present");
			continue;
		}
		number(all, r->name, text, "weight", o->weight, b->weight);
		number(all, r->name, text, "priority", o->priority, b->priority);
		line(all, r->name, text, "zone", o->zone, b->zone);
		line(all, r->name, text, "state", admin_word(o->admin), admin_word(b->admin));
	}
	for (size_t i = 0; i < f->backends_n; i++)
		if (!xm_service_spec_find(r, f->backends[i].addr, f->backends[i].port))
			line(all, r->name, xm_endpoint_text(f->backends[i].addr, f->backends[i].port, text), "backend",
			     "present", "absent");
}

static void service(json_t *all, const struct xm_service_spec *f, const struct xm_service_spec *r)
{
	char a[XM_ADDR_TEXT], b[XM_ADDR_TEXT];

	line(all, r->name, NULL, "vip", xm_endpoint_text(f->vip, f->port, a), xm_endpoint_text(r->vip, r->port, b));
	word(all, r->name, "protocol", xm_protocol_words, f->proto, r->proto);
	word(all, r->name, "forward", xm_forward_words, f->forward, r->forward);
	word(all, r->name, "balance", xm_balance_words, f->balance, r->balance);
	word(all, r->name, "track", xm_track_words, f->track, r->track);
	word(all, r->name, "on-down", xm_on_down_words, f->on_down, r->on_down);
	word(all, r->name, "on-no-backend", xm_on_none_words, f->on_none, r->on_none);
	word(all, r->name, "health.type", xm_check_words, f->check.type, r->check.type);
	number(all, r->name, NULL, "health.interval", f->check.interval, r->check.interval);
	number(all, r->name, NULL, "health.timeout", f->check.timeout, r->check.timeout);
	number(all, r->name, NULL, "health.fall", f->check.fall, r->check.fall);
	number(all, r->name, NULL, "health.rise", f->check.rise, r->check.rise);
	number(all, r->name, NULL, "health.jitter", f->check.jitter, r->check.jitter);
	backends(all, f, r);
}

static const struct xm_device_spec *device_of(const struct xm_spec *s, const char *name)
{
	for (size_t i = 0; i < s->devices_n; i++)
		if (!strcmp(s->devices[i].name, name))
			return &s->devices[i];
	return NULL;
}

static void device_line(json_t *all, const char *device, const char *file, const char *running)
{
	if (strcmp(file, running))
		json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "device", device, "key", "mode", "file",
						     file, "running", running));
}

static void devices(json_t *all, const struct xm_spec *file, const struct xm_spec *running)
{
	for (size_t i = 0; i < running->devices_n; i++) {
		const struct xm_device_spec *f = device_of(file, running->devices[i].name);

		device_line(all, running->devices[i].name, f ? xm_word_of(xm_mode_words, f->mode) : "absent",
			    xm_word_of(xm_mode_words, running->devices[i].mode));
	}
	for (size_t i = 0; i < file->devices_n; i++)
		if (!device_of(running, file->devices[i].name))
			device_line(all, file->devices[i].name, xm_word_of(xm_mode_words, file->devices[i].mode),
				    "absent");
}

json_t *xm_config_diff(struct xm_daemon *d, json_t *params, struct xm_err *e)
{
	json_t *all = json_array();

	(void)params;
	(void)e;
	devices(all, &d->file, &d->want);
	for (size_t i = 0; i < d->want.services_n; i++) {
		const struct xm_service_spec *f = xm_spec_find(&d->file, d->want.services[i].name);

		if (f)
			service(all, f, &d->want.services[i]);
		else
			line(all, d->want.services[i].name, NULL, "service", "absent", "present");
	}
	for (size_t i = 0; i < d->file.services_n; i++)
		if (!xm_spec_find(&d->want, d->file.services[i].name))
			line(all, d->file.services[i].name, NULL, "service", "present", "absent");
	return all;
}
