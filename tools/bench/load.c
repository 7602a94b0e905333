/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads our program and the driver several times. The first load makes the maps, the others use them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rig.h"

#include "bench.skel.h"
#include "xdpmesh.skel.h"

#define LOAD_FLOW_SETS (1 << 18) /* two million entries for a million flows: half full */
#define LOAD_SLOT_UNITS 64
#define LOAD_KEY_BUCKETS 8192 /* what the default limits need, so that it does not fit a near cache either */

static void choose_sizes(struct rig *r)
{
	r->sizes = (struct xm_sizes){
		.flow_sets = LOAD_FLOW_SETS,
		.services = XM_DEFAULT_SERVICES,
		.backends = XM_DEFAULT_BACKENDS,
		.keys = 2 * XM_DEFAULT_SERVICES + XM_DEFAULT_BACKENDS,
		.key_buckets = LOAD_KEY_BUCKETS,
		.slot_units = LOAD_SLOT_UNITS,
		.cpus = libbpf_num_possible_cpus(),
	};
	r->key = (struct xm_hash_key){ .k0 = 0x6a09e667f3bcc908ULL, .k1 = 0xbb67ae8584caa73bULL };
}

static void set_sizes(struct xdpmesh_bpf *m, const struct xm_sizes *s, struct xm_hash_key key)
{
	bpf_map__set_max_entries(m->maps.key_table, s->key_buckets);
	bpf_map__set_max_entries(m->maps.keys, s->keys);
	bpf_map__set_max_entries(m->maps.services, s->services);
	bpf_map__set_max_entries(m->maps.backends, s->backends);
	bpf_map__set_max_entries(m->maps.slots, s->slot_units * XM_SLOT_UNIT);
	bpf_map__set_max_entries(m->maps.flows, s->flow_sets);
	bpf_map__set_max_entries(m->maps.cursors, s->cpus * s->services);
	bpf_map__set_max_entries(m->maps.cells, s->cpus * s->backends);
	bpf_map__set_max_entries(m->maps.verdicts, s->cpus * XM_VERDICT_CELLS);
	m->rodata->xm_k0 = key.k0;
	m->rodata->xm_k1 = key.k1;
	m->rodata->xm_flow_mask = s->flow_sets - 1;
	m->rodata->xm_key_mask = s->key_buckets - 1;
	m->rodata->xm_n_services = s->services;
	m->rodata->xm_n_backends = s->backends;
	m->rodata->xm_n_cpus = s->cpus;
}

/** Gives an object that is not loaded yet the maps of one that is. */
static int share_maps(struct bpf_object *to, struct bpf_object *from)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, from) {
		struct bpf_map *twin = bpf_object__find_map_by_name(to, bpf_map__name(map));

		err = twin ? bpf_map__reuse_fd(twin, bpf_map__fd(map)) : -ENOENT;
		if (err)
			return rig_fail(-err, "map %s cannot be shared: %s", bpf_map__name(map), strerror(-err));
	}
	return 0;
}

static int load_mesh(struct rig *r, int i)
{
	struct xdpmesh_bpf *m = r->load[i].mesh = xdpmesh_bpf__open();
	int err;

	if (!m)
		return rig_fail(errno, "xdpmesh: open: %s", strerror(errno));
	set_sizes(m, &r->sizes, r->key);
	bpf_program__set_autoload(m->progs.xdpmesh_frags, false);
	bpf_program__set_autoload(m->progs.xdpmesh_sweep, false);
	err = i ? share_maps(m->obj, r->load[0].mesh->obj) : 0;
	if (!err)
		err = xdpmesh_bpf__load(m);
	if (err)
		return rig_fail(-err, "xdpmesh: load %d: %s", i, strerror(-err));
	r->load[i].fd[RIG_MESH] = bpf_program__fd(m->progs.xdpmesh_xdp);
	return 0;
}

static int load_bench(struct rig *r, int i)
{
	struct bench_bpf *b = r->load[i].bench = bench_bpf__open();
	int err;

	if (!b)
		return rig_fail(errno, "driver: open: %s", strerror(errno));
	err = i ? share_maps(b->obj, r->load[0].bench->obj) : 0;
	if (!err)
		err = bench_bpf__load(b);
	if (err)
		return rig_fail(-err, "driver: load %d: %s", i, strerror(-err));
	r->load[i].driver_fd = bpf_program__fd(b->progs.bench_driver);
	r->load[i].fd[RIG_DROP] = bpf_program__fd(b->progs.bench_drop);
	r->load[i].fd[RIG_CHAIN] = bpf_program__fd(b->progs.bench_chain);
	return 0;
}

/** An array map's memory, or NULL. */
static void *map_memory(struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = (((size_t)bpf_map__value_size(map) + 7) & ~7UL) * bpf_map__max_entries(map);
	void *at = mmap(NULL, (size + page - 1) & ~(page - 1), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at != MAP_FAILED)
		return at;
	rig_fail(errno, "map %s: mmap: %s", bpf_map__name(map), strerror(errno));
	return NULL;
}

static int map_all(struct rig *r)
{
	struct xdpmesh_bpf *m = r->load[0].mesh;
	struct bench_bpf *b = r->load[0].bench;
	const struct {
		void **at;
		struct bpf_map *map;
	} want[] = {
		{ (void **)&r->map.meta, m->maps.meta },	 { (void **)&r->map.key_table, m->maps.key_table },
		{ (void **)&r->map.keys, m->maps.keys },	 { (void **)&r->map.services, m->maps.services },
		{ (void **)&r->map.backends, m->maps.backends }, { (void **)&r->map.slots, m->maps.slots },
		{ (void **)&r->map.hops, m->maps.hops },	 { (void **)&r->map.devs, m->maps.devs },
		{ (void **)&r->map.flows, m->maps.flows },	 { (void **)&r->map.verdicts, m->maps.verdicts },
		{ (void **)&r->map.owners, b->maps.owners },	 { (void **)&r->map.chain, b->maps.chain },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		*want[i].at = map_memory(want[i].map);
		if (!*want[i].at)
			return -ENOMEM;
	}
	return 0;
}

int rig_load(struct rig *r)
{
	int err = 0;

	choose_sizes(r);
	for (int i = 0; i < RIG_LOADS && !err; i++) {
		err = load_mesh(r, i);
		if (!err)
			err = load_bench(r, i);
	}
	if (err)
		return err;
	r->job = &r->load[0].bench->bss->job;
	r->dev_index_fd = bpf_map__fd(r->load[0].mesh->maps.dev_index);
	r->target_fd = bpf_map__fd(r->load[0].bench->maps.target);
	/* a device can be a test run's ingress only while its receive queue is one of XDP's */
	r->link = bpf_program__attach_xdp(r->load[0].bench->progs.bench_drop, r->ifindex);
	if (!r->link)
		return rig_fail(errno, RIG_DEV ": attach: %s", strerror(errno));
	return map_all(r);
}

void rig_free(struct rig *r)
{
	bpf_link__destroy(r->link);
	for (int i = 0; i < RIG_LOADS; i++) {
		bench_bpf__destroy(r->load[i].bench);
		xdpmesh_bpf__destroy(r->load[i].mesh);
	}
}
