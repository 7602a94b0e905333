/* SPDX-License-Identifier: BSD-2-Clause */
/* Two readings of one shape as one of rates. */
#pragma once

#include <jansson.h>

/**
 * A copy of the later reading with every counter (packets, bytes, reply_packets, reply_bytes, connections) per second.
 * Rows of lists are matched by what names them; a counter without an earlier value, or with a greater one, is absent.
 */
json_t *xm_rate(const json_t *from, const json_t *to, double seconds);
