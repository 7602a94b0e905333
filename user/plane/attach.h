/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our program on a device: an own bpf_link, pinned as link_DEVICE, so that it outlives the daemon. Native first, generic where
 * the driver has no XDP, the program for frames in several buffers where the device's MTU wants it.
 */
#pragma once

#include "plane.h"

enum xm_attach_mode { XM_ATTACH_AUTO, XM_ATTACH_NATIVE, XM_ATTACH_GENERIC };

struct xm_attached {
	char dev[16];
	__u32 ifindex;
	__u32 prog_id;
	__u32 link_id;
	bool generic;
	bool frags;
	bool alive; /* the device that the link was made on still exists */
};

/**
 * Attaches, or adopts the pinned link; a link of another build of our program gets this one, the old one named. Another program
 * on the device is found and named: -EBUSY. The device enters the device table.
 */
int xm_attach(struct xm_plane *p, const char *dev, enum xm_attach_mode mode, struct xm_attached *ret, struct xm_err *e);

/** Takes our program off. -ENOENT: it is not there. */
int xm_detach(struct xm_plane *p, const char *dev, struct xm_err *e);

/** What is pinned, sorted by name: works for a view. Returns the number, at most max. */
int xm_attached_list(const struct xm_plane *p, struct xm_attached *ret, int max);

/** Enters a device's ifindex, MAC and MTU as they are now. Returns its index, or -errno. */
int xm_dev_enter(struct xm_plane *p, const char *dev, bool sends);

/** The newest record of a device, 0 if it is not ours. */
__u32 xm_dev_find(const struct xm_plane *p, __u32 ifindex);
