/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the programs run: a namespace that nobody else sees, one CPU, and no privilege beyond the daemon's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"

#define NOBODY 65534

int rig_fail(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("xdpmesh-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return -code;
}

/* the clients are behind a gateway; the backends' next hops are the fixture's */
static const char topology[] = "link set dev lo up\n"
			       "link add name " RIG_DEV " type veth peer name bench1\n"
			       "link set dev " RIG_DEV " up\n"
			       "link set dev bench1 up\n"
			       "address add 192.0.2.1/24 dev " RIG_DEV "\n"
			       "neighbour add 192.0.2.254 lladdr 02:00:00:00:02:fe dev " RIG_DEV " nud permanent\n"
			       "route add default via 192.0.2.254 dev " RIG_DEV "\n";

static int write_ip_forward(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || write(fd, "1", 1) != 1)
		err = rig_fail(errno, "/proc/sys/net/ipv4/ip_forward: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

static int run_ip(void)
{
	FILE *ip = popen("ip -batch -", "w");
	int status;

	if (!ip)
		return rig_fail(errno, "ip: %s", strerror(errno));
	fputs(topology, ip);
	status = pclose(ip);
	return status ? rig_fail(EIO, "ip -batch failed: is iproute2 installed, and veth in the kernel?") : 0;
}

static int read_device(struct rig *r)
{
	struct ifreq req = { .ifr_name = RIG_DEV };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	r->ifindex = if_nametoindex(RIG_DEV);
	if (fd < 0 || !r->ifindex || ioctl(fd, SIOCGIFHWADDR, &req))
		err = rig_fail(errno, RIG_DEV ": %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	memcpy(r->mac, req.ifr_hwaddr.sa_data, sizeof(r->mac));
	return err;
}

int rig_host(struct rig *r)
{
	int err;

	if (geteuid())
		return rig_fail(EPERM, "run it as root: it makes a network namespace and loads BPF programs");
	if (unshare(CLONE_NEWNET))
		return rig_fail(errno, "unshare: %s", strerror(errno));
	err = run_ip();
	if (!err)
		err = write_ip_forward();
	return err ? err : read_device(r);
}

int rig_privileges(void)
{
	static const int keep[] = { CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		data[CAP_TO_INDEX(keep[i])].effective |= CAP_TO_MASK(keep[i]);
		data[CAP_TO_INDEX(keep[i])].permitted |= CAP_TO_MASK(keep[i]);
	}
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || syscall(SYS_capset, &head, data) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return rig_fail(errno, "privileges: %s", strerror(errno));
	return 0;
}

int rig_pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? rig_fail(errno, "sched_setaffinity: %s", strerror(errno)) : 0;
}
