/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does a pick return a backend after the store that took it down? Runs the pinned program over SYNs that are numbered, on one CPU,
 * while a command takes the backend down, watches the backend's state word, and says of the packets before and after the store
 * how many went to it. The packet under way at the store and the one that may have begun while the number was read count for
 * neither.
 *
 *   seq OBJECT BPFFS DEVICE SERVICE ADDRESS N COMMAND...    prints "before OF-IT ALL", "after OF-IT ALL"; ends after N packets more
 */
#include "seq.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/plane/plane.h"

#define WARM 100000 /* packets before the command begins */
#define BATCH 50000
#define DEADLINE 60 /* seconds for everything */

struct seq {
	struct xm_plane plane;
	volatile struct seq_job *job;
	const volatile __u64 *went;
	int driver;
	__u32 ifindex;
	volatile __u32 end; /* the driver stops at this number */
	volatile bool failed;
};

static int die(const char *what)
{
	fprintf(stderr, "seq: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void load(struct seq *s, const char *object)
{
	struct bpf_object *o = bpf_object__open(object);
	struct bpf_map *bss, *went;
	__u32 slot = 0;

	if (!o || bpf_object__load(o))
		die(object);
	bss = bpf_object__find_map_by_name(o, ".bss");
	went = bpf_object__find_map_by_name(o, "went");
	s->driver = bpf_program__fd(bpf_object__find_program_by_name(o, "seq_driver"));
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(o, "target"), &slot, &s->plane.prog_xdp, BPF_ANY))
		die("program array");
	s->job = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bss), 0);
	s->went = mmap(NULL, sizeof(*s->went) * SEQ_MAX, PROT_READ, MAP_SHARED, bpf_map__fd(went), 0);
	if (s->job == MAP_FAILED || s->went == MAP_FAILED)
		die("mmap");
}

/** Drives on CPU 0 till the end. */
static void *drive(void *arg)
{
	struct seq *s = arg;
	struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct tcphdr th;
		__u8 pad[10];
	} __attribute__((packed)) frame = { .eth = { .h_proto = htons(ETH_P_IP) } };
	struct xdp_md ctx = { .data_end = sizeof(frame), .ingress_ifindex = s->ifindex };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	frame.ip = (struct iphdr){ .version = 4,
				   .ihl = 5,
				   .ttl = 64,
				   .protocol = IPPROTO_TCP,
				   .daddr = SEQ_FRESH,
				   .tot_len = htons(sizeof(frame) - sizeof(frame.eth)) };
	frame.th = (struct tcphdr){ .doff = 5, .syn = 1 };
	while (s->job->seq < s->end) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &frame, .data_size_in = sizeof(frame), .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .repeat = BATCH);

		if (bpf_prog_test_run_opts(s->driver, &o) || o.retval == XDP_ABORTED) {
			fprintf(stderr, "seq: test run: %s, answer %u\n", strerror(errno), o.retval);
			s->failed = true;
			return NULL;
		}
	}
	return NULL;
}

static __u32 find(const struct seq *s, const char *service, const char *address)
{
	struct xm_addr addr = xm_addr_of_v4(inet_addr(address));
	const struct xm_plane *p = &s->plane;

	for (__u32 id = 1; id < p->meta->sizes.backends; id++) {
		const struct xm_backend *b = &p->backends[id];

		if (b->life == XM_LIFE_LIVE && xm_addr_eq(b->addr, addr) &&
		    !strcmp(p->service_info[b->service].name, service))
			return id;
	}
	fprintf(stderr, "seq: service %s has no backend %s\n", service, address);
	exit(1);
}

static pid_t run(char **argv)
{
	pid_t child = fork();

	if (!child) {
		dup2(2, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	return child;
}

static void count(const struct seq *s, const char *word, __u32 from, __u32 to, __u32 addr)
{
	__u32 all = 0, its = 0;

	for (__u32 i = from; i < to; i++) {
		all += s->went[i] && s->went[i] != s->job->vip;
		its += s->went[i] == addr;
	}
	printf("%s %u %u\n", word, its, all);
}

/** Waits till a packet of that number is under way. */
static void reach(const struct seq *s, __u32 seq, time_t deadline)
{
	while (s->job->seq < seq && !s->failed && time(NULL) < deadline)
		usleep(1000);
	if (s->job->seq < seq) {
		fprintf(stderr, "seq: only %u packets of %u\n", s->job->seq, seq);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct seq s = { .end = SEQ_MAX };
	time_t deadline = time(NULL) + DEADLINE;
	const volatile __u32 *state;
	const struct xm_service *service;
	struct xm_err e = {};
	pthread_t thread;
	char path[512];
	__u32 id, at, n;
	pid_t child;
	int status;

	if (argc < 8) {
		fprintf(stderr, "usage: seq OBJECT BPFFS DEVICE SERVICE ADDRESS N COMMAND...\n");
		return 2;
	}
	if (xm_plane_view(argv[2], &s.plane, &e)) {
		fprintf(stderr, "seq: %s\n", e.text);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/prog_xdp", argv[2]);
	s.plane.prog_xdp = bpf_obj_get(path);
	if (s.plane.prog_xdp < 0)
		die("prog_xdp");
	load(&s, argv[1]);
	s.ifindex = if_nametoindex(argv[3]);
	id = find(&s, argv[4], argv[5]);
	n = atoi(argv[6]);
	state = &s.plane.backends[id].state;
	service = &s.plane.services[s.plane.backends[id].service];
	s.job->vip = xm_addr_v4(service->addr);
	s.job->port = service->port;
	s.job->random = time(NULL);
	if (*state != XM_STATE_UP || pthread_create(&thread, NULL, drive, &s))
		die("the backend is not up, or there is no thread");
	reach(&s, WARM, deadline);
	child = run(argv + 7);
	while (__atomic_load_n(state, __ATOMIC_ACQUIRE) == XM_STATE_UP && time(NULL) < deadline && !s.failed)
		;
	at = s.job->seq;
	if (*state == XM_STATE_UP || at + n + 2 >= SEQ_MAX - BATCH) {
		fprintf(stderr, "seq: the command did not take the backend down in time (packet %u)\n", at);
		return 1;
	}
	s.end = at + n + 2;
	waitpid(child, &status, 0);
	reach(&s, s.end, deadline);
	pthread_join(thread, NULL);
	count(&s, "before", 1, at, inet_addr(argv[5]));
	count(&s, "after", at + 2, s.job->seq, inet_addr(argv[5]));
	return s.failed || !WIFEXITED(status) || WEXITSTATUS(status);
}
