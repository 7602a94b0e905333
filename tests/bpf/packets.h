/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet tests: rows of packets in and out under BPF_PROG_TEST_RUN. What comes out is computed by oracle.c, which
 * shares no code with the data path. From include/ come records, words and verdicts, and the hash to fill tables.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xdpmesh/record.h>
#include <xdpmesh/verdict.h>

#define FRAME_MAX 9100
#define ETH_LEN 14
#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

enum { ICMP = 1, TCP = 6, UDP = 17 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

/** Description of a packet; 0 is the usual in every field. Numbers in host byte order. */
struct pk {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t flags;	  /* of TCP */
	uint8_t opts;	  /* 4-byte words of IP options */
	uint8_t tcp_opts; /* 4-byte words of TCP options */
	uint8_t ttl;	  /* 0: 64 */
	uint8_t tos;
	uint8_t first; /* instead of the first byte of the IP header */
	uint8_t off;   /* instead of the byte of TCP's data offset; 0x01 means 0 */
	uint32_t seq, ack;
	uint16_t data;	 /* payload bytes */
	uint16_t frag;	 /* flags and offset; 0: don't fragment */
	uint16_t type;	 /* EtherType; 0: IPv4 */
	uint16_t vlan;	 /* a tag before it */
	uint16_t bad_ip; /* added to the header's checksum */
	uint16_t bad_l4; /* added to TCP's, UDP's or ICMP's */
	uint16_t cut;	 /* the frame ends after so many bytes */
	uint16_t trail;	 /* bytes after the packet */
	int16_t len_add; /* how much the IP length lies */
	int16_t udp_add; /* how much the UDP length lies */
	bool no_check;	 /* UDP without a checksum */
	uint8_t icmp, code;
	const struct pk *quote; /* of an ICMP error */
	uint16_t quoted;	/* bytes of it; 0: header and 8 bytes */
	/* ends named by the fixture's ids: pk_resolve() */
	uint8_t to_service, from_service, to_backend, from_backend;
};

struct service_row {
	uint32_t addr;
	uint16_t port;
	uint8_t proto, forward, track, balance, on_down, on_none;
	uint32_t last_resort;
	uint32_t rr;
};

struct backend_row {
	uint32_t service;
	uint32_t addr;
	uint16_t port;
	uint8_t hop, weight, state;
};

enum {
	S_WEB = 1,
	S_DNS,
	S_TWIN,
	S_ONE,
	S_ONE_UDP,
	S_DSR,
	S_DSR_PASS,
	S_RR,
	S_SAME,
	S_STACK,
	S_MUTE,
	S_FAR,
	S_KEEP,
	S_LAST,
	S_DSR_STACK,
	S_DSR_RR,
	S_RR_TWO,
	S_COUNT
};

enum {
	B_WEB1 = 1,
	B_WEB2,
	B_DNS1,
	B_DNS2,
	B_TWIN1,
	B_TWIN2,
	B_ONE,
	B_ONE_UDP,
	B_DSR1,
	B_DSR2,
	B_DSR_PASS,
	B_RR1,
	B_RR2,
	B_RR3,
	B_SAME,
	B_STACK,
	B_MUTE,
	B_FAR,
	B_KEEP,
	B_DEAD,
	B_LAST,
	B_DSR_STACK,
	B_DSR_RR1,
	B_DSR_RR2,
	B_TWO1,
	B_TWO2,
	B_COUNT
};

enum { HOP_NEAR = 1, HOP_FAR, HOP_STACK, HOP_MUTE };
enum { DEV_NEAR = 1, DEV_FAR, DEV_MUTE };

extern const struct service_row service_rows[S_COUNT];
extern const struct backend_row backend_rows[B_COUNT];
extern const uint8_t hop_macs[][6];    /* by hop */
extern const uint8_t dev_macs[][6];    /* by device */
extern const uint8_t client_macs[][6]; /* of the router to the clients behind a device */

#define FLOW_SETS 64

/** The loaded programs, their maps as memory, and what the last packet did. */
struct lab {
	struct xdpmesh_bpf *skel;
	int near, far, mute; /* ifindex */
	uint32_t cpus, cpu;
	struct xm_meta *meta;
	struct xm_key_bucket *key_table;
	struct xm_key *keys;
	struct xm_service *services;
	struct xm_backend *backends;
	__u64 *slots, *hops, *client_hops, *verdicts;
	struct xm_dev *devs;
	struct xm_flow_set *flows;
	uint32_t *cursors;
	struct xm_cell *cells;
	uint32_t picked; /* the backend that the last packet was counted at */
	bool frags;	 /* the program under test */
	char why[256];
};

/* what a step may say of the backend besides an id */
#define ANY 0
#define SAME 0x1000000
#define OTHER 0x2000000

#define MAYBE 255 /* connections: not looked at */

struct step {
	void (*first)(struct lab *lab); /* a change of the tables before the packet */
	struct pk in;
	enum xm_verdict want;
	uint32_t backend;
	uint8_t service;     /* of a reply */
	uint8_t dev;	     /* it comes in by; 0: DEV_NEAR */
	uint8_t connections; /* that it makes */
	uint8_t state;	     /* of the client's flow afterwards; 0: not looked at */
	bool from_picked;    /* its source is the backend of the last step */
};

#define STEPS 9

struct row {
	const char *name;
	struct step steps[STEPS];
	bool (*run)(struct lab *lab); /* instead of steps */
	bool frags_only;	      /* longer than one buffer */
};

extern const struct row forward_rows[], edge_rows[], state_rows[], icmp_rows[], table_rows[];

/* bytes.c */
uint16_t get16(const uint8_t *b);
uint32_t get32(const uint8_t *b);
void put16(uint8_t *b, uint16_t v);
void put32(uint8_t *b, uint32_t v);
uint64_t sum_words(const uint8_t *b, uint32_t len);
uint16_t mod_sum(uint64_t sum);
uint64_t pseudo_sum(const uint8_t *ip, uint32_t l4_len);
void pk_resolve(struct pk *p);
void frame_build(const struct pk *p, struct frame *f);

/* net.c: an own namespace with three devices; fills near, far and mute. Sockets that see what arrives at a peer */
int net_make(struct lab *lab);
int net_listen(const char *dev);
int net_receive(int fd, struct frame *ret_frame);

/* fixture.c */
int lab_open(struct lab *lab);
void lab_close(struct lab *lab);
void lab_reset(struct lab *lab);
uint32_t lab_slots(uint32_t service, uint32_t slot);

/* oracle.c: what must come out */
int oracle_action(enum xm_verdict v);
bool oracle_frame(const struct step *s, uint32_t backend, const struct frame *in, struct frame *out);

/* run.c */
bool step_run(struct lab *lab, const struct step *s);
bool row_run(struct lab *lab, const struct row *r);
struct xm_flow *flow_of(struct lab *lab, uint32_t client, uint16_t port, uint8_t proto);
int live_run(struct lab *lab, const struct frame *in);
int sweep_run(struct lab *lab, struct xm_sweep *job);

__attribute__((format(printf, 2, 3))) bool fail(struct lab *lab, const char *fmt, ...);
