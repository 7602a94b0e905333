/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows: the life of a flow, backends that die or drain, and packets of no flow. */
#include "rows.h"

#define STRAY XM_V_stray_reset
/* a flow of S_WEB at the near backend, whichever the hash would take */
#define WEB1                                                                                              \
	{                                                                                                 \
		.in = C(S_WEB, SYN), .want = FWD, .backend = B_WEB1, .connections = 1, .first = web2_down \
	}
#define WEB2                                                                                                  \
	{                                                                                                     \
		.in = C(S_WEB, SYN), .want = FWD_RED, .backend = B_WEB2, .connections = 1, .first = web1_down \
	}
/* a client's own connection to a backend */
#define OWN(backend, f)                                                                       \
	{                                                                                     \
		.src = CLIENT, .sport = PORT, .to_backend = backend, .proto = TCP, .flags = f \
	}

/** New flows of many ports go to the far backend only, while the near one's keep on. */
static bool takes_no_new(struct lab *lab, void (*change)(struct lab *lab))
{
	struct step old = WEB1, keep = { .in = C(S_WEB, ACK), .want = FWD, .backend = B_WEB1 };
	struct step new = { .in = C(S_WEB, SYN), .want = FWD_RED, .backend = B_WEB2, .connections = 1 };

	if (!step_run(lab, &old))
		return false;
	all_up(lab);
	change(lab);
	for (uint16_t port = 1; port <= 40; port++) {
		new.in.sport = port * 331;
		if (!step_run(lab, &new) || !step_run(lab, &keep))
			return false;
	}
	return true;
}

static bool drain(struct lab *lab)
{
	return takes_no_new(lab, picked_drain);
}

static bool ejected(struct lab *lab)
{
	return takes_no_new(lab, picked_ejected);
}

static bool unknown(struct lab *lab)
{
	return takes_no_new(lab, picked_unknown);
}

/** One client's port at two VIPs of the same two endpoints: the second must take the other, whatever its hash. */
static bool two_vips(struct lab *lab)
{
	struct step a = WEB1, b = { .in = C(S_TWIN, SYN), .want = FWD_RED, .backend = B_TWIN2, .connections = 1 };
	struct step ra = { .in = B(B_WEB1, SYN | ACK), .want = REP, .backend = B_WEB1 };
	struct step rb = { .in = B(B_WEB2, SYN | ACK), .want = REP, .backend = B_TWIN2 };

	for (uint16_t port = 1; port <= 40; port++) {
		lab_reset(lab);
		a.in.sport = b.in.sport = ra.in.dport = rb.in.dport = port;
		a.first = web2_down;
		b.first = all_up;
		if (!step_run(lab, &a) || !step_run(lab, &b) || !step_run(lab, &ra) || !step_run(lab, &rb))
			return false;
	}
	return true;
}

/** A closed flow of another service holds its endpoint while there is another one: the backend may be in TIME_WAIT. */
static bool closed_elsewhere(struct lab *lab)
{
	struct step a = WEB1, rst = { .in = C(S_WEB, RST), .want = FWD, .first = all_up };
	struct step b = { .in = C(S_TWIN, SYN), .want = FWD_RED, .backend = B_TWIN2, .connections = 1 };

	for (uint16_t port = 1; port <= 20; port++) {
		lab_reset(lab);
		a.in.sport = b.in.sport = rst.in.sport = port;
		if (!step_run(lab, &a) || !step_run(lab, &rst) || !step_run(lab, &b))
			return false;
	}
	return true;
}

const struct row state_rows[] = {
	{ "flow_opens_with_the_handshake",
	  .steps = { { .in = C(S_ONE, SYN), .want = FWD, .connections = 1, .state = XM_FLOW_SYN },
		     { .in = B(B_ONE, SYN | ACK), .want = REP, .state = XM_FLOW_SYN },
		     { .in = C(S_ONE, ACK), .want = FWD, .state = XM_FLOW_OPEN },
		     { .in = C(S_ONE, ACK | PSH, .data = 11), .want = FWD, .state = XM_FLOW_OPEN },
		     { .in = B(B_ONE, ACK, .data = 12), .want = REP, .state = XM_FLOW_OPEN } } },
	{ "flow_does_not_open_without_an_answer",
	  .steps = { BEGUN(S_ONE), { .in = C(S_ONE, ACK), .want = FWD, .state = XM_FLOW_SYN } } },
	{ "flow_closes_after_both_fins",
	  .steps = { OPENED(S_ONE, B_ONE),
		     { .in = C(S_ONE, FIN | ACK), .want = FWD, .state = XM_FLOW_OPEN },
		     { .in = C(S_ONE, FIN | ACK), .want = FWD, .state = XM_FLOW_OPEN },
		     { .in = B(B_ONE, FIN | ACK), .want = REP, .state = XM_FLOW_CLOSING },
		     { .in = C(S_ONE, ACK), .want = FWD, .state = XM_FLOW_CLOSING },
		     { .in = B(B_ONE, ACK), .want = REP, .state = XM_FLOW_CLOSING } } },
	{ "flow_closes_after_both_fins_backend_first",
	  .steps = { OPENED(S_ONE, B_ONE),
		     { .in = B(B_ONE, FIN | ACK), .want = REP, .state = XM_FLOW_OPEN },
		     { .in = C(S_ONE, FIN | ACK), .want = FWD, .state = XM_FLOW_CLOSING } } },
	{ "flow_closes_by_clients_rst",
	  .steps = { OPENED(S_ONE, B_ONE), { .in = C(S_ONE, RST), .want = FWD, .state = XM_FLOW_CLOSING } } },
	{ "flow_closes_by_backends_rst",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, RST | ACK), .want = REP, .state = XM_FLOW_CLOSING } } },
	{ "udp_flow_stays_a_udp_flow",
	  .steps = { { .in = U(S_ONE_UDP), .want = FWD, .connections = 1, .state = XM_FLOW_UDP },
		     { .in = UB(B_ONE_UDP), .want = REP, .state = XM_FLOW_UDP } } },
	{ "syn_reuses_a_closed_port",
	  .steps = { OPENED(S_ONE, B_ONE),
		     { .in = C(S_ONE, RST), .want = FWD },
		     { .in = C(S_ONE, SYN), .want = FWD, .connections = 1, .state = XM_FLOW_SYN },
		     { .in = B(B_ONE, SYN | ACK), .want = REP } } },
	{ "syn_on_a_closed_port_may_go_elsewhere", .steps = { WEB1,
							      { .in = B(B_WEB1, RST), .want = REP, .first = all_up },
							      { .in = C(S_WEB, SYN),
								.want = FWD_RED,
								.backend = B_WEB2,
								.connections = 1,
								.first = picked_down } } },
	{ "syn_on_an_open_flow_stays",
	  .steps = { OPENED(S_ONE, B_ONE),
		     { .in = C(S_ONE, SYN), .want = FWD, .backend = SAME, .state = XM_FLOW_OPEN } } },
	{ "syn_again_keeps_the_near_backend",
	  .steps = { WEB1, { .in = C(S_WEB, SYN), .want = FWD, .backend = SAME, .first = all_up } } },
	{ "syn_again_keeps_the_far_backend",
	  .steps = { WEB2, { .in = C(S_WEB, SYN), .want = FWD_RED, .backend = SAME, .first = all_up } } },
	{ "ports_of_one_vip_have_their_own_flows",
	  .steps = { { .in = C(S_MUTE, SYN), .want = FWD_STACK, .backend = B_MUTE, .connections = 1 },
		     { .in = C(S_FAR, SYN), .want = FWD_RED, .backend = B_FAR, .connections = 1 },
		     { .in = C(S_MUTE, ACK), .want = FWD_STACK, .backend = B_MUTE } } },
	{ "one_client_port_two_vips_two_backends", .run = two_vips },
	{ "closed_flow_of_another_vip_is_left_alone", .run = closed_elsewhere },
	{ "nat_collision_when_all_are_taken",
	  .steps = { BEGUN(S_ONE),
		     { .in = C(S_SAME, SYN), .want = XM_V_nat_collision },
		     { .in = C(S_SAME, SYN, .sport = PORT), .want = XM_V_nat_collision },
		     { .in = B(B_ONE, SYN | ACK), .want = REP, .backend = B_ONE } } },
	{ "nat_collision_ends_with_the_closed_flow",
	  .steps = { BEGUN(S_ONE),
		     { .in = B(B_ONE, RST), .want = REP },
		     { .in = C(S_SAME, SYN), .want = FWD, .backend = B_SAME, .connections = 1 },
		     { .in = B(B_SAME, SYN | ACK), .want = REP, .backend = B_SAME },
		     { .in = C(S_ONE, ACK), .want = STRAY } } },

	{ "down_open_flow_is_reset", .steps = { OPENED(S_ONE, B_ONE),
						{ .in = C(S_ONE, ACK, .data = 9),
						  .want = XM_V_down_reset,
						  .first = picked_down,
						  .state = XM_FLOW_CLOSING } } },
	{ "down_open_flow_is_reset_on_syn",
	  .steps = { OPENED(S_ONE, B_ONE), { .in = C(S_ONE, SYN), .want = XM_V_down_reset, .first = picked_down } } },
	{ "down_rst_is_not_answered",
	  .steps = { OPENED(S_ONE, B_ONE), { .in = C(S_ONE, RST), .want = XM_V_stray_drop, .first = picked_down } } },
	{ "down_open_flow_is_kept",
	  .steps = { OPENED(S_KEEP, B_KEEP),
		     { .in = C(S_KEEP, ACK), .want = FWD, .backend = SAME, .first = picked_down } } },
	{ "down_replies_still_go_out",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, ACK), .want = REP, .first = picked_down } } },
	{ "down_pending_syn_goes_elsewhere",
	  .steps = { WEB1,
		     { .first = all_up, .in = C(S_WEB, SYN), .want = FWD, .backend = SAME },
		     { .first = picked_down,
		       .in = C(S_WEB, SYN),
		       .want = FWD_RED,
		       .backend = B_WEB2,
		       .connections = 1 } } },
	{ "down_new_syn_goes_elsewhere", .steps = { { .first = web1_down,
						      .in = C(S_WEB, SYN, .dport = 80),
						      .want = FWD_RED,
						      .backend = B_WEB2,
						      .connections = 1 } } },
	{ "down_udp_goes_elsewhere",
	  .steps = { { .first = dns1_down, .in = U(S_DNS), .want = FWD_RED, .backend = B_DNS2, .connections = 1 },
		     { .first = all_up, .in = U(S_DNS), .want = FWD_RED, .backend = SAME },
		     { .first = picked_down, .in = U(S_DNS), .want = FWD, .backend = B_DNS1, .connections = 1 } } },
	{ "retired_open_flow_is_reset",
	  .steps = { OPENED(S_ONE, B_ONE),
		     { .in = C(S_ONE, ACK), .want = XM_V_down_reset, .first = picked_retired } } },
	{ "drain_keeps_flows_and_takes_no_new", .run = drain },
	{ "ejected_keeps_flows_and_takes_no_new", .run = ejected },
	{ "unknown_keeps_flows_and_takes_no_new", .run = unknown },
	{ "no_backend_drop", .steps = { { .first = all_down, .in = C(S_WEB, SYN), .want = XM_V_no_backend_drop } } },
	{ "no_backend_pass", .steps = { { .first = all_down, .in = C(S_TWIN, SYN), .want = XM_V_no_backend_pass } } },
	{ "no_backend_reset", .steps = { { .first = all_down, .in = C(S_ONE, SYN), .want = XM_V_no_backend_reset } } },
	{ "no_backend_reset_acknowledges_data_and_fin",
	  .steps = { { .first = all_down,
		       .in = C(S_ONE, SYN | FIN, .data = 21, .opts = 2, .tcp_opts = 3),
		       .want = XM_V_no_backend_reset } } },
	{ "no_backend_reset_of_udp_drops",
	  .steps = { { .first = all_down, .in = U(S_ONE_UDP), .want = XM_V_no_backend_drop } } },
	{ "no_backend_after_udp_died",
	  .steps = { { .in = U(S_ONE_UDP), .want = FWD, .connections = 1 },
		     { .first = picked_down, .in = U(S_ONE_UDP), .want = XM_V_no_backend_drop } } },
	{ "no_backend_dsr_drop", .steps = { { .first = all_down, .in = U(S_DSR), .want = XM_V_no_backend_drop } } },
	{ "no_backend_dsr_pass",
	  .steps = { { .first = all_down, .in = C(S_DSR_PASS, SYN), .want = XM_V_no_backend_pass } } },
	{ "last_resort_is_taken",
	  .steps = { { .in = C(S_LAST, SYN), .want = FWD, .backend = B_LAST, .connections = 1 } } },
	{ "last_resort_must_be_up",
	  .steps = { { .first = last_resort_down, .in = C(S_LAST, SYN), .want = XM_V_no_backend_reset } } },

	{ "stray_ack_is_reset_at_its_ack_number", .steps = { { .in = C(S_ONE, ACK, .data = 5), .want = STRAY } } },
	{ "stray_passes_where_its_syn_passed",
	  .steps = { { .in = C(S_TWIN, SYN), .want = XM_V_no_backend_pass, .first = all_down },
		     { .in = C(S_TWIN, ACK), .want = XM_V_no_backend_pass } } },
	{ "stray_syn_ack_is_reset", .steps = { { .in = C(S_ONE, SYN | ACK), .want = STRAY } } },
	{ "stray_fin_is_acknowledged", .steps = { { .in = C(S_ONE, FIN, .data = 5), .want = STRAY } } },
	{ "stray_null_is_acknowledged", .steps = { { .in = C(S_ONE, 0), .want = STRAY } } },
	{ "stray_sequence_wraps",
	  .steps = { { .in = TO(CLIENT, S_ONE, TCP, .flags = FIN, .data = 100, .ack = 1), .want = STRAY },
		     { .in = { .src = CLIENT,
			       .sport = 9,
			       .to_service = S_ONE,
			       .proto = TCP,
			       .seq = 0xfffffff0,
			       .data = 64 },
		       .want = STRAY } } },
	{ "stray_with_options_is_cut",
	  .steps = { { .in = C(S_ONE, ACK, .opts = 10, .tcp_opts = 10, .data = 99), .want = STRAY } } },
	{ "stray_with_padding_is_cut", .steps = { { .in = C(S_ONE, ACK, .trail = 6), .want = STRAY } } },
	{ "stray_with_bad_checksums_is_answered_rightly",
	  .steps = { { .in = C(S_ONE, ACK, .bad_ip = 5, .bad_l4 = 6), .want = STRAY } } },
	{ "stray_with_ttl_1_is_answered", .steps = { { .in = C(S_ONE, ACK, .ttl = 1), .want = STRAY } } },
	{ "stray_rst_is_dropped", .steps = { { .in = C(S_ONE, RST), .want = XM_V_stray_drop } } },
	{ "stray_rst_ack_is_dropped", .steps = { { .in = C(S_ONE, RST | ACK), .want = XM_V_stray_drop } } },
	{ "stray_syn_rst_is_dropped", .steps = { { .in = C(S_ONE, RST | SYN), .want = XM_V_stray_drop } } },
	{ "stray_jumbo_is_cut", .steps = { { .in = C(S_ONE, ACK, .data = 6000), .want = STRAY } }, .frags_only = true },

	{ "backends_own_traffic_passes", .steps = { { .in = B(B_ONE, SYN), .want = XM_V_no_flow } } },
	{ "reply_without_flow_passes", .steps = { { .in = B(B_ONE, SYN | ACK), .want = XM_V_no_flow } } },
	{ "reply_to_another_port_passes",
	  .steps = { BEGUN(S_ONE),
		     { .in = B(B_ONE, ACK, .sport = 0), .want = REP },
		     { .in = { .from_backend = B_ONE, .dst = CLIENT, .dport = PORT + 1, .proto = TCP, .flags = ACK },
		       .want = XM_V_no_flow } } },
	{ "reply_from_another_port_passes",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, ACK, .sport = 9), .want = XM_V_not_ours } } },
	{ "reply_of_a_backend_without_the_flow_passes",
	  .steps = { WEB1, { .in = B(B_WEB2, ACK), .want = XM_V_no_flow, .first = all_up } } },
	{ "direct_connection_passes_both_ways",
	  .steps = { { .in = OWN(B_ONE, SYN), .want = XM_V_direct, .state = XM_FLOW_DIRECT },
		     { .in = B(B_ONE, SYN | ACK), .want = XM_V_direct },
		     { .in = OWN(B_ONE, ACK), .want = XM_V_not_ours },
		     { .in = OWN(B_ONE, SYN), .want = XM_V_direct },
		     { .in = B(B_ONE, ACK, .ttl = 1), .want = XM_V_direct } } },
	{ "direct_udp_passes_both_ways",
	  .steps = { { .in = { .src = CLIENT, .sport = PORT, .to_backend = B_ONE_UDP, .proto = UDP },
		       .want = XM_V_direct },
		     { .in = UB(B_ONE_UDP), .want = XM_V_direct } } },
	{ "direct_connection_holds_its_port", .steps = { { .in = OWN(B_ONE, SYN), .want = XM_V_direct },
							 { .in = C(S_ONE, SYN), .want = XM_V_nat_collision } } },
	{ "direct_connection_gives_its_port_back",
	  .steps = { { .in = OWN(B_ONE, SYN), .want = XM_V_direct },
		     { .in = B(B_ONE, RST | ACK), .want = XM_V_direct },
		     { .in = C(S_ONE, SYN), .want = FWD, .backend = B_ONE, .connections = 1 },
		     { .in = B(B_ONE, SYN | ACK), .want = REP, .backend = B_ONE } } },
	{ "direct_connection_moves_a_flow_elsewhere",
	  .steps = { { .in = OWN(B_WEB1, SYN), .want = XM_V_direct },
		     { .in = C(S_WEB, SYN), .want = FWD_RED, .backend = B_WEB2, .connections = 1 },
		     { .in = B(B_WEB1, SYN | ACK), .want = XM_V_direct },
		     { .in = B(B_WEB2, SYN | ACK), .want = REP, .backend = B_WEB2 } } },
	{ "direct_segment_without_syn_makes_nothing", .steps = { { .in = OWN(B_ONE, ACK), .want = XM_V_not_ours },
								 { .in = B(B_ONE, ACK), .want = XM_V_no_flow } } },
	{ "without_endpoints_nothing_is_a_reply",
	  .steps = { { .first = no_endpoints, .in = B(B_ONE, SYN), .want = XM_V_not_ours },
		     { .in = OWN(B_ONE, SYN), .want = XM_V_not_ours } } },
	{}
};
