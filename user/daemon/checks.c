/* SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/addr.h"
#include "user/base/log.h"
#include "user/mesh/words.h"
#include "user/probe/probe.h"

#define XM_FIRST_SPREAD 200 /* ms over which first checks are spread */

struct xm_check {
	struct xm_check *next;
	struct xm_checks *owner;
	uv_timer_t timer;
	struct xm_probe *probe; /* under way */
	char service[XM_NAME_MAX];
	struct xm_addr addr;
	__u16 port;
	__u8 admin;
	struct xm_check_spec spec;
	struct xm_rise_fall rf;
	char error[128]; /* of the last failure, "" if the last check passed */
	bool wanted;	 /* in the sync that is going on */
};

static const struct xm_probe_type *const probe_types[] = { [XM_CHECK_TCP] = &xm_probe_tcp };

void xm_checks_init(struct xm_checks *c, uv_loop_t *loop, struct xm_live *live)
{
	*c = (struct xm_checks){ .loop = loop, .live = live };
}

static struct xm_check *find(const struct xm_checks *c, const char *service, struct xm_addr addr, __u16 port)
{
	for (struct xm_check *k = c->first; k; k = k->next)
		if (k->port == port && xm_addr_eq(k->addr, addr) && !strcmp(k->service, service))
			return k;
	return NULL;
}

/** Merges and stores; a change is one line of the log. */
static void merge(struct xm_check *k)
{
	struct xm_live *live = k->owner->live;
	__u32 service = xm_live_service(live, k->service), reasons;
	__u32 id = service ? xm_live_backend(live, service, k->addr, k->port) : 0;
	enum xm_state state = xm_health_merge(k->admin, k->spec.type, k->rf.verdict, &reasons);
	bool why = state == XM_STATE_DOWN && k->admin == XM_ADMIN_AUTO && k->error[0];
	char text[XM_ADDR_TEXT];
	__u32 before;

	if (!id)
		return;
	before = live->plane.backends[id].state;
	xm_live_set_state(live, id, state, reasons);
	if (before != state)
		xm_log(XM_LOG_INFO, "service %s: backend %s is %s%s%s", k->service,
		       xm_endpoint_text(k->addr, k->port, text), xm_word_of(xm_state_words, state), why ? ": " : "",
		       why ? k->error : "");
}

static __u32 jittered(const struct xm_check_spec *s)
{
	__u32 span = s->interval * s->jitter / 100;

	return s->interval - span / 2 + (span ? (__u32)random() % (span + 1) : 0);
}

static void due(uv_timer_t *t);

static void probed(void *arg, const char *error)
{
	struct xm_check *k = arg;

	k->probe = NULL;
	snprintf(k->error, sizeof(k->error), "%s", error ? error : "");
	xm_rise_fall(&k->rf, &k->spec, !error);
	merge(k);
}

static void due(uv_timer_t *t)
{
	struct xm_check *k = t->data;
	struct xm_probe_target target = { .addr = k->addr, .port = k->port, .timeout = k->spec.timeout };
	int err = 0;

	uv_timer_start(&k->timer, due, jittered(&k->spec), 0);
	if (k->probe)
		return;
	err = probe_types[k->spec.type]->start(k->owner->loop, &target, probed, k, &k->probe);
	if (err)
		probed(k, uv_strerror(err));
}

static void freed(uv_handle_t *h)
{
	free(h->data);
}

static void stop(struct xm_check *k)
{
	if (k->probe)
		probe_types[k->spec.type]->cancel(k->probe);
	k->probe = NULL;
	uv_close((uv_handle_t *)&k->timer, freed);
}

/** What the last daemon's checks had found: the map remembers. */
static enum xm_check_verdict remembered(struct xm_live *live, const char *service, const struct xm_backend_spec *b)
{
	__u32 s = xm_live_service(live, service), id = s ? xm_live_backend(live, s, b->addr, b->port) : 0;
	__u32 reasons = id ? live->plane.backend_info[id].reasons : XM_R_starting;

	if (reasons & XM_R_starting)
		return XM_CHECK_UNKNOWN;
	return reasons & XM_R_check ? XM_CHECK_FAILS : XM_CHECK_PASSES;
}

static struct xm_check *add(struct xm_checks *c, const struct xm_service_spec *s, const struct xm_backend_spec *b)
{
	struct xm_check *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->owner = c;
	memcpy(k->service, s->name, sizeof(k->service));
	k->addr = b->addr;
	k->port = b->port;
	k->rf.verdict = s->check.type == XM_CHECK_NONE ? XM_CHECK_UNKNOWN : remembered(c->live, s->name, b);
	uv_timer_init(c->loop, &k->timer);
	k->timer.data = k;
	k->next = c->first;
	c->first = k;
	return k;
}

/** A check whose settings changed goes on with what it knows; one that is new starts soon. */
static void adjust(struct xm_check *k, const struct xm_service_spec *s, const struct xm_backend_spec *b)
{
	bool restart = k->spec.type != s->check.type || k->spec.interval != s->check.interval;

	if (restart && k->probe) {
		probe_types[k->spec.type]->cancel(k->probe);
		k->probe = NULL;
	}
	if (k->spec.type == XM_CHECK_NONE && s->check.type != XM_CHECK_NONE)
		k->rf.verdict = remembered(k->owner->live, s->name,
					   b); /* one that serves goes on till a check says otherwise */
	k->spec = s->check;
	k->admin = b->admin;
	k->wanted = true;
	if (restart && k->spec.type == XM_CHECK_NONE)
		uv_timer_stop(&k->timer);
	else if (restart)
		uv_timer_start(&k->timer, due, random() % XM_FIRST_SPREAD, 0);
	merge(k);
}

int xm_checks_sync(struct xm_checks *c, const struct xm_spec *want)
{
	struct xm_check **at = &c->first;

	for (struct xm_check *k = c->first; k; k = k->next)
		k->wanted = false;
	for (size_t i = 0; i < want->services_n; i++) {
		const struct xm_service_spec *s = &want->services[i];

		for (size_t j = 0; j < s->backends_n; j++) {
			struct xm_check *k = find(c, s->name, s->backends[j].addr, s->backends[j].port);

			if (!k)
				k = add(c, s, &s->backends[j]);
			if (!k)
				return -ENOMEM;
			adjust(k, s, &s->backends[j]);
		}
	}
	while (*at) {
		struct xm_check *k = *at;

		if (k->wanted) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		stop(k);
	}
	return 0;
}

void xm_checks_set_admin(struct xm_checks *c, const struct xm_service_spec *s, const struct xm_backend_spec *b)
{
	struct xm_check *k = find(c, s->name, b->addr, b->port);

	if (!k)
		return;
	k->admin = b->admin;
	merge(k);
}

void xm_checks_stop(struct xm_checks *c)
{
	while (c->first) {
		struct xm_check *k = c->first;

		c->first = k->next;
		stop(k);
	}
}

json_t *xm_checks_json(const struct xm_checks *c)
{
	json_t *all = json_array();
	char text[XM_ADDR_TEXT];

	for (const struct xm_check *k = c->first; k; k = k->next) {
		json_t *one;

		if (k->spec.type == XM_CHECK_NONE)
			continue;
		one = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "service", k->service, "backend",
				xm_endpoint_text(k->addr, k->port, text), "type", probe_types[k->spec.type]->name,
				"successes", (json_int_t)k->rf.successes, "failures", (json_int_t)k->rf.failures,
				"next_check_ms", (json_int_t)uv_timer_get_due_in(&k->timer));
		if (k->error[0])
			json_object_set_new(one, "last_error", json_string(k->error));
		json_array_append_new(all, one);
	}
	return all;
}
