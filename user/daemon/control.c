/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "user/base/dirs.h"
#include "user/base/log.h"

#define XM_GROUPS_MAX 256

enum {
	XM_RPC_JSON = -32700,
	XM_RPC_REQUEST = -32600,
	XM_RPC_METHOD = -32601,
	XM_RPC_PARAMS = -32602,
	XM_RPC_REFUSED = -32000
};

struct client {
	uv_pipe_t pipe;
	uv_timer_t idle;
	struct xm_control *control;
	char *line;
	size_t used;
	int open;
	bool writer;
	bool ended; /* nothing more is read from it; it goes when it has its answers */
};

struct reply {
	uv_write_t write;
	char *text;
};

static void client_closed(uv_handle_t *h)
{
	struct client *c = h->data;

	if (--c->open)
		return;
	c->control->clients--;
	free(c->line);
	free(c);
}

static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	uv_close((uv_handle_t *)&c->pipe, client_closed);
	uv_close((uv_handle_t *)&c->idle, client_closed);
}

static size_t waiting(const struct client *c)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

static void go_on(struct client *c);

static void replied(uv_write_t *w, int status)
{
	struct reply *r = (struct reply *)w;
	struct client *c = w->handle->data;

	free(r->text);
	free(r);
	if (status)
		client_close(c);
	else
		go_on(c);
}

/** Sends a document and lets go of it. */
static void send_json(struct client *c, json_t *doc)
{
	struct reply *r = calloc(1, sizeof(*r));
	char *text = json_dumps(doc, JSON_COMPACT);
	uv_buf_t buf;

	json_decref(doc);
	if (!r || !text || asprintf(&r->text, "%s\n", text) < 0) {
		free(r);
		free(text);
		client_close(c);
		return;
	}
	free(text);
	buf = uv_buf_init(r->text, strlen(r->text));
	if (uv_write(&r->write, (uv_stream_t *)&c->pipe, &buf, 1, replied)) {
		free(r->text);
		free(r);
		client_close(c);
	}
}

static json_t *error_json(json_t *id, int code, const struct xm_err *e)
{
	json_t *data = json_object(), *error = json_pack("{s:i, s:s}", "code", code, "message", e->text);

	if (!error) /* not UTF-8: some bytes of the request are in it */
		error = json_pack("{s:i, s:s}", "code", code, "message", "the request holds bytes that are not UTF-8");
	if (e->object[0])
		json_object_set_new(data, "object", json_string(e->object));
	if (e->value[0])
		json_object_set_new(data, "value", json_string(e->value));
	if (e->limit[0])
		json_object_set_new(data, "limit", json_string(e->limit));
	json_object_set_new(error, "data", data);
	return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "error", error);
}

static json_t *refuse(json_t *id, int code, const char *object, const char *value, const char *limit,
		      const char *message)
{
	struct xm_err e;

	xm_fail_value(&e, EINVAL, object, value, limit, message);
	return error_json(id, code, &e);
}

static const struct xm_method *method_of(const char *name)
{
	for (const struct xm_method *m = xm_methods; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/** Calls a method with what it is given. */
static json_t *call(struct client *c, const struct xm_method *m, json_t *id, json_t *params)
{
	struct xm_err e = {};
	json_t *result;

	if (m->writes && !c->writer)
		return refuse(id, XM_RPC_REFUSED, "method", m->name, "root, or the socket's group",
			      "is not allowed to you");
	if (xm_params_check(m, params, &e))
		return error_json(id, XM_RPC_PARAMS, &e);
	result = m->call(c->control->daemon, params, &e);
	if (!result)
		return error_json(id, XM_RPC_REFUSED, &e);
	return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result);
}

/** Answers one request. */
static json_t *answer(struct client *c, json_t *request)
{
	json_t *id = json_object_get(request, "id"), *params = json_object_get(request, "params"), *empty, *reply;
	const char *name = json_string_value(json_object_get(request, "method"));
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const struct xm_method *m;

	if (!id || !(json_is_integer(id) || json_is_string(id)))
		id = json_null();
	if (!json_is_object(request) || !name || !version || strcmp(version, "2.0"))
		return refuse(id, XM_RPC_REQUEST, "request", NULL, "an object with jsonrpc \"2.0\", id, method, params",
			      "is not JSON-RPC 2.0");
	m = method_of(name);
	if (!m)
		return refuse(id, XM_RPC_METHOD, "method", name, NULL, "is unknown");
	if (params && !json_is_object(params))
		return refuse(id, XM_RPC_PARAMS, "params", NULL, "an object", "must be named");
	empty = json_object();
	reply = call(c, m, id, params ? params : empty);
	json_decref(empty);
	return reply;
}

/** A request without an id wants no answer, whatever becomes of it. */
static bool is_notification(const json_t *request)
{
	return json_is_string(json_object_get(request, "method")) && !json_object_get(request, "id");
}

static void take_line(struct client *c, const char *line, size_t len)
{
	json_error_t je;
	json_t *request, *reply;
	char limit[64];

	if (!len)
		return;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	if (!request) {
		snprintf(limit, sizeof(limit), "at byte %d", je.position);
		reply = refuse(json_null(), XM_RPC_JSON, "request", NULL, limit, "is not JSON");
	} else {
		reply = answer(c, request);
	}
	if (is_notification(request))
		json_decref(reply);
	else
		send_json(c, reply);
	json_decref(request);
}

/** Says so and reads no more: where the next request would begin is not known. */
static void too_long(struct client *c)
{
	char limit[64];

	c->ended = true;
	snprintf(limit, sizeof(limit), "at most %d bytes a line", XM_CONTROL_LINE_MAX);
	send_json(c, refuse(json_null(), XM_RPC_REQUEST, "request", NULL, limit, "is too long"));
}

static void room(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct client *c = h->data;

	(void)suggested;
	*buf = uv_buf_init(c->line + c->used, XM_CONTROL_LINE_MAX + 1 - c->used);
}

static void came(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = s->data;

	(void)buf;
	if (n < 0 && n != UV_EOF) {
		client_close(c);
		return;
	}
	c->ended = n == UV_EOF;
	c->used += n > 0 ? n : 0;
	go_on(c);
}

/** Answers what has come, while the client takes the answers. */
static void take_lines(struct client *c)
{
	size_t at = 0;
	char *end;

	while (waiting(c) <= XM_CONTROL_WAITING_MAX && (end = memchr(c->line + at, '\n', c->used - at))) {
		take_line(c, c->line + at, end - (c->line + at));
		at = end + 1 - c->line;
		uv_timer_again(&c->idle);
	}
	c->used -= at;
	memmove(c->line, c->line + at, c->used);
}

/** Goes on with a client after it sent or took something: it is read from while its answers do not pile up. */
static void go_on(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	uv_read_stop((uv_stream_t *)&c->pipe);
	take_lines(c);
	if (uv_is_closing((uv_handle_t *)&c->pipe) || waiting(c) > XM_CONTROL_WAITING_MAX)
		return;
	if (!c->ended && c->used > XM_CONTROL_LINE_MAX)
		too_long(c);
	else if (c->ended && !waiting(c))
		client_close(c);
	else if (!c->ended)
		uv_read_start((uv_stream_t *)&c->pipe, room, came);
}

static void idle(uv_timer_t *t)
{
	client_close(t->data);
}

/** Root, the daemon's own user, or a member of the socket's group. */
static bool may_write(const struct client *c)
{
	struct ucred peer = {};
	socklen_t len = sizeof(peer);
	gid_t groups[XM_GROUPS_MAX];
	int n = XM_GROUPS_MAX, fd;
	struct passwd *user;
	struct stat st;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	if (!peer.uid || peer.uid == geteuid())
		return true;
	if (stat(c->control->path, &st))
		return false;
	if (peer.gid == st.st_gid)
		return true;
	user = getpwuid(peer.uid);
	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == st.st_gid)
			return true;
	return false;
}

static void connected(uv_stream_t *s, int status)
{
	struct xm_control *control = s->data;
	struct client *c;

	if (status)
		return;
	c = calloc(1, sizeof(*c));
	if (c)
		c->line = malloc(XM_CONTROL_LINE_MAX + 1);
	if (!c || !c->line) {
		free(c);
		return;
	}
	c->control = control;
	c->open = 2;
	control->clients++;
	uv_pipe_init(s->loop, &c->pipe, 0);
	uv_timer_init(s->loop, &c->idle);
	c->pipe.data = c->idle.data = c;
	if (uv_accept(s, (uv_stream_t *)&c->pipe) || control->clients > XM_CONTROL_CLIENTS_MAX) {
		client_close(c);
		return;
	}
	c->writer = may_write(c);
	uv_timer_start(&c->idle, idle, XM_CONTROL_IDLE, XM_CONTROL_IDLE);
	uv_read_start((uv_stream_t *)&c->pipe, room, came);
}

/** Is somebody listening there? */
static bool answers(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	yes = fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to));
	if (fd >= 0)
		close(fd);
	return yes;
}

int xm_control_open(struct xm_control *c, struct xm_daemon *d, uv_loop_t *loop, const char *path, struct xm_err *e)
{
	struct stat st;
	int err;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return xm_fail_value(e, ENAMETOOLONG, "socket", path, "107 bytes", "has too long a path");
	xm_make_parents(path);
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return xm_fail_value(e, ENOTSOCK, "socket", path, NULL, "is no socket: choose another path");
	if (answers(path))
		return xm_fail_value(e, EADDRINUSE, "socket", path, NULL, "belongs to another running daemon");
	unlink(path);
	c->daemon = d;
	c->path = path;
	uv_pipe_init(loop, &c->pipe, 0);
	c->pipe.data = c;
	err = uv_pipe_bind(&c->pipe, path);
	if (!err)
		err = uv_listen((uv_stream_t *)&c->pipe, 16, connected);
	if (err)
		return xm_fail(e, -err, "socket %s: %s", path, uv_strerror(err));
	chmod(path, 0660);
	return 0;
}

void xm_control_close(struct xm_control *c)
{
	if (c->path)
		unlink(c->path);
	uv_close((uv_handle_t *)&c->pipe, NULL);
}
