/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "adopt.h"
#include "devices.h"
#include "user/base/log.h"
#include "user/source/config.h"

#define XM_SETTLE 5	  /* ms between netlink's word and our look: events come in crowds */
#define XM_REFRESH 10000  /* ms after which routes and neighbours are looked at whatever netlink said */
#define XM_SWEEP_EVERY 50 /* ms */
#define XM_FIRST_PASSES 3 /* of the sweep, after which every retired id is free */
#define XM_SWEEP_PART 200 /* a pass of the flow table takes so many runs: 10 s */

/** The tables' sizes are those of the maps, whatever a newer file says. */
static void check_sizes(const struct xm_daemon *d, struct xm_spec *want)
{
	const struct xm_sizes *s = &d->live.plane.meta->sizes;

	if (want->limit_services != s->services || want->limit_backends != s->backends || want->limit_flows != s->flows)
		xm_log(XM_LOG_WARN,
		       "limits: flows %u, services %u and backends %u stay till the data plane is made anew", s->flows,
		       s->services, s->backends);
	want->limit_flows = s->flows;
	want->limit_services = s->services;
	want->limit_backends = s->backends;
}

int xm_daemon_want(struct xm_daemon *d, struct xm_spec *want, const char *cause, struct xm_applied *ret,
		   struct xm_err *e)
{
	struct xm_applied done;
	struct xm_err said = {};
	int err;

	check_sizes(d, want);
	err = xm_spec_check(want, e);
	if (!err)
		err = xm_devices_attach(d, want, e);
	if (err)
		return err;
	err = xm_apply(&d->live, want, &done, e);
	if (err) {
		xm_devices_detach(d, want, want->devices_n, &d->want);
		return err;
	}
	xm_devices_detach(d, &d->want, d->want.devices_n, want);
	xm_spec_free(&d->want);
	d->want = *want;
	xm_spec_init(want);
	if (xm_checks_sync(&d->checks, &d->want))
		xm_log(XM_LOG_ERR, "no memory for the checks: some backends go unchecked");
	xm_hops_refresh(&d->live.hops, &d->live.plane, true);
	if (done.services || done.backends || done.finished) {
		xm_log(XM_LOG_INFO, "generation %llu: %u services and %u backends changed, %u slots moved (%s)",
		       done.generation, done.services, done.backends, done.moved, cause);
		xm_devices_warn(d);
		if (xm_history_add(d->o.state, done.generation, cause, &d->want, &said))
			xm_log(XM_LOG_ERR, "history: %s", said.text);
	}
	*ret = done;
	return 0;
}

void xm_daemon_keep(struct xm_daemon *d)
{
	struct xm_overrides o;
	struct xm_err e = {};
	int err = xm_overrides_of(&d->file, &d->want, &o);

	if (err) {
		xm_log(XM_LOG_ERR, "state: no memory: changes by command will not outlive a restart");
		return;
	}
	if (xm_spec_copy(&d->applied, &o.applied) || xm_state_save(d->o.state, &o, &e))
		xm_log(XM_LOG_ERR, "state: %s: changes by command will not outlive a restart", e.text);
	xm_overrides_free(&o);
}

/** What commands made beside the old file stays; what the old or the new file names is the file's. */
static int with_commands(const struct xm_daemon *d, const struct xm_spec *file, struct xm_spec *ret)
{
	int err = xm_spec_copy(file, ret);

	for (size_t i = 0; i < d->want.services_n && !err; i++) {
		const struct xm_service_spec *s = &d->want.services[i];

		if (!xm_spec_find(file, s->name) && !xm_spec_find(&d->file, s->name) &&
		    !xm_spec_find(&d->applied, s->name))
			err = xm_spec_add_service(ret, s);
	}
	for (size_t i = 0; i < d->want.devices_n && !err; i++)
		if (!xm_device_named(file, d->want.devices[i].name) &&
		    !xm_device_named(&d->file, d->want.devices[i].name) &&
		    !xm_device_named(&d->applied, d->want.devices[i].name) && ret->devices_n < XM_DEVICES_MAX)
			ret->devices[ret->devices_n++] = d->want.devices[i];
	return err;
}

int xm_daemon_load(struct xm_daemon *d, const char *path, struct xm_applied *ret, struct xm_err *e)
{
	struct xm_spec file, want;
	struct stat st;
	int err;

	/* a pipe would keep the only thread waiting */
	if (!stat(path ? path : d->o.config, &st) && !S_ISREG(st.st_mode))
		return xm_fail_value(e, EINVAL, "file", path ? path : d->o.config, NULL, "is no regular file");
	err = xm_config_load(path ? path : d->o.config, &file, e);

	if (err)
		return err;
	err = with_commands(d, &file, &want);
	if (err) {
		xm_spec_free(&file);
		return xm_fail(e, -err, "no memory for %s", path ? path : d->o.config);
	}
	err = xm_daemon_want(d, &want, path ? path : d->o.config, ret, e);
	xm_spec_free(&want);
	if (err) {
		xm_spec_free(&file);
		return err;
	}
	/* another file's services are changes against our own, which is what the next start reads */
	xm_spec_free(&d->applied);
	xm_spec_init(&d->applied);
	if (!path || !strcmp(path, d->o.config)) {
		xm_spec_free(&d->file);
		d->file = file;
	} else {
		d->applied = file;
	}
	xm_daemon_keep(d);
	return 0;
}

static void hup(uv_signal_t *s, int number)
{
	struct xm_daemon *d = s->data;
	struct xm_applied done;
	struct xm_err e = {};

	(void)number;
	if (xm_daemon_load(d, NULL, &done, &e))
		xm_log(XM_LOG_ERR, "reload: %s: nothing was changed", e.text);
	else
		xm_log(XM_LOG_INFO, "reload: generation %llu", done.generation);
}

static void quit(uv_signal_t *s, int number)
{
	struct xm_daemon *d = s->data;

	xm_log(XM_LOG_INFO, "signal %d: ending; the data plane stays", number);
	uv_stop(&d->loop);
}

static void refresh(uv_timer_t *t)
{
	struct xm_daemon *d = t->data;
	int dirty = d->dirty & ~XM_EVENT_REOPENED;

	d->dirty = 0;
	if (!xm_plane_pinned(&d->live.plane)) {
		xm_log(XM_LOG_ERR, "the data plane in %s was removed: ending; start again to make it anew", d->o.bpffs);
		d->failed = true;
		uv_stop(&d->loop);
		return;
	}
	if (dirty & XM_EVENT_LINK)
		xm_devices_changed(d);
	if (dirty & (XM_EVENT_LINK | XM_EVENT_ROUTE))
		xm_hops_forget_clients(&d->live.plane);
	xm_hops_refresh(&d->live.hops, &d->live.plane, dirty != XM_EVENT_NEIGH);
	uv_timer_start(t, refresh, XM_REFRESH, 0);
}

static void netlink(uv_poll_t *p, int status, int events);

static void watch(struct xm_daemon *d)
{
	uv_poll_init(&d->loop, &d->route, xm_route_fd(&d->live.hops.route));
	d->route.data = d;
	uv_poll_start(&d->route, UV_READABLE, netlink);
}

static void rewatch(uv_handle_t *h)
{
	watch(h->data);
}

static void netlink(uv_poll_t *p, int status, int events)
{
	struct xm_daemon *d = p->data;
	(void)status;
	(void)events;
	d->dirty |= xm_route_events(&d->live.hops.route);
	if (d->dirty & XM_EVENT_REOPENED || status < 0) {
		uv_poll_stop(p);
		if (d->live.hops.route.events)
			uv_close((uv_handle_t *)p, rewatch);
	}
	if (uv_timer_get_due_in(&d->refresh) > XM_SETTLE)
		uv_timer_start(&d->refresh, refresh, XM_SETTLE, 0);
}

static void sweep(uv_timer_t *t)
{
	struct xm_daemon *d = t->data;
	__u32 part = d->live.plane.meta->sizes.flow_sets / XM_SWEEP_PART + 1;

	if (xm_live_sweep(&d->live, part))
		xm_log(XM_LOG_DEBUG, "the sweep could not run");
}

/** Without it the kernel tells nobody a client's next hop: answers go nowhere. */
static void warn_forwarding(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_forward", "re");
	int on = f ? fgetc(f) : '1';

	if (f)
		fclose(f);
	if (on == '0')
		xm_log(XM_LOG_WARN,
		       "net.ipv4.ip_forward is 0, so answers cannot be sent to clients: sysctl -w net.ipv4.ip_forward=1");
}

/** Tells systemd that we serve, if it asked. */
static void tell_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!path || strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	if (*path == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
	       offsetof(struct sockaddr_un, sun_path) + strlen(path));
	close(fd);
}

static void timer(struct xm_daemon *d, uv_timer_t *t, uv_timer_cb cb, __u64 first, __u64 repeat)
{
	uv_timer_init(&d->loop, t);
	t->data = d;
	uv_timer_start(t, cb, first, repeat);
}

static void handle(struct xm_daemon *d, uv_signal_t *s, uv_signal_cb cb, int number)
{
	uv_signal_init(&d->loop, s);
	s->data = d;
	uv_signal_start(s, cb, number);
}

static void seed(void)
{
	unsigned int s = 1;

	if (getrandom(&s, sizeof(s), 0) == sizeof(s))
		srandom(s);
}

/** The file and the overrides, as they are to be at the start. */
static int first_want(struct xm_daemon *d, struct xm_spec *ret, struct xm_err *e)
{
	struct xm_overrides kept;
	struct xm_err said = {};
	int err = xm_config_load(d->o.config, &d->file, e);

	if (err)
		return err;
	xm_state_load(d->o.state, &kept);
	err = xm_overrides_apply(&d->file, &kept, ret);
	if (!err && xm_spec_check(ret, &said)) {
		/* the file has changed since: what it says now goes first */
		xm_log(XM_LOG_ERR, "changes by command do not fit %s any more and are left out: %s", d->o.config,
		       said.text);
		xm_spec_free(ret);
		err = xm_spec_copy(&d->file, ret);
	}
	d->applied = kept.applied;
	memset(&kept.applied, 0, sizeof(kept.applied));
	xm_overrides_free(&kept);
	return err ? xm_fail(e, -err, "no memory for %s", d->o.config) : 0;
}

/** A data plane that was made anew counts on from the last generation that is kept. */
static void continue_history(struct xm_daemon *d)
{
	struct xm_history all[XM_HISTORY_KEEP * 2];
	int n = xm_history_list(d->o.state, all, XM_HISTORY_KEEP * 2);

	if (n > 0 && all[n - 1].generation > d->live.plane.meta->generation)
		d->live.plane.meta->generation = all[n - 1].generation;
}

/** The first apply; ids that the last daemon left in quarantine are swept free if they are needed at once. */
static int first_apply(struct xm_daemon *d, struct xm_spec *want, struct xm_applied *ret, struct xm_err *e)
{
	int err = xm_daemon_want(d, want, d->o.config, ret, e);

	if (err != -ENOSPC || !d->live.plane.adopted)
		return err;
	while (d->live.passes < XM_FIRST_PASSES)
		if (xm_live_sweep(&d->live, d->live.plane.meta->sizes.flow_sets))
			break;
	return xm_daemon_want(d, want, d->o.config, ret, e);
}

static void block_hup(int how)
{
	sigset_t hups;

	sigemptyset(&hups);
	sigaddset(&hups, SIGHUP);
	sigprocmask(how, &hups, NULL);
}

int xm_daemon_start(struct xm_daemon *d, const struct xm_daemon_options *o, struct xm_err *e)
{
	struct xm_plane_options plane = { .bpffs = o->bpffs };
	struct xm_applied done;
	struct xm_spec want;
	int err;

	block_hup(SIG_BLOCK); /* a reload asked for before we can is done when we can */
	signal(SIGPIPE, SIG_IGN);
	memset(d, 0, sizeof(*d));
	d->o = *o;
	seed();
	xm_spec_init(&d->want);
	err = xm_state_open(o->state, e) ?: first_want(d, &want, e);
	if (err)
		return err;
	plane.flows = want.limit_flows;
	plane.services = want.limit_services;
	plane.backends = want.limit_backends;
	err = xm_spec_check(&want, e) ?: xm_plane_open(&plane, &d->live.plane, e) ?: xm_hops_open(&d->live.hops, e);
	if (err)
		return err;
	uv_loop_init(&d->loop);
	xm_checks_init(&d->checks, &d->loop, &d->live);
	xm_adopt(&d->live);
	continue_history(d);
	xm_devices_remember(d);
	xm_hops_refresh(&d->live.hops, &d->live.plane, true);
	d->starting = true;
	err = xm_control_open(&d->control, d, &d->loop, o->socket, e) ?: first_apply(d, &want, &done, e);
	d->starting = false;
	if (err)
		return err;
	handle(d, &d->hup, hup, SIGHUP);
	block_hup(SIG_UNBLOCK);
	handle(d, &d->term, quit, SIGTERM);
	handle(d, &d->intr, quit, SIGINT);
	timer(d, &d->refresh, refresh, XM_REFRESH, 0);
	timer(d, &d->sweep, sweep, XM_SWEEP_EVERY, XM_SWEEP_EVERY);
	watch(d);
	warn_forwarding();
	tell_ready();
	xm_log(XM_LOG_INFO, "ready: generation %llu, %zu services, socket %s", d->live.plane.meta->generation,
	       d->want.services_n, o->socket);
	return 0;
}

int xm_daemon_run(struct xm_daemon *d)
{
	uv_run(&d->loop, UV_RUN_DEFAULT);
	xm_checks_stop(&d->checks);
	xm_control_close(&d->control);
	uv_run(&d->loop, UV_RUN_NOWAIT);
	xm_hops_close(&d->live.hops);
	xm_plane_close(&d->live.plane);
	xm_spec_free(&d->want);
	xm_spec_free(&d->file);
	xm_spec_free(&d->applied);
	return d->failed ? -EIO : 0;
}
