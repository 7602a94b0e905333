/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the configuration: one table a mapping. A row without a take function belongs to a feature that is not
 * built yet. Rows are taken from top to bottom: limits before services, forward before track, port before backends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_int.h"
#include "user/base/addr.h"

/* the largest weight and priority: a weight has to fit the share arithmetic of the slots */
#define WEIGHT_MAX 65535
#define CHECK_MS_MIN 10
#define CHECK_MS_MAX 3600000

#define NAME "[a-z0-9.-], 1..63"

static xm_cfg_take take_node, take_limits, take_devices, take_services, take_health, take_backends, take_track,
	take_timeout, take_service_port;

static const struct xm_cfg_key device_keys[] = {
	{ "name", xm_cfg_take_device, offsetof(struct xm_device_spec, name), .form = "a device's name, 1..15",
	  .required = true, .help = "the device that packets come in by" },
	{ "mode", xm_cfg_take_word32, offsetof(struct xm_device_spec, mode), .words = xm_mode_words, .fallback = "auto",
	  .help = "native runs in the driver, generic in the stack; auto takes native where the driver has it" },
	{ .word = "share", .help = "share the device with other XDP programs" },
	{ .word = NULL },
};

static const struct xm_cfg_key node_keys[] = {
	{ "name", xm_cfg_take_name, offsetof(struct xm_spec, node), .form = NAME, .help = "this machine's name" },
	{ "zone", xm_cfg_take_name, offsetof(struct xm_spec, zone), .form = NAME, .help = "the zone that it is in" },
	{ .word = NULL },
};

static const struct xm_cfg_key limit_keys[] = {
	{ "flows", xm_cfg_take_u32, offsetof(struct xm_spec, limit_flows), XM_FLOW_WAYS, XM_MAX_FLOWS,
	  .fallback = "1000000", .help = "connections that are remembered at a time" },
	{ "services", xm_cfg_take_u32, offsetof(struct xm_spec, limit_services), 2, XM_MAX_SERVICES, .fallback = "1024",
	  .help = "services; a quarter stays free for those being replaced" },
	{ "backends", xm_cfg_take_u32, offsetof(struct xm_spec, limit_backends), 2, XM_MAX_BACKENDS,
	  .fallback = "16384", .help = "backends of all services; a quarter stays free for those being replaced" },
	{ .word = "memory", .help = "an upper bound of the maps' memory" },
	{ .word = NULL },
};

static const struct xm_cfg_key health_keys[] = {
	{ "type", xm_cfg_take_word32, offsetof(struct xm_check_spec, type), .words = xm_check_words, .fallback = "tcp",
	  .help = "tcp: a connection to the backend's address and port is accepted" },
	{ "interval", xm_cfg_take_ms, offsetof(struct xm_check_spec, interval), CHECK_MS_MIN, CHECK_MS_MAX,
	  .form = "duration", .fallback = "2s", .help = "from the start of one check to that of the next" },
	{ "timeout", take_timeout, offsetof(struct xm_check_spec, timeout), CHECK_MS_MIN, CHECK_MS_MAX,
	  .form = "duration", .fallback = "1s",
	  .help = "no answer by then is a failure; at most the interval, which the default follows" },
	{ "fall", xm_cfg_take_u32, offsetof(struct xm_check_spec, fall), 1, 100, .fallback = "2",
	  .help = "failures in a row that take a backend down" },
	{ "rise", xm_cfg_take_u32, offsetof(struct xm_check_spec, rise), 1, 100, .fallback = "2",
	  .help = "successes in a row that bring it up" },
	{ "jitter", xm_cfg_take_percent, offsetof(struct xm_check_spec, jitter), 0, 50, .fallback = "10%",
	  .help = "of the interval, at random, so that checks do not march in step" },
	{ .word = NULL },
};

static const struct xm_cfg_key backend_keys[] = {
	{ "address", xm_cfg_take_addr, offsetof(struct xm_backend_spec, addr), .form = "IPv4", .required = true,
	  .help = "unicast, and no vip of a service" },
	{ "port", xm_cfg_take_port, offsetof(struct xm_backend_spec, port), 1, 65535,
	  .help = "the service's if absent; with forward: dsr no other" },
	{ "weight", xm_cfg_take_u32, offsetof(struct xm_backend_spec, weight), 0, WEIGHT_MAX, .fallback = "100",
	  .help = "its part of new connections, relative to the others'; 0: none" },
	{ "priority", xm_cfg_take_u32, offsetof(struct xm_backend_spec, priority), 0, WEIGHT_MAX, .fallback = "0",
	  .help = "kept and shown; it does not change the choice so far" },
	{ "zone", xm_cfg_take_name, offsetof(struct xm_backend_spec, zone), .form = NAME,
	  .help = "the zone that it is in: kept and shown" },
	{ .word = NULL },
};

static const struct xm_cfg_key service_keys[] = {
	{ "name", xm_cfg_take_name, offsetof(struct xm_service_spec, name), .form = NAME, .required = true,
	  .help = "unique in the file" },
	{ "vip", xm_cfg_take_addr, offsetof(struct xm_service_spec, vip), .form = "IPv4", .required = true,
	  .help = "the virtual address, unicast; services may share it" },
	{ "port", take_service_port, offsetof(struct xm_service_spec, port), 1, 65535, .required = true,
	  .help = "where clients connect to" },
	{ "protocol", xm_cfg_take_word8, offsetof(struct xm_service_spec, proto), .words = xm_protocol_words,
	  .required = true, .help = "a vip, port and protocol make one service" },
	{ "forward", xm_cfg_take_word8, offsetof(struct xm_service_spec, forward), .words = xm_forward_words,
	  .fallback = "nat",
	  .help = "nat: replies come back through us; dsr: the backend owns the vip and answers itself" },
	{ "balance", xm_cfg_take_word8, offsetof(struct xm_service_spec, balance), .words = xm_balance_words,
	  .fallback = "hash", .help = "how a new connection gets its backend" },
	{ "on-no-backend", xm_cfg_take_word8, offsetof(struct xm_service_spec, on_none), .words = xm_on_none_words,
	  .fallback = "drop", .help = "what a packet meets when no backend is usable" },
	{ "on-down", xm_cfg_take_word8, offsetof(struct xm_service_spec, on_down), .words = xm_on_down_words,
	  .fallback = "reset", .help = "what becomes of the flows of a backend that died" },
	{ "track", take_track, offsetof(struct xm_service_spec, track), .words = xm_track_words, .fallback = "auto",
	  .help = "which connections are remembered; auto: all for nat, none for dsr" },
	{ "health", take_health, offsetof(struct xm_service_spec, check), .form = "mapping",
	  .help = "an active check; without it a backend is up until something says otherwise" },
	{ "backends", take_backends, 0, .form = "list of mappings", .required = true, .help = "`[]` for none" },
	{ .word = "affinity", .help = "a client's address stays with its backend" },
	{ .word = "local", .help = "how clients on this machine are balanced" },
	{ .word = "retry", .help = "a second backend for a connection that is not answered" },
	{ .word = "outlier", .help = "backends that fail in traffic are ejected" },
	{ .word = "slow-start", .help = "a new backend's share grows" },
	{ .word = "drain", .help = "how a removed backend's connections end" },
	{ .word = "panic", .help = "too few backends up: use all" },
	{ .word = "access", .help = "clients that may connect" },
	{ .word = "telemetry", .help = "events and samples" },
	{ .word = "fallback", .help = "another service's backends" },
	{ .word = NULL },
};

static const struct xm_cfg_key file_keys[] = {
	{ "devices", take_devices, 0, .form = "list of mappings", .help = "what we attach to" },
	{ "node", take_node, 0, .form = "mapping", .help = "this machine" },
	{ "limits", take_limits, 0, .form = "mapping", .help = "sizes of the tables, fixed while attached" },
	{ "services", take_services, 0, .form = "list of mappings", .help = "what is balanced" },
	{ .word = "decap", .help = "tunnelled packets for this node's own backends" },
	{ .word = "connect", .help = "balancing of local clients when they connect" },
	{ .word = "batch", .help = "the pace of event batches" },
	{ .word = "sinks", .help = "where events go" },
	{ .word = "sources", .help = "where services come from beside this file" },
	{ .word = NULL },
};

static const struct xm_cfg_map device_map = { "devices", "each item of the list", device_keys };
static const struct xm_cfg_map node_map = { "node", "a mapping", node_keys };
static const struct xm_cfg_map limit_map = { "limits", "a mapping", limit_keys };
static const struct xm_cfg_map service_map = { "services", "each item of the list", service_keys };
static const struct xm_cfg_map health_map = { "services.health", "a mapping", health_keys };
static const struct xm_cfg_map backend_map = { "services.backends", "each item of the list", backend_keys };
static const struct xm_cfg_map file_map = { "", "the file", file_keys };

const struct xm_cfg_map *const xm_cfg_maps[] = {
	&file_map, &device_map, &node_map, &limit_map, &service_map, &health_map, &backend_map, NULL,
};

static int take_node(const struct xm_cfg_value *v, void *spec)
{
	return xm_cfg_mapping(v->cfg, v->node, &node_map, spec);
}

static int take_limits(const struct xm_cfg_value *v, void *spec)
{
	return xm_cfg_mapping(v->cfg, v->node, &limit_map, spec);
}

/** A fault of a whole item: in its first line, about the list's key. */
static int fail_item(const struct xm_cfg_value *list, const yaml_node_t *item, const char *value, const char *message)
{
	struct xm_cfg_value v = *list;

	v.line = item->start_mark.line + 1;
	v.text = value;
	return xm_cfg_fail(&v, NULL, message);
}

static int device_item(const struct xm_cfg_value *list, yaml_node_t *item, void *target)
{
	struct xm_spec *spec = target;
	struct xm_device_spec *d = &spec->devices[spec->devices_n];
	int err = xm_cfg_mapping(list->cfg, item, &device_map, d);

	if (err)
		return err;
	for (size_t i = 0; i < spec->devices_n; i++)
		if (!strcmp(spec->devices[i].name, d->name))
			return fail_item(list, item, d->name, "this device stands in the list already");
	spec->devices_n++;
	return 0;
}

static int take_devices(const struct xm_cfg_value *v, void *spec)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "at most %d", XM_DEVICES_MAX);
	return xm_cfg_sequence(v, XM_DEVICES_MAX, limit, device_item, spec);
}

static int take_service_port(const struct xm_cfg_value *v, void *target)
{
	if (v->text && !strcmp(v->text, "0"))
		return xm_cfg_fail(v, "1..65535", "any port is not built yet");
	return xm_cfg_take_port(v, target);
}

static int take_track(const struct xm_cfg_value *v, void *target)
{
	struct xm_service_spec *s = target;
	char words[64], limit[80];
	int value, err;

	if (v->text && !strcmp(v->text, "auto")) {
		s->track = s->forward == XM_FORWARD_NAT ? XM_TRACK_ALL : XM_TRACK_NONE;
		return 0;
	}
	snprintf(limit, sizeof(limit), "auto | %s", xm_words_list(v->key->words, words, sizeof(words)));
	err = xm_cfg_word(v, limit, &value);
	if (!err)
		s->track = value;
	return err;
}

static int take_timeout(const struct xm_cfg_value *v, void *target)
{
	struct xm_check_spec *check = target;
	char limit[64], min[XM_CFG_MS_TEXT], max[XM_CFG_MS_TEXT];
	__u32 interval = check->interval;
	int err = xm_cfg_take_ms(v, check);

	if (err || check->timeout <= interval)
		return err;
	if (!v->node) {
		check->timeout = interval;
		return 0;
	}
	snprintf(limit, sizeof(limit), "%s..%s", xm_cfg_ms_text(v->key->min, min), xm_cfg_ms_text(interval, max));
	return xm_cfg_fail(v, limit, "longer than the interval");
}

static int take_health(const struct xm_cfg_value *v, void *target)
{
	struct xm_service_spec *s = target;

	return xm_cfg_mapping(v->cfg, v->node, &health_map, &s->check);
}

/** A backend with the item it was read from. */
struct placed {
	struct xm_backend_spec backend;
	yaml_node_t *item;
};

/** The backends of a list as they are read: adding them in their order keeps a long list from costing n^2 moves. */
struct gathered {
	const struct xm_service_spec *service;
	struct placed *list;
	size_t n;
};

static int placed_cmp(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int d = xm_addr_cmp(a->backend.addr, b->backend.addr);

	if (!d)
		d = (int)ntohs(a->backend.port) - (int)ntohs(b->backend.port);
	/* of two that are the same the later one is the fault */
	if (!d)
		d = a->item < b->item ? -1 : a->item > b->item;
	return d;
}

static int backend_item(const struct xm_cfg_value *list, yaml_node_t *item, void *target)
{
	struct gathered *g = target;
	struct placed *p = &g->list[g->n++];

	p->item = item;
	p->backend.port = g->service->port;
	return xm_cfg_mapping(list->cfg, item, &backend_map, &p->backend);
}

static int add_backends(const struct xm_cfg_value *v, const struct gathered *g, struct xm_service_spec *s)
{
	char text[XM_ADDR_TEXT];
	int err = 0;

	for (size_t i = 0; !err && i < g->n; i++) {
		const struct xm_backend_spec *b = &g->list[i].backend;

		err = xm_service_spec_add_backend(s, b);
		if (err == -EEXIST)
			return fail_item(v, g->list[i].item, xm_endpoint_text(b->addr, b->port, text),
					 "this backend stands in the service already");
	}
	return err ? xm_fail(v->cfg->e, -err, "%s: out of memory", v->cfg->name) : 0;
}

static int take_backends(const struct xm_cfg_value *v, void *target)
{
	struct gathered g = { .service = target };
	int err;

	g.list = calloc(xm_cfg_length(v->node) + 1, sizeof(*g.list));
	if (!g.list)
		return xm_fail(v->cfg->e, ENOMEM, "%s: out of memory", v->cfg->name);
	err = xm_cfg_sequence(v, XM_MAX_BACKENDS, "1048575", backend_item, &g);
	if (!err) {
		qsort(g.list, g.n, sizeof(*g.list), placed_cmp);
		err = add_backends(v, &g, target);
	}
	free(g.list);
	return err;
}

static int service_item(const struct xm_cfg_value *list, yaml_node_t *item, void *target)
{
	__attribute__((cleanup(xm_service_spec_free))) struct xm_service_spec s;
	struct xm_spec *spec = target;
	int err;

	xm_service_spec_init(&s);
	err = xm_cfg_mapping(list->cfg, item, &service_map, &s);
	if (err)
		return err;
	err = xm_spec_add_service(spec, &s);
	if (err == -EEXIST)
		return fail_item(list, item, s.name, "another service has this name");
	if (err)
		return xm_fail(list->cfg->e, -err, "%s: out of memory", list->cfg->name);
	return 0;
}

static int take_services(const struct xm_cfg_value *v, void *target)
{
	struct xm_spec *spec = target;
	char limit[48];

	snprintf(limit, sizeof(limit), "limits.services %u", spec->limit_services);
	return xm_cfg_sequence(v, spec->limit_services, limit, service_item, spec);
}
