/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of plane/ share with each other and nobody else. */
#pragma once

#include "plane.h"

struct bpf_map;
struct xdpmesh_bpf;

extern const char *const xm_map_names[XM_MAP_COUNT];

/** A pinned object by its name. An fd, or -errno. */
int xm_pinned(const struct xm_plane *p, const char *name);

/** Takes everything of ours out of the directory: links too, so programs are detached. */
void xm_unpin_all(const struct xm_plane *p);

void xm_close_programs(struct xm_plane *p);
void xm_close_old_programs(struct xm_plane *p);

/** A number that changes with the programs' object file. */
__u64 xm_build_id(void);

/* sizes.c */

struct xm_sizes xm_sizes_for(const struct xm_plane_options *o);

/** The entries of a map, 0: as bpf/maps.h says. */
__u32 xm_map_entries(enum xm_map map, const struct xm_sizes *s);

/** A new meta, with a secret of its own; its magic is still to be stored. */
void xm_meta_fill(struct xm_meta *m, const struct xm_sizes *sizes);
