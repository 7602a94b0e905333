/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define XM_CALL_MS 10000
#define XM_CALL_RETRY_MS 10	  /* while the daemon's queue of connections is full */
#define XM_REQUEST_MAX (1 << 20)  /* as the daemon takes */
#define XM_REPLY_MAX (64 << 20)	  /* more than any configuration's text */
#define XM_REPLY_FIRST (16 << 10) /* most replies fit */

struct call {
	int fd;
	long long deadline; /* ms */
	char *reply;	    /* owned */
	size_t len, room;
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/** Waits for an event till the deadline. 0, -ETIMEDOUT or -errno. */
static int wait_for(const struct call *k, short events)
{
	struct pollfd p = { .fd = k->fd, .events = events };

	for (;;) {
		long long left = k->deadline - now_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (!n)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int dial(struct call *k, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0)
		return -errno;
	while (connect(k->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now_ms() >= k->deadline)
			return -ETIMEDOUT;
		poll(NULL, 0, XM_CALL_RETRY_MS);
	}
	return 0;
}

static int send_all(const struct call *k, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(k->fd, text, len, MSG_NOSIGNAL);
		int err = n < 0 ? -errno : 0;

		if (err == -EAGAIN)
			err = wait_for(k, POLLOUT);
		if (err && err != -EINTR)
			return err;
		text += n > 0 ? n : 0;
		len -= n > 0 ? n : 0;
	}
	return 0;
}

/** Room for more of the reply, a zero at its end included. */
static int grow(struct call *k)
{
	size_t room = k->room ? k->room * 2 : XM_REPLY_FIRST;
	char *grown;

	if (k->len + 1 < k->room)
		return 0;
	if (room > XM_REPLY_MAX)
		return -EMSGSIZE;
	grown = realloc(k->reply, room);
	if (!grown)
		return -ENOMEM;
	k->reply = grown;
	k->room = room;
	return 0;
}

static int receive_line(struct call *k)
{
	for (;;) {
		int err = grow(k) ?: wait_for(k, POLLIN);
		ssize_t n;
		char *end;

		if (err)
			return err;
		n = recv(k->fd, k->reply + k->len, k->room - k->len - 1, 0);
		if (!n)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		end = memchr(k->reply + k->len, '\n', n);
		k->len += n;
		k->reply[k->len] = 0;
		if (end) {
			*end = 0;
			return 0;
		}
	}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int refused(struct xm_cli *c, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *message = text_of(error, "message");

	xm_fail(&c->e, EREMOTEIO, "%s", *message ? message : "the daemon refused, without a reason");
	snprintf(c->e.object, sizeof(c->e.object), "%s", text_of(data, "object"));
	snprintf(c->e.value, sizeof(c->e.value), "%s", text_of(data, "value"));
	snprintf(c->e.limit, sizeof(c->e.limit), "%s", text_of(data, "limit"));
	return -EREMOTEIO;
}

static int understand(struct xm_cli *c, const char *line, json_t **ret_result)
{
	json_t *reply = json_loads(line, 0, NULL), *error = json_object_get(reply, "error");
	json_t *result = json_object_get(reply, "result");
	int err = 0;

	if (error)
		err = refused(c, error);
	else if (!result)
		err = xm_fail(&c->e, EPROTO, "the daemon's answer makes no sense (%s)", c->socket);
	else
		*ret_result = json_incref(result);
	json_decref(reply);
	return err;
}

/** Nobody is there: before anything was sent. */
static int unreachable(struct xm_cli *c, enum xm_call_kind kind, int err)
{
	bool dead = err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR;

	return xm_fail(&c->e, ENOTCONN, "%s (%s: %s)%s", dead ? "the daemon is not running" : "cannot reach the daemon",
		       c->socket, strerror(-err), kind == XM_CALL_WRITES ? ": nothing was changed" : "");
}

/** Somebody was there, but no whole answer came. */
static int unanswered(struct xm_cli *c, enum xm_call_kind kind, int err)
{
	const char *doubt = kind == XM_CALL_WRITES ? ": whether it was done is not known" : "";

	if (err == -ETIMEDOUT)
		return xm_fail(&c->e, ETIMEDOUT, "the daemon has not answered within %d s (%s)%s", XM_CALL_MS / 1000,
			       c->socket, doubt);
	return xm_fail(&c->e, -err, "the daemon has not answered (%s: %s)%s", c->socket, strerror(-err), doubt);
}

static int exchange(struct xm_cli *c, enum xm_call_kind kind, const char *line, json_t **ret_result)
{
	struct call k = { .fd = -1, .deadline = now_ms() + XM_CALL_MS };
	int err = dial(&k, c->socket);

	if (err) {
		err = unreachable(c, kind, err);
	} else {
		err = send_all(&k, line, strlen(line)) ?: receive_line(&k);
		err = err ? unanswered(c, kind, err) : understand(c, k.reply, ret_result);
	}
	if (k.fd >= 0)
		close(k.fd);
	free(k.reply);
	return err;
}

int xm_call(struct xm_cli *c, enum xm_call_kind kind, const char *method, json_t *params, json_t **ret_result)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method, "params",
				    params ? params : json_object());
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *line = NULL;
	int err;

	json_decref(request);
	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		err = xm_fail(&c->e, ENOMEM, "out of memory");
	} else if (strlen(line) > XM_REQUEST_MAX) {
		err = xm_fail_value(&c->e, E2BIG, "request", method, "1 MiB", "is too long");
	} else {
		err = exchange(c, kind, line, ret_result);
	}
	free(text);
	free(line);
	return err;
}

int xm_call_print(struct xm_cli *c, const char *method, json_t *params, xm_text *text)
{
	json_t *result;

	if (xm_call(c, XM_CALL_WRITES, method, params, &result))
		return XM_EXIT_FAILED;
	return xm_print(c, result, text);
}

void xm_text_generation(FILE *f, const json_t *result)
{
	fprintf(f, "generation %lld\n", (long long)json_integer_value(json_object_get(result, "generation")));
}
