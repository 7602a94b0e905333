/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The maps, typed and mapped: the daemon's to write, everybody's to read. All array maps are memory; a record is written in
 * place while nobody can see it and published by one 8-byte store (xm_publish).
 */
#pragma once

#include "user/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

/* X(name, type): every array map, by its name in bpf/maps.h and under the bpffs */
#define XM_MAPS(X)                              \
	X(meta, struct xm_meta)                 \
	X(key_table, struct xm_key_bucket)      \
	X(keys, struct xm_key)                  \
	X(services, struct xm_service)          \
	X(backends, struct xm_backend)          \
	X(slots, __u64)                         \
	X(hops, __u64)                          \
	X(client_hops, __u64)                   \
	X(devs, struct xm_dev)                  \
	X(flows, struct xm_flow_set)            \
	X(cursors, __u32)                       \
	X(cells, struct xm_cell)                \
	X(verdicts, __u64)                      \
	X(service_info, struct xm_service_info) \
	X(backend_info, struct xm_backend_info)

enum xm_map {
#define X(name, type) XM_MAP_##name,
	XM_MAPS(X)
#undef X
		XM_MAP_COUNT
};

struct xm_plane {
#define X(name, type) type *name;
	XM_MAPS(X)
#undef X
	size_t bytes[XM_MAP_COUNT]; /* mapped */
	int dev_index;		    /* map by ifindex; -1 in a view */
	int prog_xdp, prog_frags, prog_sweep;
	int old_xdp, old_frags; /* of the build before, while an upgrade replaces them; else -1 */
	int dir;		/* the bpffs directory, locked by the daemon; -1 in a view */
	char bpffs[256];
	bool adopted;  /* maps were there */
	bool upgraded; /* the programs of another build were replaced */
};

/** What a daemon asks for. Sizes of adopted maps stay as they are. */
struct xm_plane_options {
	const char *bpffs;
	__u32 flows, services, backends;
};

/**
 * Opens for a daemon: locks the directory, adopts pinned maps and programs or makes and pins them. An object of another ABI or a
 * second live daemon is refused by name. 0 or -errno. Close with xm_plane_close(); everything pinned stays.
 */
int xm_plane_open(const struct xm_plane_options *o, struct xm_plane *ret, struct xm_err *e);

/** Opens the pinned maps for reading. -ENOENT: there are none. */
int xm_plane_view(const char *bpffs, struct xm_plane *ret, struct xm_err *e);

void xm_plane_close(struct xm_plane *p);

/** Does the pinned data plane still stand? Somebody may have removed the directory. */
bool xm_plane_pinned(const struct xm_plane *p);

/** Stores a word that packets follow. label names the store for the crash tests (store.c). */
void xm_publish64(const char *label, __u64 *at, __u64 value);
void xm_publish32(const char *label, __u32 *at, __u32 value);

/** Everything that a program could have read before this call is out of use after it. About 10 ms. */
void xm_grace(void);

/** The key record of a key, 0 if there is none. */
__u32 xm_key_lookup(const struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto);

/** Adds a key with a value; a key that is there keeps its id. Returns its id, or -ENOSPC. */
int xm_key_add(struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto, __u32 value);

/** The same, but a key that is there with another value is aimed at this one by one store; its old record is freed. */
int xm_key_aim(struct xm_plane *p, enum xm_key_kind kind, struct xm_addr addr, __u16 be_port, __u8 proto, __u32 value);

/** Takes a key out of the table; its record stays till xm_key_free(). */
void xm_key_hide(struct xm_plane *p, __u32 id);
void xm_key_free(struct xm_plane *p, __u32 id);

/** Sums over CPUs. */
struct xm_cell xm_cell_sum(const struct xm_plane *p, __u32 backend);
__u64 xm_verdict_sum(const struct xm_plane *p, enum xm_verdict v);

/** The coarse clock of the slots: seconds, 16 bits. */
__u16 xm_slot_clock(void);

/** Runs the sweep over count sets from a set on. 0 or -errno. */
int xm_sweep_run(struct xm_plane *p, __u32 from, __u32 count, struct xm_sweep *ret);
