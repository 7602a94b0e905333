/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records of the maps. What a packet reads together is immutable after publication, but for the words named below,
 * each of which has one writer. No implicit padding; sizes are asserted.
 */
#pragma once

#include <xdpmesh/hash.h>
#include <xdpmesh/limits.h>
#include <xdpmesh/types.h>
#include <xdpmesh/word.h>

#define XM_MAGIC 0x786d657368000001ULL

/** One cache line of the key table: words of tag 32 | key record 32; 0 is empty. One store adds or removes a key. */
struct xm_key_bucket {
	__u64 word[XM_KEY_WAYS];
};
_Static_assert(sizeof(struct xm_key_bucket) == 64, "key bucket");

/** A key: what it stands for, verified in full after its tag has matched. Immutable. */
struct xm_key {
	struct xm_addr addr;
	__u16 port; /* network byte order */
	__u8 proto;
	__u8 kind; /* enum xm_key_kind, 0 if free */
	__u32 value; /* the service's id; of an endpoint XM_KEY_RETIRED once nobody uses it and its direct flows are being swept */
};
_Static_assert(sizeof(struct xm_key) == 24, "key");

#define XM_KEY_RETIRED (~0U)

enum xm_life {
	XM_LIFE_FREE = 0,
	XM_LIFE_LIVE = 1,
	XM_LIFE_RETIRED = 2, /* removed; its flows are being swept, its id is in quarantine */
};

/** A service. plan and last_resort are words of user space, the rest is immutable while live. */
struct xm_service {
	__u64 plan;	   /* struct xm_plan_word, packed */
	__u32 last_resort; /* a backend that is up, tried when slot and detours have failed; 0 if none */
	__u32 life;
	struct xm_addr addr;
	__u16 port; /* network byte order */
	__u8 proto;
	__u8 pad[29];
};
_Static_assert(sizeof(struct xm_service) == 64, "service");

enum xm_state { XM_STATE_UNKNOWN, XM_STATE_UP, XM_STATE_DRAIN, XM_STATE_DOWN, XM_STATE_EJECTED, XM_STATE_COUNT };

/** A backend of one service. state, hop and life are words of user space, the rest is immutable while live. */
struct xm_backend {
	__u32 state; /* enum xm_state: the one store of a health flip */
	__u32 hop;   /* index into the next hops */
	__u32 life;
	__u32 service;
	struct xm_addr addr;
	__u32 key;  /* the endpoint's key record: equal for the same address, port and protocol in two services */
	__u16 port; /* network byte order */
	__u8 proto;
	__u8 pad[25];
};
_Static_assert(sizeof(struct xm_backend) == 64, "backend");

/** A device that we are attached to. Immutable while in use. */
struct xm_dev {
	__u32 ifindex;
	__u32 mtu;
	__u8 mac[6];
	__u16 sends; /* 1 if frames can be transmitted on it by XDP, else they go by the stack */
	__u8 old;    /* the device has a newer record: user space's mark */
	__u8 pad[15];
};
_Static_assert(sizeof(struct xm_dev) == 32, "device");

/** A flow of class all, found by its client's end in both directions. The tuple is valid for the sequence in its word. */
struct xm_flow {
	__u64 word;
	struct xm_addr client;
	__u16 client_port; /* network byte order */
	__u16 vip_port;	   /* network byte order */
	__u32 owner;	   /* service 24 | protocol 8; service 0 is a direct connection */
};
_Static_assert(sizeof(struct xm_flow) == 32, "flow");

struct xm_flow_set {
	struct xm_flow way[XM_FLOW_WAYS];
};

xm_inline __u32 xm_flow_owner(__u32 service, __u8 proto)
{
	return service << 8 | proto;
}

/** Counters of a backend on one CPU, a cache line. Written by the kernel, never zeroed: a tenant begins at its baseline. */
struct xm_cell {
	__u64 packets; /* client to backend */
	__u64 bytes;   /* layer-3 length as received */
	__u64 reply_packets;
	__u64 reply_bytes;
	__u64 connections; /* flows made */
	__u64 pad[3];
};
_Static_assert(sizeof(struct xm_cell) == 64, "cell");

/** Names and settings that the data path does not read but every reader shows. Written by user space. */
struct xm_service_info {
	char name[XM_NAME_MAX];
	__u64 generation; /* of the apply that last changed it */
	__u64 pad;
};

struct xm_backend_info {
	struct xm_cell baseline; /* the cells' sum when the id was given to this tenant */
	__u64 since;		 /* CLOCK_REALTIME, seconds: last change of state */
	__u32 weight;
	__u32 reasons; /* bits of enum xm_reason */
	__u32 priority;
	__u32 pad;
	char zone[XM_NAME_MAX];
};

enum xm_phase {
	XM_PHASE_IDLE = 0,
	XM_PHASE_ADD = 1,    /* records, slots and keys of what is new are being written */
	XM_PHASE_SWITCH = 2, /* words that packets follow are being stored */
	XM_PHASE_RETIRE = 3, /* what is gone is being taken out */
};

struct xm_sizes {
	__u32 flow_sets; /* a power of two */
	__u32 services;
	__u32 backends;
	__u32 keys;
	__u32 key_buckets; /* a power of two */
	__u32 slot_units;
	__u32 cpus;  /* possible CPUs */
	__u32 flows; /* the limit that the flow sets were made for */
};

/** What a new daemon needs to adopt the maps of the last one. Written by user space. */
struct xm_meta {
	__u64 magic;
	__u32 abi;
	__u32 tick_shift; /* jiffies >> tick_shift is the coarse clock, about a second */
	struct xm_hash_key key;
	struct xm_sizes sizes;
	__u64 generation; /* applies completed */
	__u64 build;	  /* of the programs that are pinned */
	__u64 journal;	  /* generation being applied << 8 | enum xm_phase; 0 when idle */
	__u32 endpoints;  /* number of endpoint keys: 0 means that no reply can be ours */
	__u32 tcp_idle;	  /* ticks after which the sweep takes a flow */
	__u32 udp_idle;
	__u32 closing_idle;
	__u32 syn_idle;
	__u32 pad[7];
};
_Static_assert(sizeof(struct xm_meta) % 8 == 0, "meta");

/** Argument and answer of one run of the sweep. */
struct xm_sweep {
	__u32 from;  /* first set */
	__u32 count; /* sets */
	__u32 used;  /* out: entries that stay */
	__u32 taken; /* out: entries taken out */
	__u32 lost;  /* out: entries to be taken that changed under us: look again before an id is freed */
	__u32 pad;
};
