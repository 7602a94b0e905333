/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A namespace of our own, so that the kernel's routes are known and no device of the machine is touched:
 *
 *	198.51.100.0/24 - router - near | xdpmesh | far - router - 203.0.113.0/24
 *	                                | mute (not one of our devices) - 100.65.0.0/16; no route: 100.64.0.0/16
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "packets.h"

static const char *const commands[] = {
	"ip link add near address 02:00:00:00:01:01 type veth peer name near_peer",
	"ip link add far address 02:00:00:00:02:01 type veth peer name far_peer",
	"ip link add mute address 02:00:00:00:03:01 type veth peer name mute_peer",
	"for d in near far mute near_peer far_peer mute_peer; do ip link set $d addrgenmode none up; done",
	"ip addr add 10.1.0.1/24 dev near; ip addr add 10.2.0.1/24 dev far; ip addr add 10.3.0.1/24 dev mute",
	"ip neigh add 10.1.0.254 lladdr 02:00:00:00:01:fe dev near nud permanent",
	"ip neigh add 10.2.0.254 lladdr 02:00:00:00:02:fe dev far nud permanent",
	"ip neigh add 10.3.0.254 lladdr 02:00:00:00:03:fe dev mute nud permanent",
	"ip route add 198.51.100.0/24 via 10.1.0.254; ip route add 203.0.113.0/24 via 10.2.0.254",
	"ip route add 100.65.0.0/16 via 10.3.0.254",
};

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	fputs(text, f);
	return fclose(f) ? -errno : 0;
}

int net_make(struct lab *lab)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	if (write_file("/proc/sys/net/ipv4/ip_forward", "1"))
		return -EIO;
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (system(commands[i])) {
			fprintf(stderr, "packets: failed: %s\n", commands[i]);
			return -EIO;
		}
	}
	lab->near = if_nametoindex("near");
	lab->far = if_nametoindex("far");
	lab->mute = if_nametoindex("mute");
	return lab->near && lab->far && lab->mute ? 0 : -ENODEV;
}

/** A program that passes everything: a veth takes redirected frames only if its peer has one. */
static int attach_pass(int ifindex)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL), err;

	if (fd < 0)
		return fd;
	err = bpf_xdp_attach(ifindex, fd, 0, NULL);
	close(fd);
	return err;
}

/** A socket that gets what arrives at a device. */
int net_listen(const char *dev)
{
	struct timeval wait = { .tv_usec = 300000 };
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !attach_pass(addr.sll_ifindex) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
		return fd;
	close(fd);
	return -EIO;
}

/** The next frame, or -EAGAIN if none comes. */
int net_receive(int fd, struct frame *ret_frame)
{
	ssize_t n = recv(fd, ret_frame->b, sizeof(ret_frame->b), 0);

	if (n < 0)
		return -errno;
	ret_frame->len = n;
	return 0;
}
