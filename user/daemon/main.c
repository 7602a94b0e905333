/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "user/base/log.h"
#include "user/base/version.h"
#include "user/source/config.h"

static const char usage[] =
	"xdpmeshd " XM_VERSION ": the daemon of xdpmesh\n"
	"\n"
	"  xdpmeshd [--config FILE] [--bpffs DIR] [--socket PATH] [--state DIR] [--check] [--verbose]\n"
	"\n"
	"  --config FILE   what to serve            (XDPMESH_CONFIG, /etc/xdpmesh/xdpmesh.yaml)\n"
	"  --bpffs DIR     where maps are pinned    (XDPMESH_BPFFS, /sys/fs/bpf/xdpmesh)\n"
	"  --socket PATH   where commands come in   (XDPMESH_SOCKET, /run/xdpmesh/control.sock)\n"
	"  --state DIR     what outlives a restart  (XDPMESH_STATE, /var/lib/xdpmesh)\n"
	"  --check         read the file, say what is wrong with it, and end\n"
	"  --verbose       log more\n"
	"\n"
	"Runs in the foreground and logs to stderr. SIGHUP reads the file again; SIGTERM ends the daemon, and the data\n"
	"plane goes on. Needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.\n";

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int check(const char *path)
{
	struct xm_err e = {};
	struct xm_spec spec;

	if (xm_config_load(path, &spec, &e)) {
		fprintf(stderr, "xdpmeshd: %s\n", e.text);
		return 1;
	}
	printf("%s: %zu services, no fault\n", path, spec.services_n);
	xm_spec_free(&spec);
	return 0;
}

/** Reads the options into o. Returns an exit status, or -1 to go on. */
static int parse(int argc, char **argv, struct xm_daemon_options *o, bool *ret_only_check)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "bpffs", required_argument, NULL, 'b' },
		{ "socket", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char **text[] = { ['c'] = &o->config, ['b'] = &o->bpffs, ['s'] = &o->socket, ['d'] = &o->state };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'k')
			*ret_only_check = true;
		else if (c == 'v')
			xm_log_level = XM_LOG_DEBUG;
		else if (c == 'V')
			return puts("xdpmeshd " XM_VERSION) < 0;
		else if (c == 'h')
			return fputs(usage, stdout) < 0;
		else if (c == '?')
			return fputs(usage, stderr) < 0 ? 1 : 2;
		else
			*text[c] = optarg;
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "xdpmeshd: unexpected argument \"%s\"\n", argv[optind]);
	return 2;
}

int main(int argc, char **argv)
{
	struct xm_daemon_options o = {
		.config = setting("XDPMESH_CONFIG", "/etc/xdpmesh/xdpmesh.yaml"),
		.bpffs = setting("XDPMESH_BPFFS", "/sys/fs/bpf/xdpmesh"),
		.socket = setting("XDPMESH_SOCKET", "/run/xdpmesh/control.sock"),
		.state = setting("XDPMESH_STATE", "/var/lib/xdpmesh"),
	};
	static struct xm_daemon d;
	struct xm_err e = {};
	bool only_check = false;
	int status = parse(argc, argv, &o, &only_check);

	if (status >= 0)
		return status;
	if (only_check)
		return check(o.config);
	if (xm_daemon_start(&d, &o, &e)) {
		xm_log(XM_LOG_ERR, "%s", e.text);
		return 1;
	}
	return xm_daemon_run(&d) ? 1 : 0;
}
