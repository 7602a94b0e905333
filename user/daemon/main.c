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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "bpffs", required_argument, NULL, 'b' },
		{ "socket", required_argument, NULL, 's' }, { "state", required_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'k' },	    { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },	    { "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct xm_daemon_options o = {
		.config = setting("XDPMESH_CONFIG", "/etc/xdpmesh/xdpmesh.yaml"),
		.bpffs = setting("XDPMESH_BPFFS", "/sys/fs/bpf/xdpmesh"),
		.socket = setting("XDPMESH_SOCKET", "/run/xdpmesh/control.sock"),
		.state = setting("XDPMESH_STATE", "/var/lib/xdpmesh"),
	};
	static struct xm_daemon d;
	struct xm_err e = {};
	bool only_check = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'b':
			o.bpffs = optarg;
			break;
		case 's':
			o.socket = optarg;
			break;
		case 'd':
			o.state = optarg;
			break;
		case 'k':
			only_check = true;
			break;
		case 'v':
			xm_log_level = XM_LOG_DEBUG;
			break;
		case 'V':
			puts("xdpmeshd " XM_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "xdpmeshd: unexpected argument \"%s\"\n", argv[optind]);
		return 2;
	}
	if (only_check)
		return check(o.config);
	if (xm_daemon_start(&d, &o, &e)) {
		xm_log(XM_LOG_ERR, "%s", e.text);
		return 1;
	}
	xm_daemon_run(&d);
	return 0;
}
