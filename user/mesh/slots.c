/* SPDX-License-Identifier: BSD-2-Clause */
#include "slots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XM_LATELY 300 /* seconds: a slot that moved since is moved again only if no other will do */

__u32 xm_slots_size(size_t backends)
{
	__u32 size = XM_SLOT_UNIT;

	while (size < XM_SLOTS_MAX && size < backends * XM_SLOTS_PER_BACKEND)
		size *= 2;
	return size;
}

/** A backend's remainder, for the order in which the last slots are given. */
struct remainder {
	size_t at;
	__u64 rest;
	__u32 id;
};

static int remainder_cmp(const void *pa, const void *pb)
{
	const struct remainder *a = pa, *b = pb;

	if (a->rest != b->rest)
		return a->rest < b->rest ? 1 : -1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/** Gives one slot to each backend whose share is below one, until none is left that is. Returns the slots that remain. */
static __u32 give_least(const struct xm_share *b, size_t n, __u32 count, __u32 *quota, __u64 *ret_sum)
{
	__u64 sum = 0;
	bool again = true;

	for (size_t i = 0; i < n; i++)
		sum += b[i].weight;
	while (again) {
		again = false;
		for (size_t i = 0; i < n; i++) {
			if (quota[i] || !b[i].weight || (__u64)b[i].weight * count >= sum)
				continue;
			quota[i] = 1;
			count--;
			sum -= b[i].weight;
			again = true;
		}
	}
	*ret_sum = sum;
	return count;
}

int xm_slots_quota(const struct xm_share *b, size_t n, __u32 count, __u32 *ret_quota)
{
	struct remainder *rest;
	size_t with = 0, shared = 0;
	__u32 left;
	__u64 sum = 0;

	for (size_t i = 0; i < n; i++)
		with += b[i].weight > 0;
	if (with > count)
		return -EINVAL;
	rest = calloc(n + 1, sizeof(*rest));
	if (!rest)
		return -ENOMEM;
	memset(ret_quota, 0, n * sizeof(*ret_quota));
	count = with ? give_least(b, n, count, ret_quota, &sum) : 0;
	left = count;
	for (size_t i = 0; i < n; i++) {
		if (ret_quota[i] || !b[i].weight)
			continue;
		ret_quota[i] = (__u64)b[i].weight * count / sum;
		rest[shared++] = (struct remainder){ i, (__u64)b[i].weight * count % sum, b[i].id };
		left -= ret_quota[i];
	}
	qsort(rest, shared, sizeof(*rest), remainder_cmp);
	for (size_t i = 0; i < left && i < shared; i++)
		ret_quota[rest[i].at]++;
	free(rest);
	return 0;
}

/** A slot whose owner before would like it back. */
struct claim {
	__u32 age; /* seconds since it was lost */
	__u32 slot;
};

/** What a move works with: per backend its balance of slots, and where an id stands. */
struct move {
	__u64 *slots;
	__u32 count;
	const struct xm_share *b;
	size_t n;
	long *need;   /* quota - slots owned: above 0 takes, below 0 gives */
	__u32 *index; /* index + 1 by id */
	__u32 ids;    /* size of index */
	__u16 now;
	__u32 moved;
	struct claim *claims; /* room for every slot */
	size_t *takers;	      /* those that still need slots when all claims are met; they take in turn */
	size_t takers_n;
	size_t taker; /* whose turn it is */
};

static size_t index_of(const struct move *m, __u32 id)
{
	return id < m->ids ? m->index[id] : 0;
}

static void give(struct move *m, __u32 slot, size_t taker)
{
	__u32 owner = xm_slot_owner(m->slots[slot]);
	size_t from = index_of(m, owner);

	if (from)
		m->need[from - 1]++;
	m->need[taker]--;
	m->slots[slot] = xm_slot_make(m->b[taker].id, owner, m->now, 0);
	m->moved++;
}

/** May the slot be given? Its owner is gone or has too many. */
static bool givable(const struct move *m, __u32 slot)
{
	size_t from = index_of(m, xm_slot_owner(m->slots[slot]));

	return !from || m->need[from - 1] < 0;
}

static int claim_cmp(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;

	if (a->age != b->age)
		return a->age < b->age ? -1 : 1;
	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/** Slots go back to whom they came from, the last lost first: an older loss may not stand in for the one undone. */
static void move_back(struct move *m)
{
	size_t claims = 0;

	for (__u32 i = 0; i < m->count; i++) {
		size_t back = index_of(m, xm_slot_previous(m->slots[i]));

		if (back && m->need[back - 1] > 0 && givable(m, i))
			m->claims[claims++] = (struct claim){ (__u16)(m->now - xm_slot_moved(m->slots[i])), i };
	}
	qsort(m->claims, claims, sizeof(*m->claims), claim_cmp);
	for (size_t i = 0; i < claims; i++) {
		__u32 slot = m->claims[i].slot;
		size_t back = index_of(m, xm_slot_previous(m->slots[slot])) - 1;

		if (m->need[back] > 0 && givable(m, slot))
			give(m, slot, back);
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->need[i] > 0)
			m->takers[m->takers_n++] = i;
}

/** The next backend that still needs slots; n if none does. Who has enough leaves the list: a turn costs one step. */
static size_t next_taker(struct move *m)
{
	while (m->takers_n) {
		size_t at;

		if (m->taker >= m->takers_n)
			m->taker = 0;
		at = m->takers[m->taker];
		if (m->need[at] > 0) {
			m->taker++;
			return at;
		}
		m->takers[m->taker] = m->takers[--m->takers_n];
	}
	return m->n;
}

static void move_others(struct move *m, bool lately)
{
	for (__u32 i = 0; i < m->count; i++) {
		bool fresh = xm_slot_previous(m->slots[i]) && (__u16)(m->now - xm_slot_moved(m->slots[i])) < XM_LATELY;
		bool orphan = !index_of(m, xm_slot_owner(m->slots[i]));
		size_t taker;

		if (!givable(m, i) || (fresh && !lately && !orphan))
			continue;
		taker = next_taker(m);
		if (taker == m->n)
			return;
		give(m, i, taker);
	}
}

/** Without any weight no slot has an owner. */
static void empty(struct move *m)
{
	for (__u32 i = 0; i < m->count; i++) {
		__u32 owner = xm_slot_owner(m->slots[i]);

		if (!owner)
			continue;
		m->slots[i] = xm_slot_make(XM_SLOT_NONE, owner, m->now, 0);
		m->moved++;
	}
}

static int move_begin(struct move *m)
{
	__u32 *quota = calloc(m->n + 1, sizeof(*quota));
	int err = quota ? 0 : -ENOMEM;

	for (size_t i = 0; i < m->n; i++)
		if (m->b[i].id >= m->ids)
			m->ids = m->b[i].id + 1;
	m->need = calloc(m->n + 1, sizeof(*m->need));
	m->index = calloc(m->ids + 1, sizeof(*m->index));
	m->takers = calloc(m->n + 1, sizeof(*m->takers));
	m->claims = calloc(m->count + 1, sizeof(*m->claims));
	if (!m->need || !m->index || !m->takers || !m->claims)
		err = -ENOMEM;
	if (!err)
		err = xm_slots_quota(m->b, m->n, m->count, quota);
	for (size_t i = 0; !err && i < m->n; i++) {
		m->need[i] = quota[i];
		m->index[m->b[i].id] = i + 1;
	}
	for (__u32 i = 0; !err && i < m->count; i++) {
		size_t owner = index_of(m, xm_slot_owner(m->slots[i]));

		if (owner)
			m->need[owner - 1]--;
	}
	free(quota);
	return err;
}

int xm_slots_move(__u64 *slots, __u32 count, const struct xm_share *b, size_t n, __u16 now, __u32 *ret_moved)
{
	struct move m = { .slots = slots, .count = count, .b = b, .n = n, .now = now };
	bool weight = false;
	int err = move_begin(&m);

	for (size_t i = 0; i < n; i++)
		weight |= b[i].weight > 0;
	if (!err && weight) {
		move_back(&m);
		move_others(&m, false);
		move_others(&m, true);
	} else if (!err) {
		empty(&m);
	}
	if (!err)
		*ret_moved = m.moved;
	free(m.need);
	free(m.index);
	free(m.takers);
	free(m.claims);
	return err;
}

/*
 * A backend's k-th turn of a round may stand from slot (k - 1) * length / quota on and must stand before
 * k * length / quota, rounded up. Then each prefix of the round holds its share rounded up or down. Some order does
 * that for all backends at once: by deadline, each turn into the first free slot of its part (Hall's theorem).
 */
struct turn {
	__u32 from, by;
	__u32 id;
};

static int turn_cmp(const void *pa, const void *pb)
{
	const struct turn *a = pa, *b = pb;

	if (a->by != b->by)
		return a->by < b->by ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/** The first free slot at or after at. next leads past those that are taken. */
static __u32 first_free(__u32 *next, __u32 at)
{
	while (next[at] != at) {
		next[at] = next[next[at]];
		at = next[at];
	}
	return at;
}

/** Places the turns of one round. next: room for length + 1. */
static void place_turns(__u64 *slots, __u32 length, struct turn *turn, __u32 turns, __u32 *next)
{
	qsort(turn, turns, sizeof(*turn), turn_cmp);
	for (__u32 i = 0; i <= length; i++)
		next[i] = i;
	for (__u32 i = 0; i < turns; i++) {
		__u32 at = first_free(next, turn[i].from);

		slots[at] = xm_slot_make(turn[i].id, 0, 0, 0);
		next[at] = at + 1;
	}
}

/** The weights' sum in lowest terms. */
static __u64 whole_round(const struct xm_share *b, size_t n)
{
	__u64 sum = 0, divisor = 0;

	for (size_t i = 0; i < n; i++) {
		__u64 x = b[i].weight, y = divisor;

		sum += x;
		while (y) {
			__u64 rest = x % y;

			x = y;
			y = rest;
		}
		divisor = x;
	}
	return divisor ? sum / divisor : 0;
}

int xm_slots_interleave(__u64 *slots, __u32 count, const struct xm_share *b, size_t n, __u32 *ret_length)
{
	__u64 round = whole_round(b, n);
	__u32 length = round && round <= count ? count / round * round : count, turns = 0;
	__u32 *quota = calloc(n + 1, sizeof(*quota));
	__u32 *next = calloc((size_t)length + 1, sizeof(*next));
	struct turn *turn = calloc((size_t)length + 1, sizeof(*turn));
	int err = quota && next && turn ? xm_slots_quota(b, n, length, quota) : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		for (__u64 k = 0; k < quota[i]; k++)
			turn[turns++] = (struct turn){ k * length / quota[i],
						       ((k + 1) * length + quota[i] - 1) / quota[i], b[i].id };
	if (!err) {
		place_turns(slots, length, turn, turns, next);
		for (__u32 i = turns ? length : 0; i < count; i++)
			slots[i] = turns ? slots[i - length] : 0;
		*ret_length = length;
	}
	free(quota);
	free(next);
	free(turn);
	return err;
}
