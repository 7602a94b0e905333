/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses in text: 10.0.2.1, fd02::1, 10.0.2.1:8080, [fd02::1]:8080. */
#pragma once

#include <stddef.h>
#include <xdpmesh/types.h>

#define XM_ADDR_TEXT 64 /* room for any address, port and brackets */

/** An IPv4 or IPv6 address. 0 or -EINVAL. */
int xm_addr_parse(const char *text, struct xm_addr *ret_addr);

/** An address with a port (network byte order, 1..65535). 0 or -EINVAL. */
int xm_endpoint_parse(const char *text, struct xm_addr *ret_addr, __u16 *ret_be_port);

/** The text of an address, in a buffer of XM_ADDR_TEXT bytes. Returns buf. */
const char *xm_addr_text(struct xm_addr a, char *buf);
const char *xm_endpoint_text(struct xm_addr a, __u16 be_port, char *buf);

/** Order for sorted output: 4-byte addresses first, then by value. As memcmp(). */
int xm_addr_cmp(struct xm_addr a, struct xm_addr b);
