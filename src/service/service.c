/* The service as a whole: its start, reload, stop and end, and what the network hands it. */
#define LOG_MODULE "service"
#include "service/place/endpoint_state.h"
#include "service/service.h"
#include "base/bucket.h"
#include "base/log.h"
#include "service/trust/authenticate.h"
#include "service/call/channel_tech.h"
#include "service/call/codecs.h"
#include "service/dispatch.h"
#include "service/functions.h"
#include "service/common/hash_openssl.h"
#include "service/common/ice.h"
#include "service/common/media_names.h"
#include "service/trust/identify.h"
#include "service/place/location.h"
#include "service/place/stats.h"
#include "service/common/lookup.h"
#include "service/geoloc/geoloc.h"
#include "service/message/message.h"
#include "service/message/notify.h"
#include "service/event/compositor.h"
#include "service/event/keep_publication.h"
#include "service/event/upstream.h"
#include "service/outbound/outbound.h"
#include "service/call/session.h"
#include "service/event/subscription.h"
#include "service/stir/stir.h"
#include "store/publication.h"
#include "store/subscription.h"
#include "service/common/transport_web.h"
#include "service/common/transports.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define REASONS 8192    /* remembered for `pjsip explain`: 850 KB when all are there */

static int net_frame(void *arg, struct str data, size_t *len)
{
	(void)arg;
	return sip_msg_frame(data, len);
}

/* Io thread: touches only its arguments. */
static void *net_parse(void *arg, const struct net_path *from, struct str bytes)
{
	struct sip_msg *msg;

	(void)arg;
	if (sip_msg_parse(&msg, bytes, net_keeps_bounds(from->proto)))
		return NULL;
	msg->from_path = *from;
	return msg;
}

static bool net_begins(void *arg, struct str bytes)
{
	(void)arg;
	return sip_msg_begins(bytes);
}

static void net_recv(void *arg, const struct net_path *from, void *msg)
{
	struct service *svc = arg;

	(void)from;
	service_inject(svc, msg);
}

void service_inject(struct service *svc, struct sip_msg *msg)
{
	msg->recv_us = clock_us(svc->clock);
	sip_stack_recv(svc->sip, msg);
}

void service_closed(struct service *svc, uint64_t conn)
{
	if (!conn)
		return;
	outbound_closed(svc, conn);
	locations_closed(svc, conn);
	subscriptions_closed(svc, conn);
}

static void net_closed(void *arg, const struct net_path *path, int err)
{
	struct service *svc = arg;

	web_closed(svc->web, path);
	service_closed(svc, path->conn);
	log_debug(2, "connection %llu closed: %s", (unsigned long long)path->conn, strerror(err));
}

static void net_failed(void *arg, const struct net_path *path, struct net_bytes *bytes, int err)
{
	struct service *svc = arg;

	sip_stack_send_failed(svc->sip, path, bytes, err);
}

static void net_opened(void *arg, const struct net_path *path)
{
	web_opened(((struct service *)arg)->web, path);
}

static void net_request(void *arg, const struct net_path *path, struct http_request *r)
{
	web_request(((struct service *)arg)->web, path, r);
}

static void net_room(void *arg, uint64_t conn)
{
	web_room(((struct service *)arg)->web, conn);
}

static int send_bytes(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	struct service *svc = arg;

	return svc->wire.send ? svc->wire.send(svc->wire.arg, path, bytes) : net_send(svc->net, path, bytes);
}

static void faulty(void *arg, const struct sip_msg *msg)
{
	struct service *svc = arg;

	reason_add(svc->reasons, REASON_PARSE, REASON_REFUSED, msg->fault, STR_NULL, &msg->from_path.peer, "%.*s: %s",
		   STR_ARG(msg->method_name), msg->fault_reason);
}

static void proven(void *arg, const struct net_path *from)
{
	service_trust(arg, &from->peer);
}

static void trace(void *arg, bool sent, const struct net_path *path, struct str bytes)
{
	struct service *svc = arg;

	sip_log_message(&svc->wire.log, sent, path, bytes);
	if (svc->wire.history.on)
		sip_history_add(&svc->wire.history, sent, path, bytes, clock_wall_s(svc->clock));
}

/* keep_alive_interval: two line ends, which peers take for nothing and NAT for traffic. */
static void send_keep_alives(void *arg)
{
	struct service *svc = arg;
	uint32_t every = svc->conf->global->keep_alive_interval;
	struct net_bytes *ping;

	if (!every || !svc->net)
		return;
	ping = net_bytes_new(STR("\r\n\r\n"));
	if (ping)
		net_send_streams(svc->net, ping);
	obj_drop(ping);
	timer_start(svc->wheel, &svc->transports.keep_alive, (uint64_t)every * 1000, send_keep_alives, svc);
}

static void start_keep_alives(struct service *svc)
{
	uint32_t every = svc->conf->global->keep_alive_interval;

	timer_stop(&svc->transports.keep_alive);
	if (every)
		timer_start(svc->wheel, &svc->transports.keep_alive, (uint64_t)every * 1000, send_keep_alives, svc);
}

static int start_net(struct service *svc, const struct service_prm *prm)
{
	struct net_handlers h = { .arg = svc, .frame = net_frame, .parse = net_parse, .begins = net_begins, .recv = net_recv,
		.closed = net_closed, .failed = net_failed, .opened = net_opened, .request = net_request, .room = net_room };
	struct net_limits limits = { .stranger_rate = prm->stranger_rate };

	svc->net = net_new(svc->loop, prm->io_threads, &h, &limits);
	return svc->net ? 0 : ENOMEM;
}

static void settled(void *arg, void *account)
{
	(void)arg;
	shares_settled(account);
}

static struct str own_headers(void *arg)
{
	return service_server_header(arg);
}

static int start_sip(struct service *svc, const struct service_prm *prm)
{
	const struct share_limits *l = &prm->shares;
	struct sip_stack_prm sp = { .wheel = svc->wheel, .t1_ms = svc->conf->system->timer_t1,
		.timer_b_ms = svc->conf->system->timer_b, .request = dispatch_request, .faulty = faulty, .proven = proven,
		.trace = trace, .arg = svc, .send = send_bytes, .settled = settled, .headers = own_headers, .max_tx = l->transactions,
		.max_tx_per_source = l->transactions_per_address, .max_share = l->percent,
		.finished_bytes = l->transaction_bytes, .compact = svc->conf->system->compact_headers };

	svc->wire.send = prm->send;
	svc->wire.arg = prm->send_arg;
	return sip_stack_new(&svc->sip, &sp);
}

static int set_names(struct service *svc)
{
	const struct global_conf *g = svc->conf->global;
	char host[256] = "localhost";
	int err = text_set(&svc->names.user_agent, g->user_agent);

	gethostname(host, sizeof(host) - 1);
	if (!err)
		err = g->user_agent.n ? text_printf(&svc->names.server_line, "Server: %.*s\r\n", STR_ARG(g->user_agent)) :
		      text_set(&svc->names.server_line, STR_NULL);
	return err ? err : text_set(&svc->names.server_id, str_z(host));
}

/* What every room needs, and what needs nothing of them. */
static int make_common(struct service *svc, const struct service_prm *prm)
{
	svc->loop = prm->loop;
	svc->wheel = prm->pbx->wheel;
	svc->clock = prm->pbx->clock;
	svc->pbx = prm->pbx;
	svc->pbx->service = svc;
	svc->media = prm->media;
	svc->calls.no_srtp = prm->no_srtp;
	svc->calls.no_t38 = prm->no_t38;
	svc->contacts = prm->contacts;
	svc->kept = prm->kept;
	svc->kept_publications = prm->kept_publications;
	svc->resolver.dns = prm->dns;
	svc->resolver.lookup = lookup_over_dns(svc->resolver.dns);
	svc->conf = obj_hold(prm->conf);
	svc->transports.bind = prm->bind;
	codecs_set_conf(svc, NULL);
	list_init(&svc->calls.all);
	list_init(&svc->contact_observers);
	list_init(&svc->ua.requests);
	svc->reasons = reasons_new(svc->clock, REASONS);
	svc->shares = shares_new(&prm->shares);
	svc->endpoint_states = map_new(false);
	svc->guard.maintenance = map_new_ordered();
	svc->digest = digest_openssl_new(svc->clock);
	svc->guard.guesses = buckets_new(GUESSERS, GUESSES, GUESS_EVERY_US);
	svc->guard.told = buckets_new(GUESSERS, 1, TELL_EVERY_US);
	return svc->reasons && svc->shares && svc->endpoint_states && svc->guard.maintenance && svc->digest &&
	       svc->guard.guesses && svc->guard.told ? 0 : ENOMEM;
}

/* In this order: a device's state is asked for when the technology is there, at once when
 * it cannot be later, and looks for contacts. */
static int start_rooms(struct service *svc)
{
	int err;

	endpoint_stats_set_conf(svc, NULL, svc->conf);
	err = locations_start(svc);

	err = err ? err : channel_tech_register(svc->pbx);
	err = err ? err : functions_register(svc->pbx);
	err = err ? err : messages_start(svc);
	err = err ? err : subscriptions_start(svc);
	err = err ? err : outbound_start(svc);
	err = err ? err : compositor_start(svc);
	err = err ? err : taken_restore(svc);
	err = err ? err : subscriptions_restore(svc);
	err = err ? err : publications_start(svc);
	return err ? err : upstreams_start(svc);
}

int service_new(struct service **out, const struct service_prm *prm, struct report *r)
{
	struct service *svc = calloc(1, sizeof(*svc));
	int err;

	if (!svc)
		return ENOMEM;
	sip_log_start(&svc->wire.log);
	sip_history_start(&svc->wire.history);
	err = make_common(svc, prm);
	err = err ? err : authenticate_set_conf(svc, svc->conf);
	err = err ? err : set_names(svc);
	if (!err && !prm->send)
		err = start_net(svc, prm);
	err = err ? err : start_sip(svc, prm);
	if (!err) {
		service_ua_start(svc);
		err = svc->net ? service_web_start(svc, prm->data_dir, r) : 0;
	}
	if (!err) {
		sip_log_configure(&svc->wire.log, svc->resolver.dns, svc->conf->global->debug);
		transports_open(svc, r);
		err = start_rooms(svc);
	}
	if (err) {
		service_free(svc);
		return err;
	}
	identify_resolve_hosts(svc);
	media_names_reload(svc);
	start_keep_alives(svc);
	session_secure_prepare(svc);
	service_debug_start(svc);
	svc->state = SERVICE_RUNNING;
	*out = svc;
	return 0;
}

void service_set_conf(struct service *svc, struct snapshot *conf, struct report *r)
{
	struct snapshot *old = svc->conf;

	if (authenticate_set_conf(svc, conf))
		log_error("out of memory: unidentified_request_count stays as it was");
	svc->conf = obj_hold(conf);
	endpoint_stats_set_conf(svc, old, conf);
	set_names(svc);
	if (svc->web)
		web_set_conf(svc->web, conf->http, conf, r);
	transports_reload(svc, r);
	start_keep_alives(svc);
	session_secure_prepare(svc);
	locations_reload(svc);
	outbound_reload(svc);
	subscriptions_reload(svc);
	publications_reload(svc);
	compositor_reload(svc);
	upstreams_reload(svc);
	identify_resolve_hosts(svc);
	media_names_reload(svc);
	sip_log_configure(&svc->wire.log, svc->resolver.dns, conf->global->debug);
	obj_drop(old);
}

void service_stop(struct service *svc)
{
	svc->state = SERVICE_STOPPING;
	outbound_stop(svc);
	publications_stop(svc);
	upstreams_stop(svc);
}

bool service_stopped(const struct service *svc)
{
	return !outbound_busy(svc) && !publications_busy(svc) && !upstreams_busy(svc);
}

void service_resume(struct service *svc)
{
	svc->state = SERVICE_RUNNING;
	outbound_resume(svc);
	publications_resume(svc);
	upstreams_resume(svc);
}

static void free_states(struct service *svc)
{
	struct endpoint_state *s;

	for (size_t it = 0; svc->endpoint_states && (s = map_next(svc->endpoint_states, &it)); ) {
		text_free(&s->name);
		free(s);
	}
	map_free(svc->endpoint_states);
}

void service_free(struct service *svc)
{
	if (!svc)
		return;
	service_debug_stop(svc);
	sip_log_stop(&svc->wire.log);
	sip_history_clear(&svc->wire.history);
	overload_stop(&svc->overload);
	identify_forget_hosts(svc);
	service_ice_free(svc);
	media_names_free(svc);
	outbound_free(svc);
	publications_free(svc);
	upstreams_free(svc);
	compositor_free(svc);
	if (svc->locations)
		endpoint_stats_set_conf(svc, svc->conf, NULL);
	messages_free(svc);
	subscriptions_free(svc);
	if (svc->kept)
		subscription_store_end(svc->kept);
	if (svc->kept_publications)
		publication_store_end(svc->kept_publications);
	notify_free(svc);
	geoloc_free(svc);
	locations_stop(svc);
	timer_stop(&svc->transports.keep_alive);
	ua_invites_abandon(&svc->ua);
	ua_requests_abandon(&svc->ua);
	stir_free(svc);
	web_stop(svc->web);
	svc->web = NULL;
	if (svc->net)
		net_close(svc->net);
	sip_stack_free(svc->sip);
	transports_close(svc);
	free_states(svc);
	session_secrets_free(svc);
	map_free(svc->guard.maintenance);
	reasons_free(svc->reasons);
	shares_free(svc->shares);
	obj_drop(svc->digest);
	obj_drop(svc->guard.guesses);
	obj_drop(svc->guard.challenged);
	obj_drop(svc->guard.told);
	obj_drop(svc->conf);
	text_free(&svc->names.user_agent);
	text_free(&svc->names.server_id);
	text_free(&svc->names.server_line);
	if (svc->pbx->service == svc)
		svc->pbx->service = NULL;
	free(svc);
}
