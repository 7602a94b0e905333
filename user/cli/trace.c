/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace's way down: virtual address, service, class, flow. Repeats bpf/xdp.bpf.c and bpf/nat.h. */
#include "trace.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flow.h"
#include "read.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"

#define XM_STEP_TEXT 512

void xm_trace_step(struct xm_trace *t, const char *step, const char *format, ...)
{
	char text[XM_STEP_TEXT];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_array_append_new(t->steps, json_pack("{s:s, s:s}", "step", step, "text", text));
}

void xm_trace_verdict(struct xm_trace *t, int verdict)
{
	json_array_append_new(json_object_get(t->doc, "verdicts"), json_string(xm_word_of(xm_verdict_words, verdict)));
}

void xm_trace_outcome(struct xm_trace *t, int verdict, const char *format, ...)
{
	char text[XM_STEP_TEXT];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_object_set_new(t->doc, "outcome", json_string(text));
	json_array_clear(json_object_get(t->doc, "verdicts"));
	xm_trace_verdict(t, verdict);
}

static void put_backend(struct xm_trace *t, __u32 id, char *text)
{
	xm_endpoint_text(t->p->backends[id].addr, t->p->backends[id].port, text);
	json_object_set_new(t->doc, "backend", json_string(text));
}

void xm_trace_forward(struct xm_trace *t, __u32 id)
{
	__u32 at = t->p->backends[id].hop;
	__u64 hop = at < XM_HOPS ? t->p->hops[at] : 0;
	char text[XM_ADDR_TEXT], way[XM_TRACE_TEXT];
	bool sends = xm_trace_hop(t->p, hop, way);

	put_backend(t, id, text);
	xm_trace_step(t, "next-hop", "%s", way);
	if (sends) {
		xm_trace_outcome(t, XM_V_forward_tx, "to backend %s by %s", text, way);
		xm_trace_verdict(t, XM_V_forward_redirect); /* if it comes in by another device */
	} else if (t->plan.track == XM_TRACK_NONE) {
		xm_trace_outcome(t, XM_V_no_hop,
				 "dropped: backend %s has no next hop, and forward: %s cannot use the stack", text,
				 xm_word_of(xm_forward_words, t->plan.forward));
	} else {
		xm_trace_outcome(t, XM_V_forward_stack, "to backend %s by %s", text, way);
	}
}

/** A client's packet of a flow that has an entry. */
static void known_flow(struct xm_trace *t, const struct xm_flow *e)
{
	struct xm_flow_word f = xm_flow_unpack(e->word);
	const struct xm_backend *b = &t->p->backends[f.backend];
	bool dead = b->state == XM_STATE_DOWN || b->life != XM_LIFE_LIVE, tcp = t->q.proto == 6;
	char text[XM_TRACE_TEXT], addr[XM_ADDR_TEXT];

	xm_trace_step(t, "flow", "has an entry: state %s, %s, backend %s%s", xm_flow_words[f.state],
		      f.flags & XM_REPLIED ? "replied" : "not replied yet", xm_trace_backend(t->p, f.backend, text),
		      b->life == XM_LIFE_LIVE ? "" : ", taken away");
	if (dead && !tcp) {
		xm_trace_step(t, "flow", "its backend is gone: the datagram begins a new flow");
		xm_trace_pick(t);
		return;
	}
	if (tcp && (f.state == XM_FLOW_CLOSING || (dead && f.state == XM_FLOW_SYN)))
		xm_trace_step(t, "flow", "a SYN would begin a new flow; what follows is for any other segment");
	if (dead && t->plan.on_down == XM_DOWN_RESET) {
		put_backend(t, f.backend, addr);
		xm_trace_outcome(t, XM_V_down_reset, "answered with RST: backend %s of this flow died (on-down: reset)",
				 addr);
		return;
	}
	xm_trace_forward(t, f.backend);
}

static void tracked(struct xm_trace *t)
{
	struct xm_trace_tuple tuple = {
		.client = t->q.src,
		.client_port = t->q.sport,
		.vip_port = t->q.dport,
		.owner = xm_flow_owner(t->service, t->q.proto),
	};
	struct xm_flow e;

	if (xm_trace_find(t->p, &tuple, &e) && xm_flow_unpack(e.word).backend < t->p->meta->sizes.backends) {
		known_flow(t, &e);
		return;
	}
	if (t->q.proto == 6)
		xm_trace_step(t, "flow",
			      "no entry: a SYN begins one as follows; any other segment is answered with RST "
			      "(stray_reset), a RST is dropped (stray_drop)");
	else
		xm_trace_step(t, "flow", "no entry: the datagram begins one");
	xm_trace_pick(t);
}

static void to_service(struct xm_trace *t)
{
	char name[XM_NAME_MAX];
	bool none;

	t->plan = xm_plan_unpack(t->p->services[t->service].plan);
	none = t->plan.track == XM_TRACK_NONE;
	xm_service_name(t->p, t->service, name);
	json_object_set_new(t->doc, "service", json_string(name));
	json_object_set_new(t->doc, "class", json_string(xm_word_of(xm_track_words, t->plan.track)));
	xm_trace_step(t, "service", "%s: forward %s, balance %s", name, xm_word_of(xm_forward_words, t->plan.forward),
		      xm_word_of(xm_balance_words, t->plan.balance));
	xm_trace_step(t, "class",
		      none ? "none: the hash of each packet decides, no flow is remembered" :
			     "all: each flow has an entry in the flow table, which decides while it lives");
	if (none)
		xm_trace_pick(t);
	else
		tracked(t);
}

static void to_vip(struct xm_trace *t)
{
	__u32 key = xm_key_lookup(t->p, XM_KEY_SERVICE, t->q.dst, t->q.dport, t->q.proto);

	t->service = key ? t->p->keys[key].value : 0;
	xm_trace_step(t, "vip", "the destination is a virtual address");
	if (!t->service || t->service >= t->p->meta->sizes.services) {
		xm_trace_step(t, "service", "none on this port and protocol");
		xm_trace_outcome(t, XM_V_no_service,
				 "passed to the kernel: a virtual address, but no service on port %u/%s",
				 ntohs(t->q.dport), xm_word_of(xm_protocol_words, t->q.proto));
		return;
	}
	to_service(t);
}

/** From an endpoint of ours: a reply, or its own traffic. */
static void from_backend(struct xm_trace *t, __u32 key)
{
	struct xm_trace_tuple tuple = {
		.client = t->q.dst,
		.client_port = t->q.dport,
		.owner = t->q.proto,
		.key = key,
	};
	char way[XM_TRACE_TEXT];
	struct xm_flow_word f;
	struct xm_flow e;

	xm_trace_step(t, "endpoint", "the source is a backend's endpoint");
	if (!xm_trace_find(t->p, &tuple, &e)) {
		xm_trace_outcome(t, XM_V_no_flow, "passed to the kernel: from a backend, of no flow of ours");
		return;
	}
	f = xm_flow_unpack(e.word);
	xm_trace_step(t, "flow", "has an entry: state %s", xm_flow_words[f.state]);
	if (!(e.owner >> 8)) {
		xm_trace_outcome(t, XM_V_direct, "passed to the kernel: of a client's own connection to the backend");
		return;
	}
	if (xm_trace_hop(t->p, t->p->client_hops[f.hop], way)) {
		xm_trace_outcome(t, XM_V_reply_tx, "a reply: from the virtual address to the client by %s", way);
		xm_trace_verdict(t, XM_V_reply_redirect);
	} else {
		xm_trace_outcome(t, XM_V_reply_stack,
				 "a reply: from the virtual address to the client by the kernel's stack");
	}
}

static void passing(struct xm_trace *t)
{
	__u32 from = xm_key_lookup(t->p, XM_KEY_ENDPOINT, t->q.src, t->q.sport, t->q.proto);

	xm_trace_step(t, "vip", "the destination is no virtual address");
	if (t->p->meta->endpoints && from)
		from_backend(t, from);
	else if (t->p->meta->endpoints && xm_key_lookup(t->p, XM_KEY_ENDPOINT, t->q.dst, t->q.dport, t->q.proto))
		xm_trace_outcome(t, XM_V_direct, "passed to the kernel: a client's own connection to a backend");
	else
		xm_trace_outcome(t, XM_V_not_ours,
				 "passed to the kernel: neither to a virtual address nor from a backend");
}

json_t *xm_trace_json(const struct xm_plane *p, const struct xm_trace_packet *q)
{
	struct xm_trace t = { .p = p, .q = *q };
	char from[XM_ADDR_TEXT], to[XM_ADDR_TEXT];

	t.steps = json_array();
	t.doc = json_pack("{s:s, s:[], s:o}", "outcome", "", "verdicts", "steps", t.steps);
	if (!t.doc)
		return NULL;
	xm_trace_step(&t, "packet", "%s %s to %s", xm_word_of(xm_protocol_words, q->proto),
		      xm_endpoint_text(q->src, q->sport, from), xm_endpoint_text(q->dst, q->dport, to));
	if (!xm_addr_is_v4(q->dst))
		xm_trace_outcome(&t, XM_V_not_ours, "passed to the kernel: this data plane takes IPv4 alone");
	else if (xm_key_lookup(p, XM_KEY_VIP, q->dst, 0, 0))
		to_vip(&t);
	else
		passing(&t);
	return t.doc;
}
