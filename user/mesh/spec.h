/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wanted: devices, limits and services, as a file or a command states it. Pure data; the daemon makes the maps agree
 * with it. Words of the configuration and their values stand in one table each (words.c).
 */
#pragma once

#include "user/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <xdpmesh/record.h>

#define XM_DEVICES_MAX 32
#define XM_DEVNAME 16

enum xm_mode { XM_MODE_AUTO, XM_MODE_NATIVE, XM_MODE_GENERIC, XM_MODE_COUNT };

struct xm_device_spec {
	char name[XM_DEVNAME];
	enum xm_mode mode;
};

/** An active check. Times in milliseconds; type 0: none. */
enum xm_check_type { XM_CHECK_NONE, XM_CHECK_TCP };

struct xm_check_spec {
	enum xm_check_type type;
	__u32 interval; /* ms, 10..3600000 */
	__u32 timeout;	/* ms, 10..interval */
	__u32 fall;	/* 1..100 */
	__u32 rise;	/* 1..100 */
	__u32 jitter;	/* percent, 0..50 */
};

/** The operator's word on a backend, above what checks say. */
enum xm_admin { XM_ADMIN_AUTO, XM_ADMIN_UP, XM_ADMIN_DOWN, XM_ADMIN_DRAIN };

struct xm_backend_spec {
	struct xm_addr addr;
	__u16 port; /* network byte order */
	__u32 weight;
	__u32 priority;
	char zone[XM_NAME_MAX];
	__u8 admin; /* enum xm_admin: the operator's word */
};

struct xm_service_spec {
	char name[XM_NAME_MAX];
	struct xm_addr vip;
	__u16 port; /* network byte order */
	__u8 proto;
	__u8 forward; /* enum xm_forward */
	__u8 balance; /* enum xm_balance */
	__u8 track;   /* enum xm_track */
	__u8 on_down;
	__u8 on_none;
	struct xm_check_spec check;
	struct xm_backend_spec *backends; /* owned, sorted by address and port */
	size_t backends_n;
};

struct xm_spec {
	struct xm_device_spec devices[XM_DEVICES_MAX];
	size_t devices_n;
	char node[XM_NAME_MAX];
	char zone[XM_NAME_MAX];
	__u32 limit_flows;
	__u32 limit_services;
	__u32 limit_backends;
	struct xm_service_spec *services; /* owned, sorted by name */
	size_t services_n;
};

/** An empty one with the defaults. */
void xm_spec_init(struct xm_spec *s);
void xm_spec_free(struct xm_spec *s);
#define xm_cleanup_spec __attribute__((cleanup(xm_spec_free)))

/** A service with every default; name, vip, port and protocol are still to be set. */
void xm_service_spec_init(struct xm_service_spec *s);
void xm_service_spec_free(struct xm_service_spec *s);

/** Deep copies. 0 or -ENOMEM; the target is overwritten, not freed. */
int xm_service_spec_copy(const struct xm_service_spec *from, struct xm_service_spec *ret_to);
int xm_spec_copy(const struct xm_spec *from, struct xm_spec *ret_to);

/** Adds a copy, keeping the order. 0, -EEXIST if the name or the endpoint is there, -ENOMEM. */
int xm_spec_add_service(struct xm_spec *s, const struct xm_service_spec *service);
int xm_service_spec_add_backend(struct xm_service_spec *s, const struct xm_backend_spec *b);

/** Finds, or returns NULL. */
struct xm_service_spec *xm_spec_find(const struct xm_spec *s, const char *name);
struct xm_backend_spec *xm_service_spec_find(const struct xm_service_spec *s, struct xm_addr addr, __u16 be_port);

/** Removes by pointer into the array. */
void xm_spec_remove(struct xm_spec *s, struct xm_service_spec *service);
void xm_service_spec_remove(struct xm_service_spec *s, struct xm_backend_spec *b);

/** Are two services the same but for the order in which they were written? */
bool xm_service_spec_equal(const struct xm_service_spec *a, const struct xm_service_spec *b);

/**
 * Whole-specification rules that no single value shows: families, ports of dsr, a backend that is a VIP of ours, two services on
 * one (vip, port, protocol), limits. 0 or -EINVAL with the object, value and limit.
 */
int xm_spec_check(const struct xm_spec *s, struct xm_err *e);
