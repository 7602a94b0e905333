/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every packet ends in exactly one verdict. One list: the data path counts by it, the command, the JSON and the metrics
 * print its words, README explains it. X(word, what the packet meets, meaning)
 */
#pragma once

#define XM_VERDICTS(X)                                                                                   \
	X(not_ours, PASS, "neither to a virtual address nor from a backend")                             \
	X(no_service, PASS, "to a virtual address, a port or protocol without a service")                \
	X(no_flow, PASS, "from a backend, of no flow of ours: its own traffic")                          \
	X(direct, PASS, "of a client's own connection to a backend")                                     \
	X(icmp_unknown, PASS, "an ICMP error about no flow of ours")                                     \
	X(forward_tx, TX, "to a backend, out of the device it came in by")                               \
	X(forward_redirect, REDIRECT, "to a backend, out of another device")                             \
	X(forward_stack, PASS, "to a backend, rewritten, then routed by the kernel")                     \
	X(reply_tx, TX, "to a client, out of the device it came in by")                                  \
	X(reply_redirect, REDIRECT, "to a client, out of another device")                                \
	X(reply_stack, PASS, "to a client, rewritten, then routed by the kernel")                        \
	X(echo, TX, "an echo request to a virtual address, answered")                                    \
	X(down_reset, TX, "of a flow whose backend died, answered with RST")                             \
	X(no_backend_drop, DROP, "no usable backend, on-no-backend: drop")                               \
	X(no_backend_pass, PASS, "no usable backend, on-no-backend: pass")                               \
	X(no_backend_reset, TX, "no usable backend, on-no-backend: reset")                               \
	X(stray_reset, TX, "a TCP segment to a service, of no connection we know, answered with RST")    \
	X(stray_drop, DROP, "a TCP RST to a service, of no connection we know")                          \
	X(nat_collision, DROP, "the client's port is in use at every backend that was tried")            \
	X(flows_full, DROP, "no room in the flow table for a new connection")                            \
	X(no_hop, DROP, "the backend's next hop is not resolved, and forward: dsr cannot use the stack") \
	X(ttl, DROP, "its TTL was used up here")                                                         \
	X(fragment, DROP, "a fragment to a virtual address")                                             \
	X(malformed, DROP, "to a virtual address, with a header cut off or lengths that lie")            \
	X(internal, DROP, "a table did not hold what it must hold: a fault of xdpmesh")

enum xm_verdict {
#define X(word, action, text) XM_V_##word,
	XM_VERDICTS(X)
#undef X
		XM_VERDICT_COUNT
};

/* cells of the verdict array a CPU: a power of two, so that growth does not move them */
#define XM_VERDICT_CELLS 64
