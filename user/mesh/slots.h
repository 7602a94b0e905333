/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slot table of a service. Quotas are exact (largest remainder, a weight above 0 has at least one slot) and a change moves
 * exactly the slots that must move, so that the flows disturbed are the theoretical minimum. What comes back gets its own
 * slots back: a flap returns the identical table.
 */
#pragma once

#include <stddef.h>
#include <xdpmesh/word.h>

/** A backend as the table sees it. */
struct xm_share {
	__u32 id;     /* 1..2^20 - 1, unique */
	__u32 weight; /* 0..65535 */
};

/** Slots for so many backends: a power of two, at least 1024 and 128 a backend, at most XM_SLOTS_MAX. */
__u32 xm_slots_size(size_t backends);

/**
 * How many of count slots each backend gets: largest remainder (Hamilton); who would get less than one gets one, and the rest is
 * shared by the others. All 0 if no weight is above 0. 0, -EINVAL if count is less than the backends with weight, -ENOMEM.
 */
int xm_slots_quota(const struct xm_share *b, size_t n, __u32 count, __u32 *ret_quota);

/**
 * Moves the surplus slots and no others, those first whose taker owned them before, the last lost first, then those that have not
 * moved lately. A flap returns the identical table if the moves before it are at least a second apart and less than 18 hours old. now:
 * seconds, 16 bits. Slots are complete words; owner 0 is an empty one. ret_moved: slots whose owner changed. 0, -EINVAL, -ENOMEM;
 * the slots are unchanged on failure.
 */
int xm_slots_move(__u64 *slots, __u32 count, const struct xm_share *b, size_t n, __u16 now, __u32 *ret_moved);

/**
 * Fills the table for a round-robin cursor: after every slot of a round each backend's count is less than one off its share. ret_length: slots that the cursor goes through, a
 * multiple of the weights' sum where that fits, so that whole rounds are exact. 0, -EINVAL, -ENOMEM.
 */
int xm_slots_interleave(__u64 *slots, __u32 count, const struct xm_share *b, size_t n, __u32 *ret_length);
