/* SPDX-License-Identifier: BSD-2-Clause */
/* How large the maps are made, and what a new meta holds. */
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "plane_private.h"

#define XM_FLOW_SPARE 2 /* entries per flow of the limit */
#define XM_TICK_MS 1024 /* about what a tick is, whatever the kernel's HZ */

static __u32 power_of_two(__u64 at_least)
{
	__u32 n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

struct xm_sizes xm_sizes_for(const struct xm_plane_options *o)
{
	__u32 keys = o->services * 2 + o->backends + 1;
	struct xm_sizes s = {
		.flow_sets = power_of_two((__u64)o->flows * XM_FLOW_SPARE / XM_FLOW_WAYS),
		.services = o->services,
		.flows = o->flows,
		.backends = o->backends,
		.keys = keys,
		.key_buckets =
			power_of_two((__u64)keys * 2), /* so that no bucket of eight overflows: 3 in 10^10 at most */
		.cpus = libbpf_num_possible_cpus(),
	};
	__u64 slots = (__u64)o->backends * XM_SLOTS_PER_BACKEND * 2 + (__u64)o->services * XM_SLOT_UNIT * 2;

	/* tables, and room to build each anew beside the live one; the base of a region has 16 bits */
	s.slot_units = slots / XM_SLOT_UNIT > 65535 ? 65535 : slots / XM_SLOT_UNIT;
	return s;
}

/** log2 of the jiffies in about a second. */
static __u32 tick_shift(void)
{
	struct timespec res;
	__u32 shift = 0, jiffies;

	clock_getres(CLOCK_MONOTONIC_COARSE, &res); /* one jiffy */
	jiffies = XM_TICK_MS * 1000000ULL / (res.tv_nsec ? res.tv_nsec : 4000000);
	while ((2U << shift) <= jiffies)
		shift++;
	return shift;
}

void xm_meta_fill(struct xm_meta *m, const struct xm_sizes *sizes)
{
	memset(m, 0, sizeof(*m));
	m->abi = XM_ABI;
	m->tick_shift = tick_shift();
	m->sizes = *sizes;
	m->tcp_idle = 3600;
	m->udp_idle = 120;
	m->closing_idle = 60; /* as long as TIME_WAIT */
	m->syn_idle = 60;
	if (getrandom(&m->key, sizeof(m->key), 0) != sizeof(m->key))
		m->key = (struct xm_hash_key){ (__u64)time(NULL) * 0x9e3779b97f4a7c15ULL, getpid() };
}

__u32 xm_map_entries(enum xm_map map, const struct xm_sizes *s)
{
	switch (map) {
	case XM_MAP_key_table:
		return s->key_buckets;
	case XM_MAP_keys:
		return s->keys;
	case XM_MAP_services:
	case XM_MAP_service_info:
		return s->services;
	case XM_MAP_backends:
	case XM_MAP_backend_info:
		return s->backends;
	case XM_MAP_slots:
		return s->slot_units * XM_SLOT_UNIT;
	case XM_MAP_flows:
		return s->flow_sets;
	case XM_MAP_cursors:
		return s->cpus * s->services;
	case XM_MAP_cells:
		return s->cpus * s->backends;
	case XM_MAP_verdicts:
		return s->cpus * XM_VERDICT_CELLS;
	default:
		return 0; /* as bpf/maps.h says */
	}
}
