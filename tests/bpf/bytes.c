/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of packets: numbers, checksums over everything, and the frame of a description. */
#include <string.h>

#include "packets.h"

uint16_t get16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

uint32_t get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

void put16(uint8_t *b, uint16_t v)
{
	b[0] = v >> 8;
	b[1] = v;
}

void put32(uint8_t *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b + 2, v);
}

/** The sum of big-endian words, an odd byte at the end padded with 0. */
uint64_t sum_words(const uint8_t *b, uint32_t len)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(b + i);
	if (len & 1)
		sum += b[len - 1] << 8;
	return sum;
}

/** One's complement arithmetic is arithmetic modulo 65535; 0 here is a right checksum. */
uint16_t mod_sum(uint64_t sum)
{
	return sum % 65535;
}

uint64_t pseudo_sum(const uint8_t *ip, uint32_t l4_len)
{
	return sum_words(ip + 12, 8) + ip[9] + l4_len;
}

static void put_check(uint8_t *at, uint64_t sum, uint16_t bad)
{
	put16(at, mod_sum(65535 - mod_sum(sum) + (uint64_t)bad));
}

static uint32_t put_tcp(const struct pk *p, uint8_t *l4)
{
	uint32_t header = 20 + p->tcp_opts * 4;

	put16(l4, p->sport);
	put16(l4 + 2, p->dport);
	put32(l4 + 4, p->seq);
	put32(l4 + 8, p->ack);
	l4[12] = header / 4 << 4;
	l4[13] = p->flags;
	put16(l4 + 14, 0x7210);
	memset(l4 + 20, 1, p->tcp_opts * 4); /* no-operation */
	return header;
}

static uint32_t put_udp(const struct pk *p, uint8_t *l4)
{
	put16(l4, p->sport);
	put16(l4 + 2, p->dport);
	put16(l4 + 4, 8 + p->data + p->udp_add);
	return 8;
}

static uint32_t put_icmp(const struct pk *p, uint8_t *l4)
{
	struct frame quote;
	uint32_t len = p->quoted;

	l4[0] = p->icmp;
	l4[1] = p->code;
	put32(l4 + 4, 0x00010203);
	if (!p->quote)
		return 8;
	frame_build(p->quote, &quote);
	if (!len)
		len = 28 + p->quote->opts * 4;
	memcpy(l4 + 8, quote.b + ETH_LEN, len);
	return 8 + len;
}

static void put_l4_check(const struct pk *p, const uint8_t *ip, uint8_t *l4, uint32_t len)
{
	uint8_t *at = l4 + (p->proto == TCP ? 16 : p->proto == UDP ? 6 : 2);

	if (p->proto == UDP && p->no_check)
		return;
	put_check(at, sum_words(l4, len) + (p->proto == ICMP ? 0 : pseudo_sum(ip, len)), p->bad_l4);
	if (p->proto == UDP && !get16(at))
		put16(at, 0xffff);
	if (p->proto == TCP && p->off)
		l4[12] = p->off & 0xf0;
}

static uint32_t put_ip(const struct pk *p, uint8_t *ip)
{
	uint32_t header = 20 + p->opts * 4, len;
	uint8_t *l4 = ip + header;

	ip[0] = 0x40 | header / 4;
	ip[1] = p->tos;
	put16(ip + 4, 0x1234);
	put16(ip + 6, p->frag ? p->frag : 0x4000);
	ip[8] = p->ttl ? p->ttl : 64;
	ip[9] = p->proto;
	put32(ip + 12, p->src);
	put32(ip + 16, p->dst);
	memset(ip + 20, 1, p->opts * 4);
	len = p->proto == TCP ? put_tcp(p, l4) : p->proto == UDP ? put_udp(p, l4) : put_icmp(p, l4);
	for (uint32_t i = 0; i < p->data; i++)
		l4[len + i] = i * 7 + 1;
	len += p->data;
	put_l4_check(p, ip, l4, len);
	put16(ip + 2, header + len + p->len_add);
	if (p->first)
		ip[0] = p->first;
	put_check(ip + 10, sum_words(ip, header), p->bad_ip);
	return header + len;
}

/** Fills in the ends that are named by an id. */
void pk_resolve(struct pk *p)
{
	uint8_t to = p->to_service, from = p->from_service;

	if (to) {
		p->dst = service_rows[to].addr;
		p->dport = p->dport ? p->dport : service_rows[to].port;
	}
	if (from) {
		p->src = service_rows[from].addr;
		p->sport = p->sport ? p->sport : service_rows[from].port;
	}
	if (p->to_backend) {
		p->dst = backend_rows[p->to_backend].addr;
		p->dport = backend_rows[p->to_backend].port;
	}
	if (p->from_backend) {
		p->src = backend_rows[p->from_backend].addr;
		p->sport = p->sport ? p->sport : backend_rows[p->from_backend].port;
	}
}

void frame_build(const struct pk *given, struct frame *f)
{
	struct pk copy = *given, *p = &copy;
	uint32_t at = 12;

	pk_resolve(p);
	memset(f, 0, sizeof(*f));
	memcpy(f->b, "\x02\xaa\xaa\xaa\xaa\xaa\x02\xbb\xbb\xbb\xbb\xbb", 12);
	if (p->vlan) {
		put16(f->b + at, 0x8100);
		put16(f->b + at + 2, p->vlan);
		at += 4;
	}
	put16(f->b + at, p->type ? p->type : 0x0800);
	f->len = at + 2 + put_ip(p, f->b + at + 2);
	memset(f->b + f->len, 0xee, p->trail);
	f->len += p->trail;
	if (p->cut)
		f->len = p->cut;
}
