/* service/common/sip_pcap.h -- a file of SIP messages that Wireshark and tcpdump read. Each message is one
 * UDP packet in an Ethernet frame, by whatever it came. Threads: any, one a file; it blocks for one write(2). */
#ifndef SERVICE_COMMON_SIP_PCAP_H
#define SERVICE_COMMON_SIP_PCAP_H

#include "net/path.h"

/* Makes the file anew, with its head. Else the error of open() or write(). */
int sip_pcap_open(int *fd, const char *path);
/* One record; the error of write(), which is in errno too. */
int sip_pcap_write(int fd, bool sent, const struct net_path *path, struct str bytes);

#endif
