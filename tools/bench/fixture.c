/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the maps hold: one VIP with a service of class none (dsr) and one of class all (nat), a hundred backends each,
 * all on the one device. Written by plain stores, as the daemon does.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "rig.h"

#define DEV 1
#define SERVICE_NONE 1
#define SERVICE_ALL 2
#define SLOTS_LOG2 14
#define PROTO_TCP 6

static struct xm_addr addr_of(__u32 host)
{
	return xm_addr_of_v4(htonl(host));
}

/** Enters a key; its record is the next free one. Fails if its bucket is full or holds its tag. */
static int key_add(struct rig *r, __u32 id, struct xm_key key)
{
	__u64 h = xm_hash_addr(key.addr, &r->key);
	__u64 hash = xm_hash_rest(h, xm_key_rest(key.kind, key.proto, key.port));
	__u64 *word = r->map.key_table[hash & (r->sizes.key_buckets - 1)].word;

	r->map.keys[id] = key;
	for (int i = 0; i < XM_KEY_WAYS; i++) {
		if (word[i] >> 32 == hash >> 32)
			break;
		if (word[i])
			continue;
		word[i] = (hash >> 32) << 32 | id;
		return 0;
	}
	return rig_fail(EEXIST, "key %u finds no place in its bucket: choose other secrets in load.c", id);
}

/** Backend i (1..BENCH_BACKENDS) of a service has the id first + i. */
static void fill_backends(struct rig *r, __u32 service, __u32 first, __u32 first_key)
{
	for (__u32 i = 1; i <= BENCH_BACKENDS; i++) {
		__u64 mac = 0x02ULL | (__u64)i << 40;

		r->map.backends[first + i] = (struct xm_backend){
			.state = XM_STATE_UP,
			.hop = i,
			.life = XM_LIFE_LIVE,
			.service = service,
			.addr = addr_of(BENCH_BACKEND_NET + i),
			.key = first_key ? first_key + i : 0,
			.port = htons(BENCH_BACKEND_PORT),
			.proto = PROTO_TCP,
		};
		r->map.hops[i] = xm_hop_make(mac, DEV, XM_HOP_SEND);
	}
}

/** A service with 16,384 slots at this unit, dealt out in turn. */
static void fill_service(struct rig *r, __u32 id, __u16 port, __u32 unit, __u32 first, __u8 forward, __u8 track)
{
	struct xm_plan_word plan = {
		.base = unit,
		.log2 = SLOTS_LOG2,
		.rr = BENCH_BACKENDS,
		.balance = XM_BALANCE_HASH,
		.forward = forward,
		.track = track,
	};

	for (__u32 i = 0; i < 1U << SLOTS_LOG2; i++)
		r->map.slots[unit * XM_SLOT_UNIT + i] = xm_slot_make(first + 1 + i % BENCH_BACKENDS, 0, 0, 0);
	r->map.services[id] = (struct xm_service){
		.plan = xm_plan_pack(&plan),
		.last_resort = first + 1,
		.life = XM_LIFE_LIVE,
		.addr = addr_of(RIG_VIP),
		.port = htons(port),
		.proto = PROTO_TCP,
	};
}

static int fill_keys(struct rig *r)
{
	struct xm_key service = { .addr = addr_of(RIG_VIP), .proto = PROTO_TCP, .kind = XM_KEY_SERVICE };
	struct xm_key vip = { .addr = addr_of(RIG_VIP), .kind = XM_KEY_VIP, .value = 2 };
	__u32 id = 1;
	int err = key_add(r, id++, vip);

	service.port = htons(RIG_STATELESS_PORT);
	service.value = SERVICE_NONE;
	err = err ? err : key_add(r, id++, service);
	service.port = htons(RIG_NAT_PORT);
	service.value = SERVICE_ALL;
	err = err ? err : key_add(r, id++, service);
	for (__u32 i = 1; i <= BENCH_BACKENDS && !err; i++) {
		struct xm_key end = {
			.addr = addr_of(BENCH_BACKEND_NET + i),
			.port = htons(BENCH_BACKEND_PORT),
			.proto = PROTO_TCP,
			.kind = XM_KEY_ENDPOINT,
			.value = 1,
		};

		err = key_add(r, id++, end);
	}
	return err;
}

/** One cycle through all lines in random order (Sattolo's shuffle), so that no read can be foreseen. */
static void fill_chain(struct rig *r)
{
	struct bench_line *line = r->map.chain;
	__u64 state = 1;

	for (__u32 i = 0; i < BENCH_CHAIN_LINES; i++)
		line[i].next = i;
	for (__u32 i = BENCH_CHAIN_LINES - 1; i > 0; i--) {
		__u32 other, next = line[i].next;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		other = (state >> 32) * i >> 32;
		line[i].next = line[other].next;
		line[other].next = next;
	}
}

int rig_fill(struct rig *r)
{
	struct xm_dev dev = { .ifindex = r->ifindex, .mtu = 1500, .sends = 1 };
	__u32 index = DEV;

	memcpy(dev.mac, r->mac, sizeof(dev.mac));
	r->map.devs[DEV] = dev;
	if (bpf_map_update_elem(r->dev_index_fd, &r->ifindex, &index, BPF_ANY))
		return rig_fail(errno, "dev_index: %s", strerror(errno));
	*r->map.meta = (struct xm_meta){
		.magic = XM_MAGIC,
		.abi = XM_ABI,
		.tick_shift = 8,
		.key = r->key,
		.sizes = r->sizes,
		.tcp_idle = 3600,
		.udp_idle = 60,
		.closing_idle = 10,
		.syn_idle = 30,
	};
	fill_backends(r, SERVICE_NONE, 0, 0);
	fill_backends(r, SERVICE_ALL, BENCH_BACKENDS, 3); /* endpoint i is key 3 + i */
	fill_service(r, SERVICE_NONE, RIG_STATELESS_PORT, 0, 0, XM_FORWARD_DSR, XM_TRACK_NONE);
	fill_service(r, SERVICE_ALL, RIG_NAT_PORT, 1 << SLOTS_LOG2 >> 10, BENCH_BACKENDS, XM_FORWARD_NAT, XM_TRACK_ALL);
	fill_chain(r);
	return fill_keys(r);
}
