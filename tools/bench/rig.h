/* SPDX-License-Identifier: BSD-2-Clause */
/* The rig: programs loaded several times over one set of maps, the maps' memory, and the case that is measured. */
#pragma once

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include "bench.h"

#define RIG_LOADS 5 /* the JIT places every load elsewhere, and that moves results by some ns */

#define RIG_DEV "bench0"
#define RIG_VIP 0xc6336401 /* 198.51.100.1 */
#define RIG_OTHER 0xc6336409
#define RIG_STATELESS_PORT 80
#define RIG_NAT_PORT 443
#define RIG_NO_PORT 81

enum rig_program { RIG_DROP, RIG_MESH, RIG_CHAIN, RIG_PROGRAMS };

/** Our maps, mapped. */
struct rig_maps {
	struct xm_meta *meta;
	struct xm_key_bucket *key_table;
	struct xm_key *keys;
	struct xm_service *services;
	struct xm_backend *backends;
	__u64 *slots;
	__u64 *hops;
	struct xm_dev *devs;
	struct xm_flow_set *flows;
	__u64 *verdicts;
	struct bench_owners *owners;
	struct bench_line *chain;
};

struct rig {
	struct rig_maps map;
	struct bench_job *job;
	struct xm_sizes sizes;
	struct xm_hash_key key;
	__u32 ifindex;
	__u8 mac[6];
	int dev_index_fd;
	int target_fd;
	struct {
		struct xdpmesh_bpf *mesh;
		struct bench_bpf *bench;
		int driver_fd;
		int fd[RIG_PROGRAMS];
	} load[RIG_LOADS];
	struct bpf_link *link;
};

/** What a packet of a case is. */
struct rig_packet {
	__u32 to;   /* host byte order; 0: to the client */
	__u16 port; /* of the service */
	__u8 flags; /* TCP's */
};

/** One line on stderr. Returns -code. */
int rig_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* host.c */
/** A network namespace of our own with a device, a route and permanent neighbours. */
int rig_host(struct rig *r);
/** Gives up everything but CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and the user id 0. */
int rig_privileges(void);
/** Keeps this thread on one CPU. */
int rig_pin(void);

/* load.c */
int rig_load(struct rig *r);
void rig_free(struct rig *r);

/* fixture.c */
/** Services, backends, slots, keys, next hops and the reference's chain. */
int rig_fill(struct rig *r);

/* drive.c */
/** Makes the driver's template. */
void rig_packet(struct rig *r, const struct rig_packet *p);
/** One call of BPF_PROG_TEST_RUN. */
int rig_drive(struct rig *r, int load, enum rig_program program, __u32 repeat, __u32 *ret_ns);
/** The same with our program; fails unless the verdict, but for one in a thousand, was this one. */
int rig_drive_as(struct rig *r, int load, __u32 repeat, enum xm_verdict verdict, __u32 *ret_ns);
const char *rig_verdict(enum xm_verdict v);
/** Empties the flow table. */
void rig_flows_clear(struct rig *r);
/** Leaves the flows 0..n-1 established and no others. */
int rig_flows_open(struct rig *r, __u32 n);
