/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes and bounds that both sides must agree on. Those that a configuration can change are kept in struct xm_sizes. */
#pragma once

/* raise it with every change of a record's or a word's layout: a daemon refuses to adopt maps of another one */
#define XM_ABI 5

#define XM_NAME_MAX 64 /* bytes of a service's name or a zone, the zero at the end included */

#define XM_DEFAULT_FLOWS 1000000
#define XM_DEFAULT_SERVICES 1024
#define XM_DEFAULT_BACKENDS 16384
#define XM_MAX_SERVICES 65536
#define XM_MAX_BACKENDS ((1 << 20) - 1) /* an owner has 20 bits in a slot and in a flow's word */
#define XM_MAX_FLOWS (1 << 26)

#define XM_SLOT_UNIT 1024 /* slot regions are allocated in units of so many slots */
#define XM_SLOTS_PER_BACKEND 128
#define XM_SLOTS_MAX (1 << 21) /* of one service */

#define XM_DETOURS 4 /* further slots that a pick tries past an owner that is not usable */

#define XM_KEY_WAYS 8  /* words in a bucket of the key table: one cache line */
#define XM_FLOW_WAYS 8 /* entries in a set of the flow table: four cache lines, begun at a hashed one */

#define XM_HOPS 65536	    /* next hops towards backends */
#define XM_CLIENT_HOPS 4096 /* next hops towards clients; 0 means: the kernel's stack */
#define XM_DEVS 256	    /* attached devices; 0 is none */
