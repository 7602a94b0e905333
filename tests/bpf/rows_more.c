/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows: what a reviewer's faults got past the others: whose backend is taken, what makes room, what must not be looked at. */
#include <string.h>

#include <arpa/inet.h>

#include "rows.h"

#define STRAY XM_V_stray_reset
/* a client's own connection to a backend */
#define OWN(backend, f)                                                                       \
	{                                                                                     \
		.src = CLIENT, .sport = PORT, .to_backend = backend, .proto = TCP, .flags = f \
	}
#define QUOTED_REPLY(service, client, p, ...) \
	(&(const struct pk){                  \
		.from_service = service, .dst = client, .dport = p, .proto = TCP, .flags = ACK, __VA_ARGS__ })

/* an address and a port that name each other: in a quote whose header is said to end in its addresses, they are ports */
#define TWIN_CLIENT IP(443 >> 8, 443 & 255, PORT >> 8, PORT & 255)

static void foreign_last_resort(struct lab *lab)
{
	lab->services[S_LAST].last_resort = B_ONE;
}

static void twin_last_resort(struct lab *lab)
{
	lab->services[S_TWIN].last_resort = B_TWIN1;
}

static void twin2_down(struct lab *lab)
{
	lab->backends[B_TWIN2].state = XM_STATE_DOWN;
}

/** Time to look the way to the client up again. */
static void hop_falls_due(struct lab *lab)
{
	for (int i = 0; i < 16; i++)
		flow_ages(lab);
}

static void forgets_and_falls_due(struct lab *lab)
{
	forget_hops(lab);
	hop_falls_due(lab);
}

/** The clients' router is another one now: what stands in the table is behind the wrong device. */
static void hop_is_wrong_and_falls_due(struct lab *lab)
{
	for (uint32_t i = 1; i < XM_CLIENT_HOPS; i++)
		if (lab->client_hops[i])
			lab->client_hops[i] = xm_hop_make(i, DEV_FAR, XM_HOP_SEND);
	hop_falls_due(lab);
}

/** What is dropped for its TTL leaves nothing behind. */
static bool ttl_1_no_entry(struct lab *lab)
{
	static const struct step syn = { .in = C(S_ONE, SYN, .ttl = 1), .want = XM_V_ttl };
	static const struct step udp = { .in = U(S_ONE_UDP, .ttl = 1), .want = XM_V_ttl };

	if (!step_run(lab, &syn) || !step_run(lab, &udp))
		return false;
	return (!flow_of(lab, CLIENT, PORT, TCP) && !flow_of(lab, CLIENT, PORT, UDP)) || fail(lab, "a flow was made");
}

/** Every entry is in this state and so many ticks old. */
static void fill_aged(struct lab *lab, uint8_t state, uint16_t age)
{
	uint16_t now;

	memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
	now = tick_now(lab);
	fill_open(lab);
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow *e = &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];
		struct xm_flow_word w = xm_flow_unpack(e->word);

		w.state = state;
		w.tick = now - age;
		e->word = xm_flow_pack(w);
	}
}

struct idle_row {
	uint8_t state;
	uint16_t limit;
};

static const struct idle_row idle_rows[] = { { XM_FLOW_UDP, 20 }, { XM_FLOW_DIRECT, 20 }, { XM_FLOW_OPEN, 100 } };

/** Both sets are full: an entry that has been idle for its limit gives way, one that is a tick younger does not. */
static bool idle_makes_room(struct lab *lab)
{
	static const struct step room = BEGUN(S_ONE), full = { .in = C(S_ONE, SYN), .want = XM_V_flows_full };

	for (const struct idle_row *r = idle_rows; r < idle_rows + sizeof(idle_rows) / sizeof(*idle_rows); r++) {
		fill_aged(lab, r->state, r->limit - 1);
		if (!step_run(lab, &full))
			return false;
		fill_aged(lab, r->state, r->limit);
		if (!step_run(lab, &room))
			return false;
	}
	return true;
}

/** Without a limit nothing is idle. */
static bool idle_never(struct lab *lab)
{
	static const struct step full = { .in = C(S_ONE, SYN), .want = XM_V_flows_full };

	lab->meta->tcp_idle = lab->meta->udp_idle = 0;
	for (const struct idle_row *r = idle_rows; r < idle_rows + sizeof(idle_rows) / sizeof(*idle_rows); r++) {
		fill_aged(lab, r->state, 1000);
		if (!step_run(lab, &full))
			return false;
	}
	return true;
}

/** A client's port whose two sets would be one: the second is its neighbour. */
static bool sets_coincide(struct lab *lab)
{
	struct step syn = BEGUN(S_ONE), reply = { .in = B(B_ONE, SYN | ACK), .want = REP };
	uint32_t set;
	uint16_t port = 0;
	__u64 h;

	do {
		port++;
		h = xm_hash_client(xm_addr_of_v4(htonl(CLIENT)), htons(port), TCP, &lab->meta->key);
		set = h & (FLOW_SETS - 1);
	} while (set != (xm_fold(h) >> 32 & (FLOW_SETS - 1)));
	syn.in.sport = reply.in.dport = port;
	fill_open(lab);
	memset(&lab->flows[set ^ 1], 0, sizeof(lab->flows[0]));
	return step_run(lab, &syn) && step_run(lab, &reply);
}

/** The sweep leaves what another CPU is making: BUSY however old it looks, CLAIMED although its backend is retired. */
static bool sweep_in_the_making(struct lab *lab)
{
	uint16_t now = tick_now(lab);
	struct xm_flow_word busy = { .tick = now - 1000, .state = XM_FLOW_BUSY, .seq = 7 };
	struct xm_flow_word claimed = { .backend = B_ONE, .tick = now, .state = XM_FLOW_CLAIMED, .seq = 8 };
	struct xm_flow *e = lab->flows[3].way;
	struct xm_sweep job = { .from = 3, .count = 1 };

	lab->backends[B_ONE].life = XM_LIFE_RETIRED;
	e[0].word = xm_flow_pack(busy);
	e[1].word = xm_flow_pack(claimed);
	e[0].owner = e[1].owner = xm_flow_owner(S_ONE, TCP);
	if (sweep_run(lab, &job) || job.taken || job.used != 2 || job.lost)
		return fail(lab, "%u taken, %u used, %u lost", job.taken, job.used, job.lost);
	return (e[0].word == xm_flow_pack(busy) && e[1].word == xm_flow_pack(claimed)) ||
	       fail(lab, "the entries are %llx and %llx", e[0].word, e[1].word);
}

/** S_RR goes by hash, and its slots go around these owners. */
static void rr_by_hash(struct lab *lab, const uint32_t *owners, uint32_t n)
{
	struct xm_plan_word plan = xm_plan_unpack(lab->services[S_RR].plan);

	plan.balance = XM_BALANCE_HASH;
	lab->services[S_RR].plan = xm_plan_pack(&plan);
	for (uint32_t i = 0; i < XM_SLOT_UNIT; i++)
		lab->slots[S_RR * XM_SLOT_UNIT + i] = xm_slot_make(owners[i % n], 0, 0, 0);
}

/** A client's port that is taken at all backends but one, the rarest: it is found. */
static bool one_is_free(struct lab *lab)
{
	static const uint32_t owners[] = { B_RR1, B_RR2, B_RR2, B_RR3, B_RR3, B_RR3 };
	struct step s = { .in = C(S_RR, SYN), .want = FWD, .backend = B_RR1, .connections = 1 };
	struct step a = { .in = OWN(B_RR2, SYN), .want = XM_V_direct },
		    b = { .in = OWN(B_RR3, SYN), .want = XM_V_direct };

	rr_by_hash(lab, owners, 6);
	for (uint16_t port = 1; port <= 40; port++) {
		memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
		s.in.sport = a.in.sport = b.in.sport = port;
		if (!step_run(lab, &a) || !step_run(lab, &b) || !step_run(lab, &s))
			return false;
	}
	return true;
}

/** The backend of a flow of S_RR, 0 if there is none. */
static uint32_t rr_backend(struct lab *lab, uint16_t port)
{
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow *e = &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];

		if (xm_flow_state_of(e->word) == XM_FLOW_SYN && e->owner == xm_flow_owner(S_RR, TCP) &&
		    e->client_port == htons(port))
			return xm_flow_unpack(e->word).backend;
	}
	return 0;
}

/** Four backends, and the port is taken at three: all three are avoided. The fourth is lent, so the entry alone is looked at. */
static bool fourth_is_free(struct lab *lab)
{
	static const uint32_t owners[] = { B_RR1, B_RR2, B_RR3, B_KEEP };
	struct step own = { .in = OWN(B_RR1, SYN), .want = XM_V_direct };
	struct pk syn = C(S_RR, SYN);
	static struct frame f;

	rr_by_hash(lab, owners, 4);
	for (uint16_t port = 1; port <= 40; port++) {
		uint32_t got;

		memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
		syn.sport = own.in.sport = port;
		for (int i = 0; i < 3; i++) {
			own.in.to_backend = owners[i];
			if (!step_run(lab, &own))
				return false;
		}
		frame_build(&syn, &f);
		if (live_run(lab, &f) < 0)
			return fail(lab, "test_run");
		got = rr_backend(lab, port);
		if (got != B_KEEP)
			return fail(lab, "port %u: backend %u, not %u", port, got, B_KEEP);
	}
	return true;
}

/** An owner of half the slots is down: what was its share goes to the others by their weights, though owners take turns. */
static bool detours_by_weight(struct lab *lab)
{
	static const uint32_t owners[] = { B_RR1, B_RR2, B_RR2, B_RR3, B_RR3, B_RR3 };
	struct step s = { .in = C(S_RR, SYN), .want = FWD, .connections = 1 };
	uint32_t got[B_COUNT] = {};

	rr_by_hash(lab, owners, 6);
	lab->backends[B_RR3].state = XM_STATE_DOWN;
	lab->services[S_RR].last_resort = B_RR2; /* of one in 32 */
	for (uint16_t port = 1; port <= 600; port++) {
		memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
		s.in.sport = port;
		if (!step_run(lab, &s))
			return false;
		got[lab->picked]++;
	}
	return (got[B_RR1] > 150 && got[B_RR1] < 250) ||
	       fail(lab, "%u and %u of 600, not 1 to 2", got[B_RR1], got[B_RR2]);
}

const struct row more_rows[] = {
	{ "last_resort_of_another_service_is_not_taken",
	  .steps = { { .first = foreign_last_resort, .in = C(S_LAST, SYN), .want = XM_V_no_backend_reset } } },
	{ "stray_is_reset_while_a_last_resort_is_up",
	  .steps = { { .first = twin_last_resort, .in = C(S_TWIN, ACK), .want = STRAY } } },
	{ "ttl_1_makes_no_flow", .run = ttl_1_no_entry },
	{ "direct_connection_is_noted_again_after_it_closed",
	  .steps = { { .in = OWN(B_ONE, SYN), .want = XM_V_direct, .state = XM_FLOW_DIRECT },
		     { .in = B(B_ONE, RST | ACK), .want = XM_V_direct },
		     { .in = OWN(B_ONE, SYN), .want = XM_V_direct, .state = XM_FLOW_DIRECT },
		     { .in = C(S_ONE, SYN), .want = XM_V_nat_collision } } },
	{ "client_hop_is_looked_up_again_by_a_client",
	  .steps = { BEGUN(S_ONE),
		     { .first = forgets_and_falls_due, .in = C(S_ONE, ACK), .want = FWD },
		     { .in = B(B_ONE, ACK), .want = REP } } },
	{ "client_hop_is_looked_up_again_by_a_reply",
	  .steps = { BEGUN(S_ONE),
		     { .first = hop_is_wrong_and_falls_due, .in = B(B_ONE, ACK), .want = REP },
		     { .in = B(B_ONE, ACK), .want = REP } } },
	{ "lying_udp_of_a_backend_passes",
	  .steps = { { .in = U(S_ONE_UDP), .want = FWD, .connections = 1 },
		     { .in = UB(B_ONE_UDP, .data = 8, .udp_add = 1), .want = XM_V_not_ours },
		     { .in = UB(B_ONE_UDP, .data = 8, .udp_add = -9), .want = XM_V_not_ours } } },
	{ "lying_udp_to_a_backend_makes_nothing",
	  .steps = { { .in = { .src = CLIENT, .sport = PORT, .to_backend = B_ONE_UDP, .proto = UDP, .udp_add = 1 },
		       .want = XM_V_not_ours },
		     { .in = UB(B_ONE_UDP), .want = XM_V_no_flow } } },
	{ "error_of_backend_in_fragments_passes", .steps = { BEGUN(S_ONE),
							     { .in = { .from_backend = B_ONE,
								       .dst = CLIENT,
								       .proto = ICMP,
								       .icmp = 3,
								       .code = 3,
								       .frag = 0x2000,
								       .quote = &(const struct pk)OWN(B_ONE, ACK) },
							       .want = XM_V_not_ours } } },
	{ "error_to_vip_quote_ends_within_the_ports",
	  .steps = { { .in = C(S_ONE, SYN, .sport = 0xeeee), .want = FWD, .connections = 1 },
		     { .in = { .src = CLIENT,
			       .to_service = S_ONE,
			       .proto = ICMP,
			       .icmp = 3,
			       .quote = QUOTED_REPLY(S_ONE, CLIENT, 0xeeee),
			       .quoted = 22,
			       .trail = 20 }, /* of 0xee */
		       .want = XM_V_icmp_unknown } } },
	{ "error_to_vip_quotes_a_header_of_4_words",
	  .steps = { { .first = twin2_down,
		       .in = TO(TWIN_CLIENT, S_TWIN, TCP, .flags = SYN),
		       .want = FWD,
		       .connections = 1 },
		     { .in = { .src = CLIENT,
			       .to_service = S_TWIN,
			       .proto = ICMP,
			       .icmp = 3,
			       .quote = QUOTED_REPLY(S_TWIN, TWIN_CLIENT, PORT, .first = 0x44) },
		       .want = XM_V_icmp_unknown } } },
	{ "idle_entry_makes_room", .run = idle_makes_room },
	{ "idle_limit_0_makes_no_room", .run = idle_never },
	{ "flow_whose_sets_coincide_has_two", .run = sets_coincide },
	{ "sweep_leaves_entries_in_the_making", .run = sweep_in_the_making },
	{ "client_port_finds_the_one_backend_it_is_free_at", .run = one_is_free },
	{ "client_port_avoids_three_backends", .run = fourth_is_free },
	{ "shares_of_a_dead_owner_follow_weights", .run = detours_by_weight },
	{}
};
