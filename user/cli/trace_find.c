/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups of the trace: flows, backends, next hops. */
#include "trace.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <xdpmesh/reason.h>

#include "flow.h"
#include "user/base/addr.h"
#include "user/mesh/words.h"

#define XM_FLOW_SETS_TRIED 2 /* XM_CLAIM_SETS of bpf/flow.h */

static __u64 hash_of(const struct xm_plane *p, const struct xm_trace_tuple *tuple)
{
	return xm_hash_client(tuple->client, tuple->client_port, tuple->owner & 0xff, &p->meta->key);
}

/** xm_flow_set_index() of bpf/flow.h. */
static __u32 set_index(const struct xm_plane *p, __u64 hash, int which)
{
	__u32 mask = p->meta->sizes.flow_sets - 1, a = hash & mask, b = (xm_fold(hash) >> 32) & mask;

	if (!which)
		return a;
	return a == b ? (a ^ 1) & mask : b;
}

static __u32 key_of(const struct xm_plane *p, const struct xm_flow *e)
{
	struct xm_flow_word f = xm_flow_unpack(e->word);

	if (!(e->owner >> 8)) /* a direct connection */
		return f.backend;
	return f.backend < p->meta->sizes.backends ? p->backends[f.backend].key : 0;
}

/** xm_flow_matches() of bpf/flow.h. */
static bool matches(const struct xm_plane *p, const struct xm_flow *e, const struct xm_trace_tuple *tuple)
{
	if (!xm_addr_eq(e->client, tuple->client) || e->client_port != tuple->client_port)
		return false;
	if (!tuple->key)
		return e->owner == tuple->owner && e->vip_port == tuple->vip_port;
	return (e->owner & 0xff) == (tuple->owner & 0xff) && key_of(p, e) == tuple->key;
}

/** The index of the i-th entry that is looked at. */
static __u32 entry_index(const struct xm_plane *p, __u64 hash, __u32 i)
{
	__u32 first = hash >> 24;

	return set_index(p, hash, i / XM_FLOW_WAYS) * XM_FLOW_WAYS + ((first + i) & (XM_FLOW_WAYS - 1));
}

bool xm_trace_find(const struct xm_plane *p, const struct xm_trace_tuple *tuple, struct xm_flow *ret)
{
	__u64 hash = hash_of(p, tuple);

	for (__u32 i = 0; i < XM_FLOW_SETS_TRIED * XM_FLOW_WAYS; i++) {
		__u32 at = entry_index(p, hash, i);
		struct xm_flow copy;

		if (at + 1 == tuple->self || !xm_flow_copy(p->flows[0].way + at, &copy) || !matches(p, &copy, tuple))
			continue;
		*ret = copy;
		return true;
	}
	return false;
}

enum xm_trace_room xm_trace_room(const struct xm_plane *p, const struct xm_trace_tuple *tuple, __u32 *ret_taken)
{
	enum xm_trace_room room = XM_ROOM_NONE;
	__u64 hash = hash_of(p, tuple);
	__u32 closed = 0;

	for (__u32 i = 0; i < XM_FLOW_SETS_TRIED * XM_FLOW_WAYS; i++) {
		__u32 at = entry_index(p, hash, i);
		__u8 state = xm_flow_state_of(*(const volatile __u64 *)&p->flows[0].way[at].word);

		if (state == XM_FLOW_FREE) {
			*ret_taken = at + 1;
			return XM_ROOM_FREE;
		}
		if (state == XM_FLOW_CLOSING && !closed)
			closed = at + 1;
		if (state == XM_FLOW_SYN)
			room = XM_ROOM_SYN;
	}
	*ret_taken = closed;
	return closed ? XM_ROOM_FREE : room;
}

const char *xm_trace_backend(const struct xm_plane *p, __u32 id, char *buf)
{
	const struct xm_backend *b = &p->backends[id];
	char text[XM_ADDR_TEXT];
	size_t n;

	if (id == XM_SLOT_NONE || id >= p->meta->sizes.backends)
		return strcpy(buf, "nobody");
	n = snprintf(buf, XM_TRACE_TEXT, "%s, %s", xm_endpoint_text(b->addr, b->port, text),
		     xm_word_of(xm_state_words, b->state));
#define X(word, bit, words)                                                 \
	if (p->backend_info[id].reasons & XM_R_##word && n < XM_TRACE_TEXT) \
		n += snprintf(buf + n, XM_TRACE_TEXT - n, " (%s)", words);
	XM_REASONS(X)
#undef X
	return buf;
}

bool xm_trace_hop(const struct xm_plane *p, __u64 hop, char *buf)
{
	const struct xm_dev *dev = xm_hop_dev(hop) < XM_DEVS ? &p->devs[xm_hop_dev(hop)] : NULL;
	const __u8 *mac = (const __u8 *)&hop;
	char name[IF_NAMESIZE];

	if (xm_hop_kind(hop) != XM_HOP_SEND || !dev || !dev->sends) {
		snprintf(buf, XM_TRACE_TEXT, "the kernel's stack (%s)",
			 xm_hop_kind(hop) != XM_HOP_SEND ? "not resolved, or behind a device that is not ours" :
							   "XDP cannot transmit on its device");
		return false;
	}
	if (!if_indextoname(dev->ifindex, name))
		snprintf(name, sizeof(name), "ifindex %u", dev->ifindex);
	snprintf(buf, XM_TRACE_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x, device %s", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5], name);
	return true;
}
