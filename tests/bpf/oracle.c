/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must come out, from the bytes that went in, the verdict and the backend. Shares nothing with the data path: sums
 * are taken over the whole packet, and a checksum that was wrong must be wrong by as much (its defect) afterwards.
 */
#include <string.h>

#include "packets.h"

enum { DROP = 1, PASS = 2, TX = 3, REDIRECT = 4 };

/** What the driver must be told. */
int oracle_action(enum xm_verdict v)
{
	switch (v) {
	case XM_V_forward_tx:
	case XM_V_reply_tx:
	case XM_V_echo:
	case XM_V_down_reset:
	case XM_V_no_backend_reset:
	case XM_V_stray_reset:
		return TX;
	case XM_V_forward_redirect:
	case XM_V_reply_redirect:
		return REDIRECT;
	case XM_V_not_ours:
	case XM_V_no_service:
	case XM_V_no_flow:
	case XM_V_direct:
	case XM_V_icmp_unknown:
	case XM_V_forward_stack:
	case XM_V_reply_stack:
	case XM_V_no_backend_pass:
		return PASS;
	default:
		return DROP;
	}
}

static uint32_t ip_header(const uint8_t *ip)
{
	return (ip[0] & 15) * 4;
}

static uint64_t l4_sum(const uint8_t *ip)
{
	uint32_t header = ip_header(ip), len = get16(ip + 2) - header;
	uint64_t sum = sum_words(ip + header, len);

	return ip[9] == ICMP ? sum : sum + pseudo_sum(ip, len);
}

static uint32_t check_at(uint8_t proto)
{
	return proto == TCP ? 16 : proto == UDP ? 6 : 2;
}

/** Sets the header's checksum so that the header sums up to its defect. */
static void seal_ip(uint8_t *ip, uint16_t defect)
{
	put16(ip + 10, 0);
	put16(ip + 10, mod_sum(65535 + defect - mod_sum(sum_words(ip, ip_header(ip)))));
}

static void seal_l4(uint8_t *ip, uint16_t defect)
{
	uint8_t *at = ip + ip_header(ip) + check_at(ip[9]);

	if (ip[9] == UDP && !get16(at))
		return;
	put16(at, 0);
	put16(at, mod_sum(65535 + defect - mod_sum(l4_sum(ip))));
	if (ip[9] == UDP && !get16(at))
		put16(at, 0xffff);
}

/** One end becomes addr and port (0: the address alone, of ICMP), one hop is used up. */
static void translate(uint8_t *ip, bool source, uint32_t addr, uint16_t port)
{
	uint16_t ip_defect = mod_sum(sum_words(ip, ip_header(ip))), l4_defect = mod_sum(l4_sum(ip));

	ip[8]--;
	if (addr)
		put32(ip + (source ? 12 : 16), addr);
	if (port)
		put16(ip + ip_header(ip) + (source ? 0 : 2), port);
	seal_ip(ip, ip_defect);
	seal_l4(ip, l4_defect);
}

static void swap_macs(uint8_t *b)
{
	uint8_t mac[6];

	memcpy(mac, b, 6);
	memcpy(b, b + 6, 6);
	memcpy(b + 6, mac, 6);
}

static void put_macs(uint8_t *b, const uint8_t *to, const uint8_t *from)
{
	memcpy(b, to, 6);
	memcpy(b + 6, from, 6);
}

static bool is_stack(enum xm_verdict v)
{
	return v == XM_V_forward_stack || v == XM_V_reply_stack;
}

/** The RST that answers a segment: RFC 9293, 3.10.7.1. */
static void answer_reset(const struct frame *in, struct frame *out)
{
	const uint8_t *ip = in->b + ETH_LEN, *th = ip + ip_header(ip);
	uint8_t *o = out->b + ETH_LEN, *t = o + 20;
	uint32_t taken = get16(ip + 2) - ip_header(ip) - (th[12] >> 4) * 4;

	taken += (th[13] & SYN ? 1 : 0) + (th[13] & FIN ? 1 : 0);
	swap_macs(out->b);
	memset(o, 0, FRAME_MAX - ETH_LEN);
	memcpy(o, "\x45\0\0\x28\0\0\x40\0\x40\x06", 10);
	memcpy(o + 12, ip + 16, 4);
	memcpy(o + 16, ip + 12, 4);
	memcpy(t, th + 2, 2);
	memcpy(t + 2, th, 2);
	t[12] = 0x50;
	t[13] = RST;
	if (th[13] & ACK) {
		memcpy(t + 4, th + 8, 4);
	} else {
		put32(t + 8, get32(th + 4) + taken);
		t[13] |= ACK;
	}
	seal_ip(o, 0);
	seal_l4(o, 0);
	out->len = ETH_LEN + 40;
}

static void answer_echo(struct frame *out)
{
	uint8_t *ip = out->b + ETH_LEN, addr[4];
	uint16_t ip_defect = mod_sum(sum_words(ip, ip_header(ip))), defect = mod_sum(l4_sum(ip));

	swap_macs(out->b);
	memcpy(addr, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, addr, 4);
	ip[8] = 64;
	ip[ip_header(ip)] = 0;
	seal_ip(ip, ip_defect);
	seal_l4(ip, defect);
}

/** The quoted packet's end becomes addr and port; its transport checksum follows if it was quoted and used. */
static void translate_quote(uint8_t *q, uint32_t room, bool source, uint32_t addr, uint16_t port)
{
	uint32_t header = ip_header(q), at = header + check_at(q[9]);
	uint8_t *a = q + (source ? 12 : 16), *p = q + header + (source ? 0 : 2);
	uint16_t defect = mod_sum(sum_words(q, header));
	uint64_t was = sum_words(a, 4) + sum_words(p, 2), is;

	put32(a, addr);
	put16(p, port);
	seal_ip(q, defect);
	is = sum_words(a, 4) + sum_words(p, 2);
	if (at + 2 > room || (q[9] == UDP && !get16(q + at)))
		return;
	put16(q + at, mod_sum(get16(q + at) + was + 65535 - mod_sum(is)));
	if (q[9] == UDP && !get16(q + at))
		put16(q + at, 0xffff);
}

static void translate_icmp(const struct step *s, const struct backend_row *b, struct frame *out)
{
	const struct service_row *v = &service_rows[b->service];
	uint8_t *ip = out->b + ETH_LEN, *q = ip + ip_header(ip) + 8;
	uint16_t ip_defect = mod_sum(sum_words(ip, ip_header(ip))), defect = mod_sum(l4_sum(ip));
	uint32_t room = get16(ip + 2) - ip_header(ip) - 8;

	if (s->want == XM_V_forward_tx || s->want == XM_V_forward_redirect || s->want == XM_V_forward_stack) {
		translate_quote(q, room, true, b->addr, b->port);
		put32(ip + 16, b->addr);
	} else {
		translate_quote(q, room, false, v->addr, v->port);
		if (get32(ip + 12) == b->addr) /* the backend speaks as the VIP, a router as itself */
			put32(ip + 12, v->addr);
	}
	ip[8]--;
	seal_ip(ip, ip_defect);
	seal_l4(ip, defect);
}

static bool to_backend(const struct step *s, uint32_t backend, struct frame *out)
{
	const struct backend_row *b = &backend_rows[backend];

	if (!backend || backend >= B_COUNT)
		return false;
	if (s->in.proto == ICMP)
		translate_icmp(s, b, out);
	else if (service_rows[b->service].track == XM_TRACK_NONE)
		translate(out->b + ETH_LEN, false, 0, 0);
	else
		translate(out->b + ETH_LEN, false, b->addr, b->port);
	if (!is_stack(s->want))
		put_macs(out->b, hop_macs[b->hop], dev_macs[b->hop == HOP_FAR ? DEV_FAR : DEV_NEAR]);
	return true;
}

static bool to_client(const struct step *s, uint32_t backend, struct frame *out)
{
	const struct service_row *v;
	uint8_t *ip = out->b + ETH_LEN;
	int dev = get32(ip + 16) >> 8 == IP(203, 0, 113, 0) >> 8 ? DEV_FAR : DEV_NEAR;

	if (!backend || backend >= B_COUNT)
		return false;
	v = &service_rows[backend_rows[backend].service];
	if (s->in.proto == ICMP)
		translate_icmp(s, &backend_rows[backend], out);
	else
		translate(ip, true, v->addr, v->port);
	if (!is_stack(s->want))
		put_macs(out->b, client_macs[dev], dev_macs[dev]);
	return true;
}

/** The frame that must come out. False: no backend was counted, where one must be. */
bool oracle_frame(const struct step *s, uint32_t backend, const struct frame *in, struct frame *out)
{
	*out = *in;
	switch (s->want) {
	case XM_V_forward_tx:
	case XM_V_forward_redirect:
	case XM_V_forward_stack:
		return to_backend(s, backend, out);
	case XM_V_reply_tx:
	case XM_V_reply_redirect:
	case XM_V_reply_stack:
		return to_client(s, backend, out);
	case XM_V_echo:
		answer_echo(out);
		return true;
	case XM_V_down_reset:
	case XM_V_no_backend_reset:
	case XM_V_stray_reset:
		answer_reset(in, out);
		return true;
	default:
		return true;
	}
}
