/* service/service.h -- what pjsip.conf describes, at work: the object that all
 * of service/ gets passed, and the way of a request through it:
 *
 *   sip_stack -> dispatch -> identify -> authenticate -> handler(identity)
 *
 * Threads: core, but for service_load() which says so. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "config/report.h"
#include "service/common/service.h"

struct service_prm {
	struct loop *loop;
	unsigned io_threads;
	uint32_t stranger_rate;         /* net_limits.stranger_rate */
	struct share_limits shares;
	struct pbx *pbx;
	struct media *media;
	struct contact_store *contacts;
	struct subscription_store *kept;        /* NULL: subscriptions end with the process */
	struct publication_store *kept_publications;    /* NULL: publications do */
	struct dns *dns;
	struct snapshot *conf;
	bool no_t38;                    /* no faxes over T.38 */
	bool no_srtp;                   /* media is never encrypted; who requires that gets no call */
	const char *bind;               /* address in place of each transport's own; NULL */
	struct str data_dir;            /* where static-http is; copied */
	/* Loop tests: in place of sockets. NULL: net/. */
	int (*send)(void *arg, struct net_path *path, struct net_bytes *bytes);
	void *send_arg;
};
/* Opens the transports (faults into `r`, one line each), loads contacts,
 * registers PJSIP with the pbx. */
int service_new(struct service **out, const struct service_prm *prm, struct report *r);
void service_free(struct service *svc);
/* After a reload: objects change, calls and registrations stay. */
void service_set_conf(struct service *svc, struct snapshot *conf, struct report *r);
/* A message in a loop test. */
void service_inject(struct service *svc, struct sip_msg *msg);
/* A connection is closed: the net tells it, or a loop test. */
void service_closed(struct service *svc, uint64_t conn);
/* No new work; BYE and unregister what is there. Done when nothing is left. */
void service_stop(struct service *svc);
bool service_stopped(const struct service *svc);    /* nothing of it waits for an answer */
/* service_stop() was a mistake. */
void service_resume(struct service *svc);

#endif
