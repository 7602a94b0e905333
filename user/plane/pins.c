/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plane_private.h"
#include "xdpmesh.skel.h"

const char *const xm_map_names[XM_MAP_COUNT] = {
#define X(name, type) [XM_MAP_##name] = #name,
	XM_MAPS(X)
#undef X
};

int xm_pinned(const struct xm_plane *p, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", p->bpffs, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/** Is it a name that we pin under? */
static bool ours(const char *name)
{
	static const char *const others[] = { "dev_index", "prog_xdp", "prog_frags", "prog_sweep" };
	size_t len = strlen(name);

	if (!strncmp(name, "link_", 5))
		return true;
	if (len > 4 && !strcmp(name + len - 4, "_new"))
		len -= 4;
	for (int i = 0; i < XM_MAP_COUNT; i++)
		if (strlen(xm_map_names[i]) == len && !strncmp(name, xm_map_names[i], len))
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strlen(others[i]) == len && !strncmp(name, others[i], len))
			return true;
	return false;
}

void xm_unpin_all(const struct xm_plane *p)
{
	DIR *d = opendir(p->bpffs);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (ours(entry->d_name))
			unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
}

bool xm_plane_pinned(const struct xm_plane *p)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/meta", p->bpffs);
	return !access(path, F_OK) || errno != ENOENT;
}

void xm_close_programs(struct xm_plane *p)
{
	int *all[] = { &p->prog_xdp, &p->prog_frags, &p->prog_sweep };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

void xm_close_old_programs(struct xm_plane *p)
{
	if (p->old_xdp >= 0)
		close(p->old_xdp);
	if (p->old_frags >= 0)
		close(p->old_frags);
	p->old_xdp = p->old_frags = -1;
}

__u64 xm_build_id(void)
{
	size_t size;
	const unsigned char *elf = xdpmesh_bpf__elf_bytes(&size);
	__u64 h = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		h = (h ^ elf[i]) * 0x100000001b3ULL;
	return h;
}
