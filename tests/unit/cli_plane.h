/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A data plane in plain memory for test_cli.c: services web (class all, hash), dns (all, round robin), api (none) and
 * empty; and the command run over it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xdpmesh/reason.h>

#include "user/base/addr.h"
#include "user/cli/cli.h"

#define WORDS_MAX 24

static struct xm_plane plane;

static void *zeroed(size_t n, size_t size)
{
	void *at = calloc(n, size);

	assert_non_null(at);
	return at;
}

static void plane_make(void)
{
	struct xm_sizes s = { .flow_sets = 64,
			      .services = 16,
			      .backends = 32,
			      .keys = 64,
			      .key_buckets = 64,
			      .slot_units = 8,
			      .cpus = 2 };

	memset(&plane, 0, sizeof(plane));
	snprintf(plane.bpffs, sizeof(plane.bpffs), "/nonexistent/xdpmesh");
	plane.meta = zeroed(1, sizeof(*plane.meta));
	plane.meta->magic = XM_MAGIC;
	plane.meta->abi = XM_ABI;
	plane.meta->key = (struct xm_hash_key){ 1, 2 };
	plane.meta->sizes = s;
	plane.meta->generation = 7;
	plane.meta->endpoints = 1;
	plane.key_table = zeroed(s.key_buckets, sizeof(*plane.key_table));
	plane.keys = zeroed(s.keys, sizeof(*plane.keys));
	plane.services = zeroed(s.services, sizeof(*plane.services));
	plane.service_info = zeroed(s.services, sizeof(*plane.service_info));
	plane.backends = zeroed(s.backends, sizeof(*plane.backends));
	plane.backend_info = zeroed(s.backends, sizeof(*plane.backend_info));
	plane.slots = zeroed((size_t)s.slot_units * XM_SLOT_UNIT, sizeof(*plane.slots));
	plane.hops = zeroed(XM_HOPS, sizeof(*plane.hops));
	plane.client_hops = zeroed(XM_CLIENT_HOPS, sizeof(*plane.client_hops));
	plane.devs = zeroed(XM_DEVS, sizeof(*plane.devs));
	plane.flows = zeroed(s.flow_sets, sizeof(*plane.flows));
	plane.cells = zeroed((size_t)s.cpus * s.backends, sizeof(*plane.cells));
	plane.verdicts = zeroed((size_t)s.cpus * XM_VERDICT_CELLS, sizeof(*plane.verdicts));
	plane.devs[1] = (struct xm_dev){ .ifindex = 1, .mtu = 1500, .sends = 1 };
	plane.hops[1] = xm_hop_make(0x060504030201ULL, 1, XM_HOP_SEND);
}

static void plane_drop(void)
{
#define X(name, type) free(plane.name);
	XM_MAPS(X)
#undef X
}

static __u32 service_make(__u32 id, const char *name, const char *endpoint, __u8 proto, struct xm_plan_word plan)
{
	struct xm_service *s = &plane.services[id];

	assert_int_equal(xm_endpoint_parse(endpoint, &s->addr, &s->port), 0);
	plan.base = id;
	plan.log2 = 10;
	plan.rr = XM_SLOT_UNIT;
	s->proto = proto;
	s->plan = xm_plan_pack(&plan);
	s->life = XM_LIFE_LIVE;
	strcpy(plane.service_info[id].name, name);
	plane.service_info[id].generation = id + 2;
	assert_true(xm_key_add(&plane, XM_KEY_VIP, s->addr, 0, 0, 1) > 0);
	assert_true(xm_key_add(&plane, XM_KEY_SERVICE, s->addr, s->port, proto, id) > 0);
	return id;
}

static void backend_make(__u32 id, __u32 service, const char *endpoint, enum xm_state state, __u32 reasons, __u32 hop)
{
	struct xm_backend *b = &plane.backends[id];

	assert_int_equal(xm_endpoint_parse(endpoint, &b->addr, &b->port), 0);
	b->state = state;
	b->hop = hop;
	b->service = service;
	b->proto = plane.services[service].proto;
	if (xm_plan_unpack(plane.services[service].plan).track != XM_TRACK_NONE)
		b->key = xm_key_add(&plane, XM_KEY_ENDPOINT, b->addr, b->port, b->proto, 1);
	b->life = XM_LIFE_LIVE;
	plane.backend_info[id] =
		(struct xm_backend_info){ .since = 1700000000 + id, .weight = 100, .reasons = reasons };
	plane.backend_info[id].baseline.packets = 10;
	for (__u32 cpu = 0; cpu < 2; cpu++)
		plane.cells[cpu * plane.meta->sizes.backends + id] =
			(struct xm_cell){ 100 * id + 5, 6000, 90, 5400, 7, { 0 } };
}

static void slots_make(__u32 service, __u32 first, __u32 n)
{
	__u64 *slots = plane.slots + (size_t)service * XM_SLOT_UNIT;

	/* in turn, so that an answer can be told by hand */
	for (__u32 i = 0; i < XM_SLOT_UNIT; i++)
		slots[i] = xm_slot_make(first + i % n, 0, 0, 0);
}

static void flow_make(const char *client, __u32 service, __u32 backend, enum xm_flow_state state, __u8 flags)
{
	__u8 proto = service ? plane.services[service].proto : 6;
	struct xm_flow f = { .owner = xm_flow_owner(service, proto), .vip_port = plane.services[service].port };
	struct xm_flow_word w = { .backend = backend, .state = state, .flags = flags, .seq = 3 };
	struct xm_flow_set *set;
	__u64 hash;
	int way = 0;

	assert_int_equal(xm_endpoint_parse(client, &f.client, &f.client_port), 0);
	hash = xm_hash_client(f.client, f.client_port, proto, &plane.meta->key);
	set = &plane.flows[hash & (plane.meta->sizes.flow_sets - 1)];
	while (set->way[way].word)
		way++;
	f.word = xm_flow_pack(w);
	set->way[way] = f;
}

static int setup(void **state)
{
	struct xm_plan_word all = { .on_none = XM_NONE_RESET },
			    none = { .forward = XM_FORWARD_DSR, .track = XM_TRACK_NONE };
	struct xm_plan_word robin = { .balance = XM_BALANCE_ROUND_ROBIN };

	(void)state;
	plane_make();
	service_make(1, "web", "10.200.1.1:80", 6, all);
	service_make(2, "dns", "10.200.1.1:53", 17, robin);
	service_make(3, "api", "10.200.1.2:443", 6, none);
	service_make(4, "empty", "10.200.1.3:80", 6, all);
	backend_make(1, 1, "10.0.2.10:8080", XM_STATE_UP, 0, 1);
	backend_make(2, 1, "10.0.2.9:8080", XM_STATE_DOWN, XM_R_check, 0);
	backend_make(3, 2, "10.0.2.1:53", XM_STATE_UP, 0, 1);
	backend_make(4, 2, "10.0.2.2:53", XM_STATE_DRAIN, XM_R_admin | XM_R_draining, 1);
	backend_make(5, 3, "10.0.3.1:443", XM_STATE_UP, 0, 1);
	backend_make(6, 3, "10.0.3.2:443", XM_STATE_UP, 0, 0);
	strcpy(plane.backend_info[1].zone, "a");
	slots_make(1, 1, 2);
	slots_make(2, 3, 2);
	slots_make(3, 5, 2);
	plane.services[1].last_resort = 1;
	flow_make("192.0.2.1:1001", 1, 1, XM_FLOW_OPEN, XM_REPLIED);
	flow_make("192.0.2.2:1002", 1, 2, XM_FLOW_OPEN, XM_REPLIED);
	flow_make("192.0.2.3:1003", 1, 1, XM_FLOW_SYN, 0);
	flow_make("192.0.2.4:1004", 2, 3, XM_FLOW_UDP, 0);
	flow_make("192.0.2.5:1005", 0, plane.backends[1].key, XM_FLOW_DIRECT, 0);
	plane.verdicts[XM_V_forward_tx] = 40;
	plane.verdicts[XM_VERDICT_CELLS + XM_V_forward_tx] = 2;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	plane_drop();
	return 0;
}

struct answer {
	int status;
	char *out, *err; /* owned */
};

static struct answer run_on(const char *socket, const struct xm_plane *p, const char *line)
{
	struct xm_cli c = {
		.bpffs = "/nonexistent/xdpmesh", .socket = socket, .config = "/nonexistent/xdpmesh.yaml", .plane = p
	};
	char *copy = strdup(line), *words[WORDS_MAX], *save = NULL;
	struct answer a = { 0 };
	size_t out_len, err_len;
	int n = 0;

	for (char *w = strtok_r(copy, " ", &save); w && n < WORDS_MAX; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	c.out = open_memstream(&a.out, &out_len);
	c.err = open_memstream(&a.err, &err_len);
	assert_true(c.out && c.err);
	a.status = xm_cli_main(&c, n, words);
	fclose(c.out);
	fclose(c.err);
	free(copy);
	return a;
}

static struct answer run(const char *line)
{
	return run_on("/nonexistent/control.sock", &plane, line);
}

static void answer_free(struct answer *a)
{
	free(a->out);
	free(a->err);
}
