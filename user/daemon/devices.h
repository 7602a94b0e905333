/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices of what is wanted: attached, detached, and followed when they change, go or come back. */
#pragma once

#include "daemon.h"

/** Does the specification name the device? */
bool xm_device_named(const struct xm_spec *s, const char *dev);

/** Attaches what is wanted. On failure what was newly attached is detached again. 0 or -errno. */
int xm_devices_attach(struct xm_daemon *d, const struct xm_spec *want, struct xm_err *e);

/** Detaches the first n devices of those that other does not name. */
void xm_devices_detach(struct xm_daemon *d, const struct xm_spec *these, size_t n, const struct xm_spec *other);

/** A device of ours that changed gets a new record, before next hops are aimed at it. */
void xm_devices_changed(struct xm_daemon *d);

/** Says which backends stand behind a device that is not ours: their answers do not meet the program. */
void xm_devices_warn(const struct xm_daemon *d);

/** Pinned links are devices that we had: one that is not wanted any more is detached by the first apply. */
void xm_devices_remember(struct xm_daemon *d);
