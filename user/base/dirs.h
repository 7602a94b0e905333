/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories made on the way to a file. */
#pragma once

/** Makes a directory and those above it, mode 0700, where they are missing. 0 or -errno. */
int xm_make_dirs(const char *path);

/** The same for the directory that a file is to stand in. */
int xm_make_parents(const char *file);
