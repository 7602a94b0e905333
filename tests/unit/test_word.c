/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of word.h: every field comes back, none disturbs another, and each stands where the layout says. A layout
 * that moved fails here: then XM_ABI must be raised, for a running daemon's maps hold the old one.
 */
#include <string.h>

#include <xdpmesh/word.h>

#include "prop.h"

#define ONES(width) ((1ULL << (width)) - 1)

static void bits_are_cut_out_of_a_word(void **state)
{
	(void)state;
	assert_int_equal(xm_bits(0xfedcba9876543210ULL, 0, 4), 0);
	assert_int_equal(xm_bits(0xfedcba9876543210ULL, 4, 8), 0x21);
	assert_int_equal(xm_bits(0xfedcba9876543210ULL, 60, 4), 15);
	assert_int_equal(xm_bits(~0ULL, 1, 63), ONES(63));
}

/* ---- slots ---- */

static void slot_fields_come_back(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		__u32 owner = prop_log(&p, ONES(20)), previous = prop_below(&p, 1 << 20);
		__u16 moved = prop_next(&p);
		__u8 flags = prop_next(&p);
		__u64 w = xm_slot_make(owner, previous, moved, flags);

		prop_ok(&p, xm_slot_owner(w) == owner, "owner %u of %llx", owner, w);
		prop_ok(&p, xm_slot_previous(w) == previous, "previous %u of %llx", previous, w);
		prop_ok(&p, xm_slot_moved(w) == moved, "moved %u of %llx", moved, w);
		prop_ok(&p, w >> 56 == flags, "flags %u of %llx", flags, w);
	}
}

static void slot_fields_stand_where_the_layout_says(void **state)
{
	(void)state;
	assert_int_equal(xm_slot_make(ONES(20), 0, 0, 0), 0x00000000000fffffULL);
	assert_int_equal(xm_slot_make(0, ONES(20), 0, 0), 0x000000fffff00000ULL);
	assert_int_equal(xm_slot_make(0, 0, 0xffff, 0), 0x00ffff0000000000ULL);
	assert_int_equal(xm_slot_make(0, 0, 0, 0xff), 0xff00000000000000ULL);
}

static void an_empty_slot_is_a_word_of_zeros(void **state)
{
	(void)state;
	assert_int_equal(xm_slot_owner(0), XM_SLOT_NONE);
	assert_int_equal(xm_slot_make(XM_SLOT_NONE, 0, 0, 0), 0);
}

/* ---- next hops ---- */

static void hop_fields_come_back(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		__u64 mac = prop_next(&p);
		__u32 dev = prop_below(&p, 1 << 12), kind = prop_below(&p, 2);
		__u64 w = xm_hop_make(mac, dev, kind);

		prop_ok(&p, (w & ONES(48)) == (mac & ONES(48)), "mac %llx of %llx", (unsigned long long)mac, w);
		prop_ok(&p, xm_hop_dev(w) == dev, "device %u of %llx", dev, w);
		prop_ok(&p, xm_hop_kind(w) == kind, "kind %u of %llx", kind, w);
	}
}

static void hop_fields_stand_where_the_layout_says(void **state)
{
	(void)state;
	assert_int_equal(xm_hop_make(~0ULL, 0, XM_HOP_STACK), 0x0000ffffffffffffULL);
	assert_int_equal(xm_hop_make(0, ONES(12), XM_HOP_STACK), 0x0fff000000000000ULL);
	assert_int_equal(xm_hop_make(0, 0, XM_HOP_SEND), 0x1000000000000000ULL);
}

static void a_hop_of_zeros_is_left_to_the_stack(void **state)
{
	(void)state;
	assert_int_equal(xm_hop_kind(0), XM_HOP_STACK);
}

/* ---- plans ---- */

static void plan_fields_come_back(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		struct xm_plan_word plan = {
			.base = prop_below(&p, 1 << 16),
			.log2 = prop_below(&p, 1 << 5),
			.rr = prop_log(&p, ONES(22)),
			.balance = prop_below(&p, 1 << 4),
			.forward = prop_below(&p, 1 << 4),
			.track = prop_below(&p, 1 << 2),
			.on_down = prop_below(&p, 1 << 1),
			.on_none = prop_below(&p, 1 << 2),
		};
		struct xm_plan_word back = xm_plan_unpack(xm_plan_pack(&plan));

		prop_ok(&p, !memcmp(&plan, &back, sizeof(plan)), "%llx unpacks to another plan", xm_plan_pack(&plan));
	}
}

static void check_plan(struct xm_plan_word plan, __u64 want)
{
	assert_int_equal(xm_plan_pack(&plan), want);
}

static void plan_fields_stand_where_the_layout_says(void **state)
{
	(void)state;
	check_plan((struct xm_plan_word){ .base = ONES(16) }, 0x000000000000ffffULL);
	check_plan((struct xm_plan_word){ .log2 = ONES(5) }, 0x00000000001f0000ULL);
	check_plan((struct xm_plan_word){ .rr = ONES(22) }, 0x000007ffffe00000ULL);
	check_plan((struct xm_plan_word){ .balance = 15 }, 0x0000780000000000ULL);
	check_plan((struct xm_plan_word){ .forward = 15 }, 0x0007800000000000ULL);
	check_plan((struct xm_plan_word){ .track = 3 }, 0x0018000000000000ULL);
	check_plan((struct xm_plan_word){ .on_down = 1 }, 0x0020000000000000ULL);
	check_plan((struct xm_plan_word){ .on_none = 3 }, 0x00c0000000000000ULL);
}

static void the_largest_plan_fits(void **state)
{
	struct xm_plan_word plan = {
		.base = (1U << 16) - XM_SLOTS_MAX / XM_SLOT_UNIT,
		.log2 = __builtin_ctz(XM_SLOTS_MAX),
		.rr = XM_SLOTS_MAX,
		.balance = XM_BALANCE_COUNT - 1,
		.forward = XM_FORWARD_COUNT - 1,
		.track = XM_TRACK_COUNT - 1,
		.on_down = XM_DOWN_KEEP,
		.on_none = XM_NONE_RESET,
	};
	struct xm_plan_word back = xm_plan_unpack(xm_plan_pack(&plan));

	(void)state;
	assert_memory_equal(&plan, &back, sizeof(plan));
}

/* ---- flows ---- */

static struct xm_flow_word random_flow(struct prop *p)
{
	struct xm_flow_word f = {
		.backend = prop_below(p, 1 << 20),
		.tick = prop_next(p),
		.hop = prop_below(p, 1 << 12),
		.state = prop_below(p, 1 << 4),
		.flags = prop_below(p, 1 << 4),
		.seq = prop_next(p),
	};

	return f;
}

static void flow_fields_come_back(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		struct xm_flow_word f = random_flow(&p), back = xm_flow_unpack(xm_flow_pack(f));

		prop_ok(&p, !memcmp(&f, &back, sizeof(f)), "%llx unpacks to another flow", xm_flow_pack(f));
		prop_ok(&p, xm_flow_state_of(xm_flow_pack(f)) == f.state, "state of %llx", xm_flow_pack(f));
	}
}

static void any_flow_word_packs_to_itself(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		__u64 w = prop_next(&p);

		prop_ok(&p, xm_flow_pack(xm_flow_unpack(w)) == w, "%llx", w);
	}
}

static void flow_values_too_large_do_not_reach_their_neighbours(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(10000); prop_more(&p);) {
		struct xm_flow_word f = random_flow(&p), large = f;

		large.backend |= (__u32)prop_next(&p) << 20;
		large.hop |= (__u16)(prop_next(&p) << 12);
		large.state |= (__u8)(prop_next(&p) << 4);
		large.flags |= (__u8)(prop_next(&p) << 4);
		prop_ok(&p, xm_flow_pack(large) == xm_flow_pack(f), "%llx, cut %llx", xm_flow_pack(large),
			xm_flow_pack(f));
	}
}

static void flow_fields_stand_where_the_layout_says(void **state)
{
	(void)state;
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .backend = ONES(20) }), 0x00000000000fffffULL);
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .tick = 0xffff }), 0x0000000ffff00000ULL);
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .hop = ONES(12) }), 0x0000fff000000000ULL);
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .state = 15 }), 0x000f000000000000ULL);
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .flags = 15 }), 0x00f0000000000000ULL);
	assert_int_equal(xm_flow_pack((struct xm_flow_word){ .seq = 0xff }), 0xff00000000000000ULL);
}

static void a_flow_of_zeros_is_free(void **state)
{
	(void)state;
	assert_int_equal(xm_flow_state_of(0), XM_FLOW_FREE);
	assert_true(XM_FLOW_UDP < 16);
	assert_true((XM_FIN_CLIENT | XM_FIN_BACKEND | XM_REPLIED) < 16);
}

/* ---- limits ---- */

static void limits_fit_their_fields(void **state)
{
	(void)state;
	assert_true(XM_MAX_BACKENDS - 1 <= ONES(20));
	assert_true(XM_CLIENT_HOPS - 1 <= ONES(12));
	assert_true(XM_DEVS - 1 <= ONES(12));
	assert_true(XM_SLOTS_MAX <= ONES(22));
	assert_true(XM_SLOTS_MAX < 1ULL << ONES(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_are_cut_out_of_a_word),
		cmocka_unit_test(slot_fields_come_back),
		cmocka_unit_test(slot_fields_stand_where_the_layout_says),
		cmocka_unit_test(an_empty_slot_is_a_word_of_zeros),
		cmocka_unit_test(hop_fields_come_back),
		cmocka_unit_test(hop_fields_stand_where_the_layout_says),
		cmocka_unit_test(a_hop_of_zeros_is_left_to_the_stack),
		cmocka_unit_test(plan_fields_come_back),
		cmocka_unit_test(plan_fields_stand_where_the_layout_says),
		cmocka_unit_test(the_largest_plan_fits),
		cmocka_unit_test(flow_fields_come_back),
		cmocka_unit_test(any_flow_word_packs_to_itself),
		cmocka_unit_test(flow_values_too_large_do_not_reach_their_neighbours),
		cmocka_unit_test(flow_fields_stand_where_the_layout_says),
		cmocka_unit_test(a_flow_of_zeros_is_free),
		cmocka_unit_test(limits_fit_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
