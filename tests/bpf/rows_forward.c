/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows: packets of clients to backends and back, as they should be. */
#include <string.h>
#include <unistd.h>

#include "rows.h"

/** A client's port is searched with which the checksum is 0 after translation: it must be sent as ffff. */
static bool udp_check_ffff(struct lab *lab)
{
	struct step s = { .in = U(S_ONE_UDP, .data = 2), .want = FWD, .connections = 1 };
	static struct frame in, out;

	pk_resolve(&s.in);
	for (s.in.sport = 1; s.in.sport < 65535; s.in.sport++) {
		frame_build(&s.in, &in);
		oracle_frame(&s, B_ONE_UDP, &in, &out);
		if (get16(out.b + ETH_LEN + 26) == 0xffff)
			return step_run(lab, &s);
	}
	return fail(lab, "no such port");
}

/** Carries and borders of the checksum arithmetic: many sums, each exact. */
static bool tcp_check_sweep(struct lab *lab)
{
	struct step s = { .in = C(S_ONE, ACK, .data = 3), .want = FWD };
	struct step begin = BEGUN(S_ONE);

	if (!step_run(lab, &begin))
		return false;
	for (uint32_t i = 0; i < 3000; i++) {
		s.in.seq = i * 0x01000193;
		s.in.ack = i * 22;
		s.in.ttl = 2 + i % 254;
		if (!step_run(lab, &s))
			return false;
	}
	return true;
}

static bool dsr_no_flow(struct lab *lab)
{
	static const struct step s = { .in = U(S_DSR), .want = FWD };

	if (!step_run(lab, &s))
		return false;
	return !flow_of(lab, CLIENT, PORT, UDP) || fail(lab, "a flow was made");
}

/** One frame leaves by the device of its peer, and none by the other one's. */
static bool leaves_by(struct lab *lab, const struct step *s, uint32_t backend, int by, int not_by)
{
	static struct frame in, want, got;
	int err;

	frame_build(&s->in, &in);
	oracle_frame(s, backend, &in, &want);
	err = live_run(lab, &in);
	if (err)
		return fail(lab, "live test_run: %s", strerror(-err));
	if (net_receive(by, &got))
		return fail(lab, "no frame left by the device");
	if (got.len != want.len || memcmp(got.b, want.b, want.len))
		return fail(lab, "another frame left by the device");
	return net_receive(not_by, &got) || fail(lab, "a frame left by the other device");
}

static bool leaves_for_real(struct lab *lab)
{
	struct step far = { .in = C(S_FAR, SYN), .want = FWD_RED }, near = { .in = C(S_ONE, SYN), .want = FWD };
	int near_fd = net_listen("near_peer"), far_fd = net_listen("far_peer");
	bool ok = near_fd >= 0 && far_fd >= 0;

	pk_resolve(&far.in);
	pk_resolve(&near.in);
	ok = ok ? leaves_by(lab, &far, B_FAR, far_fd, near_fd) && leaves_by(lab, &near, B_ONE, near_fd, far_fd) :
		  fail(lab, "cannot listen");
	close(near_fd);
	close(far_fd);
	return ok;
}

const struct row forward_rows[] = {
	{ "tcp_syn_is_forwarded",
	  .steps = { { .in = C(S_ONE, SYN), .want = FWD, .backend = B_ONE, .connections = 1 } } },
	{ "tcp_syn_redirected_to_another_device",
	  .steps = { { .in = C(S_FAR, SYN), .want = FWD_RED, .backend = B_FAR, .connections = 1 } } },
	{ "tcp_syn_from_the_backends_device_is_sent_back",
	  .steps = { { .in = C(S_FAR, SYN), .dev = DEV_FAR, .want = FWD, .backend = B_FAR, .connections = 1 } } },
	{ "tcp_syn_to_unresolved_hop_goes_to_stack",
	  .steps = { { .in = C(S_STACK, SYN), .want = FWD_STACK, .backend = B_STACK, .connections = 1 } } },
	{ "tcp_syn_to_device_that_cannot_send_goes_to_stack",
	  .steps = { { .in = C(S_MUTE, SYN), .want = FWD_STACK, .backend = B_MUTE, .connections = 1 } } },
	{ "tcp_reply_comes_from_the_vip",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, SYN | ACK), .want = REP, .backend = B_ONE } } },
	{ "tcp_reply_redirected_to_another_device",
	  .steps = { { .in = TO(CLIENT2, S_ONE, TCP, .flags = SYN), .want = FWD, .connections = 1 },
		     { .in = FROM(B_ONE, CLIENT2, TCP, .flags = SYN | ACK), .want = REP_RED, .backend = B_ONE } } },
	{ "tcp_reply_sent_back_when_it_comes_by_the_clients_device",
	  .steps = { { .in = TO(CLIENT2, S_ONE, TCP, .flags = SYN), .want = FWD, .connections = 1 },
		     { .in = FROM(B_ONE, CLIENT2, TCP, .flags = SYN | ACK),
		       .dev = DEV_FAR,
		       .want = REP,
		       .backend = B_ONE } } },
	{ "tcp_reply_to_client_without_route_goes_to_stack",
	  .steps = { { .in = TO(LOST, S_ONE, TCP, .flags = SYN), .want = FWD, .connections = 1 },
		     { .in = FROM(B_ONE, LOST, TCP, .flags = SYN | ACK), .want = REP_STACK } } },
	{ "tcp_reply_to_client_behind_foreign_device_goes_to_stack",
	  .steps = { { .in = TO(FOREIGN, S_ONE, TCP, .flags = SYN), .want = FWD, .connections = 1 },
		     { .in = FROM(B_ONE, FOREIGN, TCP, .flags = SYN | ACK), .want = REP_STACK } } },
	{ "tcp_payload_odd",
	  .steps = { BEGUN(S_ONE), { .in = C(S_ONE, ACK | PSH, .data = 7), .want = FWD, .backend = SAME } } },
	{ "tcp_payload_even",
	  .steps = { BEGUN(S_ONE), { .in = C(S_ONE, ACK, .data = 100), .want = FWD, .backend = SAME } } },
	{ "tcp_full_length_is_sent",
	  .steps = { BEGUN(S_ONE), { .in = C(S_ONE, ACK, .data = 1460), .want = FWD, .backend = SAME } } },
	{ "tcp_longer_than_mtu_goes_to_stack",
	  .steps = { BEGUN(S_ONE), { .in = C(S_ONE, ACK, .data = 1461), .want = FWD_STACK, .backend = SAME } } },
	{ "tcp_reply_longer_than_mtu_goes_to_stack",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, ACK, .data = 1461), .want = REP_STACK, .backend = SAME } } },
	{ "tcp_options_are_kept", .steps = { { .in = C(S_ONE, SYN, .tcp_opts = 10), .want = FWD, .connections = 1 } } },
	{ "tcp_ip_options_are_kept",
	  .steps = { { .in = C(S_ONE, SYN, .opts = 3, .data = 5), .want = FWD, .connections = 1 } } },
	{ "tcp_longest_ip_and_tcp_options",
	  .steps = { { .in = C(S_ONE, SYN, .opts = 10, .tcp_opts = 10), .want = FWD, .connections = 1 } } },
	{ "tcp_reply_with_ip_options",
	  .steps = { BEGUN(S_ONE), { .in = B(B_ONE, SYN | ACK, .opts = 4), .want = REP, .backend = SAME } } },
	{ "tcp_tos_and_flags_are_kept",
	  .steps = { { .in = C(S_ONE, SYN | 0xc0, .tos = 0xb9), .want = FWD, .connections = 1 } } },
	{ "tcp_bad_checksum_stays_bad_by_as_much",
	  .steps = { { .in = C(S_ONE, SYN, .bad_l4 = 0x1234), .want = FWD, .connections = 1 },
		     { .in = B(B_ONE, SYN | ACK, .bad_l4 = 1), .want = REP } } },
	{ "ip_bad_checksum_stays_bad_by_as_much",
	  .steps = { { .in = C(S_ONE, SYN, .bad_ip = 0x8001), .want = FWD, .connections = 1 },
		     { .in = B(B_ONE, SYN | ACK, .bad_ip = 0xfffe), .want = REP } } },
	{ "frame_padding_is_left", .steps = { { .in = C(S_ONE, SYN, .trail = 6), .want = FWD, .connections = 1 } } },
	{ "udp_is_forwarded",
	  .steps = { { .in = U(S_ONE_UDP, .data = 33), .want = FWD, .backend = B_ONE_UDP, .connections = 1 } } },
	{ "udp_reply_comes_from_the_vip",
	  .steps = { { .in = U(S_ONE_UDP, .data = 4), .want = FWD, .connections = 1 },
		     { .in = UB(B_ONE_UDP, .data = 200), .want = REP, .backend = B_ONE_UDP } } },
	{ "udp_second_datagram_uses_the_flow",
	  .steps = { { .in = U(S_DNS, .data = 4), .want = FWD_RED, .connections = 1, .first = dns1_down },
		     { .in = U(S_DNS, .data = 9), .want = FWD_RED, .backend = SAME, .first = all_up },
		     { .in = U(S_DNS, .data = 9), .want = FWD_RED, .backend = SAME } } },
	{ "udp_empty", .steps = { { .in = U(S_ONE_UDP), .want = FWD, .connections = 1 } } },
	{ "udp_without_checksum_gets_none",
	  .steps = { { .in = U(S_ONE_UDP, .data = 5, .no_check = true), .want = FWD, .connections = 1 },
		     { .in = UB(B_ONE_UDP, .data = 5, .no_check = true), .want = REP } } },
	{ "udp_bad_checksum_stays_bad_by_as_much",
	  .steps = { { .in = U(S_ONE_UDP, .data = 5, .bad_l4 = 0x77), .want = FWD, .connections = 1 } } },
	{ "udp_shorter_than_the_ip_packet",
	  .steps = { { .in = U(S_ONE_UDP, .data = 8, .udp_add = -4), .want = FWD, .connections = 1 } } },
	{ "udp_ip_options_are_kept",
	  .steps = { { .in = U(S_ONE_UDP, .data = 3, .opts = 1), .want = FWD, .connections = 1 } } },
	{ "udp_checksum_of_zero_is_sent_as_ffff", .run = udp_check_ffff },
	{ "tcp_checksums_over_many_sequence_numbers", .run = tcp_check_sweep },
	{ "frames_leave_by_the_hops_device", .run = leaves_for_real },
	{ "dsr_changes_macs_and_ttl_only", .steps = { { .in = U(S_DSR, .data = 3), .want = FWD, .service = S_DSR } } },
	{ "dsr_redirected_to_another_device",
	  .steps = { { .in = C(S_DSR_PASS, SYN), .want = FWD_RED, .backend = B_DSR_PASS } } },
	{ "dsr_any_segment_is_forwarded",
	  .steps = { { .in = C(S_DSR_PASS, ACK), .want = FWD_RED, .backend = B_DSR_PASS },
		     { .in = C(S_DSR_PASS, RST), .want = FWD_RED, .backend = B_DSR_PASS } } },
	{ "dsr_keeps_no_flow", .run = dsr_no_flow },
	{ "dsr_one_client_port_one_backend",
	  .steps = { { .in = U(S_DSR), .want = FWD }, { .in = U(S_DSR), .want = FWD, .backend = SAME } } },
	{ "dsr_unresolved_hop_is_dropped", .steps = { { .in = C(S_DSR_STACK, SYN), .want = XM_V_no_hop } } },
	{ "dsr_longer_than_mtu_is_dropped", .steps = { { .in = U(S_DSR, .data = 1473), .want = XM_V_no_hop } } },
	{ "dsr_bad_checksums_stay", .steps = { { .in = U(S_DSR, .bad_l4 = 9, .bad_ip = 9), .want = FWD } } },
	{ "jumbo_in_two_buffers_goes_to_stack",
	  .steps = { { .in = U(S_ONE_UDP, .data = 6001), .want = FWD_STACK, .connections = 1 } }, .frags_only = true },
	{}
};
