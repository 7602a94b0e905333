/* SPDX-License-Identifier: BSD-2-Clause */
/* The process round the command: what the environment says, and nothing else. */
#include <stdlib.h>

#include "cli.h"

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

int main(int argc, char **argv)
{
	struct xm_cli c = {
		.bpffs = from_env("XDPMESH_BPFFS", "/sys/fs/bpf/xdpmesh"),
		.socket = from_env("XDPMESH_SOCKET", "/run/xdpmesh/control.sock"),
		.config = from_env("XDPMESH_CONFIG", "/etc/xdpmesh/xdpmesh.yaml"),
		.out = stdout,
		.err = stderr,
	};

	return xm_cli_main(&c, argc - 1, argv + 1);
}
