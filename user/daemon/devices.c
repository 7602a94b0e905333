/* SPDX-License-Identifier: BSD-2-Clause */
#include "devices.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "user/base/log.h"
#include "user/plane/attach.h"

static enum xm_attach_mode attach_mode(enum xm_mode m)
{
	return m == XM_MODE_NATIVE ? XM_ATTACH_NATIVE : m == XM_MODE_GENERIC ? XM_ATTACH_GENERIC : XM_ATTACH_AUTO;
}

bool xm_device_named(const struct xm_spec *s, const char *dev)
{
	for (size_t i = 0; i < s->devices_n; i++)
		if (!strcmp(s->devices[i].name, dev))
			return true;
	return false;
}

void xm_devices_detach(struct xm_daemon *d, const struct xm_spec *these, size_t n, const struct xm_spec *other)
{
	for (size_t i = 0; i < n; i++)
		if (!xm_device_named(other, these->devices[i].name))
			xm_detach(&d->live.plane, these->devices[i].name, NULL);
}

int xm_devices_attach(struct xm_daemon *d, const struct xm_spec *want, struct xm_err *e)
{
	struct xm_attached is;

	for (size_t i = 0; i < want->devices_n; i++) {
		const struct xm_device_spec *dev = &want->devices[i];
		int err = xm_attach(&d->live.plane, dev->name, attach_mode(dev->mode), &is, e);

		if (err == -ENODEV && (d->starting || xm_device_named(&d->want, dev->name))) {
			xm_log(XM_LOG_WARN, "%s: it is attached when it appears", e->text);
			continue;
		}
		if (err) {
			xm_devices_detach(d, want, i, &d->want);
			return err;
		}
		if (!xm_device_named(&d->want, dev->name))
			xm_log(XM_LOG_INFO, "device %s: program %u attached, %s%s", dev->name, is.prog_id,
			       is.generic ? "generic" : "native", is.frags ? ", frames in several buffers" : "");
	}
	return 0;
}

void xm_devices_changed(struct xm_daemon *d)
{
	struct xm_attached is;
	struct xm_err e = {};

	for (size_t i = 0; i < d->want.devices_n; i++) {
		const struct xm_device_spec *dev = &d->want.devices[i];

		if (xm_attach(&d->live.plane, dev->name, attach_mode(dev->mode), &is, &e))
			xm_log(XM_LOG_WARN, "%s", e.text);
	}
}

void xm_devices_remember(struct xm_daemon *d)
{
	struct xm_attached is[XM_DEVICES_MAX];
	int n = xm_attached_list(&d->live.plane, is, XM_DEVICES_MAX);

	for (int i = 0; i < n; i++)
		memcpy(d->want.devices[d->want.devices_n++].name, is[i].dev, XM_DEVNAME);
}

void xm_devices_warn(const struct xm_daemon *d)
{
	const struct xm_plane *p = &d->live.plane;
	__u32 told = 0;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		const struct xm_backend *b = &p->backends[id];
		__u32 ifindex = b->hop < XM_HOPS ? d->live.hops.use[b->hop].ifindex : 0;
		char name[IF_NAMESIZE];

		/* a device is named once, however many backends stand behind it */
		if (b->life != XM_LIFE_LIVE || !b->key || ifindex == told || xm_dev_find(p, ifindex) || !ifindex ||
		    !if_indextoname(ifindex, name))
			continue;
		told = ifindex;
		xm_log(XM_LOG_WARN,
		       "backends stand behind device %s, which is not in devices: their answers do not meet the program",
		       name);
	}
}
