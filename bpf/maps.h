/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map and every load-time choice, in one place. All maps but devices are arrays that user space fills through mmap.
 * Weak, so that each .bpf.c has them and the linked object has them once. The loader sets the sizes that are 1 here.
 */
#pragma once

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include <bpf/bpf_helpers.h>

#define XM_ARRAY(name, value_type, entries)        \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__type(key, __u32);                \
		__type(value, value_type);         \
		__uint(max_entries, entries);      \
	} name SEC(".maps") __weak

XM_ARRAY(meta, struct xm_meta, 1);
XM_ARRAY(key_table, struct xm_key_bucket, 1);
XM_ARRAY(keys, struct xm_key, 1);
XM_ARRAY(services, struct xm_service, 1);
XM_ARRAY(backends, struct xm_backend, 1);
XM_ARRAY(slots, __u64, 1);
XM_ARRAY(hops, __u64, XM_HOPS);
XM_ARRAY(client_hops, __u64, XM_CLIENT_HOPS); /* entered by the kernel where 0 stands, emptied by user space */
XM_ARRAY(devs, struct xm_dev, XM_DEVS);
XM_ARRAY(flows, struct xm_flow_set, 1); /* written by the kernel */
XM_ARRAY(cursors, __u32, 1);		/* round robin: cpu x services, written by the kernel */
XM_ARRAY(cells, struct xm_cell, 1);	/* cpu x backends, written by the kernel */
XM_ARRAY(verdicts, __u64, 1);		/* cpu x XM_VERDICT_CELLS, written by the kernel */
XM_ARRAY(service_info, struct xm_service_info, 1);
XM_ARRAY(backend_info, struct xm_backend_info, 1);

/* index in devs by ifindex: read once a new flow, not once a packet */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, XM_DEVS);
} dev_index SEC(".maps") __weak;

/* load-time constants, from struct xm_meta */
const volatile __u64 xm_k0 __weak = 0;
const volatile __u64 xm_k1 __weak = 0;
const volatile __u32 xm_tick_shift __weak = 8;
const volatile __u32 xm_flow_mask __weak = 0;
const volatile __u32 xm_key_mask __weak = 0;
const volatile __u32 xm_n_services __weak = 1;
const volatile __u32 xm_n_backends __weak = 1;
const volatile __u32 xm_n_cpus __weak = 1;

/** The element of an array map, or NULL past its end. The verifier turns it into an address computation. */
#define xm_at(map, index)                               \
	({                                              \
		__u32 xm_index = (index);               \
		bpf_map_lookup_elem(&(map), &xm_index); \
	})

/* a function that the verifier walks once, whoever calls it; weak, as it may stand in several objects that are linked */
#define XM_GLOBAL __weak __noinline

#define xm_read(word) (*(volatile typeof(word) *)&(word))

/** The coarse clock, about a second a tick, 16 bits. */
xm_inline __u16 xm_tick(void)
{
	return bpf_jiffies64() >> xm_tick_shift;
}

xm_inline struct xm_hash_key xm_secret(void)
{
	struct xm_hash_key k = { .k0 = xm_k0, .k1 = xm_k1 };

	return k;
}
