/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device table. A record is immutable: a device whose MAC or MTU changes gets a new one, next hops are re-aimed at it, and
 * the old one stays as it is for packets and client hops that still name it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach.h"

static int read_device(const char *name, struct xm_dev *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq r = {};

	if (fd < 0)
		return -errno;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = if_nametoindex(name);
	strncpy(r.ifr_name, name, sizeof(r.ifr_name) - 1);
	if (!ret->ifindex || ioctl(fd, SIOCGIFMTU, &r))
		err = -ENODEV;
	ret->mtu = r.ifr_mtu;
	if (!err && ioctl(fd, SIOCGIFHWADDR, &r))
		err = -errno;
	memcpy(ret->mac, r.ifr_hwaddr.sa_data, 6);
	if (!err && r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		ret->mtu = 0; /* no Ethernet: nothing may be sent on it by us */
	close(fd);
	return err;
}

__u32 xm_dev_find(const struct xm_plane *p, __u32 ifindex)
{
	for (__u32 i = 1; ifindex && i < XM_DEVS; i++)
		if (p->devs[i].ifindex == ifindex && !p->devs[i].old)
			return i;
	return 0;
}

/** May a packet still come to this record? By a next hop of either side, or as it is a device's own. */
static bool in_use(const struct xm_plane *p, __u32 index)
{
	char name[IF_NAMESIZE];

	if (!p->devs[index].ifindex)
		return false;
	if (!p->devs[index].old && if_indextoname(p->devs[index].ifindex, name))
		return true;
	for (__u32 i = 1; i < XM_HOPS; i++)
		if (p->hops[i] && xm_hop_dev(p->hops[i]) == index)
			return true;
	for (__u32 i = 1; i < XM_CLIENT_HOPS; i++)
		if (p->client_hops[i] && xm_hop_dev(p->client_hops[i]) == index)
			return true;
	return false;
}

/** A record that no packet comes to, 0 if there is none. */
static __u32 free_record(const struct xm_plane *p)
{
	for (__u32 i = 1; i < XM_DEVS; i++)
		if (!in_use(p, i)) {
			if (p->devs[i].ifindex)
				xm_grace();
			return i;
		}
	return 0;
}

int xm_dev_enter(struct xm_plane *p, const char *dev, bool sends)
{
	struct xm_dev is = {};
	__u32 index, ifindex, fresh;
	int err = read_device(dev, &is);

	if (err)
		return err;
	is.sends = sends && is.mtu;
	ifindex = is.ifindex;
	index = xm_dev_find(p, ifindex);
	/* one that was detached or attached otherwise is the same record: this word alone may change */
	if (index && p->devs[index].mtu == is.mtu && !memcmp(p->devs[index].mac, is.mac, sizeof(is.mac))) {
		p->devs[index].sends = is.sends;
	} else {
		fresh = free_record(p);
		if (!fresh)
			return -ENOSPC;
		p->devs[fresh] = is;
		if (index)
			p->devs[index].old = 1;
		index = fresh;
	}
	if (bpf_map_update_elem(p->dev_index, &ifindex, &index, BPF_ANY))
		return -errno;
	return index;
}
