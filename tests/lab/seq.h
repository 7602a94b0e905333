/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver and seq.c agree on. */
#pragma once

#include <xdpmesh/types.h>

#define SEQ_MAX (1 << 23)     /* packets of one run of the program */
#define SEQ_FRESH 0xffffffffU /* the destination in the frame that each call begins with: no packet has been made yet */

struct seq_job {
	__u64 random;
	__u32 seq; /* of the packet that is under way; 0: none was */
	__u32 vip; /* network byte order, as the port */
	__u16 port;
	__u16 pad[3];
};
