/* SPDX-License-Identifier: BSD-2-Clause */
/* The words that rows are written in, and the functions that change the tables or run a row by hand. */
#pragma once

#include "packets.h"

extern const struct row more_rows[];

/* a row overrides what its macro says is usual */
#pragma GCC diagnostic ignored "-Woverride-init"

#define CLIENT IP(198, 51, 100, 7) /* its router is behind the near device */
#define CLIENT2 IP(203, 0, 113, 9) /* behind the far one */
#define LOST IP(100, 64, 0, 1)	   /* without a route */
#define FOREIGN IP(100, 65, 0, 1)  /* behind a device that is not ours */
#define STRANGER IP(198, 18, 0, 1)
#define PORT 40001

/* a client's packet to a service; a packet of a backend to a client */
#define TO(client, service, p, ...)                                                                             \
	{                                                                                                       \
		.src = client, .sport = PORT, .to_service = service, .proto = p, .seq = 0x10000001, __VA_ARGS__ \
	}
#define FROM(backend, client, p, ...)                                                                             \
	{                                                                                                         \
		.from_backend = backend, .dst = client, .dport = PORT, .proto = p, .seq = 0x20000002, __VA_ARGS__ \
	}
/* the same of the near client, TCP with flags or UDP */
#define C(service, f, ...) TO(CLIENT, service, TCP, .flags = f, .ack = 0x30000003, __VA_ARGS__)
#define B(backend, f, ...) FROM(backend, CLIENT, TCP, .flags = f, .ack = 0x40000004, __VA_ARGS__)
#define U(service, ...) TO(CLIENT, service, UDP, __VA_ARGS__)
#define UB(backend, ...) FROM(backend, CLIENT, UDP, __VA_ARGS__)

#define FWD XM_V_forward_tx
#define FWD_RED XM_V_forward_redirect
#define FWD_STACK XM_V_forward_stack
#define REP XM_V_reply_tx
#define REP_RED XM_V_reply_redirect
#define REP_STACK XM_V_reply_stack

/* the steps that a row begins with: a SYN that was forwarded; a whole handshake */
#define BEGUN(service)                                               \
	{                                                            \
		.in = C(service, SYN), .want = FWD, .connections = 1 \
	}
#define OPENED(service, end)                                       \
	BEGUN(service), { .in = B(end, SYN | ACK), .want = REP },  \
	{                                                          \
		.in = C(service, ACK), .want = FWD, .backend = end \
	}

/* changes of the tables, rows_help.c; picked: the backend of the last packet */
void picked_down(struct lab *lab);
void picked_up(struct lab *lab);
void picked_drain(struct lab *lab);
void picked_ejected(struct lab *lab);
void picked_unknown(struct lab *lab);
void picked_retired(struct lab *lab);
void all_down(struct lab *lab);
void all_up(struct lab *lab);
void web1_down(struct lab *lab);
void web2_down(struct lab *lab);
void forget_hops(struct lab *lab);
void dns1_down(struct lab *lab);
void last_resort_down(struct lab *lab);
void fill_open(struct lab *lab);
void fill_closing(struct lab *lab);
void fill_young_syn(struct lab *lab);
void fill_old_syn(struct lab *lab);
void fill_claimed(struct lab *lab);
void no_endpoints(struct lab *lab);
void flow_ages(struct lab *lab);
void fill_client_hops(struct lab *lab);
uint16_t tick_now(struct lab *lab);
