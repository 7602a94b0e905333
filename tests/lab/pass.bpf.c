/* SPDX-License-Identifier: BSD-2-Clause */
/* What the other end of a veth pair needs so that frames sent by XDP are taken from it: a program that passes everything. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp.frags")
int pass_frags(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
