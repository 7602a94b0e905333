/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the verifier has to do for our programs, held below the ceilings in verifier.txt: an order of magnitude below
 * the kernel's limit, so that another kernel, which counts a little otherwise, still takes them. And they load with
 * the daemon's three capabilities alone. Loads only, attaches nothing.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include "xdpmesh.skel.h"

#define LOG_STATS 4	   /* BPF_LOG_STATS of the kernel: no trace, the sums only */
#define LOG_SIZE 65536	   /* the sums are some lines */
#define CEILING_MAX 100000 /* a tenth of BPF_COMPLEXITY_LIMIT_INSNS */
#define ROWS_MAX 16
#define NOBODY 65534
#define DROPPED 3 /* exit status of a child that could not open the object or become nobody */

struct row {
	char name[64];
	long ceiling;
	char reason[128];
	bool met; /* the object has such a program */
};

struct rows {
	struct row row[ROWS_MAX];
	int n;
};

static int passed, failed, skipped;

static void result(bool good, const char *what, const char *detail)
{
	good ? passed++ : failed++;
	printf("%-4s %s%s%s\n", good ? "ok" : "FAIL", what, *detail ? ": " : "", detail);
}

/** Lines: program, ceiling, reason; # begins a remark. 0, or -EINVAL with a word on stderr. */
static int read_rows(const char *path, struct rows *ret)
{
	FILE *f = fopen(path, "re");
	char line[256];
	int at = 0;

	if (!f) {
		fprintf(stderr, "verifier: %s: %m\n", path);
		return -errno;
	}
	while (fgets(line, sizeof(line), f)) {
		struct row *r = &ret->row[ret->n];

		at++;
		if (*line == '#' || *line == '\n')
			continue;
		if (ret->n == ROWS_MAX || sscanf(line, "%63s %ld %127[^\n]", r->name, &r->ceiling, r->reason) != 3) {
			fprintf(stderr, "verifier: %s:%d: wants: program ceiling reason (at most %d)\n", path, at,
				ROWS_MAX);
			fclose(f);
			return -EINVAL;
		}
		ret->n++;
	}
	fclose(f);
	return 0;
}

static __u32 power_of_two(__u32 at_least)
{
	__u32 n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

/** The sizes of a host with the default limits; what the programs take as constants fits them. */
static void set_sizes(struct xdpmesh_bpf *s)
{
	const __u32 services = XM_DEFAULT_SERVICES, backends = XM_DEFAULT_BACKENDS, cpus = libbpf_num_possible_cpus();
	const __u32 keys = services * 2 + backends + 1, buckets = power_of_two(keys / 2);
	const __u32 flow_sets = power_of_two(XM_DEFAULT_FLOWS * 2 / XM_FLOW_WAYS);

	s->rodata->xm_k0 = 0x0123456789abcdefULL;
	s->rodata->xm_k1 = 0xfedcba9876543210ULL;
	s->rodata->xm_tick_shift = 8;
	s->rodata->xm_flow_mask = flow_sets - 1;
	s->rodata->xm_key_mask = buckets - 1;
	s->rodata->xm_n_services = services;
	s->rodata->xm_n_backends = backends;
	s->rodata->xm_n_cpus = cpus;
	bpf_map__set_max_entries(s->maps.key_table, buckets);
	bpf_map__set_max_entries(s->maps.keys, keys);
	bpf_map__set_max_entries(s->maps.services, services);
	bpf_map__set_max_entries(s->maps.service_info, services);
	bpf_map__set_max_entries(s->maps.backends, backends);
	bpf_map__set_max_entries(s->maps.backend_info, backends);
	bpf_map__set_max_entries(s->maps.slots, backends * XM_SLOTS_PER_BACKEND * 2 + services * XM_SLOT_UNIT * 2);
	bpf_map__set_max_entries(s->maps.flows, flow_sets);
	bpf_map__set_max_entries(s->maps.cursors, cpus * services);
	bpf_map__set_max_entries(s->maps.cells, cpus * backends);
	bpf_map__set_max_entries(s->maps.verdicts, cpus * XM_VERDICT_CELLS);
}

static struct xdpmesh_bpf *open_sized(void)
{
	struct xdpmesh_bpf *s = xdpmesh_bpf__open();

	if (s)
		set_sizes(s);
	else
		fprintf(stderr, "verifier: open: %m\n");
	return s;
}

/** Loads with a log buffer a program, LOG_SIZE bytes each, in the object's order. 0 or -errno. */
static int load_logged(struct xdpmesh_bpf *s, char *logs)
{
	struct bpf_program *prog;
	int i = 0;

	bpf_object__for_each_program(prog, s->obj) {
		if (i == ROWS_MAX)
			return -E2BIG;
		bpf_program__set_log_level(prog, LOG_STATS);
		bpf_program__set_log_buf(prog, logs + (size_t)i++ * LOG_SIZE, LOG_SIZE);
	}
	return xdpmesh_bpf__load(s);
}

/** Once more without buffers: libbpf then prints the verifier's own words. */
static void say_why(void)
{
	struct xdpmesh_bpf *s = open_sized();

	if (s)
		xdpmesh_bpf__load(s);
	xdpmesh_bpf__destroy(s);
}

static struct row *row_of(struct rows *rows, const char *name)
{
	for (int i = 0; i < rows->n; i++)
		if (!strcmp(rows->row[i].name, name))
			return &rows->row[i];
	return NULL;
}

/** The sums of one program: "stack depth A+B+..." (a number a function) and "processed N insns". */
static bool read_log(const char *log, long *ret_insns, char stack[64])
{
	const char *at = strstr(log, "processed ");

	strcpy(stack, "-");
	if (!at || sscanf(at, "processed %ld insns", ret_insns) != 1)
		return false;
	at = strstr(log, "stack depth ");
	if (at)
		sscanf(at, "stack depth %63[0-9+]", stack);
	return true;
}

/** The deepest function; whether a chain of them fits in 512 bytes is judged by the kernel. */
static long deepest(const char *stack)
{
	long most = 0;

	while (*stack) {
		char *next;
		long n = strtol(stack, &next, 10);

		if (next == stack)
			break;
		most = n > most ? n : most;
		stack = *next == '+' ? next + 1 : next;
	}
	return most;
}

static void judge(const char *name, const char *log, struct rows *rows)
{
	struct row *r = row_of(rows, name);
	char what[128], stack[64], detail[256] = "";
	long insns = 0;
	bool known = read_log(log, &insns, stack);

	if (!known)
		snprintf(detail, sizeof(detail), "the kernel told no number of instructions");
	else if (!r)
		snprintf(detail, sizeof(detail), "%ld instructions, and no line in verifier.txt", insns);
	else if (insns > r->ceiling)
		snprintf(detail, sizeof(detail), "%ld instructions, %ld above it (%s)", insns, insns - r->ceiling,
			 r->reason);
	if (r)
		r->met = true;
	printf("     %-16s %8ld %8ld %7.1f%% %6ld   %s\n", name, insns, r ? r->ceiling : 0,
	       r && r->ceiling ? 100.0 * insns / r->ceiling : 0.0, deepest(stack), stack);
	snprintf(what, sizeof(what), "%s stays below its ceiling", name);
	result(!*detail, what, detail);
}

static void test_ceilings(struct rows *rows)
{
	char detail[192];

	for (int i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		detail[0] = 0;
		if (!r->met)
			snprintf(detail, sizeof(detail), "%s: no such program", r->name);
		else if (r->ceiling > CEILING_MAX)
			snprintf(detail, sizeof(detail), "%s: %ld, at most %d", r->name, r->ceiling, CEILING_MAX);
		if (*detail)
			break;
	}
	result(!*detail, "every ceiling is a program's and a tenth of the kernel's limit at most", detail);
}

static void test_load(struct rows *rows)
{
	struct xdpmesh_bpf *s = open_sized();
	char *logs = calloc(ROWS_MAX, LOG_SIZE), detail[64] = "";
	struct bpf_program *prog;
	int err = s && logs ? load_logged(s, logs) : -ENOMEM, i = 0;

	if (err)
		snprintf(detail, sizeof(detail), "%s", strerror(-err));
	result(!err, "the kernel takes the programs", detail);
	if (err) {
		say_why();
	} else {
		printf("     %-16s %8s %8s %8s %6s   %s\n", "program", "insns", "ceiling", "share", "stack",
		       "of each function");
		bpf_object__for_each_program(prog, s->obj)
			judge(bpf_program__name(prog), logs + (size_t)i++ * LOG_SIZE, rows);
		test_ceilings(rows);
	}
	xdpmesh_bpf__destroy(s);
	free(logs);
}

/** Nobody, with these capabilities and no way to more. */
static int become_nobody(const int *caps, int n)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	for (int i = 0; i < n; i++) {
		data[CAP_TO_INDEX(caps[i])].effective |= CAP_TO_MASK(caps[i]);
		data[CAP_TO_INDEX(caps[i])].permitted |= CAP_TO_MASK(caps[i]);
	}
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || syscall(SYS_capset, &head, data) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list ap)
{
	(void)level, (void)format, (void)ap;
	return 0;
}

/** In a child: opened first, then privileges are given up, then loaded. 0 loaded, 1 refused, DROPPED: neither tried. */
static int load_as_nobody(const int *caps, int n, bool expected)
{
	struct xdpmesh_bpf *s;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return DROPPED;
	if (!pid) {
		if (!expected)
			libbpf_set_print(quiet);
		s = open_sized();
		if (!s || become_nobody(caps, n))
			_exit(DROPPED);
		_exit(xdpmesh_bpf__load(s) ? 1 : 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return DROPPED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : DROPPED;
}

static void test_privileges(const char *what, const int *caps, int n, bool loads)
{
	int is = load_as_nobody(caps, n, loads);

	if (is == DROPPED)
		result(false, what, "a child could not open the skeleton or give up its privileges");
	else
		result((is == 0) == loads, what, (is == 0) == loads ? "" : loads ? "refused" : "the kernel took them");
}

static void test_nobody(void)
{
	static const int daemon_caps[] = { CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON };

	test_privileges("they load as uid 65534 with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone", daemon_caps, 3,
			true);
	/* or the test above would prove nothing */
	test_privileges("they do not load without CAP_BPF", daemon_caps + 1, 2, false);
}

int main(int argc, char **argv)
{
	static struct rows rows;

	if (read_rows(argc > 1 ? argv[1] : "tests/verifier.txt", &rows))
		return 2;
	if (geteuid()) {
		skipped = rows.n + 4;
		printf("skip verifier: run as root, it loads BPF programs\n");
	} else {
		test_load(&rows);
		test_nobody();
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
