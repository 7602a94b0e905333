/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow table on two CPUs. Each test is a round, run thousands of times: tables as they shall be, two threads pinned to a
 * CPU each that start together and then wait a random little, and a look at all that is left when both have ended. What
 * races are the loaded programs, by BPF_PROG_TEST_RUN; where their window is too small to be met, one side is played in
 * memory, by the writers' protocol in bpf/flow.h. A test goes on until it has met the race it is about, so that it cannot
 * pass by having missed it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#include "xdpmesh.skel.h"

#define KEYS 32
#define KEY_BUCKETS 16
#define SETS 4
#define WAYS (SETS * XM_FLOW_WAYS)
#define TICK_SHIFT 20 /* about an hour a tick: it stands still */
#define IDLE 1000     /* ticks that no flow may be idle */
#define PACKETS 16    /* of one side in a round, at most */
#define LOOK_UPS 50000
#define AIM 100
#define SPINS 1000 /* a side waits about so many, a nanosecond each; half of the time up to four times that */

#define ROUNDS 20000	 /* a test of weight 1 ends after so many, */
#define USUAL_MS 800	 /* or after this time, if it has met its race, */
#define LONGEST_MS 12000 /* and fails if it has not till then */

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define CLIENT IP(198, 51, 100, 1)
#define TCP 6

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static const struct xm_hash_key secret = { 0x0123456789abcdefULL, 0xfedcba9876543210ULL };

struct end {
	uint32_t addr;
	uint16_t port;
};

/* services of one backend each, all of them the same endpoint; and services that have another one too */
enum { S_ONE1 = 1, S_ONE2, S_ONE3, S_TWO1, S_TWO2, S_COUNT };
enum { B_ONE1 = 1, B_ONE2, B_ONE3, B_TWO1, B_TWO1_OTHER, B_TWO2, B_TWO2_OTHER, B_COUNT };

static const struct end vips[S_COUNT] = {
	[S_ONE1] = { IP(192, 0, 2, 1), 81 }, [S_ONE2] = { IP(192, 0, 2, 2), 82 }, [S_ONE3] = { IP(192, 0, 2, 3), 83 },
	[S_TWO1] = { IP(192, 0, 2, 4), 84 }, [S_TWO2] = { IP(192, 0, 2, 5), 85 },
};

#define COMMON IP(10, 0, 0, 1), 8080
#define OTHER IP(10, 0, 0, 2), 8080

static const struct {
	uint32_t service;
	struct end end;
} backend_rows[B_COUNT] = {
	[B_ONE1] = { S_ONE1, { COMMON } },	[B_ONE2] = { S_ONE2, { COMMON } },
	[B_ONE3] = { S_ONE3, { COMMON } },	[B_TWO1] = { S_TWO1, { COMMON } },
	[B_TWO1_OTHER] = { S_TWO1, { OTHER } }, [B_TWO2] = { S_TWO2, { COMMON } },
	[B_TWO2_OTHER] = { S_TWO2, { OTHER } },
};

static const struct end common = { COMMON };

/** A packet, and what became of it. */
struct packet {
	struct end src, dst;
	uint8_t flags;
	uint32_t verdict;
	struct end out_src, out_dst;
};

struct lab;

/** What one of the two threads does in a round: first the sweep or a function of ours, if any, then packets. */
struct side {
	int cpu;
	uint32_t delay;
	struct xm_sweep sweep; /* count 0: none */
	void (*by_hand)(struct lab *lab);
	struct packet packets[PACKETS];
	int count;
	uint32_t repeat; /* of each packet, which the program must leave as it is; dear, see README.md */
	int err;
};

struct lab {
	struct xdpmesh_bpf *skel;
	int prog, sweep;
	uint32_t cpus;
	struct xm_meta *meta;
	struct xm_key_bucket *key_table;
	struct xm_key *keys;
	struct xm_service *services;
	struct xm_backend *backends;
	__u64 *slots, *hops, *client_hops, *verdicts;
	struct xm_flow_set *flows;
	struct side side[2];
	uint32_t call, ready, begin, done; /* the number of the round */
	uint32_t left;			   /* the round that the left side is through with */
	uint32_t last;			   /* 1: the right thread shall end */
	uint64_t random;
	uint16_t tick; /* now */
	uint16_t port; /* of the client in this round */
	uint32_t round;
	uint64_t met;	  /* how often the race was met */
	int aim;	  /* by how much the right side was late when it was met last */
	uint16_t p1, p2;  /* two ports that begin at the same way */
	__u64 made[WAYS]; /* words put in by hand, 0 if it came too late */
	char why[256];
};

__attribute__((format(printf, 2, 3))) static bool fail(struct lab *lab, const char *fmt, ...)
{
	va_list args;

	if (lab->why[0])
		return false;
	va_start(args, fmt);
	vsnprintf(lab->why, sizeof(lab->why), fmt, args);
	va_end(args);
	return false;
}

static const char *verdict_word(uint32_t v)
{
	static const char *const words[] = {
#define X(word, action, text) #word,
		XM_VERDICTS(X)
#undef X
	};

	return v < XM_VERDICT_COUNT ? words[v] : "none";
}

static uint32_t dice(struct lab *lab, uint32_t below)
{
	lab->random ^= lab->random << 13;
	lab->random ^= lab->random >> 7;
	lab->random ^= lab->random << 17;
	return lab->random % below;
}

/* --- the tables */

static struct xm_addr mapped(uint32_t addr)
{
	return xm_addr_of_v4(htonl(addr));
}

static uint32_t add_key(struct lab *lab, enum xm_key_kind kind, struct end end, uint8_t proto, uint32_t value)
{
	struct xm_key key = { mapped(end.addr), htons(end.port), proto, kind, value };
	__u64 hash = xm_hash_rest(xm_hash_addr(key.addr, &secret), xm_key_rest(kind, proto, key.port)), *word;
	uint32_t id = 1;

	for (; lab->keys[id].kind; id++)
		if (xm_addr_eq(lab->keys[id].addr, key.addr) && lab->keys[id].port == key.port &&
		    lab->keys[id].kind == kind)
			return id;
	lab->keys[id] = key;
	word = lab->key_table[hash & (KEY_BUCKETS - 1)].word;
	while (*word)
		word++;
	*word = hash >> 32 << 32 | id;
	return id;
}

static void put_service(struct lab *lab, uint32_t id)
{
	struct xm_plan_word plan = { .base = id, .log2 = 10, .rr = 1, .on_none = XM_NONE_PASS };
	uint32_t backend = id < S_TWO1 ? id : id == S_TWO1 ? B_TWO1 : B_TWO2;

	add_key(lab, XM_KEY_VIP, (struct end){ vips[id].addr, 0 }, 0, 1);
	add_key(lab, XM_KEY_SERVICE, vips[id], TCP, id);
	lab->services[id] = (struct xm_service){ .plan = xm_plan_pack(&plan),
						 .last_resort = backend,
						 .life = XM_LIFE_LIVE,
						 .addr = mapped(vips[id].addr),
						 .port = htons(vips[id].port),
						 .proto = TCP };
	/* nearly all flows want the common endpoint: a pick that must avoid it finds the other within eight slots */
	for (uint32_t i = 0; i < XM_SLOT_UNIT; i++)
		lab->slots[id * XM_SLOT_UNIT + i] =
			xm_slot_make(id >= S_TWO1 && i % 8 == 7 ? backend + 1 : backend, 0, 0, 0);
}

static void put_backend(struct lab *lab, uint32_t id)
{
	lab->backends[id] = (struct xm_backend){ .state = XM_STATE_UP,
						 .life = XM_LIFE_LIVE,
						 .service = backend_rows[id].service,
						 .addr = mapped(backend_rows[id].end.addr),
						 .key = add_key(lab, XM_KEY_ENDPOINT, backend_rows[id].end, TCP, 1),
						 .port = htons(backend_rows[id].end.port),
						 .proto = TCP };
}

static void *map_memory(struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7) & ~7U);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return at == MAP_FAILED ? NULL : at;
}

static void set_sizes(struct lab *lab)
{
	struct xdpmesh_bpf *s = lab->skel;

	s->rodata->xm_k0 = secret.k0;
	s->rodata->xm_k1 = secret.k1;
	s->rodata->xm_tick_shift = TICK_SHIFT;
	s->rodata->xm_flow_mask = SETS - 1;
	s->rodata->xm_key_mask = KEY_BUCKETS - 1;
	s->rodata->xm_n_services = S_COUNT;
	s->rodata->xm_n_backends = B_COUNT;
	s->rodata->xm_n_cpus = lab->cpus;
	bpf_map__set_max_entries(s->maps.key_table, KEY_BUCKETS);
	bpf_map__set_max_entries(s->maps.keys, KEYS);
	bpf_map__set_max_entries(s->maps.services, S_COUNT);
	bpf_map__set_max_entries(s->maps.backends, B_COUNT);
	bpf_map__set_max_entries(s->maps.slots, S_COUNT * XM_SLOT_UNIT);
	bpf_map__set_max_entries(s->maps.flows, SETS);
	bpf_map__set_max_entries(s->maps.cursors, lab->cpus * S_COUNT);
	bpf_map__set_max_entries(s->maps.cells, lab->cpus * B_COUNT);
	bpf_map__set_max_entries(s->maps.verdicts, lab->cpus * XM_VERDICT_CELLS);
}

/** Loads the programs into a namespace without routes, and fills the tables: next hops stay 0, all leaves by the stack. */
static int lab_open(struct lab *lab)
{
	struct xdpmesh_bpf *s;
	int err;

	if (unshare(CLONE_NEWNET))
		return -errno;
	lab->cpus = libbpf_num_possible_cpus();
	s = lab->skel = xdpmesh_bpf__open();
	if (!s)
		return -errno;
	set_sizes(lab);
	err = xdpmesh_bpf__load(s);
	if (err)
		return err;
	lab->prog = bpf_program__fd(s->progs.xdpmesh_xdp);
	lab->sweep = bpf_program__fd(s->progs.xdpmesh_sweep);
#define MAP(name) (lab->name = map_memory(s->maps.name))
	if (!MAP(meta) || !MAP(key_table) || !MAP(keys) || !MAP(services) || !MAP(backends) || !MAP(slots) ||
	    !MAP(flows) || !MAP(verdicts))
		return -ENOMEM;
#undef MAP
	*lab->meta = (struct xm_meta){
		.magic = XM_MAGIC,
		.abi = XM_ABI,
		.tick_shift = TICK_SHIFT,
		.key = secret,
		.endpoints = 1,
		.tcp_idle = 100,
		.udp_idle = 20,
		.closing_idle = 5,
		.syn_idle = 10,
	};
	for (uint32_t i = 1; i < B_COUNT; i++) /* first: the common endpoint's key is 1, as is a backend's id */
		put_backend(lab, i);
	for (uint32_t i = 1; i < S_COUNT; i++)
		put_service(lab, i);
	return 0;
}

/* --- packets and the sweep */

static void put16(uint8_t *b, uint16_t v)
{
	b[0] = v >> 8;
	b[1] = v;
}

static void put_end(uint8_t *addr, uint8_t *port, struct end e)
{
	put16(addr, e.addr >> 16);
	put16(addr + 2, e.addr);
	put16(port, e.port);
}

static struct end get_end(const uint8_t *addr, const uint8_t *port)
{
	return (struct end){ IP(addr[0], addr[1], addr[2], addr[3]), port[0] << 8 | port[1] };
}

static bool same_end(struct end a, struct end b)
{
	return a.addr == b.addr && a.port == b.port;
}

/** Runs the program on a packet. The verdict is what it has counted on this CPU. */
static int run_packet(struct lab *lab, int cpu, struct packet *p, uint32_t repeat)
{
	uint8_t in[64] = { [12] = 8, [14] = 0x45, [20] = 0x40, [22] = 64, [23] = TCP, [46] = 0x50 }, out[64];
	volatile __u64 *counted = lab->verdicts + (size_t)cpu * XM_VERDICT_CELLS;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = sizeof(in), .data_out = out,
		    .data_size_out = sizeof(out), .repeat = repeat);
	int err;

	put16(in + 16, 40);
	put_end(in + 26, in + 34, p->src);
	put_end(in + 30, in + 36, p->dst);
	in[47] = p->flags;
	memset((void *)counted, 0, XM_VERDICT_CELLS * 8);
	err = bpf_prog_test_run_opts(lab->prog, &o);
	p->verdict = XM_VERDICT_COUNT;
	for (uint32_t v = 0; v < XM_VERDICT_COUNT; v++)
		if (counted[v])
			p->verdict = v;
	p->out_src = get_end(out + 26, out + 34);
	p->out_dst = get_end(out + 30, out + 36);
	return err;
}

static int run_sweep(struct lab *lab, struct xm_sweep *job)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = job, .ctx_size_in = sizeof(*job));
	int err = bpf_prog_test_run_opts(lab->sweep, &o);

	return err ? err : (int)o.retval;
}

static struct packet from_client(uint16_t port, uint32_t service, uint8_t flags)
{
	return (struct packet){ .src = { CLIENT, port }, .dst = vips[service], .flags = flags };
}

static struct packet from_backend(uint16_t port, uint8_t flags)
{
	return (struct packet){ .src = common, .dst = { CLIENT, port }, .flags = flags };
}

static void add(struct lab *lab, int side, struct packet p)
{
	struct side *s = &lab->side[side];

	s->packets[s->count++] = p;
}

/** A packet outside the race. */
static struct packet quiet(struct lab *lab, struct packet p)
{
	int err = run_packet(lab, lab->side[0].cpu, &p, 1);

	if (err)
		fail(lab, "test_run: %s", strerror(-err));
	return p;
}

/* --- two threads */

static uint32_t now(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void say(uint32_t *word, uint32_t round)
{
	__atomic_store_n(word, round, __ATOMIC_SEQ_CST);
}

/** Spins: the other side is expected within nanoseconds. Who shares its CPU with others gives way after a while. */
static void await(const uint32_t *word, uint32_t round)
{
	for (uint32_t i = 1; now(word) != round; i++)
		if (i % 4096 == 0)
			sched_yield();
}

static void wait_spins(uint32_t n)
{
	for (volatile uint32_t i = 0; i < n; i++)
		;
}

static void run_side(struct lab *lab, struct side *s)
{
	wait_spins(s->delay);
	if (s->sweep.count)
		s->err = run_sweep(lab, &s->sweep);
	if (s->by_hand)
		s->by_hand(lab);
	for (int i = 0; i < s->count && !s->err; i++)
		s->err = run_packet(lab, s->cpu, &s->packets[i], s->repeat);
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static void *right_thread(void *arg)
{
	struct lab *lab = arg;

	lab->side[1].err = pin(lab->side[1].cpu);
	for (uint32_t round = 1;; round++) {
		await(&lab->call, round);
		if (now(&lab->last))
			return NULL;
		say(&lab->ready, round);
		await(&lab->begin, round);
		run_side(lab, &lab->side[1]);
		say(&lab->done, round);
	}
}

/** Both sides at once: the other one has answered a moment ago, so it is on its CPU and spins. */
static bool race(struct lab *lab)
{
	uint32_t round = lab->call + 1;

	say(&lab->call, round);
	await(&lab->ready, round);
	say(&lab->begin, round);
	run_side(lab, &lab->side[0]);
	say(&lab->left, round);
	await(&lab->done, round);
	for (int i = 0; i < 2; i++)
		if (lab->side[i].err)
			return fail(lab, "side %d: %s", i, strerror(abs(lab->side[i].err)));
	return true;
}

/* --- the flow table */

static struct xm_flow *way_at(struct lab *lab, uint32_t i)
{
	return &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];
}

static __u64 hash_of(uint16_t port)
{
	return xm_hash_client(mapped(CLIENT), htons(port), TCP, &secret);
}

/** The n-th way in which a flow of the client's port may stand. */
static struct xm_flow *way_of(struct lab *lab, uint16_t port, uint32_t n)
{
	__u64 hash = hash_of(port);
	uint32_t a = hash & (SETS - 1), b = (xm_fold(hash) >> 32) & (SETS - 1);

	if (n >= XM_FLOW_WAYS)
		a = a == b ? a ^ 1 : b;
	return &lab->flows[a].way[((hash >> 24) + n) % XM_FLOW_WAYS];
}

/** Writes an entry, its word last. */
static void fill(struct xm_flow *e, uint16_t port, uint32_t service, __u64 word)
{
	e->client = mapped(CLIENT);
	e->client_port = htons(port);
	e->vip_port = htons(vips[service].port);
	e->owner = xm_flow_owner(service, TCP);
	__atomic_exchange_n(&e->word, word, __ATOMIC_SEQ_CST);
}

static __u64 word(uint32_t backend, uint8_t state, uint8_t flags, uint16_t tick, uint8_t seq)
{
	return xm_flow_pack(
		(struct xm_flow_word){ .backend = backend, .state = state, .flags = flags, .tick = tick, .seq = seq });
}

/** Puts a flow where the program would look for it, at its n-th way or behind. */
static struct xm_flow *put(struct lab *lab, uint16_t port, uint32_t service, __u64 w, uint32_t n)
{
	struct xm_flow *e = way_of(lab, port, n);

	while (xm_flow_state_of(e->word) != XM_FLOW_FREE && n < 2 * XM_FLOW_WAYS - 1)
		e = way_of(lab, port, ++n);
	fill(e, port, service, w);
	return e;
}

/** The entry of a client's flow to a service; service 0: its own connection. */
static struct xm_flow *flow_of(struct lab *lab, uint16_t port, uint32_t service)
{
	for (uint32_t i = 0; i < WAYS; i++) {
		struct xm_flow *e = way_at(lab, i);

		if (xm_flow_state_of(e->word) != XM_FLOW_FREE && e->client_port == htons(port) &&
		    e->owner >> 8 == service)
			return e;
	}
	return NULL;
}

static uint32_t backend_of(const struct xm_flow *e)
{
	return xm_flow_unpack(e->word).backend;
}

static uint32_t key_of(struct lab *lab, const struct xm_flow *e)
{
	return e->owner >> 8 ? lab->backends[backend_of(e)].key : backend_of(e);
}

static uint32_t count_flows(struct lab *lab)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WAYS; i++)
		n += xm_flow_state_of(way_at(lab, i)->word) != XM_FLOW_FREE;
	return n;
}

/** What holds whatever has happened: nothing is half made, a flow and a reverse tuple stand there once. */
static bool sound(struct lab *lab)
{
	for (uint32_t i = 0; i < WAYS; i++) {
		struct xm_flow *a = way_at(lab, i);

		if (xm_flow_state_of(a->word) == XM_FLOW_FREE)
			continue;
		if (xm_flow_state_of(a->word) < XM_FLOW_DIRECT)
			return fail(lab, "an entry stays in state %u", xm_flow_state_of(a->word));
		for (uint32_t j = i + 1; j < WAYS; j++) {
			struct xm_flow *b = way_at(lab, j);

			if (xm_flow_state_of(b->word) == XM_FLOW_FREE || a->client_port != b->client_port)
				continue;
			if (a->owner == b->owner)
				return fail(lab, "service %u: two entries of one flow", a->owner >> 8);
			if (key_of(lab, a) == key_of(lab, b))
				return fail(lab, "services %u and %u: two entries with one reverse tuple",
					    a->owner >> 8, b->owner >> 8);
		}
	}
	return true;
}

/** A client's first packet: it went to its entry's backend and is answered by its VIP, or it was refused and left nothing. */
static bool begun(struct lab *lab, const struct packet *p, uint32_t service)
{
	struct xm_flow *e = flow_of(lab, p->src.port, service);
	struct packet reply;
	struct end end;

	if (p->verdict == XM_V_nat_collision)
		return true;
	if (p->verdict != XM_V_forward_stack)
		return fail(lab, "the SYN to service %u: verdict %s", service, verdict_word(p->verdict));
	if (!e)
		return fail(lab, "the SYN to service %u was forwarded, and there is no entry", service);
	if (backend_rows[backend_of(e)].service != service)
		return fail(lab, "service %u: its flow names backend %u, another service's", service, backend_of(e));
	end = backend_rows[backend_of(e)].end;
	if (!same_end(p->out_dst, end))
		return fail(lab, "service %u: its flow names backend %u, the packet went elsewhere", service,
			    backend_of(e));
	reply = quiet(lab, (struct packet){ .src = end, .dst = p->src, .flags = SYN | ACK });
	if (reply.verdict != XM_V_reply_stack || !same_end(reply.out_src, vips[service]))
		return fail(lab, "service %u: the reply's verdict is %s, it comes from %x:%u", service,
			    verdict_word(reply.verdict), reply.out_src.addr, reply.out_src.port);
	return true;
}

/* --- 1, 2: one reverse tuple, two flows */

static bool at_common(const struct packet *p)
{
	return p->verdict == XM_V_forward_stack && same_end(p->out_dst, common);
}

static void two_services(struct lab *lab)
{
	uint32_t base = lab->round % 2 ? S_ONE1 : S_TWO1;

	/* a closed flow of the third service with the tuple that both want, between the ways that they will take */
	if (base == S_ONE1 && lab->round % 4 == 1)
		put(lab, lab->port, S_ONE3, word(B_ONE3, XM_FLOW_CLOSING, 0, lab->tick, lab->round), 1);
	add(lab, 0, from_client(lab->port, base, SYN));
	add(lab, 1, from_client(lab->port, base + 1, SYN));
}

static bool two_services_after(struct lab *lab)
{
	uint32_t base = lab->round % 2 ? S_ONE1 : S_TWO1;
	struct packet *a = &lab->side[0].packets[0], *b = &lab->side[1].packets[0];

	/* one after the other, the first has the common endpoint; that neither has it shows that they have met */
	lab->met += !at_common(a) && !at_common(b);
	return sound(lab) && begun(lab, a, base) && begun(lab, b, base + 1);
}

static struct packet direct(uint16_t port)
{
	return (struct packet){ .src = { CLIENT, port }, .dst = common, .flags = SYN };
}

static void direct_and_service(struct lab *lab)
{
	add(lab, 0, direct(lab->port));
	add(lab, 1, from_client(lab->port, lab->round % 2 ? S_ONE1 : S_TWO1, SYN));
}

static bool direct_and_service_after(struct lab *lab)
{
	uint32_t service = lab->round % 2 ? S_ONE1 : S_TWO1;
	struct packet *own = &lab->side[0].packets[0], *syn = &lab->side[1].packets[0], reply;

	if (own->verdict != XM_V_direct || !same_end(own->out_dst, common))
		return fail(lab, "the direct SYN: verdict %s", verdict_word(own->verdict));
	lab->met += !at_common(syn) && !flow_of(lab, lab->port, 0);
	if (!sound(lab) || !begun(lab, syn, service))
		return false;
	if (!flow_of(lab, lab->port, 0))
		return true;
	reply = quiet(lab, from_backend(lab->port, SYN | ACK));
	if (reply.verdict != XM_V_direct || !same_end(reply.out_src, common))
		return fail(lab, "the direct connection's answer: verdict %s", verdict_word(reply.verdict));
	return true;
}

/* a service's flow stands behind the way that a direct connection takes while it looks whether the tuple is free */
static void direct_and_reply(struct lab *lab)
{
	put(lab, lab->port, S_ONE1, word(B_ONE1, XM_FLOW_OPEN, XM_REPLIED, lab->tick, lab->round), 1);
	for (int i = 0; i < 6; i++)
		add(lab, 0, direct(lab->port));
	for (int i = 0; i < 6; i++)
		add(lab, 1, from_backend(lab->port, ACK));
}

static bool direct_and_reply_after(struct lab *lab)
{
	for (int i = 0; i < lab->side[1].count; i++) {
		struct packet *p = &lab->side[1].packets[i];

		if (p->verdict != XM_V_reply_stack || !same_end(p->out_src, vips[S_ONE1]))
			return fail(lab, "a reply while a direct connection begins: verdict %s",
				    verdict_word(p->verdict));
	}
	lab->met++;
	if (flow_of(lab, lab->port, 0))
		return fail(lab, "a direct connection has a service's reverse tuple");
	return sound(lab);
}

/* --- 3: one flow, twice */

static void twins(struct lab *lab)
{
	uint32_t service = lab->round % 2 ? S_ONE1 : S_TWO1;

	if (lab->round % 4 >= 2)
		put(lab, lab->port, service,
		    word(service == S_ONE1 ? B_ONE1 : B_TWO1, XM_FLOW_CLOSING, 0, lab->tick, lab->round), 0);
	add(lab, 0, from_client(lab->port, service, SYN));
	add(lab, 1, from_client(lab->port, service, SYN));
}

static bool twins_after(struct lab *lab)
{
	uint32_t service = lab->round % 2 ? S_ONE1 : S_TWO1;
	struct packet *a = &lab->side[0].packets[0], *b = &lab->side[1].packets[0];

	lab->met += a->verdict == XM_V_nat_collision || b->verdict == XM_V_nat_collision;
	if (!sound(lab) || !begun(lab, a, service) || !begun(lab, b, service))
		return false;
	if (a->verdict == b->verdict && !same_end(a->out_dst, b->out_dst))
		return fail(lab, "the same SYN went to two backends");
	return true;
}

/* --- 4: the sweep */

static void sweep_all(struct lab *lab)
{
	lab->side[0].sweep = (struct xm_sweep){ .count = SETS };
}

/* flows of a retired backend, all on their way out, and packets that change them */
static void sweep_retired(struct lab *lab)
{
	lab->backends[B_ONE1].life = XM_LIFE_RETIRED;
	for (uint16_t i = 0; i < 12; i++)
		put(lab, lab->port + i, S_ONE1, word(B_ONE1, XM_FLOW_OPEN, XM_REPLIED, lab->tick, lab->round), 0);
	sweep_all(lab);
	for (int i = 0; i < 3; i++)
		add(lab, 1, from_client(lab->port + dice(lab, 12), S_ONE1, ACK));
}

static bool sweep_retired_after(struct lab *lab)
{
	struct xm_sweep *first = &lab->side[0].sweep, again = { .count = SETS };
	uint32_t stay = count_flows(lab);
	int err;

	lab->backends[B_ONE1].life = XM_LIFE_LIVE;
	lab->met += first->lost > 0;
	if (stay != first->lost)
		return fail(lab, "%u entries name the retired backend; taken %u, lost %u, used %u", stay, first->taken,
			    first->lost, first->used);
	if (first->taken + first->lost != 12)
		return fail(lab, "12 entries, %u taken and %u lost", first->taken, first->lost);
	lab->backends[B_ONE1].life = XM_LIFE_RETIRED;
	err = run_sweep(lab, &again);
	lab->backends[B_ONE1].life = XM_LIFE_LIVE;
	if (err || again.lost || again.taken != stay || count_flows(lab))
		return fail(lab, "undisturbed, the sweep has taken %u of %u", again.taken, stay);
	return true;
}

/* idle flows, and packets that come just in time; what was taken out stays out, whatever they are */
static void sweep_idle(struct lab *lab)
{
	static const uint8_t flags[] = { ACK, RST, FIN | ACK };

	for (uint16_t i = 0; i < 12; i++)
		put(lab, lab->port + i, S_ONE1, word(B_ONE1, XM_FLOW_OPEN, XM_REPLIED, lab->tick - IDLE, lab->round),
		    0);
	sweep_all(lab);
	for (int i = 0; i < 3; i++)
		add(lab, 1, from_client(lab->port + i * 4 + dice(lab, 4), S_ONE1, flags[dice(lab, 3)]));
}

static bool sweep_idle_after(struct lab *lab)
{
	struct xm_sweep *s = &lab->side[0].sweep;
	uint32_t stay = count_flows(lab);

	lab->met += s->lost > 0;
	if (s->taken + s->lost + s->used != 12 || stay != s->lost + s->used)
		return fail(lab, "of 12 entries %u stay; taken %u, lost %u, used %u", stay, s->taken, s->lost, s->used);
	for (uint32_t i = 0; i < WAYS; i++) {
		struct xm_flow_word f = xm_flow_unpack(way_at(lab, i)->word);

		if (f.state != XM_FLOW_FREE && f.tick == (uint16_t)(lab->tick - IDLE))
			return fail(lab, "an idle entry stays");
	}
	return sound(lab);
}

/** New tenants for as many entries as are still the old ones'. */
static void tenants_by_hand(struct lab *lab)
{
	uint32_t first = lab->round * 7;

	for (uint32_t i = 0; i < WAYS; i++) {
		uint32_t at = (first + i) % WAYS;
		__u64 old = word(B_ONE1, XM_FLOW_CLOSING, 0, lab->tick - IDLE, lab->round);
		__u64 new = word(B_ONE1, XM_FLOW_OPEN, 0, lab->tick, lab->round + 1);

		lab->made[at] = __sync_bool_compare_and_swap(&way_at(lab, at)->word, old, new) ? new : 0;
		wait_spins(lab->round % 4 * 16);
	}
}

static void sweep_tenants(struct lab *lab)
{
	for (uint32_t i = 0; i < WAYS; i++)
		fill(way_at(lab, i), lab->port + i, S_ONE1,
		     word(B_ONE1, XM_FLOW_CLOSING, 0, lab->tick - IDLE, lab->round));
	sweep_all(lab);
	lab->side[1].by_hand = tenants_by_hand;
}

static bool sweep_tenants_after(struct lab *lab)
{
	struct xm_sweep *s = &lab->side[0].sweep;
	uint32_t stay = count_flows(lab);

	lab->met += s->lost > 0;
	for (uint32_t i = 0; i < WAYS; i++)
		if (lab->made[i] && way_at(lab, i)->word != lab->made[i])
			return fail(lab, "the sweep has taken an entry's next tenant");
	if (s->taken + s->lost + s->used != WAYS || stay != s->lost + s->used)
		return fail(lab, "of %u entries %u stay; taken %u, lost %u, used %u", WAYS, stay, s->taken, s->lost,
			    s->used);
	return true;
}

/* --- 5: one way, two tenants */

/** Two flows take turns in one way, as fast as memory goes, till the packets of the other side are through. */
static void turns_by_hand(struct lab *lab)
{
	struct xm_flow *e = way_of(lab, lab->p1, 0);
	uint32_t left = 200 + lab->round % 100;
	uint8_t seq = 0;

	for (; left; left--) {
		__atomic_exchange_n(&e->word, word(0, XM_FLOW_BUSY, 0, 0, ++seq), __ATOMIC_SEQ_CST);
		if (seq % 2)
			fill(e, lab->p1, S_ONE1, word(B_ONE1, XM_FLOW_OPEN, XM_REPLIED, lab->tick, seq));
		else
			fill(e, lab->p2, S_TWO2, word(B_TWO2_OTHER, XM_FLOW_OPEN, XM_REPLIED, lab->tick, seq));
	}
}

static void turns(struct lab *lab)
{
	lab->side[1].by_hand = turns_by_hand;
	for (int i = 0; i < 6; i++) {
		add(lab, 0, from_client(lab->p1, S_ONE1, ACK));
		add(lab, 0, from_backend(lab->p1, ACK));
	}
}

static bool turns_after(struct lab *lab)
{
	for (int i = 0; i < lab->side[0].count; i++) {
		struct packet *p = &lab->side[0].packets[i];
		bool reply = i % 2, found = p->verdict == (reply ? XM_V_reply_stack : XM_V_forward_stack);

		if (!found && p->verdict != (reply ? XM_V_no_flow : XM_V_stray_reset))
			return fail(lab, "verdict %s", verdict_word(p->verdict));
		if (found && !(reply ? same_end(p->out_src, vips[S_ONE1]) : same_end(p->out_dst, common)))
			return fail(lab, "a %s was sent by the entry of another flow", reply ? "reply" : "packet");
		lab->met += i && found != (lab->side[0].packets[i - 1].verdict == XM_V_forward_stack ||
					   lab->side[0].packets[i - 1].verdict == XM_V_reply_stack);
	}
	return true;
}

/** The same, but one is a direct connection, whose replies leave as they are; the other's backend has its key's number. */
static void direct_turns_by_hand(struct lab *lab)
{
	struct xm_flow *e = way_of(lab, lab->p1, 0);
	uint8_t seq = 0;

	while (now(&lab->left) != lab->call) {
		__atomic_exchange_n(&e->word, word(0, XM_FLOW_FREE, 0, 0, seq), __ATOMIC_SEQ_CST);
		wait_spins(8);
		__atomic_exchange_n(&e->word, word(0, XM_FLOW_BUSY, 0, 0, ++seq), __ATOMIC_SEQ_CST);
		if (seq % 2)
			fill(e, lab->p1, 0, word(lab->backends[B_ONE1].key, XM_FLOW_DIRECT, 0, lab->tick, seq));
		else
			fill(e, lab->p2, S_ONE1, word(B_ONE1, XM_FLOW_OPEN, XM_REPLIED, lab->tick, seq));
	}
}

static void direct_turns(struct lab *lab)
{
	lab->side[0].repeat = LOOK_UPS;
	lab->side[1].by_hand = direct_turns_by_hand;
	add(lab, 0, from_backend(lab->p1, ACK));
}

static bool direct_turns_after(struct lab *lab)
{
	const __u64 *counted = lab->verdicts + (size_t)lab->side[0].cpu * XM_VERDICT_CELLS;
	__u64 found = counted[XM_V_direct], none = counted[XM_V_no_flow];

	lab->met += found && none ? found : 0;
	if (lab->backends[B_ONE1].key != B_ONE1)
		return fail(lab, "the endpoint's key is not 1: this test shows nothing");
	if (found + none != LOOK_UPS)
		return fail(lab,
			    "of %u look-ups %llu found the direct connection, %llu nothing, the rest another's word",
			    LOOK_UPS, found, none);
	return true;
}

/* two flows that begin to look for room at the same way; in every other round there is room for one only, after a closed one */
static void same_way(struct lab *lab)
{
	bool full = lab->round % 2;

	for (uint32_t i = 0; full && i < WAYS; i++)
		fill(way_at(lab, i), 1 + i, S_ONE3, word(B_ONE3, XM_FLOW_OPEN, 0, lab->tick, lab->round));
	if (full)
		fill(way_of(lab, lab->p1, 0), 100, S_ONE3, word(B_ONE3, XM_FLOW_CLOSING, 0, lab->tick, lab->round));
	add(lab, 0, from_client(lab->p1, S_ONE1, SYN));
	add(lab, 1, from_client(lab->p2, S_ONE2, SYN));
}

static bool same_way_after(struct lab *lab)
{
	bool full = lab->round % 2;
	int forwarded = 0;

	for (int i = 0; i < 2; i++) {
		struct packet *p = &lab->side[i].packets[0];

		if (full && p->verdict == XM_V_flows_full)
			continue;
		forwarded++;
		if (p->verdict == XM_V_nat_collision)
			return fail(lab, "two clients' ports are said to collide");
		if (!begun(lab, p, i ? S_ONE2 : S_ONE1))
			return false;
	}
	if (full && forwarded != 1)
		return fail(lab, "%d flows have found room for one", forwarded);
	/* the right one had the way, the left one came second: either order is seen when they are close */
	lab->met += flow_of(lab, lab->p2, S_ONE2) == way_of(lab, lab->p1, 0);
	return sound(lab);
}

/* --- 6: one word, two writers */

#define FIN_BOTH (XM_FIN_CLIENT | XM_FIN_BACKEND)

static void flags(struct lab *lab)
{
	__u8 state = lab->round % 3 == 2 ? XM_FLOW_SYN : XM_FLOW_OPEN;
	static const uint8_t left[] = { FIN | ACK, RST, SYN }, right[] = { FIN | ACK, FIN | ACK, SYN | ACK };

	put(lab, lab->port, S_ONE1, word(B_ONE1, state, 0, lab->tick - 1, lab->round), 0);
	add(lab, 0, from_client(lab->port, S_ONE1, left[lab->round % 3]));
	add(lab, 1, from_backend(lab->port, right[lab->round % 3]));
}

static bool flags_after(struct lab *lab)
{
	static const uint8_t want[] = { XM_FLOW_CLOSING, XM_FLOW_CLOSING, XM_FLOW_OPEN };
	static const uint8_t set[] = { FIN_BOTH | XM_REPLIED, XM_FIN_BACKEND | XM_REPLIED, XM_REPLIED };
	struct xm_flow *e = flow_of(lab, lab->port, S_ONE1);
	int kind = lab->round % 3;
	struct xm_flow_word f;

	if (lab->side[0].packets[0].verdict != XM_V_forward_stack ||
	    lab->side[1].packets[0].verdict != XM_V_reply_stack)
		return fail(lab, "verdicts %s and %s", verdict_word(lab->side[0].packets[0].verdict),
			    verdict_word(lab->side[1].packets[0].verdict));
	quiet(lab, from_client(lab->port, S_ONE1, ACK));
	quiet(lab, from_backend(lab->port, ACK));
	if (!e || e != way_of(lab, lab->port, 0) || e->vip_port != htons(vips[S_ONE1].port) || count_flows(lab) != 1)
		return fail(lab, "the entry's tuple has changed");
	f = xm_flow_unpack(e->word);
	if (f.backend != B_ONE1 || f.seq != (uint8_t)lab->round || f.hop || f.tick != lab->tick)
		return fail(lab, "the entry's word has changed: %llx", e->word);
	if (f.state != want[kind] || (f.flags & set[kind]) != set[kind])
		return fail(lab, "a flag is lost (%d): state %u, flags %x; it should be %u, %x", kind, f.state, f.flags,
			    want[kind], set[kind]);
	lab->met++;
	return true;
}

/* a SYN on a closed flow, and a late packet of the old connection */
static void anew(struct lab *lab)
{
	put(lab, lab->port, S_ONE1, word(B_ONE1, XM_FLOW_CLOSING, XM_REPLIED, lab->tick - 1, lab->round), 0);
	add(lab, 0, from_client(lab->port, S_ONE1, SYN));
	add(lab, 1, from_backend(lab->port, ACK));
}

static bool anew_after(struct lab *lab)
{
	struct xm_flow *e = flow_of(lab, lab->port, S_ONE1);
	uint8_t state = e ? xm_flow_state_of(e->word) : XM_FLOW_FREE;
	struct packet *late = &lab->side[1].packets[0];

	if (!sound(lab) || !begun(lab, &lab->side[0].packets[0], S_ONE1))
		return false;
	if (late->verdict != XM_V_reply_stack && late->verdict != XM_V_no_flow)
		return fail(lab, "the late packet: verdict %s", verdict_word(late->verdict));
	if (state != XM_FLOW_SYN && state != XM_FLOW_OPEN)
		return fail(lab, "the new connection's entry is in state %u", state);
	lab->met += late->verdict == XM_V_no_flow;
	return true;
}

/* --- rounds */

struct test {
	const char *name;
	void (*before)(struct lab *lab);
	bool (*after)(struct lab *lab);
	uint32_t weight;
};

static const struct test tests[] = {
	{ "two_services_one_reverse_tuple", two_services, two_services_after, 1 },
	{ "direct_connection_and_service", direct_and_service, direct_and_service_after, 1 },
	{ "replies_while_a_direct_connection_begins", direct_and_reply, direct_and_reply_after, 1 },
	{ "the_same_syn_twice", twins, twins_after, 1 },
	{ "sweep_of_a_retired_backend", sweep_retired, sweep_retired_after, 1 },
	{ "sweep_of_idle_flows", sweep_idle, sweep_idle_after, 1 },
	{ "sweep_and_the_next_tenant", sweep_tenants, sweep_tenants_after, 1 },
	{ "tenants_that_take_turns", turns, turns_after, 3 },
	{ "look_ups_while_tenants_take_turns", direct_turns, direct_turns_after, 1 },
	{ "two_flows_one_way", same_way, same_way_after, 1 },
	{ "flags_from_both_ends", flags, flags_after, 1 },
	{ "closed_flow_begins_anew", anew, anew_after, 1 },
};

#define TESTS (int)(sizeof(tests) / sizeof(*tests))

/** How late the right side shall be: anything, or about as late as when they met. */
static int lateness(struct lab *lab)
{
	if (lab->met && dice(lab, 2))
		return lab->aim + (int)dice(lab, AIM) - AIM / 2;
	if (dice(lab, 2))
		return (int)dice(lab, SPINS) - SPINS / 2;
	return (int)dice(lab, 8 * SPINS) - 4 * SPINS;
}

static bool run_round(struct lab *lab, const struct test *t)
{
	uint64_t met = lab->met;
	int late = lateness(lab);

	lab->round++;
	lab->port = 1024 + lab->round * 37 % 60000;
	memset(lab->flows, 0, SETS * sizeof(*lab->flows));
	for (int i = 0; i < 2; i++)
		lab->side[i] = (struct side){ .cpu = lab->side[i].cpu, .repeat = 1 };
	lab->side[late > 0].delay = abs(late);
	t->before(lab);
	if (!race(lab) || !t->after(lab) || lab->why[0])
		return false;
	if (lab->met > met)
		lab->aim = late;
	return true;
}

static uint64_t ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static bool run_test(struct lab *lab, const struct test *t)
{
	uint64_t begin = ms(), spent = 0;
	uint32_t rounds = 0;

	lab->met = 0;
	lab->why[0] = 0;
	while (!lab->why[0]) {
		spent = rounds % 16 ? spent : ms() - begin;
		if (lab->met && (rounds >= ROUNDS * t->weight || spent >= USUAL_MS * t->weight))
			break;
		if (spent >= LONGEST_MS)
			fail(lab, "the two sides have never met");
		else if (run_round(lab, t))
			rounds++;
	}
	if (lab->why[0])
		printf("FAIL %s: round %u: %s\n", t->name, rounds, lab->why);
	else
		printf("ok   %s: %u rounds, met %llu times\n", t->name, rounds, (unsigned long long)lab->met);
	fflush(stdout);
	return !lab->why[0];
}

/** The first two CPUs that we may use. */
static bool two_cpus(struct lab *lab)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			lab->side[n++].cpu = cpu;
	return n == 2;
}

/** What the programs say the time is, and two ports that begin at the same way of the same set. */
static bool probe(struct lab *lab)
{
	struct xm_flow *e;

	quiet(lab, from_client(1024, S_ONE1, SYN));
	e = flow_of(lab, 1024, S_ONE1);
	if (!e)
		return fail(lab, "a SYN makes no entry");
	lab->tick = xm_flow_unpack(e->word).tick;
	lab->p1 = 2000;
	for (lab->p2 = 2001;
	     way_of(lab, lab->p1, 0) != way_of(lab, lab->p2, 0) || way_of(lab, lab->p1, 8) != way_of(lab, lab->p2, 8);)
		lab->p2++;
	return true;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static int run(struct lab *lab, int argc, char **argv)
{
	int passed = 0, failed = 0, err;
	pthread_t right;

	if (pin(lab->side[0].cpu) || !probe(lab)) {
		fprintf(stderr, "race: %s\n", lab->why);
		return 1;
	}
	err = pthread_create(&right, NULL, right_thread, lab);
	if (err) {
		fprintf(stderr, "race: a second thread: %s\n", strerror(err));
		return 1;
	}
	for (int i = 0; i < TESTS; i++) {
		if (!wanted(tests[i].name, argc, argv))
			continue;
		if (run_test(lab, &tests[i]))
			passed++;
		else
			failed++;
	}
	say(&lab->last, 1);
	say(&lab->call, lab->call + 1);
	pthread_join(right, NULL);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}

int main(int argc, char **argv)
{
	static struct lab lab = { .random = 0x9e3779b97f4a7c15ULL };
	int err;

	if (!two_cpus(&lab)) {
		printf("skipped: a race needs two CPUs, and this process may use one\n0 passed, 0 failed, %d skipped\n",
		       TESTS);
		return 0;
	}
	err = lab_open(&lab);
	if (err)
		fprintf(stderr, "race: cannot set up (is this root?): %s\n", strerror(-err));
	else
		err = run(&lab, argc, argv);
	xdpmesh_bpf__destroy(lab.skel);
	return err ? 1 : 0;
}
