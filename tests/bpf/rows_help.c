/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the tables between the packets of a row: the stores that user space makes, and time that has gone by. */
#include <string.h>

#include "rows.h"

void picked_down(struct lab *lab)
{
	lab->backends[lab->picked].state = XM_STATE_DOWN;
}

void picked_up(struct lab *lab)
{
	lab->backends[lab->picked].state = XM_STATE_UP;
}

void picked_drain(struct lab *lab)
{
	lab->backends[lab->picked].state = XM_STATE_DRAIN;
}

void picked_ejected(struct lab *lab)
{
	lab->backends[lab->picked].state = XM_STATE_EJECTED;
}

void picked_unknown(struct lab *lab)
{
	lab->backends[lab->picked].state = XM_STATE_UNKNOWN;
}

void picked_retired(struct lab *lab)
{
	lab->backends[lab->picked].life = XM_LIFE_RETIRED;
}

void all_down(struct lab *lab)
{
	for (uint32_t i = 1; i < B_COUNT; i++)
		lab->backends[i].state = XM_STATE_DOWN;
}

void all_up(struct lab *lab)
{
	for (uint32_t i = 1; i < B_COUNT; i++)
		lab->backends[i].state = XM_STATE_UP;
}

void web1_down(struct lab *lab)
{
	lab->backends[B_WEB1].state = XM_STATE_DOWN;
}

void web2_down(struct lab *lab)
{
	lab->backends[B_WEB2].state = XM_STATE_DOWN;
}

void dns1_down(struct lab *lab)
{
	lab->backends[B_DNS1].state = XM_STATE_DOWN;
}

void last_resort_down(struct lab *lab)
{
	lab->backends[B_LAST].state = XM_STATE_DOWN;
}

void no_endpoints(struct lab *lab)
{
	lab->meta->endpoints = 0;
}

/** Every entry is another client's, in this state and so many ticks old. */
static void fill(struct lab *lab, uint8_t state, uint16_t age)
{
	struct xm_flow *first = &lab->flows[0].way[0];
	uint16_t now;

	/* the clock: of an entry that a packet makes now */
	memset(lab->flows, 0, sizeof(*lab->flows) * FLOW_SETS);
	now = tick_now(lab);
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow_word w = { .backend = B_KEEP, .tick = now - age, .state = state, .seq = i };

		first[i] = (struct xm_flow){
			.word = xm_flow_pack(w),
			.client = xm_addr_of_v4(i + 1),
			.client_port = 1,
			.owner = xm_flow_owner(S_KEEP, TCP),
		};
	}
}

void fill_open(struct lab *lab)
{
	fill(lab, XM_FLOW_OPEN, 30);
}

void fill_closing(struct lab *lab)
{
	fill(lab, XM_FLOW_CLOSING, 0);
}

void fill_young_syn(struct lab *lab)
{
	fill(lab, XM_FLOW_SYN, 2);
}

void fill_old_syn(struct lab *lab)
{
	fill(lab, XM_FLOW_SYN, 3);
}

void fill_claimed(struct lab *lab)
{
	fill(lab, XM_FLOW_CLAIMED, 30);
}

/** A tick has gone by for every entry. */
void flow_ages(struct lab *lab)
{
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow *e = &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];
		struct xm_flow_word w = xm_flow_unpack(e->word);

		if (w.state == XM_FLOW_FREE)
			continue;
		w.tick--;
		e->word = xm_flow_pack(w);
	}
}

/** The flows' client hops are forgotten: the stack, until a tick has gone by. */
void forget_hops(struct lab *lab)
{
	for (uint32_t i = 0; i < FLOW_SETS * XM_FLOW_WAYS; i++) {
		struct xm_flow *e = &lab->flows[i / XM_FLOW_WAYS].way[i % XM_FLOW_WAYS];
		struct xm_flow_word w = xm_flow_unpack(e->word);

		w.hop = 0;
		e->word = xm_flow_pack(w);
	}
}

/** No room for a client's next hop. */
void fill_client_hops(struct lab *lab)
{
	for (uint32_t i = 1; i < XM_CLIENT_HOPS; i++)
		lab->client_hops[i] = xm_hop_make(i, DEV_FAR, XM_HOP_SEND);
}

/** The coarse clock, as the data path stamps it: taken from a flow that is made and forgotten. */
uint16_t tick_now(struct lab *lab)
{
	static const struct step s = { .in = TO(STRANGER, S_ONE_UDP, UDP), .want = FWD, .connections = 1 };
	struct xm_flow *e;
	struct xm_flow_word w = {};
	uint32_t picked = lab->picked;

	step_run(lab, &s);
	lab->picked = picked;
	e = flow_of(lab, STRANGER, PORT, UDP);
	if (e) {
		w = xm_flow_unpack(e->word);
		memset(e, 0, sizeof(*e));
	}
	return w.tick;
}
