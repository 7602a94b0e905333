/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "plane_private.h"

#define XM_DETACH_TRIES 100 /* of 2 ms */

static void link_path(const struct xm_plane *p, const char *dev, char *path, size_t size)
{
	snprintf(path, size, "%s/link_%s", p->bpffs, dev);
	/* a bpffs has no names with a dot, a device none with a colon */
	for (char *c = path + strlen(p->bpffs); *c; c++)
		if (*c == '.')
			*c = ':';
}

static int describe(int fd, const char *dev, struct xm_attached *ret)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->dev, sizeof(ret->dev), "%s", dev);
	ret->ifindex = info.xdp.ifindex;
	ret->prog_id = info.prog_id;
	ret->link_id = info.id;
	ret->alive = info.xdp.ifindex && info.xdp.ifindex == if_nametoindex(dev);
	if (ret->alive && !bpf_xdp_query(info.xdp.ifindex, 0, &query))
		ret->generic = query.attach_mode == XDP_ATTACHED_SKB;
	return 0;
}

static __u32 prog_id_of(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) ? info.id : 0;
}

/** The program that stands in our way, by name. */
static int name_occupant(const char *dev, int ifindex, struct xm_err *e)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *prog = NULL;
	int err;

	if (!libxdp_get_error(mp)) {
		prog = xdp_multiprog__main_prog(mp);
		if (!xdp_multiprog__is_legacy(mp) && xdp_multiprog__next_prog(NULL, mp))
			prog = xdp_multiprog__next_prog(NULL, mp);
	}
	if (prog)
		err = xm_fail(
			e, EBUSY,
			"device %s: XDP program \"%s\" (id %u) is attached already: detach it, or choose another device",
			dev, xdp_program__name(prog), xdp_program__id(prog));
	else
		err = xm_fail(e, EBUSY, "device %s: another XDP program is attached already", dev);
	if (!libxdp_get_error(mp))
		xdp_multiprog__close(mp);
	return err;
}

static int try_link(int prog, int ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = flags);
	int fd = bpf_link_create(prog, ifindex, BPF_XDP, &o);

	return fd < 0 ? -errno : fd;
}

/** The first way that the device takes. An fd, or -errno. */
static int make_link(struct xm_plane *p, int ifindex, enum xm_attach_mode mode, bool *ret_frags)
{
	int fd = -EOPNOTSUPP;

	*ret_frags = false;
	if (mode != XM_ATTACH_GENERIC) {
		fd = try_link(p->prog_xdp, ifindex, XDP_FLAGS_DRV_MODE);
		/* a device whose frames lie in several buffers says so in one of these ways */
		if (fd == -ERANGE || fd == -EOPNOTSUPP || fd == -EINVAL) {
			int frags = try_link(p->prog_frags, ifindex, XDP_FLAGS_DRV_MODE);

			if (frags >= 0 || fd == -ERANGE) {
				fd = frags;
				*ret_frags = frags >= 0;
			}
		}
	}
	if (mode == XM_ATTACH_GENERIC || (mode == XM_ATTACH_AUTO && fd < 0 && fd != -EBUSY))
		fd = try_link(p->prog_xdp, ifindex, XDP_FLAGS_SKB_MODE);
	return fd;
}

/** Replaces the program of a link, named if we know it. */
static int put_program(int fd, int fresh, int old, __u32 is)
{
	LIBBPF_OPTS(bpf_link_update_opts, o);

	if (old >= 0 && is == prog_id_of(old)) {
		o.flags = BPF_F_REPLACE;
		o.old_prog_fd = old;
	}
	return bpf_link_update(fd, fresh, &o) ? -errno : 0;
}

/** Gives a link this build's program, naming the one that it replaces. */
static int update_link(struct xm_plane *p, int fd, const struct xm_attached *is, struct xm_err *e)
{
	bool frags = p->old_frags >= 0 && is->prog_id == prog_id_of(p->old_frags);
	int err;

	if (is->prog_id == prog_id_of(p->prog_xdp) || is->prog_id == prog_id_of(p->prog_frags))
		return 0;
	err = frags ? -ERANGE : put_program(fd, p->prog_xdp, p->old_xdp, is->prog_id);
	/* one that a daemon left which was killed in its upgrade: the device says if it wants frames in several buffers */
	if (err)
		err = put_program(fd, p->prog_frags, p->old_frags, is->prog_id);
	return err ? xm_fail(e, -err, "device %s: replace program %u: %s", is->dev, is->prog_id, strerror(-err)) : 0;
}

static int adopt_link(struct xm_plane *p, const char *dev, struct xm_attached *ret, struct xm_err *e)
{
	char path[512];
	int fd, err;

	link_path(p, dev, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT;
	err = describe(fd, dev, ret);
	if (!err && !ret->alive) { /* the device went and came back: the link holds nothing */
		unlink(path);
		err = -ENOENT;
	}
	if (!err)
		err = update_link(p, fd, ret, e);
	if (!err)
		err = describe(fd, dev, ret);
	close(fd);
	return err;
}

static int new_link(struct xm_plane *p, const char *dev, int ifindex, enum xm_attach_mode mode, struct xm_attached *ret,
		    struct xm_err *e)
{
	char path[512];
	bool frags;
	int fd = make_link(p, ifindex, mode, &frags), err;

	if (fd == -EBUSY || fd == -EEXIST)
		return name_occupant(dev, ifindex, e);
	if (fd < 0)
		return xm_fail(e, -fd, "device %s: cannot attach in mode %s: %s", dev,
			       mode == XM_ATTACH_NATIVE	 ? "native" :
			       mode == XM_ATTACH_GENERIC ? "generic" :
							   "auto",
			       strerror(-fd));
	link_path(p, dev, path, sizeof(path));
	err = bpf_obj_pin(fd, path) ? xm_fail(e, errno, "pin %s: %s", path, strerror(errno)) : describe(fd, dev, ret);
	close(fd);
	return err;
}

/** A link cannot change its mode: it is taken off, and -ENOENT says that it is gone. The kernel lets go a moment after the pin. */
static int take_off(struct xm_plane *p, const char *dev, int ifindex)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char path[512];

	link_path(p, dev, path, sizeof(path));
	unlink(path);
	for (int i = 0; i < XM_DETACH_TRIES; i++) {
		if (bpf_xdp_query(ifindex, 0, &query) || !query.prog_id)
			break;
		nanosleep(&moment, NULL);
	}
	return -ENOENT;
}

int xm_attach(struct xm_plane *p, const char *dev, enum xm_attach_mode mode, struct xm_attached *ret, struct xm_err *e)
{
	int ifindex = if_nametoindex(dev), err, index;

	if (!ifindex)
		return xm_fail_value(e, ENODEV, "device", dev, NULL, "does not exist in this network namespace");
	err = adopt_link(p, dev, ret, e);
	if (!err && mode != XM_ATTACH_AUTO && (mode == XM_ATTACH_GENERIC) != ret->generic)
		err = take_off(p, dev, ifindex);
	if (err == -ENOENT)
		err = new_link(p, dev, ifindex, mode, ret, e);
	if (err)
		return err;
	ret->frags = ret->prog_id == prog_id_of(p->prog_frags);
	/* a native program cannot redirect to a device that has XDP only in the stack */
	index = xm_dev_enter(p, dev, !ret->generic);
	if (index < 0)
		return xm_fail(e, -index, "device %s: no room in the device table (limit %d records since the start)",
			       dev, XM_DEVS - 1);
	return 0;
}

int xm_detach(struct xm_plane *p, const char *dev, struct xm_err *e)
{
	__u32 index = xm_dev_find(p, if_nametoindex(dev)), ifindex;
	char path[512];

	link_path(p, dev, path, sizeof(path));
	if (unlink(path))
		return xm_fail_value(e, ENOENT, "device", dev, NULL, "has no program of ours");
	if (index) {
		ifindex = p->devs[index].ifindex;
		bpf_map_delete_elem(p->dev_index, &ifindex);
		p->devs[index].sends = 0;
	}
	return 0;
}

static int attached_cmp(const void *a, const void *b)
{
	return strcmp(((const struct xm_attached *)a)->dev, ((const struct xm_attached *)b)->dev);
}

int xm_attached_list(const struct xm_plane *p, struct xm_attached *ret, int max)
{
	DIR *d = opendir(p->bpffs);
	int frags = xm_pinned(p, "prog_frags"), n = 0;
	struct dirent *entry;

	while (d && n < max && (entry = readdir(d))) {
		char dev[64];
		int fd;

		if (strncmp(entry->d_name, "link_", 5))
			continue;
		fd = xm_pinned(p, entry->d_name);
		if (fd < 0)
			continue;
		snprintf(dev, sizeof(dev), "%s", entry->d_name + 5);
		for (char *c = dev; *c; c++)
			if (*c == ':')
				*c = '.';
		if (!describe(fd, dev, &ret[n])) {
			ret[n].frags = ret[n].prog_id == prog_id_of(frags);
			n++;
		}
		close(fd);
	}
	if (d)
		closedir(d);
	if (frags >= 0)
		close(frags);
	qsort(ret, n, sizeof(*ret), attached_cmp);
	return n;
}
