/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One reading of the pinned maps: which services and backends live, in the order of every list, with the figures that
 * need a pass over a whole table. Needs no daemon, changes nothing; it takes no lock, so a change that is under way
 * may be seen in part.
 */
#pragma once

#include <jansson.h>

#include "user/plane/plane.h"

struct xm_read_backend {
	__u32 id;
	__u32 service;
	__u32 slots;
	__u32 in_flight;
};

struct xm_reading {
	const struct xm_plane *p;
	__u32 *services; /* ids, sorted by name; owned */
	size_t services_n;
	struct xm_read_backend *backends; /* sorted by service's id, address, port; owned */
	size_t backends_n;
	__u64 flows_used;
};

/** 0 or -ENOMEM. */
int xm_reading_take(const struct xm_plane *p, struct xm_reading *ret, struct xm_err *e);
void xm_reading_free(struct xm_reading *r);
#define xm_cleanup_reading __attribute__((cleanup(xm_reading_free)))

/** The id of a service of this name; 0: there is none, and e names the nearest. */
__u32 xm_reading_service(const struct xm_reading *r, const char *name, struct xm_err *e);

/** A backend of a service. NULL: there is none, and e says so. */
const struct xm_read_backend *xm_reading_backend(const struct xm_reading *r, __u32 service, struct xm_addr addr,
						 __u16 be_port, struct xm_err *e);

/** The first backend of a service, and how many there are; they stand one behind the other. */
const struct xm_read_backend *xm_reading_backends(const struct xm_reading *r, __u32 service, size_t *ret_n);

/** Its name, in a buffer of XM_NAME_MAX bytes. Returns buf. */
const char *xm_service_name(const struct xm_plane *p, __u32 service, char *buf);

/** The service as `service show` has it, backends and all. NULL if there is no memory. */
json_t *xm_service_json(const struct xm_reading *r, __u32 service);

/** One backend of it. */
json_t *xm_backend_json(const struct xm_reading *r, const struct xm_read_backend *b);

/** All services, or one of them (only != 0). */
json_t *xm_services_json(const struct xm_reading *r, __u32 only);

/** All backends, or those of one service, each with its service's name. */
json_t *xm_backends_json(const struct xm_reading *r, __u32 only);

/** An array of the words of bits of enum xm_reason. */
json_t *xm_reasons_json(__u32 reasons);
