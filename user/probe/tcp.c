/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP connect. What connects is closed with RST, so that neither end keeps a closed connection for a minute. */
#include <stdlib.h>
#include <string.h>

#include "probe.h"

struct xm_probe {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	xm_probe_done *done;
	void *arg;
	int open; /* handles that are not closed yet */
};

static void closed(uv_handle_t *h)
{
	struct xm_probe *p = h->data;

	if (!--p->open)
		free(p);
}

static void finish(struct xm_probe *p, const char *error, int reset)
{
	xm_probe_done *done = p->done;

	if (uv_is_closing((uv_handle_t *)&p->timer))
		return;
	uv_close((uv_handle_t *)&p->timer, closed);
	if (!reset || uv_tcp_close_reset(&p->tcp, closed))
		uv_close((uv_handle_t *)&p->tcp, closed);
	if (done)
		done(p->arg, error);
}

static void connected(uv_connect_t *c, int status)
{
	struct xm_probe *p = c->data;

	if (status != UV_ECANCELED)
		finish(p, status ? uv_strerror(status) : NULL, !status);
}

static void timed_out(uv_timer_t *t)
{
	finish(t->data, "no answer within the timeout", 0);
}

static int start(uv_loop_t *loop, const struct xm_probe_target *t, xm_probe_done *done, void *arg,
		 struct xm_probe **ret)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = t->port };
	struct xm_probe *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return UV_ENOMEM;
	to.sin_addr.s_addr = xm_addr_v4(t->addr);
	p->done = done;
	p->arg = arg;
	p->open = 2;
	uv_tcp_init(loop, &p->tcp);
	uv_timer_init(loop, &p->timer);
	p->tcp.data = p->timer.data = p->connect.data = p;
	err = uv_tcp_connect(&p->connect, &p->tcp, (const struct sockaddr *)&to, connected);
	if (!err)
		err = uv_timer_start(&p->timer, timed_out, t->timeout, 0);
	if (err) {
		p->done = NULL;
		finish(p, NULL, 0);
		return err;
	}
	*ret = p;
	return 0;
}

static void cancel(struct xm_probe *p)
{
	p->done = NULL;
	finish(p, NULL, 0);
}

const struct xm_probe_type xm_probe_tcp = { "tcp", start, cancel };
