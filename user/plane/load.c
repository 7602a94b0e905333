/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening: maps and programs are pinned in one directory, locked by the daemon that writes them. What is pinned is adopted as
 * it is; programs of another build are replaced one by one. meta is written first and its magic last, so that a directory
 * that a crash left half made is known, and made anew.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "plane_private.h"
#include "user/base/dirs.h"
#include "xdpmesh.skel.h"

#define XM_BPFFS_MAGIC 0xcafe4a11

static void set_constants(struct xdpmesh_bpf *skel, const struct xm_meta *m)
{
	skel->rodata->xm_k0 = m->key.k0;
	skel->rodata->xm_k1 = m->key.k1;
	skel->rodata->xm_tick_shift = m->tick_shift;
	skel->rodata->xm_flow_mask = m->sizes.flow_sets - 1;
	skel->rodata->xm_key_mask = m->sizes.key_buckets - 1;
	skel->rodata->xm_n_services = m->sizes.services;
	skel->rodata->xm_n_backends = m->sizes.backends;
	skel->rodata->xm_n_cpus = m->sizes.cpus;
}

struct bpf_map *xm_skel_map(struct xdpmesh_bpf *skel, enum xm_map map)
{
	struct bpf_map *of[] = {
#define X(name, type) [XM_MAP_##name] = skel->maps.name,
		XM_MAPS(X)
#undef X
	};

	return of[map];
}

/** Sizes for new maps, or the pinned ones in their place. */
static int set_maps(struct xm_plane *p, struct xdpmesh_bpf *skel, const struct xm_meta *m, struct xm_err *e)
{
	int err = 0;

	for (int i = 0; i < XM_MAP_COUNT && !err; i++) {
		__u32 entries = xm_map_entries(i, &m->sizes);
		int fd;

		if (!p->adopted) {
			if (entries)
				err = bpf_map__set_max_entries(xm_skel_map(skel, i), entries);
			continue;
		}
		fd = xm_pinned(p, xm_map_names[i]);
		err = fd < 0 ? fd : bpf_map__reuse_fd(xm_skel_map(skel, i), fd);
		if (fd >= 0)
			close(fd);
		if (err)
			xm_fail(e, -err, "map %s in %s: %s", xm_map_names[i], p->bpffs, strerror(-err));
	}
	if (!err && p->adopted)
		err = bpf_map__reuse_fd(skel->maps.dev_index, p->dev_index);
	return err;
}

/** The verifier's last words, or errno's, for people. */
static int load_failed(int err, const char *log, struct xm_err *e)
{
	if (err == -EPERM)
		return xm_fail(e, EPERM,
			       "the kernel refuses BPF: run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	if (*log)
		return xm_fail(e, -err, "the kernel refuses the program: %s: %.300s", strerror(-err), log);
	return xm_fail(e, -err, "the kernel refuses the programs or maps: %s (Linux 6.1 or later is needed)",
		       strerror(-err));
}

static char last_words[512];

static int keep_last_words(enum libbpf_print_level level, const char *format, va_list ap)
{
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(last_words, sizeof(last_words), format, ap);
	last_words[strcspn(last_words, "\n")] = 0;
	return 0;
}

static int load(struct xm_plane *p, const struct xm_meta *m, struct xdpmesh_bpf **ret, struct xm_err *e)
{
	struct xdpmesh_bpf *skel;
	int err;

	libbpf_set_print(keep_last_words);
	skel = xdpmesh_bpf__open();
	if (!skel)
		return load_failed(-errno, last_words, e);
	set_constants(skel, m);
	err = set_maps(p, skel, m, e);
	if (!err) {
		err = xdpmesh_bpf__load(skel);
		if (err)
			load_failed(err, last_words, e);
	}
	if (err) {
		xdpmesh_bpf__destroy(skel);
		return err;
	}
	*ret = skel;
	return 0;
}

/** Pins under a name of its own, then takes the final one's place, so that there is always one. */
static int pin_over(const struct xm_plane *p, int fd, const char *name)
{
	char path[512], fresh[512];

	snprintf(path, sizeof(path), "%s/%s", p->bpffs, name);
	snprintf(fresh, sizeof(fresh), "%s/%s_new", p->bpffs, name);
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	return rename(fresh, path) ? -errno : 0;
}

static int map_all(struct xm_plane *p, bool write, struct xm_err *e);

static int keep_programs(struct xm_plane *p, struct xdpmesh_bpf *skel, struct xm_err *e)
{
	struct {
		const char *name;
		struct bpf_program *prog;
		int *fd;
	} all[] = {
		{ "prog_xdp", skel->progs.xdpmesh_xdp, &p->prog_xdp },
		{ "prog_frags", skel->progs.xdpmesh_frags, &p->prog_frags },
		{ "prog_sweep", skel->progs.xdpmesh_sweep, &p->prog_sweep },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int err = pin_over(p, bpf_program__fd(all[i].prog), all[i].name);

		if (err)
			return xm_fail(e, -err, "pin %s/%s: %s", p->bpffs, all[i].name, strerror(-err));
		*all[i].fd = fcntl(bpf_program__fd(all[i].prog), F_DUPFD_CLOEXEC, 3);
	}
	return 0;
}

/** New maps: pinned, then meta filled with its magic as the last store. */
static int make(struct xm_plane *p, const struct xm_plane_options *o, struct xm_err *e)
{
	struct xm_sizes sizes = xm_sizes_for(o);
	struct xdpmesh_bpf *skel;
	struct xm_meta m;
	int err;

	xm_unpin_all(p);
	xm_meta_fill(&m, &sizes);
	m.build = xm_build_id();
	err = load(p, &m, &skel, e);
	if (err)
		return err;
	for (int i = 0; i < XM_MAP_COUNT && !err; i++)
		err = pin_over(p, bpf_map__fd(xm_skel_map(skel, i)), xm_map_names[i]);
	if (!err)
		err = pin_over(p, bpf_map__fd(skel->maps.dev_index), "dev_index");
	if (err)
		xm_fail(e, -err, "pin maps in %s: %s", p->bpffs, strerror(-err));
	if (!err)
		err = keep_programs(p, skel, e);
	p->dev_index = fcntl(bpf_map__fd(skel->maps.dev_index), F_DUPFD_CLOEXEC, 3);
	xdpmesh_bpf__destroy(skel);
	if (!err)
		err = map_all(p, true, e);
	if (err)
		return err;
	*p->meta = m;
	xm_publish64("meta", &p->meta->magic, XM_MAGIC);
	return 0;
}

/** Pinned programs of this build are taken as they are; others are loaded over the pinned maps. */
static int adopt(struct xm_plane *p, struct xm_err *e)
{
	struct xdpmesh_bpf *skel;
	int err;

	p->adopted = true;
	p->dev_index = xm_pinned(p, "dev_index");
	p->prog_xdp = xm_pinned(p, "prog_xdp");
	p->prog_frags = xm_pinned(p, "prog_frags");
	p->prog_sweep = xm_pinned(p, "prog_sweep");
	if (p->dev_index < 0)
		return xm_fail(e, ENOENT, "%s holds maps but no dev_index: remove the directory to begin anew",
			       p->bpffs);
	if (p->prog_xdp >= 0 && p->prog_frags >= 0 && p->prog_sweep >= 0 && p->meta->build == xm_build_id())
		return 0;
	err = load(p, p->meta, &skel, e);
	if (err)
		return err;
	p->old_xdp = p->prog_xdp;
	p->old_frags = p->prog_frags;
	p->prog_xdp = p->prog_frags = -1;
	xm_close_programs(p);
	err = keep_programs(p, skel, e);
	xdpmesh_bpf__destroy(skel);
	p->meta->build = xm_build_id();
	p->upgraded = true;
	return err;
}

static int map_one(struct xm_plane *p, enum xm_map map, bool write, void **ret)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = xm_pinned(p, xm_map_names[map]), err = 0;
	size_t size;
	void *at;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		err = -errno;
		close(fd);
		return err;
	}
	size = ((size_t)info.value_size + 7) / 8 * 8 * info.max_entries;
	at = mmap(NULL, size, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	p->bytes[map] = size;
	*ret = at;
	return 0;
}

static int map_all(struct xm_plane *p, bool write, struct xm_err *e)
{
	void *at;
	int err;

#define X(name, type)                                                                         \
	err = p->name ? 0 : map_one(p, XM_MAP_##name, write, &at);                            \
	if (err)                                                                              \
		return xm_fail(e, -err, "map " #name " in %s: %s", p->bpffs, strerror(-err)); \
	if (!p->name)                                                                         \
		p->name = at;
	XM_MAPS(X)
#undef X
	return 0;
}

static void begin(const char *bpffs, struct xm_plane *p)
{
	memset(p, 0, sizeof(*p));
	p->dev_index = p->prog_xdp = p->prog_frags = p->prog_sweep = p->old_xdp = p->old_frags = p->dir = -1;
	snprintf(p->bpffs, sizeof(p->bpffs), "%s", bpffs);
}

/** The directory: made if missing, on a bpffs, locked. */
static int take_directory(struct xm_plane *p, struct xm_err *e)
{
	struct statfs fs;
	int err;

	err = xm_make_dirs(p->bpffs);
	if (err)
		return xm_fail(e, -err, "bpffs %s: %s (mount one: mount -t bpf bpf /sys/fs/bpf)", p->bpffs,
			       strerror(-err));
	if (statfs(p->bpffs, &fs) || fs.f_type != XM_BPFFS_MAGIC)
		return xm_fail(e, EINVAL,
			       "bpffs %s: not inside a mounted bpffs (mount one: mount -t bpf bpf /sys/fs/bpf)",
			       p->bpffs);
	p->dir = open(p->bpffs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return xm_fail(e, errno, "bpffs %s: %s", p->bpffs, strerror(errno));
	if (flock(p->dir, LOCK_EX | LOCK_NB))
		return xm_fail(e, EBUSY, "bpffs %s: another xdpmeshd is running on it", p->bpffs);
	return 0;
}

/** Is there a whole set of maps? -ENOENT: none; -EPROTO: another ABI. */
static int find_meta(struct xm_plane *p, bool write, struct xm_err *e)
{
	void *at;
	int err = map_one(p, XM_MAP_meta, write, &at);

	if (err)
		return xm_fail(e, -err, "no data plane in %s: %s (is xdpmeshd installed and was it started?)", p->bpffs,
			       strerror(-err));
	p->meta = at;
	if (p->meta->magic != XM_MAGIC) {
		munmap(at, p->bytes[XM_MAP_meta]);
		p->meta = NULL;
		return xm_fail(e, ENOENT, "the data plane in %s was never finished", p->bpffs);
	}
	if (p->meta->abi != XM_ABI)
		return xm_fail(
			e, EPROTO,
			"%s holds maps of ABI %u, this build has %u: stop the traffic, remove the directory, start again",
			p->bpffs, p->meta->abi, XM_ABI);
	return 0;
}

int xm_plane_open(const struct xm_plane_options *o, struct xm_plane *ret, struct xm_err *e)
{
	struct xm_plane p;
	int err;

	begin(o->bpffs, &p);
	err = take_directory(&p, e);
	if (!err) {
		err = find_meta(&p, true, e);
		if (err == -ENOENT)
			err = make(&p, o, e);
		else if (!err)
			err = map_all(&p, true, e) ?: adopt(&p, e);
	}
	if (err) {
		xm_plane_close(&p);
		return err;
	}
	*ret = p;
	return 0;
}

int xm_plane_view(const char *bpffs, struct xm_plane *ret, struct xm_err *e)
{
	struct xm_plane p;
	int err;

	begin(bpffs, &p);
	err = find_meta(&p, false, e) ?: map_all(&p, false, e);
	if (err) {
		xm_plane_close(&p);
		return err;
	}
	*ret = p;
	return 0;
}

void xm_plane_close(struct xm_plane *p)
{
#define X(name, type)                                     \
	if (p->name)                                      \
		munmap(p->name, p->bytes[XM_MAP_##name]); \
	p->name = NULL;
	XM_MAPS(X)
#undef X
	xm_close_programs(p);
	xm_close_old_programs(p);
	if (p->dev_index >= 0)
		close(p->dev_index);
	if (p->dir >= 0)
		close(p->dir);
	p->dev_index = p->dir = -1;
}
