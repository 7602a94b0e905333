/* SPDX-License-Identifier: BSD-2-Clause */
#include "dirs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define XM_PATH_MAX 512

static int make(char *path)
{
	struct stat st;
	char *slash;
	int err;

	if (!mkdir(path, 0700) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
		return 0;
	if (errno == EEXIST)
		return -ENOTDIR;
	slash = strrchr(path, '/');
	if (errno != ENOENT || !slash || slash == path)
		return -errno;
	*slash = 0;
	err = make(path);
	*slash = '/';
	if (err)
		return err;
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int xm_make_dirs(const char *path)
{
	char copy[XM_PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	return make(copy);
}

int xm_make_parents(const char *file)
{
	char copy[XM_PATH_MAX];
	char *slash;

	if (snprintf(copy, sizeof(copy), "%s", file) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	slash = strrchr(copy, '/');
	if (!slash || slash == copy)
		return 0;
	*slash = 0;
	return make(copy);
}
