/* SPDX-License-Identifier: BSD-2-Clause */
#include "route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define XM_NETLINK_BUF 32768
#define XM_EVENT_ALL (XM_EVENT_NEIGH | XM_EVENT_ROUTE | XM_EVENT_LINK)
#define XM_VALID (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static int open_ask(struct xm_route *r)
{
	r->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	return !r->ask || mnl_socket_bind(r->ask, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static int open_events(struct xm_route *r)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_LINK | RTMGRP_IPV4_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return -errno;
	}
	r->events = s;
	return 0;
}

int xm_route_open(struct xm_route *ret, struct xm_err *e)
{
	struct xm_route r = { .seq = time(NULL) };

	if (open_ask(&r) || open_events(&r)) {
		int err = xm_fail(e, errno, "netlink: %s", strerror(errno));

		xm_route_close(&r);
		return err;
	}
	*ret = r;
	return 0;
}

void xm_route_close(struct xm_route *r)
{
	if (r->ask)
		mnl_socket_close(r->ask);
	if (r->events)
		mnl_socket_close(r->events);
	r->ask = r->events = NULL;
}

int xm_route_fd(const struct xm_route *r)
{
	return mnl_socket_get_fd(r->events);
}

static int event_kind(const struct nlmsghdr *h, void *data)
{
	int *kinds = data;

	switch (h->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		*kinds |= XM_EVENT_NEIGH;
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		*kinds |= XM_EVENT_LINK | XM_EVENT_ROUTE;
		break;
	default:
		*kinds |= XM_EVENT_ROUTE;
	}
	return MNL_CB_OK;
}

int xm_route_events(struct xm_route *r)
{
	char buf[XM_NETLINK_BUF];
	int kinds = 0;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(r->events, buf, sizeof(buf));

		if (n > 0) {
			mnl_cb_run(buf, n, 0, 0, event_kind, &kinds);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return kinds;
		if (n < 0 && errno == ENOBUFS) {
			kinds = XM_EVENT_ALL;
			continue;
		}
		/* broken: a new socket, and everything is looked at again */
		mnl_socket_close(r->events);
		r->events = NULL;
		open_events(r);
		return XM_EVENT_ALL | XM_EVENT_REOPENED;
	}
}

static int ask_once(struct xm_route *r, struct nlmsghdr *h, mnl_cb_t cb, void *data)
{
	unsigned int port = mnl_socket_get_portid(r->ask);
	char buf[XM_NETLINK_BUF];
	int more = 1;

	h->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->ask, h, h->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(r->ask, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		more = mnl_cb_run(buf, n, h->nlmsg_seq, port, cb, data);
		if (more < 0)
			return -errno;
		if (!(h->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK)))
			break;
	}
	return 0;
}

/** Sends one request and runs cb over the answers. After a failure no rest of an answer may meet the next question. 0 or -errno. */
static int ask(struct xm_route *r, struct nlmsghdr *h, mnl_cb_t cb, void *data)
{
	int err = r->ask ? ask_once(r, h, cb, data) : open_ask(r);

	if (!err)
		return 0;
	if (r->ask)
		mnl_socket_close(r->ask);
	r->ask = NULL;
	open_ask(r);
	return err;
}

static struct xm_addr v4_attr(const struct nlattr *a)
{
	return xm_addr_of_v4(mnl_attr_get_u32(a));
}

static int read_route(const struct nlmsghdr *h, void *data)
{
	struct xm_route_answer *ret = data;
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	ret->local = m->rtm_type == RTN_LOCAL;
	mnl_attr_for_each(a, h, sizeof(*m)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			ret->ifindex = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			ret->via = v4_attr(a);
	}
	return MNL_CB_OK;
}

int xm_route_get(struct xm_route *r, struct xm_addr to, struct xm_route_answer *ret)
{
	char buf[256] = {};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct xm_route_answer answer = { .via = to };
	int err;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	m->rtm_family = AF_INET;
	m->rtm_dst_len = 32;
	mnl_attr_put_u32(h, RTA_DST, xm_addr_v4(to));
	err = ask(r, h, read_route, &answer);
	if (!err)
		*ret = answer;
	return err;
}

struct neigh_list {
	struct xm_neigh *all;
	int n, room;
};

static int read_neigh(const struct nlmsghdr *h, void *data)
{
	struct neigh_list *list = data;
	const struct ndmsg *m = mnl_nlmsg_get_payload(h);
	struct xm_neigh is = { .ifindex = m->ndm_ifindex, .valid = m->ndm_state & XM_VALID };
	struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWNEIGH || m->ndm_family != AF_INET)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m)) {
		if (mnl_attr_get_type(a) == NDA_DST)
			is.addr = v4_attr(a);
		if (mnl_attr_get_type(a) == NDA_LLADDR && mnl_attr_get_payload_len(a) == 6)
			memcpy(&is.mac, mnl_attr_get_payload(a), 6);
	}
	if (list->n == list->room) {
		struct xm_neigh *grown = realloc(list->all, (list->room * 2 + 64) * sizeof(*grown));

		if (!grown)
			return MNL_CB_ERROR;
		list->all = grown;
		list->room = list->room * 2 + 64;
	}
	is.valid = is.valid && is.mac;
	list->all[list->n++] = is;
	return MNL_CB_OK;
}

int xm_neigh_dump(struct xm_route *r, struct xm_neigh **ret)
{
	char buf[256] = {};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct neigh_list list = {};
	int err;

	h->nlmsg_type = RTM_GETNEIGH;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m->ndm_family = AF_INET;
	err = ask(r, h, read_neigh, &list);
	if (err) {
		free(list.all);
		return err;
	}
	*ret = list.all;
	return list.n;
}

static int neigh_put(struct xm_route *r, __u32 ifindex, struct xm_addr addr, bool managed)
{
	char buf[256] = {};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	h->nlmsg_type = RTM_NEWNEIGH;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	m->ndm_family = AF_INET;
	m->ndm_ifindex = ifindex;
	m->ndm_state = NUD_NONE;
	m->ndm_flags = NTF_USE;
	mnl_attr_put_u32(h, NDA_DST, xm_addr_v4(addr));
	if (managed)
		mnl_attr_put_u32(h, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	return ask(r, h, NULL, NULL);
}

int xm_neigh_manage(struct xm_route *r, __u32 ifindex, struct xm_addr addr)
{
	int err = neigh_put(r, ifindex, addr, true);

	return err == -EINVAL || err == -EOPNOTSUPP ? neigh_put(r, ifindex, addr, false) : err;
}
