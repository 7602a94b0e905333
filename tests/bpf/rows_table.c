/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows: tables at their limits, round robin, next hops towards clients, and the sweep. */
#include <string.h>

#include <linux/bpf.h>

#include "rows.h"

#define NEW(port)                                                                             \
	{                                                                                     \
		.src = CLIENT, .sport = port, .to_service = S_ONE, .proto = TCP, .flags = SYN \
	}

static bool spread(struct lab *lab, struct step *s, int n, uint32_t got[B_COUNT])
{
	for (int i = 0; i < n; i++) {
		s->in.sport = 1000 + i;
		if (!step_run(lab, s))
			return false;
		got[lab->picked]++;
	}
	return true;
}

/** Ten rounds of weights 1, 2 and 3 are exact, and each round is. What stands behind the round is not used. */
static bool round_robin(struct lab *lab)
{
	struct step s = { .in = C(S_RR, SYN), .want = FWD, .connections = 1 };

	for (uint32_t i = 6; i < XM_SLOT_UNIT; i++)
		lab->slots[S_RR * XM_SLOT_UNIT + i] = B_RR1;
	for (uint32_t round = 1; round <= 10; round++) {
		uint32_t got[B_COUNT] = {};

		s.in.src = CLIENT + round;
		if (!spread(lab, &s, 6, got))
			return false;
		if (got[B_RR1] != 1 || got[B_RR2] != 2 || got[B_RR3] != 3)
			return fail(lab, "round %u: %u, %u and %u", round, got[B_RR1], got[B_RR2], got[B_RR3]);
	}
	return true;
}

/** Each service has a cursor of its own. */
static bool round_robin_of_two(struct lab *lab)
{
	struct step s = { .in = C(S_RR, SYN), .want = FWD, .connections = 1 };
	struct step two = { .in = C(S_RR_TWO, SYN), .want = FWD, .connections = 1 };
	uint32_t got[B_COUNT] = {};

	for (int i = 0; i < 6; i++) {
		s.in.src = two.in.src = CLIENT + i;
		if (!spread(lab, &s, 1, got) || !spread(lab, &two, 1, got))
			return false;
	}
	return (got[B_RR1] == 1 && got[B_RR2] == 2 && got[B_RR3] == 3 && got[B_TWO1] == 3) ||
	       fail(lab, "%u, %u, %u, and %u of 6", got[B_RR1], got[B_RR2], got[B_RR3], got[B_TWO1]);
}

/** Class none goes by the hash alone, whatever the balance: the packets of a flow must not part. */
static bool dsr_goes_by_hash(struct lab *lab)
{
	struct step s = { .in = U(S_DSR_RR), .want = FWD };

	for (uint16_t port = 1; port <= 20; port++) {
		s.in.sport = port;
		s.backend = ANY;
		for (int i = 0; i < 5; i++) {
			if (!step_run(lab, &s))
				return false;
			s.backend = SAME;
		}
	}
	return true;
}

/** CPUs begin staggered: the first pick is the slot after CPU's share of the round. */
static bool round_robin_stagger(struct lab *lab)
{
	static const struct step s = { .in = C(S_RR, SYN), .want = FWD, .connections = 1 };
	uint32_t first = (1 + lab->cpu * 6 / lab->cpus) % 6;

	if (!step_run(lab, &s))
		return false;
	return lab->picked == lab_slots(S_RR, first) || fail(lab, "backend %u, not slot %u's", lab->picked, first);
}

static bool hash_spreads(struct lab *lab)
{
	struct step s = { .in = U(S_DSR), .want = FWD };
	uint32_t got[B_COUNT] = {};

	if (!spread(lab, &s, 400, got))
		return false;
	return (got[B_DSR1] > 140 && got[B_DSR2] > 140) || fail(lab, "%u and %u of 400", got[B_DSR1], got[B_DSR2]);
}

/** Past a dead owner, further slots are tried: with one slot in four alive most are found, none goes to the dead. */
static bool detours(struct lab *lab)
{
	struct step s = { .in = U(S_DSR_RR), .want = FWD, .backend = B_DSR_RR2 };
	uint32_t got[B_COUNT] = {};

	lab->backends[B_DSR_RR1].state = XM_STATE_DOWN;
	return spread(lab, &s, 200, got);
}

/** The owner is 20 bits of a slot; what user space notes beside it is not for the pick. */
static bool slot_bits(struct lab *lab)
{
	static const struct step s = { .in = C(S_ONE, SYN), .want = FWD, .backend = B_ONE, .connections = 1 };

	for (uint32_t i = 0; i < XM_SLOT_UNIT; i++)
		lab->slots[S_ONE * XM_SLOT_UNIT + i] |= xm_slot_make(0, 0xfffff, 0xffff, 0xff);
	return step_run(lab, &s);
}

/** A slot without an owner is passed over. */
static bool slot_none(struct lab *lab)
{
	static const struct step s = { .in = C(S_ONE, SYN), .want = XM_V_no_backend_reset };

	memset(&lab->slots[S_ONE * XM_SLOT_UNIT], 0, XM_SLOT_UNIT * 8);
	lab->backends[0].state = XM_STATE_UP;
	return step_run(lab, &s);
}

/** A tag that matches by chance is not enough: address, port, protocol and kind are compared. */
static bool key_in_full(struct lab *lab)
{
	static const struct step s = { .in = C(S_ONE, SYN), .want = XM_V_no_service };

	for (uint32_t field = 0; field < 4; field++) {
		lab_reset(lab);
		for (struct xm_key *k = lab->keys; k < lab->keys + 256; k++) {
			if (k->kind != XM_KEY_SERVICE || k->value != S_ONE)
				continue;
			if (field == 0)
				k->addr.lo ^= 1ULL << 63;
			else if (field == 1)
				k->port ^= 1;
			else if (field == 2)
				k->proto ^= 1;
			else
				k->kind = XM_KEY_ENDPOINT;
		}
		if (!step_run(lab, &s))
			return false;
	}
	return true;
}

/** The same of an address without the service's key to prove it: it is not a VIP. */
static bool vip_in_full(struct lab *lab)
{
	static const struct step s = { .in = C(S_ONE, SYN, .dport = 9), .want = XM_V_not_ours };

	for (struct xm_key *k = lab->keys; k < lab->keys + 256; k++)
		if (k->kind == XM_KEY_VIP)
			k->addr.lo ^= 1ULL << 63;
	return step_run(lab, &s);
}

/** All eight ways of a bucket are looked at, past keys that were removed: a tag with id 0. */
static bool key_last_way(struct lab *lab)
{
	static const struct step s = { .in = C(S_ONE, SYN), .want = FWD, .connections = 1 };

	for (uint32_t i = 0; i < 32; i++) {
		__u64 *w = lab->key_table[i].word, all[XM_KEY_WAYS] = {};
		int n = XM_KEY_WAYS;

		for (int way = 0; way < XM_KEY_WAYS; way++)
			all[way] = (__u64)(0x7e570000 + i * XM_KEY_WAYS + way) << 32;
		for (int way = 0; way < XM_KEY_WAYS; way++)
			if (w[way])
				all[--n] = w[way];
		memcpy(w, all, sizeof(all));
	}
	return step_run(lab, &s);
}

static uint32_t flow_set_of(struct lab *lab)
{
	struct xm_flow *e = flow_of(lab, CLIENT, PORT, TCP);

	return e ? (e - &lab->flows[0].way[0]) / XM_FLOW_WAYS : FLOW_SETS;
}

/** The set that a flow stands in is full of others: it takes its second set, and is found there in both directions. */
static bool second_set(struct lab *lab)
{
	static const struct step syn = BEGUN(S_ONE), again = { .in = C(S_ONE, ACK), .want = FWD };
	static const struct step reply = { .in = B(B_ONE, SYN | ACK), .want = REP };
	uint32_t set, other;

	if (!step_run(lab, &syn))
		return false;
	set = flow_set_of(lab);
	fill_open(lab);
	for (uint32_t i = 0; i < FLOW_SETS; i++)
		if (i != set)
			memset(&lab->flows[i], 0, sizeof(lab->flows[i]));
	if (!step_run(lab, &syn) || !step_run(lab, &again) || !step_run(lab, &reply))
		return false;
	other = flow_set_of(lab);
	return other != set || fail(lab, "set %u again", set);
}

/** Two clients behind one router share one next hop. */
static bool client_hops_shared(struct lab *lab)
{
	struct step s = { .in = C(S_ONE, SYN), .want = FWD, .connections = 1 };
	int n = 0;

	for (int i = 0; i < 20; i++) {
		s.in.src = CLIENT + i;
		if (!step_run(lab, &s))
			return false;
	}
	for (int i = 0; i < XM_CLIENT_HOPS; i++)
		n += lab->client_hops[i] != 0;
	return n == 1 || fail(lab, "%d next hops, not 1", n);
}

struct sweep_row {
	uint8_t state;
	uint16_t limit;
};

/** Each state has its limit: one tick less stays, the limit goes. */
static bool sweep_idle(struct lab *lab)
{
	static const struct sweep_row rows[] = {
		{ XM_FLOW_SYN, 10 }, { XM_FLOW_OPEN, 100 },  { XM_FLOW_CLOSING, 5 },
		{ XM_FLOW_UDP, 20 }, { XM_FLOW_DIRECT, 20 }, { XM_FLOW_CLAIMED, 10 },
	};
	uint16_t now = tick_now(lab);

	for (unsigned int i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		const struct sweep_row *r = &rows[i / 2];
		struct xm_flow_word w = {
			.backend = B_ONE, .tick = now - r->limit + !(i & 1), .state = r->state, .seq = 255
		};
		struct xm_sweep job = { .from = 3, .count = 1 };
		struct xm_flow *e = &lab->flows[3].way[i % XM_FLOW_WAYS];

		e->word = xm_flow_pack(w);
		if (sweep_run(lab, &job) || job.taken != (i & 1) || job.used != !(i & 1) || job.lost)
			return fail(lab, "state %u, limit %u: %u taken, %u used", r->state, r->limit, job.taken,
				    job.used);
		if ((xm_flow_state_of(e->word) == XM_FLOW_FREE) != (i & 1) || e->word >> 56 != 255)
			return fail(lab, "state %u: the entry is %llx", r->state, e->word);
		e->word = 0;
	}
	return true;
}

/** A limit of 0 is none. */
static bool sweep_never(struct lab *lab)
{
	static const struct step s = BEGUN(S_ONE);
	struct xm_sweep job = { .count = FLOW_SETS };

	lab->meta->syn_idle = 0;
	if (!step_run(lab, &s))
		return false;
	if (sweep_run(lab, &job) || job.used != 1 || job.taken)
		return fail(lab, "%u taken, %u used", job.taken, job.used);
	return true;
}

static bool sweep_retired(struct lab *lab)
{
	static const struct step one = BEGUN(S_ONE), far = { .in = C(S_FAR, SYN), .want = FWD_RED, .connections = 1 };
	struct xm_sweep job = { .count = FLOW_SETS };

	if (!step_run(lab, &one) || !step_run(lab, &far))
		return false;
	lab->backends[B_ONE].life = XM_LIFE_RETIRED;
	lab->flows[0].way[0].word =
		xm_flow_pack((struct xm_flow_word){ .backend = B_ONE, .tick = tick_now(lab), .state = XM_FLOW_DIRECT });
	if (sweep_run(lab, &job) || job.taken != 1 || job.used != 2 || job.lost)
		return fail(lab, "%u taken, %u used, %u lost", job.taken, job.used, job.lost);
	return xm_flow_state_of(lab->flows[0].way[0].word) == XM_FLOW_DIRECT ||
	       fail(lab, "a direct connection was taken");
}

/** Only the sets that it was asked for, and not past the end of the table. */
static bool sweep_range(struct lab *lab)
{
	struct xm_sweep job = { .from = 1, .count = 2 }, end = { .from = FLOW_SETS - 1, .count = 9 };

	fill_closing(lab);
	lab->meta->closing_idle = 1;
	flow_ages(lab);
	if (sweep_run(lab, &job) || job.taken != 16 || xm_flow_state_of(lab->flows[0].way[7].word) == XM_FLOW_FREE ||
	    xm_flow_state_of(lab->flows[3].way[0].word) == XM_FLOW_FREE)
		return fail(lab, "%u taken, not 16", job.taken);
	if (sweep_run(lab, &end) || end.taken != 8)
		return fail(lab, "%u taken at the end, not 8", end.taken);
	return true;
}

static void ages_and_forgets(struct lab *lab)
{
	forget_hops(lab);
	flow_ages(lab);
}

const struct row table_rows[] = {
	{ "flows_full_of_open_flows",
	  .steps = { { .first = fill_open, .in = C(S_ONE, SYN), .want = XM_V_flows_full } } },
	{ "flows_full_of_young_syns",
	  .steps = { { .first = fill_young_syn, .in = C(S_ONE, SYN), .want = XM_V_flows_full } } },
	{ "flows_full_of_entries_in_the_making",
	  .steps = { { .first = fill_claimed, .in = U(S_DNS), .want = XM_V_flows_full } } },
	{ "flows_full_direct_passes",
	  .steps = { { .first = fill_open,
		       .in = { .src = CLIENT, .sport = 7, .to_backend = B_ONE, .proto = TCP, .flags = SYN },
		       .want = XM_V_direct } } },
	{ "flows_full_dsr_is_forwarded", .steps = { { .first = fill_open, .in = U(S_DSR), .want = FWD } } },
	{ "closed_flow_makes_room",
	  .steps = { { .first = fill_closing, .in = C(S_ONE, SYN), .want = FWD, .connections = 1 } } },
	{ "unanswered_syn_makes_room",
	  .steps = { { .first = fill_old_syn, .in = C(S_ONE, SYN), .want = FWD, .connections = 1 },
		     { .in = B(B_ONE, SYN | ACK), .want = REP } } },
	{ "flow_takes_its_second_set", .run = second_set },
	{ "round_robin_is_exact", .run = round_robin },
	{ "round_robin_has_a_cursor_a_service", .run = round_robin_of_two },
	{ "dsr_goes_by_hash_even_under_round_robin", .run = dsr_goes_by_hash },
	{ "round_robin_begins_staggered", .run = round_robin_stagger },
	{ "hash_spreads_over_both", .run = hash_spreads },
	{ "dead_owner_is_passed_over", .run = detours },
	{ "slot_owner_is_20_bits", .run = slot_bits },
	{ "slot_without_owner_is_no_backend", .run = slot_none },
	{ "key_is_compared_in_full", .run = key_in_full },
	{ "vip_is_compared_in_full", .run = vip_in_full },
	{ "key_in_the_last_way_is_found", .run = key_last_way },
	{ "client_hop_is_shared", .run = client_hops_shared },
	{ "client_hop_no_room_goes_to_stack",
	  .steps = { { .first = fill_client_hops, .in = C(S_ONE, SYN), .want = FWD, .connections = 1 },
		     { .in = B(B_ONE, SYN | ACK), .want = REP_STACK } } },
	{ "client_hop_is_kept_within_a_tick",
	  .steps = { BEGUN(S_ONE), { .first = forget_hops, .in = B(B_ONE, ACK), .want = REP_STACK } } },
	{ "client_hop_is_looked_up_each_tick",
	  .steps = { BEGUN(S_ONE),
		     { .first = ages_and_forgets, .in = B(B_ONE, ACK), .want = REP },
		     { .in = B(B_ONE, ACK), .want = REP } } },
	{ "sweep_takes_what_is_idle", .run = sweep_idle },
	{ "sweep_limit_0_is_never", .run = sweep_never },
	{ "sweep_takes_flows_of_a_retired_backend", .run = sweep_retired },
	{ "sweep_stays_in_its_stretch", .run = sweep_range },
	{}
};
