/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a packet of a flow would meet, told from the maps by the rules of bpf/: same hashes, sets, slots and detours.
 * Each function here names the header whose decisions it repeats; a change there is a change here.
 */
#pragma once

#include <jansson.h>

#include "user/plane/plane.h"

/** The question: a packet's tuple. Ports in network byte order. */
struct xm_trace_packet {
	struct xm_addr src, dst;
	__u16 sport, dport;
	__u8 proto;
};

/** A trace that is being told. */
struct xm_trace {
	const struct xm_plane *p;
	struct xm_trace_packet q;
	json_t *doc;
	json_t *steps; /* borrowed from doc */
	__u32 service;
	struct xm_plan_word plan;
	__u32 taken; /* the entry that a new flow gets: index + 1 */
};

/** { outcome, verdicts, service, class, backend, slot, steps: [ { step, text } ] }; what does not apply is absent. */
json_t *xm_trace_json(const struct xm_plane *p, const struct xm_trace_packet *q);

/* for the files of the trace */

void xm_trace_step(struct xm_trace *t, const char *step, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The first line, and the verdict it is counted as; where others may be, xm_trace_verdict() adds them. */
void xm_trace_outcome(struct xm_trace *t, int verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));
void xm_trace_verdict(struct xm_trace *t, int verdict);

/** "10.0.2.1:8080, down (check)", in a buffer of XM_TRACE_TEXT bytes. Returns buf. */
#define XM_TRACE_TEXT 192
const char *xm_trace_backend(const struct xm_plane *p, __u32 id, char *buf);

/** A next hop in words; false if the packet goes by the kernel's stack. */
bool xm_trace_hop(const struct xm_plane *p, __u64 hop, char *buf);

/** bpf/flow.h: the entry of the trace's client and service (key 0), or of the client and an endpoint. */
struct xm_trace_tuple {
	struct xm_addr client;
	__u16 client_port;
	__u16 vip_port;
	__u32 owner;
	__u32 key;
	__u32 self; /* an entry to leave out: index + 1 */
};
bool xm_trace_find(const struct xm_plane *p, const struct xm_trace_tuple *tuple, struct xm_flow *ret);

/** bpf/flow.h: the entry that a new flow of this client gets. SYN: only if one of them stays unanswered long enough. */
enum xm_trace_room { XM_ROOM_NONE, XM_ROOM_SYN, XM_ROOM_FREE };
enum xm_trace_room xm_trace_room(const struct xm_plane *p, const struct xm_trace_tuple *tuple, __u32 *ret_taken);

/** bpf/pick.h and what becomes of the pick: tells steps and outcome. */
void xm_trace_pick(struct xm_trace *t);

/** bpf/forward.h: the way to a backend; tells step and outcome. */
void xm_trace_forward(struct xm_trace *t, __u32 backend);
