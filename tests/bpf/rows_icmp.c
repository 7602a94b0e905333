/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows: ICMP. Echo to a VIP is answered; an error reaches the flow's other end, with the quote as that end knows it. */
#include "rows.h"

#define ROUTER IP(198, 51, 100, 254)
#define INNER_ROUTER IP(10, 1, 0, 254)
#define UNKNOWN XM_V_icmp_unknown

/* what an error quotes: a reply as a client got it, a client's packet as a backend got it */
#define QUOTED_REPLY(service, p, ...) \
	(&(const struct pk){          \
		.from_service = service, .dst = CLIENT, .dport = PORT, .proto = p, .flags = ACK, __VA_ARGS__ })
#define QUOTED(backend, p, ...) \
	(&(const struct pk){    \
		.src = CLIENT, .sport = PORT, .to_backend = backend, .proto = p, .flags = ACK, __VA_ARGS__ })
/* an error of a client about a reply of a VIP; one of the backend about a client's packet */
#define TO_VIP(service, q, ...)                                                                                    \
	{                                                                                                          \
		.src = CLIENT, .to_service = service, .proto = ICMP, .icmp = 3, .code = 4, .quote = q, __VA_ARGS__ \
	}
#define OF_BACKEND(backend, q, ...)                                                                                  \
	{                                                                                                            \
		.from_backend = backend, .dst = CLIENT, .proto = ICMP, .icmp = 3, .code = 3, .quote = q, __VA_ARGS__ \
	}
#define OF_ROUTER(q, ...)                                                                                        \
	{                                                                                                        \
		.src = INNER_ROUTER, .dst = CLIENT, .proto = ICMP, .icmp = 3, .code = 1, .quote = q, __VA_ARGS__ \
	}

#define ECHO(...) TO(CLIENT, S_ONE, ICMP, .icmp = 8, __VA_ARGS__)
#define UDP_BEGUN                                                            \
	{                                                                    \
		.in = U(S_ONE_UDP, .data = 4), .want = FWD, .connections = 1 \
	}

/** All lengths of a quote up to a whole small packet: what is there is translated, what is not there is not read. */
static bool quote_lengths(struct lab *lab, struct step s, const struct step *begin)
{
	if (!step_run(lab, begin))
		return false;
	for (s.in.quoted = 28; s.in.quoted <= 64; s.in.quoted++)
		if (!step_run(lab, &s))
			return false;
	s.backend = ANY;
	s.want = s.in.to_service ? UNKNOWN : XM_V_not_ours;
	for (s.in.quoted = 1; s.in.quoted < 24; s.in.quoted++) {
		if (!step_run(lab, &s))
			return false;
	}
	return true;
}

static bool lengths_to_vip(struct lab *lab)
{
	static const struct step begin = BEGUN(S_ONE);
	struct step s = { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .data = 24)), .want = FWD, .backend = B_ONE };

	return quote_lengths(lab, s, &begin);
}

static bool lengths_of_backend(struct lab *lab)
{
	static const struct step begin = UDP_BEGUN;
	struct step s = { .in = OF_BACKEND(B_ONE_UDP, QUOTED(B_ONE_UDP, UDP, .data = 36)), .want = REP };

	return quote_lengths(lab, s, &begin);
}

const struct row icmp_rows[] = {
	{ "echo_is_answered", .steps = { { .in = ECHO(.data = 56), .want = XM_V_echo } } },
	{ "echo_of_odd_length", .steps = { { .in = ECHO(.data = 7), .want = XM_V_echo } } },
	{ "echo_without_data", .steps = { { .in = ECHO(.data = 0), .want = XM_V_echo } } },
	{ "echo_with_ttl_1", .steps = { { .in = ECHO(.ttl = 1), .want = XM_V_echo } } },
	{ "echo_with_ttl_255", .steps = { { .in = ECHO(.ttl = 255, .tos = 3), .want = XM_V_echo } } },
	{ "echo_with_ip_options", .steps = { { .in = ECHO(.opts = 4, .data = 9), .want = XM_V_echo } } },
	{ "echo_with_bad_checksums_stays_bad",
	  .steps = { { .in = ECHO(.bad_ip = 3, .bad_l4 = 4), .want = XM_V_echo } } },
	{ "echo_of_jumbo_length", .steps = { { .in = ECHO(.data = 6001), .want = XM_V_echo } }, .frags_only = true },
	{ "echo_of_another_code_passes", .steps = { { .in = ECHO(.code = 1), .want = XM_V_no_service } } },
	{ "echo_reply_to_vip_passes",
	  .steps = { { .in = TO(CLIENT, S_ONE, ICMP, .icmp = 0), .want = XM_V_no_service } } },
	{ "timestamp_to_vip_passes",
	  .steps = { { .in = TO(CLIENT, S_ONE, ICMP, .icmp = 13), .want = XM_V_no_service } } },
	{ "redirect_to_vip_passes",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP), .icmp = 5), .want = XM_V_no_service } } },
	{ "echo_to_somebody_else_passes",
	  .steps = { { .in = { .src = CLIENT, .dst = STRANGER, .proto = ICMP, .icmp = 8 }, .want = XM_V_not_ours } } },
	{ "echo_to_backend_passes", .steps = { { .in = { .src = CLIENT, .to_backend = B_ONE, .proto = ICMP, .icmp = 8 },
						 .want = XM_V_not_ours } } },

	{ "error_to_vip_reaches_the_backend",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP)), .want = FWD, .backend = B_ONE } } },
	{ "error_to_vip_redirected",
	  .steps = { { .in = C(S_FAR, SYN), .want = FWD_RED, .connections = 1 },
		     { .in = TO_VIP(S_FAR, QUOTED_REPLY(S_FAR, TCP)), .want = FWD_RED, .backend = B_FAR } } },
	{ "error_to_vip_by_stack",
	  .steps = { { .in = C(S_STACK, SYN), .want = FWD_STACK, .connections = 1 },
		     { .in = TO_VIP(S_STACK, QUOTED_REPLY(S_STACK, TCP)), .want = FWD_STACK, .backend = B_STACK } } },
	{ "error_to_vip_from_a_router", .steps = { BEGUN(S_ONE),
						   { .in = { .src = ROUTER,
							     .to_service = S_ONE,
							     .proto = ICMP,
							     .icmp = 11,
							     .quote = QUOTED_REPLY(S_ONE, TCP) },
						     .want = FWD,
						     .backend = B_ONE } } },
	{ "error_to_vip_parameter_problem",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP), .icmp = 12), .want = FWD } } },
	{ "error_to_vip_quotes_tcp_checksum",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .data = 100), .quoted = 140), .want = FWD } } },
	{ "error_to_vip_quotes_ip_options",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .opts = 3), .quoted = 52), .want = FWD } } },
	{ "error_to_vip_has_ip_options",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP), .quoted = 40, .opts = 2), .want = FWD } } },
	{ "error_to_vip_quotes_udp",
	  .steps = { UDP_BEGUN, { .in = TO_VIP(S_ONE_UDP, QUOTED_REPLY(S_ONE_UDP, UDP, .data = 3)), .want = FWD } } },
	{ "error_to_vip_quotes_udp_without_checksum",
	  .steps = { UDP_BEGUN,
		     { .in = TO_VIP(S_ONE_UDP, QUOTED_REPLY(S_ONE_UDP, UDP, .no_check = true)), .want = FWD } } },
	{ "error_to_vip_bad_checksums_stay_bad",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .bad_ip = 7, .bad_l4 = 8), .quoted = 40,
				    .bad_ip = 9, .bad_l4 = 10),
		       .want = FWD } } },
	{ "error_to_vip_with_trailer_after_the_packet",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP), .trail = 20), .want = FWD } } },
	{ "error_to_vip_every_length_of_quote", .run = lengths_to_vip },
	{ "error_to_vip_ttl_1_is_dropped",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP), .ttl = 1), .want = XM_V_ttl } } },
	{ "error_to_vip_of_no_flow", .steps = { { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP)), .want = UNKNOWN } } },
	{ "error_to_vip_of_another_port",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .sport = 9)), .want = UNKNOWN } } },
	{ "error_to_vip_of_another_protocol",
	  .steps = { BEGUN(S_ONE), { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, 47)), .want = UNKNOWN } } },
	{ "error_to_vip_quotes_a_later_fragment",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .frag = 0x0010)), .want = UNKNOWN } } },
	{ "error_to_vip_quotes_a_first_fragment",
	  .steps = { UDP_BEGUN,
		     { .in = TO_VIP(S_ONE_UDP, QUOTED_REPLY(S_ONE_UDP, UDP, .frag = 0x2000)), .want = FWD } } },
	{ "error_to_vip_quotes_a_lying_header",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .first = 0x44)), .want = UNKNOWN } } },
	{ "error_to_vip_quotes_version_6",
	  .steps = { BEGUN(S_ONE),
		     { .in = TO_VIP(S_ONE, QUOTED_REPLY(S_ONE, TCP, .first = 0x65)), .want = UNKNOWN } } },
	{ "error_to_vip_quotes_dsr", .steps = { { .in = TO_VIP(S_DSR, QUOTED_REPLY(S_DSR, UDP)), .want = UNKNOWN } } },

	{ "error_of_backend_comes_from_the_vip",
	  .steps = { BEGUN(S_ONE), { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP)), .want = REP, .backend = B_ONE } } },
	{ "error_of_backend_about_udp",
	  .steps = { UDP_BEGUN,
		     { .in = OF_BACKEND(B_ONE_UDP, QUOTED(B_ONE_UDP, UDP, .data = 4), .quoted = 32), .want = REP } } },
	{ "error_of_backend_about_udp_without_checksum",
	  .steps = { UDP_BEGUN,
		     { .in = OF_BACKEND(B_ONE_UDP, QUOTED(B_ONE_UDP, UDP, .no_check = true)), .want = REP } } },
	{ "error_of_backend_redirected",
	  .steps = { { .in = TO(CLIENT2, S_ONE, TCP, .flags = SYN), .want = FWD, .connections = 1 },
		     { .in = { .from_backend = B_ONE,
			       .dst = CLIENT2,
			       .proto = ICMP,
			       .icmp = 3,
			       .code = 3,
			       .quote = QUOTED(B_ONE, TCP, .src = CLIENT2) },
		       .want = REP_RED } } },
	{ "error_of_backend_by_stack",
	  .steps = { BEGUN(S_ONE),
		     { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP)), .want = REP_STACK, .first = forget_hops } } },
	{ "error_of_router_speaks_for_itself",
	  .steps = { BEGUN(S_ONE),
		     { .in = OF_ROUTER(QUOTED(B_ONE, TCP), .quoted = 40), .want = REP, .backend = B_ONE } } },
	{ "error_of_router_time_exceeded",
	  .steps = { BEGUN(S_ONE), { .in = OF_ROUTER(QUOTED(B_ONE, TCP), .icmp = 11, .opts = 1), .want = REP } } },
	{ "error_of_backend_every_length_of_quote", .run = lengths_of_backend },
	{ "error_of_backend_with_trailer_after_the_packet",
	  .steps = { BEGUN(S_ONE), { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP), .trail = 20), .want = REP } } },
	{ "error_of_backend_ttl_1_is_dropped",
	  .steps = { BEGUN(S_ONE), { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP), .ttl = 1), .want = XM_V_ttl } } },
	{ "error_of_backend_of_no_flow",
	  .steps = { { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP)), .want = UNKNOWN } } },
	{ "error_about_a_direct_connection_passes",
	  .steps = { { .in = { .src = CLIENT, .sport = PORT, .to_backend = B_ONE, .proto = TCP, .flags = SYN },
		       .want = XM_V_direct },
		     { .in = OF_BACKEND(B_ONE, QUOTED(B_ONE, TCP)), .want = XM_V_direct } } },
	{ "error_about_somebody_else_passes",
	  .steps = { { .in = OF_ROUTER(QUOTED_REPLY(S_ONE, TCP)), .want = XM_V_not_ours } } },
	{ "error_about_somebody_else_with_ttl_1_passes",
	  .steps = { { .in = OF_ROUTER(QUOTED_REPLY(S_ONE, TCP), .ttl = 1), .want = XM_V_not_ours } } },
	{ "error_about_jumbo_quote",
	  .steps = { UDP_BEGUN,
		     { .in = OF_BACKEND(B_ONE_UDP, QUOTED(B_ONE_UDP, UDP, .data = 6000), .quoted = 5001),
		       .want = REP_STACK } },
	  .frags_only = true },
	{}
};
