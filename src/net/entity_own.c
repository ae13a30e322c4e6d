/* The id of this server, where the configuration gives it none. */
#include "net/entity_own.h"
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define BYTES 6

static bool of_interface(uint8_t mac[BYTES])
{
	static const uint8_t none[BYTES];
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		struct sockaddr_ll a;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_PACKET || (i->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(&a, i->ifa_addr, sizeof(a));
		found = a.sll_halen == BYTES && memcmp(a.sll_addr, none, BYTES) != 0;
		if (found)
			memcpy(mac, a.sll_addr, BYTES);
	}
	freeifaddrs(all);
	return found;
}

void entity_id_own(char out[ENTITY_ID + 1])
{
	uint8_t mac[BYTES] = { 0 };

	if (!of_interface(mac)) {
		(void)!getrandom(mac, sizeof(mac), GRND_NONBLOCK);
		mac[0] = (uint8_t)((mac[0] | 2) & ~1);  /* administered locally, of one station (IEEE 802) */
	}
	snprintf(out, ENTITY_ID + 1, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}
