/* SPDX-License-Identifier: BSD-2-Clause */
/* One step of a row: the packet in, then everything that it may have changed is compared with what it must have. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "packets.h"
#include "xdpmesh.skel.h"

static const char *const verdict_words[] = {
#define X(word, action, text) #word,
	XM_VERDICTS(X)
#undef X
};

/** Notes why, the first time, and returns false. */
bool fail(struct lab *lab, const char *fmt, ...)
{
	va_list args;

	if (lab->why[0])
		return false;
	va_start(args, fmt);
	vsnprintf(lab->why, sizeof(lab->why), fmt, args);
	va_end(args);
	return false;
}

static void print_hex(const char *name, const struct frame *f)
{
	printf("  %s (%u bytes)\n", name, f->len);
	for (uint32_t i = 0; i < f->len && i < 192; i++)
		printf("%s%02x%s", i % 32 ? "" : "    ", f->b[i],
		       i % 32 == 31 || i + 1 == f->len ? "\n" :
		       i % 2			       ? " " :
							 "");
	if (f->len > 192)
		printf("    ...\n");
}

static int run_frame(struct lab *lab, const struct step *s, const struct frame *in, struct frame *out)
{
	struct xdp_md ctx = { .data_end = in->len, .ingress_ifindex = s->dev == DEV_FAR ? lab->far : lab->near };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = in->len, .data_out = out->b,
		    .data_size_out = sizeof(out->b), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	struct bpf_program *prog = lab->frags ? lab->skel->progs.xdpmesh_frags : lab->skel->progs.xdpmesh_xdp;
	int err;

	if (lab->frags && in->len > 3000) /* the kernel wants data_end to be that of the first buffer */
		opts.ctx_in = NULL, opts.ctx_size_in = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	out->len = opts.data_size_out;
	return err ? err : (int)opts.retval;
}

/** The sum over CPUs, or -1 if another CPU than ours has counted. */
static int64_t verdict_count(struct lab *lab, uint32_t v)
{
	for (uint32_t cpu = 0; cpu < lab->cpus; cpu++)
		if (cpu != lab->cpu && lab->verdicts[cpu * XM_VERDICT_CELLS + v])
			return -1;
	return lab->verdicts[lab->cpu * XM_VERDICT_CELLS + v];
}

static bool check_verdict(struct lab *lab, const struct step *s)
{
	int got = -1, n = 0;

	for (uint32_t v = 0; v < XM_VERDICT_CELLS; v++) {
		int64_t count = verdict_count(lab, v);

		if (count < 0)
			return fail(lab, "verdict %u was counted on another CPU", v);
		if (count)
			got = v;
		n += count;
	}
	if (n != 1)
		return fail(lab, "%d verdicts were counted", n);
	if (got != (int)s->want)
		return fail(lab, "verdict %s, not %s", got < XM_VERDICT_COUNT ? verdict_words[got] : "?",
			    verdict_words[s->want]);
	return true;
}

static bool verdict_in(enum xm_verdict v, enum xm_verdict tx)
{
	return v == tx || v == tx + 1 || v == tx + 2;
}

/** Which backend was counted, and was it counted right? Sets picked. */
static bool check_cells(struct lab *lab, const struct step *s, const struct frame *in, uint32_t *ret_id)
{
	bool forward = verdict_in(s->want, XM_V_forward_tx), reply = verdict_in(s->want, XM_V_reply_tx);
	uint32_t made = 0, id = 0, made_at = 0;
	uint64_t len = get16(in->b + ETH_LEN + 2);

	for (uint32_t i = 0; i < lab->cpus * B_COUNT; i++) {
		struct xm_cell *c = &lab->cells[i], want = { .connections = c->connections };

		made += c->connections;
		if (c->connections)
			made_at = i % B_COUNT;
		if (!c->packets && !c->reply_packets && !c->bytes && !c->reply_bytes)
			continue;
		want.packets = forward;
		want.bytes = forward ? len : 0;
		want.reply_packets = reply;
		want.reply_bytes = reply ? len : 0;
		if (id || i / B_COUNT != lab->cpu || memcmp(c, &want, sizeof(want)))
			return fail(lab, "backend %u: counted %llu/%llu packets, %llu/%llu bytes", i % B_COUNT,
				    c->packets, c->reply_packets, c->bytes, c->reply_bytes);
		id = i % B_COUNT;
	}
	if ((forward || reply) && !id)
		return fail(lab, "no backend was counted");
	if (s->connections != MAYBE && made != s->connections)
		return fail(lab, "%u connections were counted, not %u", made, s->connections);
	if (made && id && made_at != id)
		return fail(lab, "the connection was counted at backend %u, the packet at %u", made_at, id);
	*ret_id = id;
	return true;
}

static bool check_backend(struct lab *lab, const struct step *s, uint32_t id)
{
	uint32_t last = lab->picked;

	if (id)
		lab->picked = id;
	if (s->backend == SAME && id != last)
		return fail(lab, "backend %u, not %u as before", id, last);
	if (s->backend == OTHER && (id == last || (backend_rows[id].addr == backend_rows[last].addr)))
		return fail(lab, "backend %u again, not another endpoint than %u's", id, last);
	if (s->backend && s->backend < B_COUNT && id != s->backend)
		return fail(lab, "backend %u, not %u", id, s->backend);
	if (s->service && id && backend_rows[id].service != s->service)
		return fail(lab, "backend %u, not one of service %u", id, s->service);
	if (id && verdict_in(s->want, XM_V_forward_tx) && s->in.proto != ICMP &&
	    (service_rows[backend_rows[id].service].addr != s->in.dst ||
	     service_rows[backend_rows[id].service].port != s->in.dport))
		return fail(lab, "backend %u is of another service", id);
	return true;
}

static bool check_frame(struct lab *lab, const struct step *s, const struct frame *got, const struct frame *want)
{
	if (oracle_action(s->want) == 1) /* nobody sees what was dropped */
		return true;
	if (got->len != want->len)
		return fail(lab, "%u bytes came out, not %u", got->len, want->len);
	for (uint32_t i = 0; i < want->len; i++)
		if (got->b[i] != want->b[i])
			return fail(lab, "byte %u is %02x, not %02x", i, got->b[i], want->b[i]);
	return true;
}

static bool check_flow(struct lab *lab, const struct step *s)
{
	bool reply = verdict_in(s->want, XM_V_reply_tx);
	struct xm_flow *e = flow_of(lab, reply ? s->in.dst : s->in.src, reply ? s->in.dport : s->in.sport, s->in.proto);
	uint8_t state = e ? xm_flow_state_of(e->word) : XM_FLOW_FREE;

	if (s->state && s->state != state)
		return fail(lab, "the flow's state is %u, not %u", state, s->state);
	return true;
}

static bool compare(struct lab *lab, const struct step *s, const struct frame *in, const struct frame *got,
		    struct frame *want, int action)
{
	uint32_t id = 0;

	*want = *in;
	if (action < 0)
		return fail(lab, "test_run: %s", strerror(-action));
	if (!check_verdict(lab, s))
		return false;
	if (action != oracle_action(s->want))
		return fail(lab, "XDP returned %d, not %d", action, oracle_action(s->want));
	if (!check_cells(lab, s, in, &id) || !check_backend(lab, s, id))
		return false;
	if (!oracle_frame(s, id, in, want))
		return fail(lab, "backend %u is none", id);
	return check_frame(lab, s, got, want) && check_flow(lab, s);
}

bool step_run(struct lab *lab, const struct step *s)
{
	static struct frame in, got, want;
	struct step copy = *s;

	if (s->first)
		s->first(lab);
	pk_resolve(&copy.in);
	if (s->from_picked) {
		copy.in.src = backend_rows[lab->picked].addr;
		copy.in.sport = backend_rows[lab->picked].port;
	}
	frame_build(&copy.in, &in);
	memset(lab->cells, 0, lab->cpus * B_COUNT * sizeof(*lab->cells));
	memset(lab->verdicts, 0, lab->cpus * XM_VERDICT_CELLS * 8);
	if (compare(lab, &copy, &in, &got, &want, run_frame(lab, &copy, &in, &got)))
		return true;
	print_hex("in", &in);
	print_hex("out", &got);
	print_hex("must be", &want);
	return false;
}

static bool row_once(struct lab *lab, const struct row *r)
{
	lab_reset(lab);
	if (r->run)
		return r->run(lab);
	for (int i = 0; i < STEPS && r->steps[i].in.proto; i++) {
		if (!step_run(lab, &r->steps[i])) {
			printf("  packet %d of the row\n", i + 1);
			return false;
		}
	}
	return true;
}

/** A row runs under both programs. */
bool row_run(struct lab *lab, const struct row *r)
{
	for (int frags = r->frags_only; frags < 2; frags++) {
		lab->frags = frags;
		if (row_once(lab, r))
			continue;
		printf("FAIL %s (%s): %s; alone: packets %s\n", r->name, frags ? "xdp.frags" : "xdp", lab->why,
		       r->name);
		return false;
	}
	return true;
}

/** A client's entry, whatever its state but free. */
struct xm_flow *flow_of(struct lab *lab, uint32_t client, uint16_t port, uint8_t proto)
{
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow *f = &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];

		if (xm_flow_state_of(f->word) != XM_FLOW_FREE && xm_addr_v4(f->client) == htonl(client) &&
		    f->client_port == htons(port) && (f->owner & 255) == proto)
			return f;
	}
	return NULL;
}

/** Sends a frame in by near as if it came off the wire: what is transmitted or redirected leaves for real. */
int live_run(struct lab *lab, const struct frame *in)
{
	struct xdp_md ctx = { .data_end = in->len, .ingress_ifindex = lab->near };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = in->len, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(bpf_program__fd(lab->skel->progs.xdpmesh_xdp), &opts);
}

int sweep_run(struct lab *lab, struct xm_sweep *job)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = job, .ctx_size_in = sizeof(*job));
	int err = bpf_prog_test_run_opts(bpf_program__fd(lab->skel->progs.xdpmesh_sweep), &opts);

	return err ? err : (int)opts.retval;
}
