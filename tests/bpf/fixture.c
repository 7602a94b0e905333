/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that every row begins with: written whole before each, so that rows do not depend on one another. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "packets.h"
#include "xdpmesh.skel.h"

#define KEYS 256
#define KEY_BUCKETS 32
#define TICK_SHIFT 20 /* about an hour a tick: it stands still unless a row moves a flow's stamp */

static const struct xm_hash_key secret = { 0x0123456789abcdefULL, 0xfedcba9876543210ULL };

#define NAT XM_FORWARD_NAT, XM_TRACK_ALL, XM_BALANCE_HASH
#define DSR XM_FORWARD_DSR, XM_TRACK_NONE, XM_BALANCE_HASH

const struct service_row service_rows[S_COUNT] = {
	[S_WEB] = { IP(192, 0, 2, 1), 80, TCP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_DNS] = { IP(192, 0, 2, 1), 53, UDP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_TWIN] = { IP(192, 0, 2, 2), 443, TCP, NAT, XM_DOWN_KEEP, XM_NONE_PASS, 0, 0 },
	[S_ONE] = { IP(192, 0, 2, 3), 80, TCP, NAT, XM_DOWN_RESET, XM_NONE_RESET, 0, 0 },
	[S_ONE_UDP] = { IP(192, 0, 2, 3), 53, UDP, NAT, XM_DOWN_RESET, XM_NONE_RESET, 0, 0 },
	[S_DSR] = { IP(192, 0, 2, 4), 53, UDP, DSR, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_DSR_PASS] = { IP(192, 0, 2, 4), 80, TCP, DSR, XM_DOWN_RESET, XM_NONE_PASS, 0, 0 },
	[S_RR] = { IP(192, 0, 2, 5), 80, TCP, XM_FORWARD_NAT, XM_TRACK_ALL, XM_BALANCE_ROUND_ROBIN, XM_DOWN_RESET,
		   XM_NONE_DROP, 0, 6 },
	[S_SAME] = { IP(192, 0, 2, 6), 80, TCP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_STACK] = { IP(192, 0, 2, 7), 80, TCP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_MUTE] = { IP(192, 0, 2, 7), 81, TCP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_FAR] = { IP(192, 0, 2, 7), 82, TCP, NAT, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_KEEP] = { IP(192, 0, 2, 8), 80, TCP, NAT, XM_DOWN_KEEP, XM_NONE_PASS, 0, 0 },
	[S_LAST] = { IP(192, 0, 2, 8), 81, TCP, NAT, XM_DOWN_RESET, XM_NONE_RESET, B_LAST, 0 },
	[S_DSR_STACK] = { IP(192, 0, 2, 9), 80, TCP, DSR, XM_DOWN_RESET, XM_NONE_DROP, 0, 0 },
	[S_DSR_RR] = { IP(192, 0, 2, 9), 53, UDP, XM_FORWARD_DSR, XM_TRACK_NONE, XM_BALANCE_ROUND_ROBIN, XM_DOWN_RESET,
		       XM_NONE_DROP, 0, 4 },
	[S_RR_TWO] = { IP(192, 0, 2, 9), 82, TCP, XM_FORWARD_NAT, XM_TRACK_ALL, XM_BALANCE_ROUND_ROBIN, XM_DOWN_RESET,
		       XM_NONE_DROP, 0, 2 },
};

const struct backend_row backend_rows[B_COUNT] = {
	[B_WEB1] = { S_WEB, IP(10, 1, 0, 11), 8080, HOP_NEAR, 1, XM_STATE_UP },
	[B_WEB2] = { S_WEB, IP(10, 2, 0, 12), 8080, HOP_FAR, 1, XM_STATE_UP },
	[B_DNS1] = { S_DNS, IP(10, 1, 0, 11), 5353, HOP_NEAR, 1, XM_STATE_UP },
	[B_DNS2] = { S_DNS, IP(10, 2, 0, 12), 5353, HOP_FAR, 1, XM_STATE_UP },
	[B_TWIN1] = { S_TWIN, IP(10, 1, 0, 11), 8080, HOP_NEAR, 1, XM_STATE_UP },
	[B_TWIN2] = { S_TWIN, IP(10, 2, 0, 12), 8080, HOP_FAR, 1, XM_STATE_UP },
	[B_ONE] = { S_ONE, IP(10, 1, 0, 13), 8081, HOP_NEAR, 1, XM_STATE_UP },
	[B_ONE_UDP] = { S_ONE_UDP, IP(10, 1, 0, 13), 5353, HOP_NEAR, 1, XM_STATE_UP },
	[B_DSR1] = { S_DSR, IP(10, 1, 0, 14), 53, HOP_NEAR, 1, XM_STATE_UP },
	[B_DSR2] = { S_DSR, IP(10, 1, 0, 15), 53, HOP_NEAR, 1, XM_STATE_UP },
	[B_DSR_PASS] = { S_DSR_PASS, IP(10, 2, 0, 14), 80, HOP_FAR, 1, XM_STATE_UP },
	[B_RR1] = { S_RR, IP(10, 1, 0, 21), 80, HOP_NEAR, 1, XM_STATE_UP },
	[B_RR2] = { S_RR, IP(10, 1, 0, 22), 80, HOP_NEAR, 2, XM_STATE_UP },
	[B_RR3] = { S_RR, IP(10, 1, 0, 23), 80, HOP_NEAR, 3, XM_STATE_UP },
	[B_SAME] = { S_SAME, IP(10, 1, 0, 13), 8081, HOP_NEAR, 1, XM_STATE_UP },
	[B_STACK] = { S_STACK, IP(10, 1, 0, 31), 80, HOP_STACK, 1, XM_STATE_UP },
	[B_MUTE] = { S_MUTE, IP(10, 1, 0, 32), 80, HOP_MUTE, 1, XM_STATE_UP },
	[B_FAR] = { S_FAR, IP(10, 2, 0, 33), 80, HOP_FAR, 1, XM_STATE_UP },
	[B_KEEP] = { S_KEEP, IP(10, 1, 0, 34), 80, HOP_NEAR, 1, XM_STATE_UP },
	[B_DEAD] = { S_LAST, IP(10, 1, 0, 35), 80, HOP_NEAR, 1, XM_STATE_DOWN },
	[B_LAST] = { S_LAST, IP(10, 1, 0, 36), 80, HOP_NEAR, 0, XM_STATE_UP },
	[B_DSR_STACK] = { S_DSR_STACK, IP(10, 1, 0, 37), 80, HOP_STACK, 1, XM_STATE_UP },
	[B_DSR_RR1] = { S_DSR_RR, IP(10, 1, 0, 38), 53, HOP_NEAR, 1, XM_STATE_UP },
	[B_DSR_RR2] = { S_DSR_RR, IP(10, 1, 0, 39), 53, HOP_NEAR, 3, XM_STATE_UP },
	[B_TWO1] = { S_RR_TWO, IP(10, 1, 0, 41), 80, HOP_NEAR, 1, XM_STATE_UP },
	[B_TWO2] = { S_RR_TWO, IP(10, 1, 0, 42), 80, HOP_NEAR, 1, XM_STATE_UP },
};

const uint8_t hop_macs[][6] = {
	[HOP_NEAR] = { 2, 0, 0, 0, 1, 0x99 },
	[HOP_FAR] = { 2, 0, 0, 0, 2, 0x98 },
	[HOP_MUTE] = { 2, 0, 0, 0, 3, 0x97 },
};

const uint8_t dev_macs[][6] = {
	[DEV_NEAR] = { 2, 0, 0, 0, 1, 1 },
	[DEV_FAR] = { 2, 0, 0, 0, 2, 1 },
	[DEV_MUTE] = { 2, 0, 0, 0, 3, 1 },
};

const uint8_t client_macs[][6] = {
	[DEV_NEAR] = { 2, 0, 0, 0, 1, 0xfe },
	[DEV_FAR] = { 2, 0, 0, 0, 2, 0xfe },
};

/* one region of slots a service, all owners in it by weight, over and over */
#define SLOTS ((S_COUNT + 1) * XM_SLOT_UNIT)

static void *map_memory(struct bpf_map *map, uint32_t entries)
{
	size_t size = (size_t)entries * ((bpf_map__value_size(map) + 7) & ~7U);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		fprintf(stderr, "packets: cannot map %s: %m\n", bpf_map__name(map));
	return at == MAP_FAILED ? NULL : at;
}

static void set_sizes(struct lab *lab)
{
	struct xdpmesh_bpf *s = lab->skel;

	s->rodata->xm_k0 = secret.k0;
	s->rodata->xm_k1 = secret.k1;
	s->rodata->xm_tick_shift = TICK_SHIFT;
	s->rodata->xm_flow_mask = FLOW_SETS - 1;
	s->rodata->xm_key_mask = KEY_BUCKETS - 1;
	s->rodata->xm_n_services = S_COUNT;
	s->rodata->xm_n_backends = B_COUNT;
	s->rodata->xm_n_cpus = lab->cpus;
	bpf_map__set_max_entries(s->maps.key_table, KEY_BUCKETS);
	bpf_map__set_max_entries(s->maps.keys, KEYS);
	bpf_map__set_max_entries(s->maps.services, S_COUNT);
	bpf_map__set_max_entries(s->maps.backends, B_COUNT);
	bpf_map__set_max_entries(s->maps.service_info, S_COUNT);
	bpf_map__set_max_entries(s->maps.backend_info, B_COUNT);
	bpf_map__set_max_entries(s->maps.slots, SLOTS);
	bpf_map__set_max_entries(s->maps.flows, FLOW_SETS);
	bpf_map__set_max_entries(s->maps.cursors, lab->cpus * S_COUNT);
	bpf_map__set_max_entries(s->maps.cells, lab->cpus * B_COUNT);
	bpf_map__set_max_entries(s->maps.verdicts, lab->cpus * XM_VERDICT_CELLS);
}

static int map_all(struct lab *lab)
{
	struct xdpmesh_bpf *s = lab->skel;

#define MAP(name) (lab->name = map_memory(s->maps.name, bpf_map__max_entries(s->maps.name)))
	return MAP(meta) && MAP(key_table) && MAP(keys) && MAP(services) && MAP(backends) && MAP(slots) && MAP(hops) &&
			       MAP(client_hops) && MAP(devs) && MAP(flows) && MAP(cursors) && MAP(cells) &&
			       MAP(verdicts) ?
		       0 :
		       -ENOMEM;
#undef MAP
}

/** Stays on the last CPU that we may use: what is counted on another one is a fault. */
static int pin_cpu(struct lab *lab)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (uint32_t cpu = 0; cpu < lab->cpus; cpu++)
		if (CPU_ISSET(cpu, &set))
			lab->cpu = cpu;
	CPU_ZERO(&set);
	CPU_SET(lab->cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/** The programs: those built in, or, for a mutant, those of the object file that XM_OBJECT names. */
static struct xdpmesh_bpf *open_programs(void)
{
	const char *path = getenv("XM_OBJECT");
	struct xdpmesh_bpf *s;
	struct stat st;
	void *elf;
	int fd;

	if (!path)
		return xdpmesh_bpf__open();
	fd = open(path, O_RDONLY);
	s = calloc(1, sizeof(*s));
	if (fd < 0 || !s || fstat(fd, &st) || xdpmesh_bpf__create_skeleton(s))
		return NULL;
	elf = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	s->skeleton->data = elf;
	s->skeleton->data_sz = st.st_size;
	return elf == MAP_FAILED || bpf_object__open_skeleton(s->skeleton, NULL) ? NULL : s;
}

int lab_open(struct lab *lab)
{
	int ifindex[] = { 0, lab->near, lab->far, lab->mute }, err;

	lab->cpus = libbpf_num_possible_cpus();
	err = pin_cpu(lab);
	if (err)
		return err;
	lab->skel = open_programs();
	if (!lab->skel)
		return -errno;
	set_sizes(lab);
	err = xdpmesh_bpf__load(lab->skel);
	if (err)
		return err;
	for (uint32_t dev = DEV_NEAR; dev <= DEV_FAR; dev++) {
		err = bpf_map_update_elem(bpf_map__fd(lab->skel->maps.dev_index), &ifindex[dev], &dev, BPF_ANY);
		if (err)
			return err;
	}
	return map_all(lab);
}

void lab_close(struct lab *lab)
{
	xdpmesh_bpf__destroy(lab->skel);
}

static struct xm_addr mapped(uint32_t addr)
{
	return xm_addr_of_v4(htonl(addr));
}

/** Puts a key into its bucket, once. Returns its id. */
static uint32_t add_key(struct lab *lab, enum xm_key_kind kind, uint32_t addr, uint16_t port, uint8_t proto,
			uint32_t value)
{
	struct xm_key key = { mapped(addr), htons(port), proto, kind, value };
	__u64 hash = xm_hash_rest(xm_hash_addr(key.addr, &secret), xm_key_rest(kind, proto, key.port)), *word;
	uint32_t id = 1;

	while (lab->keys[id].kind) {
		if (!memcmp(&lab->keys[id], &key, 20))
			return id;
		id++;
	}
	lab->keys[id] = key;
	word = lab->key_table[hash & (KEY_BUCKETS - 1)].word;
	while (*word)
		word++;
	*word = hash >> 32 << 32 | id;
	return id;
}

/** The owner that a slot of a service begins with. */
uint32_t lab_slots(uint32_t service, uint32_t slot)
{
	uint32_t all = 0;

	for (uint32_t b = 1; b < B_COUNT; b++)
		all += backend_rows[b].service == service ? backend_rows[b].weight : 0;
	slot %= all;
	for (uint32_t b = 1; b < B_COUNT; b++) {
		if (backend_rows[b].service != service)
			continue;
		if (slot < backend_rows[b].weight)
			return b;
		slot -= backend_rows[b].weight;
	}
	return 0;
}

static void put_service(struct lab *lab, uint32_t id)
{
	const struct service_row *r = &service_rows[id];
	struct xm_plan_word plan = {
		.base = id,
		.log2 = 10,
		.rr = r->rr ? r->rr : 1,
		.balance = r->balance,
		.forward = r->forward,
		.track = r->track,
		.on_down = r->on_down,
		.on_none = r->on_none,
	};

	add_key(lab, XM_KEY_VIP, r->addr, 0, 0, 1);
	add_key(lab, XM_KEY_SERVICE, r->addr, r->port, r->proto, id);
	lab->services[id] = (struct xm_service){
		.plan = xm_plan_pack(&plan),
		.last_resort = r->last_resort,
		.life = XM_LIFE_LIVE,
		.addr = mapped(r->addr),
		.port = htons(r->port),
		.proto = r->proto,
	};
	for (uint32_t i = 0; i < XM_SLOT_UNIT; i++)
		lab->slots[id * XM_SLOT_UNIT + i] = xm_slot_make(lab_slots(id, i), 0, 0, 0);
}

static void put_backend(struct lab *lab, uint32_t id)
{
	const struct backend_row *r = &backend_rows[id];
	const struct service_row *s = &service_rows[r->service];
	uint32_t key = 0;

	if (s->track == XM_TRACK_ALL)
		key = add_key(lab, XM_KEY_ENDPOINT, r->addr, r->port, s->proto, 1);
	lab->backends[id] = (struct xm_backend){
		.state = r->state,
		.hop = r->hop,
		.life = XM_LIFE_LIVE,
		.service = r->service,
		.addr = mapped(r->addr),
		.key = key,
		.port = htons(r->port),
		.proto = s->proto,
	};
}

static void put_devs(struct lab *lab)
{
	const int ifindex[] = { 0, lab->near, lab->far, lab->mute };

	for (int i = DEV_NEAR; i <= DEV_MUTE; i++) {
		lab->devs[i] = (struct xm_dev){ .ifindex = ifindex[i], .mtu = 1500, .sends = i != DEV_MUTE };
		memcpy(lab->devs[i].mac, dev_macs[i], 6);
	}
}

static uint64_t hop_word(uint32_t hop, uint32_t dev)
{
	uint64_t mac = 0;

	memcpy(&mac, hop_macs[hop], 6);
	return xm_hop_make(mac, dev, XM_HOP_SEND);
}

void lab_reset(struct lab *lab)
{
	memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
	memset(lab->client_hops, 0, XM_CLIENT_HOPS * 8);
	memset(lab->key_table, 0, KEY_BUCKETS * sizeof(*lab->key_table));
	memset(lab->keys, 0, KEYS * sizeof(*lab->keys));
	memset(lab->cursors, 0, lab->cpus * S_COUNT * 4);
	memset(lab->cells, 0, lab->cpus * B_COUNT * sizeof(*lab->cells));
	memset(lab->verdicts, 0, lab->cpus * XM_VERDICT_CELLS * 8);
	*lab->meta = (struct xm_meta){
		.magic = XM_MAGIC,
		.abi = XM_ABI,
		.tick_shift = TICK_SHIFT,
		.key = secret,
		.endpoints = 1,
		.tcp_idle = 100,
		.udp_idle = 20,
		.closing_idle = 5,
		.syn_idle = 10,
	};
	for (uint32_t i = 1; i < S_COUNT; i++)
		put_service(lab, i);
	for (uint32_t i = 1; i < B_COUNT; i++)
		put_backend(lab, i);
	put_devs(lab);
	lab->hops[HOP_NEAR] = hop_word(HOP_NEAR, DEV_NEAR);
	lab->hops[HOP_FAR] = hop_word(HOP_FAR, DEV_FAR);
	lab->hops[HOP_STACK] = 0;
	lab->hops[HOP_MUTE] = hop_word(HOP_MUTE, DEV_MUTE);
	lab->picked = 0;
	lab->why[0] = 0;
}
