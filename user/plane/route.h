/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's routes and neighbours by netlink: questions, and word that something changed. */
#pragma once

#include "user/base/err.h"

#include <stdbool.h>
#include <xdpmesh/types.h>

struct mnl_socket;

struct xm_route {
	struct mnl_socket *ask;
	struct mnl_socket *events;
	unsigned int seq;
};

/** Where the kernel sends packets to an address. */
struct xm_route_answer {
	__u32 ifindex;
	struct xm_addr via; /* the gateway, or the address itself if it is on the link */
	bool local;
};

struct xm_neigh {
	__u32 ifindex;
	struct xm_addr addr;
	__u64 mac; /* 48 bits, first byte lowest */
	bool valid;
};

enum { XM_EVENT_NEIGH = 1, XM_EVENT_ROUTE = 2, XM_EVENT_LINK = 4, XM_EVENT_REOPENED = 8 };

int xm_route_open(struct xm_route *ret, struct xm_err *e);
void xm_route_close(struct xm_route *r);

/** To be polled for reading; xm_route_events() then says what kinds of things changed. It may change when events are lost. */
int xm_route_fd(const struct xm_route *r);

/** Reads what is there. Returns XM_EVENT_ bits. When the kernel dropped some (ENOBUFS) or the socket broke: all of them, and
 * XM_EVENT_REOPENED if there is a new socket to poll. */
int xm_route_events(struct xm_route *r);

/** 0, -ENETUNREACH and the like. */
int xm_route_get(struct xm_route *r, struct xm_addr to, struct xm_route_answer *ret);

/** All IPv4 neighbours; free() the array. Returns their number or -errno. */
int xm_neigh_dump(struct xm_route *r, struct xm_neigh **ret);

/** Asks the kernel to resolve a neighbour and to keep it fresh by itself (NTF_EXT_MANAGED; else NTF_USE). */
int xm_neigh_manage(struct xm_route *r, __u32 ifindex, struct xm_addr addr);
