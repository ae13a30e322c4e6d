/* service/common/sip_log.h -- which SIP messages are shown in the log or kept in a file:
 * `pjsip set logger` and debug= of [global]. As in Asterisk, what was said at the console
 * counts until the program ends, whatever a reload brings. Threads: core. */
#ifndef SERVICE_COMMON_SIP_LOG_H
#define SERVICE_COMMON_SIP_LOG_H

#include "base/list.h"
#include "base/text.h"
#include "net/acl.h"
#include "net/path.h"

struct dns;

enum { SIP_LOG_HOSTS = 64, SIP_LOG_METHODS = 32 };

/* Zeroed and given to sip_log_start(): nothing is shown. */
struct sip_log {
	bool on, all, quiet;            /* quiet: only into the file */
	bool by_console;                /* a command decided: debug= does not */
	struct netmask host[SIP_LOG_HOSTS];
	size_t hosts;
	struct text method[SIP_LOG_METHODS];
	size_t methods;
	struct list names;              /* struct sip_log_name: host names being looked up */
	int fd;                         /* the pcap file; -1: none */
};

void sip_log_start(struct sip_log *l);
void sip_log_stop(struct sip_log *l);
/* debug= of a configuration that comes into force: yes, no, or a host or network. */
void sip_log_configure(struct sip_log *l, struct dns *dns, struct str debug);
/* A message; `sent`: of ours. */
void sip_log_message(struct sip_log *l, bool sent, const struct net_path *path, struct str bytes);

/* What a command says; each makes the log the console's. */
void sip_log_all(struct sip_log *l);
void sip_log_off(struct sip_log *l);    /* forgets hosts, methods and the file */
/* Address, network or host name; `add`: to those of before. A name counts once it is looked up, with
 * all its addresses. EINVAL: none of these; ENOSPC: there are too many; ENOMEM. */
int sip_log_host(struct sip_log *l, struct dns *dns, struct str host, bool add);
/* EEXIST: is there already; ENOSPC, ENOMEM. */
int sip_log_method(struct sip_log *l, struct str method, bool add);
/* Messages go into a new file of that name, too. Else the error of open(). */
int sip_log_pcap(struct sip_log *l, const char *path);
void sip_log_verbose(struct sip_log *l, bool on);

#endif
