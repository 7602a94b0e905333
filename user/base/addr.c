/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xm_addr_parse(const char *text, struct xm_addr *ret_addr)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1) {
		*ret_addr = xm_addr_of_v4(four.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) != 1)
		return -EINVAL;
	memcpy(ret_addr, &six, sizeof(six));
	return 0;
}

static int port_parse(const char *text, __u16 *ret_be_port)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port < 1 || port > 65535)
		return -EINVAL;
	*ret_be_port = htons(port);
	return 0;
}

int xm_endpoint_parse(const char *text, struct xm_addr *ret_addr, __u16 *ret_be_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[XM_ADDR_TEXT];
	struct xm_addr addr;

	if (!colon || !len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = 0;
	if (host[0] == '[') {
		if (host[len - 1] != ']')
			return -EINVAL;
		host[len - 1] = 0;
		memmove(host, host + 1, len - 1);
		if (!strchr(host, ':'))
			return -EINVAL;
	} else if (strchr(host, ':')) {
		return -EINVAL;
	}
	if (xm_addr_parse(host, &addr) || port_parse(colon + 1, ret_be_port))
		return -EINVAL;
	*ret_addr = addr;
	return 0;
}

const char *xm_addr_text(struct xm_addr a, char *buf)
{
	__u32 four = xm_addr_v4(a);

	if (xm_addr_is_v4(a))
		inet_ntop(AF_INET, &four, buf, XM_ADDR_TEXT);
	else
		inet_ntop(AF_INET6, &a, buf, XM_ADDR_TEXT);
	return buf;
}

const char *xm_endpoint_text(struct xm_addr a, __u16 be_port, char *buf)
{
	char host[XM_ADDR_TEXT];

	xm_addr_text(a, host);
	snprintf(buf, XM_ADDR_TEXT, xm_addr_is_v4(a) ? "%.45s:%u" : "[%.45s]:%u", host, ntohs(be_port));
	return buf;
}

int xm_addr_cmp(struct xm_addr a, struct xm_addr b)
{
	int four = xm_addr_is_v4(b) - xm_addr_is_v4(a);

	return four ? four : memcmp(&a, &b, sizeof(a));
}
