/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slot table, by property: what slots.h says of quotas, moves, flaps and the cursor's round, over random backends.
 * The ideal share is worked out here in another way, and a move is compared slot by slot with the table before it.
 */
#include <errno.h>
#include <string.h>

#include "prop.h"
#include "user/mesh/slots.h"

#define MAX 1000 /* backends; one more may come */
#define SLOTS (1 << 18)

/** The mesh under test: backends, their table, and the table before the last move. */
static struct mesh {
	struct xm_share b[MAX + 1];
	size_t n;
	__u32 quota[MAX + 1], count;
	__u16 now;
	__u64 slots[SLOTS], before[SLOTS], keep[SLOTS];
	__u32 index[XM_MAX_BACKENDS]; /* index + 1 by id */
} mesh;

/** New backends and an empty table. Ids are dense, as the daemon gives them, or far apart. */
static struct mesh *mesh_random(struct prop *p, size_t max)
{
	struct mesh *m = &mesh;
	int style = prop_below(p, 8);
	size_t n = prop_log(p, max);
	__u32 spread = prop_below(p, 2) ? 1 : prop_log(p, XM_MAX_BACKENDS / n - 1);

	m->now = prop_next(p);
	m->count = xm_slots_size(n);
	memset(m->slots, 0, m->count * sizeof(*m->slots));
	for (m->n = 0; m->n < n; m->n++)
		m->b[m->n] = (struct xm_share){ 1 + m->n * spread, prop_weight(p, style) };
	return m;
}

static __u64 sum_of(const struct mesh *m)
{
	__u64 sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->b[i].weight;
	return sum;
}

/** The ideal shares: all who would be below one slot get one and leave with their weight, until nobody is. */
static void ideal(const struct mesh *m, double *ret_share)
{
	bool least[MAX + 1] = { false }, again = true;
	__u64 sum = sum_of(m), slots = m->count;

	while (again) {
		__u64 sum_now = sum, slots_now = slots;

		again = false;
		for (size_t i = 0; i < m->n; i++) {
			if (least[i] || !m->b[i].weight || m->b[i].weight * slots_now >= sum_now)
				continue;
			least[i] = again = true;
			sum -= m->b[i].weight;
			slots--;
		}
	}
	for (size_t i = 0; i < m->n; i++)
		ret_share[i] = least[i] ? 1 : sum ? (double)m->b[i].weight * slots / sum : 0;
}

/** Moves, and keeps the table as it was. Returns the slots moved. */
static __u32 mesh_move(struct prop *p, struct mesh *m)
{
	__u32 moved = ~0U;

	memcpy(m->before, m->slots, m->count * sizeof(*m->slots));
	prop_ok(p, !xm_slots_move(m->slots, m->count, m->b, m->n, m->now, &moved), "move of %zu backends", m->n);
	prop_ok(p, !xm_slots_quota(m->b, m->n, m->count, m->quota), "quota of %zu backends", m->n);
	return moved;
}

static void quota_is_within_one_slot_of_the_ideal_share_in_any_order_of_backends(void **state)
{
	static struct xm_share turned[MAX + 1];
	static __u32 again[MAX + 1];
	double share[MAX + 1];

	(void)state;
	for (struct prop p = prop_begin(3000); prop_more(&p);) {
		struct mesh *m = mesh_random(&p, MAX);
		__u64 total = 0;

		m->count = m->n + prop_log(&p, SLOTS - m->n);
		for (size_t i = 0; i < m->n; i++)
			turned[i] = m->b[m->n - 1 - i];
		prop_ok(&p, !xm_slots_quota(m->b, m->n, m->count, m->quota), "quota");
		prop_ok(&p, !xm_slots_quota(turned, m->n, m->count, again), "quota");
		ideal(m, share);
		for (size_t i = 0; i < m->n; i++) {
			__u32 w = m->b[i].weight, q = m->quota[i];
			double off = q - share[i];

			prop_ok(&p, off < 1 && off > -1, "weight %u has %u of %u, ideal %f", w, q, m->count, share[i]);
			prop_ok(&p, share[i] != 1 || q == 1, "ideal is one slot, has %u", q);
			prop_ok(&p, !w == !q, "weight %u has %u slots", w, q);
			prop_ok(&p, !i || w <= m->b[i - 1].weight || q >= m->quota[i - 1], "more weight has less");
			prop_ok(&p, q == again[m->n - 1 - i], "in another order it has %u", again[m->n - 1 - i]);
			total += q;
		}
		prop_ok(&p, total == (sum_of(m) ? m->count : 0), "%llu slots given of %u", total, m->count);
	}
}

static void fewer_slots_than_backends_are_refused_and_change_nothing(void **state)
{
	struct xm_share b[3] = { { 1, 5 }, { 2, 5 }, { 3, 5 } };
	__u64 slots[2] = { 77, 78 };
	__u32 quota[3] = { 9, 9, 9 }, ret = 9;

	(void)state;
	assert_int_equal(xm_slots_quota(b, 3, 2, quota), -EINVAL);
	assert_int_equal(xm_slots_move(slots, 2, b, 3, 1, &ret), -EINVAL);
	assert_int_equal(xm_slots_interleave(slots, 2, b, 3, &ret), -EINVAL);
	assert_true(quota[0] == 9 && slots[0] == 77 && slots[1] == 78 && ret == 9);
	b[1].weight = 0;
	assert_int_equal(xm_slots_quota(b, 3, 2, quota), 0);
	assert_true(quota[0] == 1 && quota[1] == 0 && quota[2] == 1);
}

static void size_is_a_power_of_two_with_room_for_every_backend(void **state)
{
	(void)state;
	assert_true(xm_slots_size(0) == XM_SLOT_UNIT && xm_slots_size(XM_MAX_BACKENDS) == XM_SLOTS_MAX);
	for (size_t n = 1; n <= XM_SLOTS_MAX / XM_SLOTS_PER_BACKEND; n++) {
		__u32 size = xm_slots_size(n);

		assert_true(!(size & (size - 1)));
		assert_in_range(n * XM_SLOTS_PER_BACKEND, size == XM_SLOT_UNIT ? 0 : size / 2 + 1, size);
	}
}

/* what may happen to a mesh; an added id that is there already adds nothing */
#define CHANGE(name, ...)                                   \
	static void name(struct prop *p, struct mesh *m)    \
	{                                                   \
		size_t at = m->n ? prop_below(p, m->n) : 0; \
		struct xm_share *b = &m->b[at];             \
		(void)b;                                    \
		__VA_ARGS__;                                \
	}
CHANGE(take, *b = m->b[--m->n])
CHANGE(take_half, m->n = (m->n + 1) / 2)
CHANGE(take_all, m->n = 0)
CHANGE(take_weights, for (size_t i = 0; i < m->n; i++) m->b[i].weight = 0)
CHANGE(reweight, b->weight = prop_weight(p, 6))

static void add(struct prop *p, struct mesh *m)
{
	struct xm_share b = { prop_log(p, XM_MAX_BACKENDS - 1), prop_weight(p, 2) };

	for (size_t i = 0; i < m->n; i++)
		if (m->b[i].id == b.id)
			return;
	m->b[m->n++] = b;
}

/** Some change that an operator or a registry could ask for. */
static void change(struct prop *p, struct mesh *m)
{
	__u32 kind = prop_below(p, 3);

	m->now += 1 + prop_below(p, 1000);
	if (kind == 0 && m->n > 1)
		take(p, m);
	else if (kind == 1 && m->n <= MAX)
		add(p, m);
	else
		reweight(p, m);
}

/** Slots by index of the owner before or now; those without one, or whose owner is gone, stand at n. */
static void index_ids(struct mesh *m, bool on)
{
	for (size_t i = 0; i < m->n; i++)
		m->index[m->b[i].id] = on ? i + 1 : 0;
}

static size_t index_of(const struct mesh *m, __u64 slot)
{
	__u32 at = m->index[xm_slot_owner(slot)];

	return at ? at - 1 : m->n;
}

/** A slot that stayed is the same word; one that moved has its old owner and the time. Counts per backend. */
static void check_words(struct prop *p, struct mesh *m, __u32 *ret_was, __u32 *ret_is, __u32 *ret_lost)
{
	index_ids(m, true);
	for (__u32 i = 0; i < m->count; i++) {
		__u64 was = m->before[i], is = m->slots[i];

		ret_was[index_of(m, was)]++;
		ret_is[index_of(m, is)]++;
		if (was == is)
			continue;
		ret_lost[index_of(m, was)]++;
		prop_ok(p, xm_slot_owner(was) != xm_slot_owner(is), "slot %u did not move but changed", i);
		prop_ok(p, xm_slot_previous(is) == xm_slot_owner(was), "slot %u has another previous owner", i);
		prop_ok(p, xm_slot_moved(is) == m->now, "slot %u: moved %u, now %u", i, xm_slot_moved(is), m->now);
	}
	index_ids(m, false);
}

/** Each backend owns its quota, only its surplus was taken, and what moved is the sum of what was lacking. */
static void check_move(struct prop *p, struct mesh *m, __u32 moved)
{
	__u32 was[MAX + 2] = { 0 }, is[MAX + 2] = { 0 }, lost[MAX + 2] = { 0 }, least = 0, all = 0;

	check_words(p, m, was, is, lost);
	for (size_t i = 0; i < m->n; i++) {
		__u32 surplus = was[i] > m->quota[i] ? was[i] - m->quota[i] : 0;

		prop_ok(p, is[i] == m->quota[i], "backend %zu owns %u, quota %u", i, is[i], m->quota[i]);
		prop_ok(p, lost[i] == surplus, "backend %zu lost %u, surplus %u", i, lost[i], surplus);
		least += m->quota[i] > was[i] ? m->quota[i] - was[i] : 0;
		all += lost[i];
	}
	all += lost[m->n];
	prop_ok(p, moved == all, "%u moved, said to be %u", all, moved);
	prop_ok(p, !sum_of(m) || moved == least, "%u moved, %u had to", moved, least);
	prop_ok(p, sum_of(m) || is[m->n] == m->count, "no weight, but owners");
}

static void only_surplus_slots_move_and_no_more_than_must(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(800); prop_more(&p);) {
		struct mesh *m = mesh_random(&p, MAX - 10);

		check_move(&p, m, mesh_move(&p, m));
		for (int i = 0; i < 4; i++) {
			change(&p, m);
			check_move(&p, m, mesh_move(&p, m));
		}
		prop_ok(&p, mesh_move(&p, m) == 0, "a move without a change moved slots");
	}
}

static void slots_that_moved_lately_move_again_only_if_no_other_will_do(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(300); prop_more(&p);) {
		struct mesh *m = mesh_random(&p, 1);
		__u32 fresh = 0, stale = 0;

		for (__u32 i = 0; i < 3; i++)
			m->b[i] = (struct xm_share){ i + 1, 100 };
		m->n = 2;
		mesh_move(&p, m);
		m->b[0].weight += prop_below(&p, 100);
		m->now += 1000;
		mesh_move(&p, m);
		m->b[2].weight = 1 + prop_below(&p, 100);
		m->n = 3;
		m->now += 10;
		mesh_move(&p, m);
		for (__u32 i = 0; i < m->count; i++) {
			bool lately = xm_slot_previous(m->before[i]), moves = xm_slot_owner(m->slots[i]) == 3;

			fresh += xm_slot_owner(m->before[i]) == 1 && lately && moves;
			stale += xm_slot_owner(m->before[i]) == 1 && !lately && !moves;
		}
		prop_ok(&p, !fresh || !stale, "%u fresh slots moved, %u others did not", fresh, stale);
	}
}

static const struct away {
	void (*go)(struct prop *p, struct mesh *m);
} aways[] = { { take }, { take_half }, { take_all }, { take_weights }, { reweight }, { add } };

/** After any history of changes. One second is enough: only stamps tell the last loss from those before it. */
static void a_flap_returns_the_identical_owners(void **state)
{
	static struct xm_share b[MAX + 1];

	(void)state;
	for (struct prop p = prop_begin(800); prop_more(&p);) {
		struct mesh *m = mesh_random(&p, MAX - 10);
		int which = prop_below(&p, sizeof(aways) / sizeof(*aways));
		__u32 other = 0;
		size_t n;

		mesh_move(&p, m);
		for (__u32 i = prop_below(&p, 8); i; i--) {
			change(&p, m);
			mesh_move(&p, m);
		}
		memcpy(m->keep, m->slots, m->count * sizeof(*m->slots));
		memcpy(b, m->b, sizeof(b));
		n = m->n;
		m->now += prop_log(&p, 400);
		aways[which].go(&p, m);
		mesh_move(&p, m);
		memcpy(m->b, b, sizeof(b));
		m->n = n;
		m->now += prop_log(&p, 400);
		check_move(&p, m, mesh_move(&p, m));
		for (__u32 i = 0; i < m->count; i++)
			other += xm_slot_owner(m->keep[i]) != xm_slot_owner(m->slots[i]);
		prop_ok(&p, !other, "away %d: %u of %u slots have another owner", which, other, m->count);
	}
}

/**
 * After every slot, each backend's count is less than one off its share of the slots gone through so far. It is enough
 * to look at a backend just before and just after its own slots: in between only the share grows.
 */
static void check_prefixes(struct prop *p, struct mesh *m, __u32 length, __u32 rounds)
{
	__u32 seen[MAX + 1] = { 0 };

	index_ids(m, true);
	for (__u64 t = 0; t < (__u64)length * rounds; t++) {
		size_t at = index_of(m, m->slots[t % length]);
		double share = (double)m->quota[at] / length, less = share * t - seen[at],
		       more = ++seen[at] - share * (t + 1);

		prop_ok(p, less < 1 && more < 1, "%u of %u: %f too few before slot %llu, %f too many after it",
			m->quota[at], length, less, t, more);
	}
	index_ids(m, false);
	for (size_t i = 0; i < m->n; i++)
		prop_ok(p, seen[i] == m->quota[i] * rounds, "backend %zu: %u, quota %u", i, seen[i], m->quota[i]);
}

/** Less than one off a share that is a whole number is none: rounds of the weights' lowest sum are exact if it fits. */
static void every_part_of_a_round_is_fair_and_whole_rounds_are_exact(void **state)
{
	(void)state;
	for (struct prop p = prop_begin(1000); prop_more(&p);) {
		struct mesh *m = mesh_random(&p, MAX);
		__u32 length = 0, factor = 1 + prop_below(&p, 655);
		__u64 sum = sum_of(m);
		bool exact = sum <= m->count;

		for (size_t i = 0; i < m->n; i++)
			m->b[i].weight *= exact && m->b[i].weight <= 100 ? factor : 1;
		exact = exact && (sum_of(m) == sum * factor);
		memset(m->slots, 0xff, m->count * sizeof(*m->slots));
		prop_ok(&p, !xm_slots_interleave(m->slots, m->count, m->b, m->n, &length), "interleave");
		prop_ok(&p, length >= 1 && length <= m->count, "length %u of %u", length, m->count);
		prop_ok(&p, !xm_slots_quota(m->b, m->n, length, m->quota), "quota");
		for (size_t i = 0; exact && i < m->n; i++)
			prop_ok(&p, m->quota[i] * sum * factor == (__u64)m->b[i].weight * length, "no exact %zu", i);
		if (sum)
			check_prefixes(&p, m, length, 2);
		for (__u32 i = sum ? length : 0; i < m->count; i++)
			prop_ok(&p, m->slots[i] == (sum ? m->slots[i % length] : 0), "slot %u behind %u", i, length);
	}
}

/** One heavy backend among 16383 light ones: the shape that makes each search for a taker a long one. */
static void the_largest_table_is_built_and_changed_in_little_time(void **state)
{
	size_t n = XM_SLOTS_MAX / XM_SLOTS_PER_BACKEND;
	struct xm_share *b = test_calloc(n, sizeof(*b));
	__u64 *slots = test_calloc(XM_SLOTS_MAX, sizeof(*slots)), begin = prop_ms();
	__u32 ret;

	(void)state;
	for (size_t i = 0; i < n; i++)
		b[i] = (struct xm_share){ i + 1, i ? 1 : 65535 };
	assert_int_equal(xm_slots_move(slots, XM_SLOTS_MAX, b, n, 1, &ret), 0);
	b[n / 2].weight = 65535;
	assert_int_equal(xm_slots_move(slots, XM_SLOTS_MAX, b, n, 2, &ret), 0);
	assert_int_equal(xm_slots_interleave(slots, XM_SLOTS_MAX, b, n, &ret), 0);
	test_free(slots);
	test_free(b);
	if (prop_ms() - begin > 5000)
		fail_msg("%zu backends took %llu ms", n, (unsigned long long)(prop_ms() - begin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quota_is_within_one_slot_of_the_ideal_share_in_any_order_of_backends),
		cmocka_unit_test(fewer_slots_than_backends_are_refused_and_change_nothing),
		cmocka_unit_test(size_is_a_power_of_two_with_room_for_every_backend),
		cmocka_unit_test(only_surplus_slots_move_and_no_more_than_must),
		cmocka_unit_test(slots_that_moved_lately_move_again_only_if_no_other_will_do),
		cmocka_unit_test(a_flap_returns_the_identical_owners),
		cmocka_unit_test(every_part_of_a_round_is_fair_and_whole_rounds_are_exact),
		cmocka_unit_test(the_largest_table_is_built_and_changed_in_little_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
