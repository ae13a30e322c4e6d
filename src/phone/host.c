/* The host over real sockets: its life, its loop, and what the core asks for besides connections:
 * time and hashes. */
#define LOG_MODULE "host"
#include "phone/host_private.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/route.h"
#include "sip/message.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

struct sidetone_timer {
	struct timer timer;
	struct list link;
	void (*fn)(void *arg);
	void *arg;
};

/* ---- log lines ------------------------------------------------------------------------------------ */

static void pass_line(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	static const int levels[LOG_LEVELS] = { [LOG_ERROR] = 0, [LOG_WARNING] = 1, [LOG_NOTICE] = 2, [LOG_VERBOSE] = 2,
		[LOG_DEBUG] = 3, [LOG_SECURITY] = 1, [LOG_DTMF] = 3 };
	struct sidetone_loop *h = arg;
	char *z = str_dup(line);

	(void)verbosity;
	if (z)
		h->log(h->log_arg, levels[level], module, z);
	free(z);
}

/* A library says nothing on standard error by itself; what another loop has asked for goes on. */
static void set_log(struct sidetone_loop *h)
{
	if (h->log) {
		log_set_sink(pass_line, h);
		log_set_mask((1u << LOG_LEVELS) - 1);
		log_set_debug(1);
	} else if (log_sink_is(NULL, NULL)) {
		log_set_mask(0);
	}
}

static void forget_log(const struct sidetone_loop *h)
{
	if (!log_sink_is(pass_line, h))
		return;
	log_set_sink(NULL, NULL);
	log_set_mask(0);
	log_set_debug(0);
}

/* ---- what the core asks for ------------------------------------------------------------------------ */

static uint64_t now_us(void *arg)
{
	return clock_us(loop_clock(((struct sidetone_loop *)arg)->loop));
}

static int64_t wall_us(void *arg)
{
	return clock_wall_us(loop_clock(((struct sidetone_loop *)arg)->loop));
}

static void run_core(void *arg)
{
	sidetone_core_run(((struct sidetone_loop *)arg)->core);
}

static void wake(void *arg, uint64_t ms)
{
	struct sidetone_loop *h = arg;

	if (ms == UINT64_MAX)
		timer_stop(&h->wake);
	else
		timer_start(loop_wheel(h->loop), &h->wake, ms, run_core, h);
}

static int hash(void *arg, enum sidetone_hash a, const void *bytes, size_t n, uint8_t out[32])
{
	struct sidetone_loop *h = arg;
	unsigned len = a == SIDETONE_MD5 ? 16 : 32;
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned got = 0;

	if ((unsigned)a >= ARRAY_LEN(h->md) || !h->md[a] || EVP_Digest(bytes, n, sum, &got, h->md[a], NULL) != 1 || got != len)
		return ENOTSUP;
	memcpy(out, sum, len);
	return 0;
}

/* ---- names ---------------------------------------------------------------------------------------- */

static int start_query(void *arg, struct str name, enum dns_type t, dns_fn *fn, void *fn_arg, struct dns_query **query)
{
	struct sidetone_loop *h = arg;
	struct str server = text_view(&h->nameserver);
	struct dns_prm prm = { .hosts = STR("system"), .resolv = server.n ? STR_NULL : STR("system"), .nameserver = &server,
		.nameservers = server.n != 0 };
	int err = h->dns ? 0 : dns_new(&h->dns, h->loop, &prm);

	return err ? err : dns_lookup(h->dns, name, t, fn, fn_arg, query);
}

static bool has_route(void *arg, const struct sa *peer)
{
	struct sa from;

	(void)arg;
	return sa_source_for(peer, &from) == 0;
}

static void cancel_query(void *arg, struct dns_query *query)
{
	(void)arg;
	dns_cancel(query);
}

/* ---- sockets -------------------------------------------------------------------------------------- */

static int frame(void *arg, struct str data, size_t *len)
{
	(void)arg;
	return sip_msg_frame(data, len);
}

/* The core reads for itself; what cannot be cut into messages is none. */
static void *copy_message(void *arg, const struct net_path *from, struct str bytes)
{
	size_t len;

	(void)arg;
	if (!net_keeps_bounds(from->proto) && (sip_msg_frame(bytes, &len) || len < bytes.n))
		return NULL;
	return net_bytes_new(bytes);
}

/* ---- life ----------------------------------------------------------------------------------------- */

static int take_options(struct sidetone_loop *h, const struct sidetone_loop_options *o, struct buf *why)
{
	int err = text_set(&h->ca_list_file, str_z(o->ca_list_file));

	err = err ? err : text_set(&h->ca_list_path, str_z(o->ca_list_path));
	err = err ? err : text_set(&h->cert_file, str_z(o->cert_file));
	err = err ? err : text_set(&h->priv_key_file, str_z(o->priv_key_file));
	err = err ? err : text_set(&h->nameserver, str_z(o->nameserver));
	if (err)
		return err;
	h->no_verify = o->no_verify;
	h->log = o->log;
	h->log_arg = o->log_arg;
	if (o->from && sa_parse_host(&h->from, str_z(o->from), 0)) {
		buf_printf(why, "'%s' is no address to connect from; write one of this machine's, such as 192.0.2.7", o->from);
		return EINVAL;
	}
	/* Files that are wrong are said now, and not at the first connection. */
	if (h->ca_list_file.n || h->ca_list_path.n || h->cert_file.n || h->priv_key_file.n)
		return host_tls(h, why);
	return 0;
}

static int make_parts(struct sidetone_loop *h)
{
	static const char *const hashes[] = { [SIDETONE_MD5] = "MD5",
		 [SIDETONE_SHA256] = "SHA256", [SIDETONE_SHA512_256] = "SHA512-256" };
	const struct net_handlers handlers = { .arg = h, .frame = frame, .parse = copy_message, .recv = host_on_recv,
		.connected = host_on_connected, .pong = host_on_pong, .ended = host_on_ended };
	const struct sidetone_host rows = { .arg = h, .now_us = now_us, .wall_us = wall_us, .wake = wake, .open = host_open,
		.send = host_send, .close = host_close, .hash = hash };

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		h->md[i] = EVP_MD_fetch(NULL, hashes[i], NULL);
	list_init(&h->timers);
	h->by_id = map_new(false);
	h->by_net = map_new(false);
	h->loop = loop_new(clock_real());
	h->net = h->loop ? net_new(h->loop, 0, &handlers, &(struct net_limits){ .max_conns = UINT32_MAX }) : NULL;
	h->lookup = (struct sip_lookup){ .arg = h, .start = start_query, .cancel = cancel_query, .reaches = has_route };
	if (!h->by_id || !h->by_net || !h->net)
		return ENOMEM;
	h->core = sidetone_core_new(&rows);
	return h->core ? host_watch_network(h) : ENOMEM;
}

int sidetone_loop_new(struct sidetone_loop **out, const struct sidetone_loop_options *o, char *why, size_t why_n)
{
	struct buf words = BUF_INIT;
	struct sidetone_loop *h = calloc(1, sizeof(*h));
	int err = h ? 0 : ENOMEM;

	if (!err && o)
		err = take_options(h, o, &words);
	if (!err) {
		set_log(h);
		err = make_parts(h);
	}
	if (err) {
		if (why && why_n)
			str_copy(why, why_n, words.n ? buf_view(&words) : str_z(strerror(err)));
		sidetone_loop_free(h);
	} else {
		*out = h;
	}
	buf_free(&words);
	return err;
}

void sidetone_loop_free(struct sidetone_loop *h)
{
	if (!h)
		return;
	if (h->core)
		sidetone_core_free(h->core);
	host_close_all(h);
	timer_stop(&h->wake);
	host_forget_network(h);
	if (h->loop)
		sidetone_loop_media(h, NULL);
	while (h->timers.next && !list_empty(&h->timers))
		sidetone_timer_cancel(container_of(h->timers.next, struct sidetone_timer, link));
	net_close(h->net);
	dns_free(h->dns);
	loop_free(h->loop);
	map_free(h->by_id);
	map_free(h->by_net);
	obj_drop(h->tls);
	for (size_t i = 0; i < ARRAY_LEN(h->md); i++)
		EVP_MD_free(h->md[i]);
	text_free(&h->ca_list_file);
	text_free(&h->ca_list_path);
	text_free(&h->cert_file);
	text_free(&h->priv_key_file);
	text_free(&h->nameserver);
	forget_log(h);
	free(h);
}

/* ---- the loop ------------------------------------------------------------------------------------- */

struct sidetone_core *sidetone_loop_core(struct sidetone_loop *h) { return h->core; }
struct loop *host_loop(struct sidetone_loop *h) { return h->loop; }
void sidetone_loop_run(struct sidetone_loop *h) { loop_run(h->loop); }
void sidetone_loop_stop(struct sidetone_loop *h) { loop_stop(h->loop); }
int sidetone_loop_fd(struct sidetone_loop *h) { return uv_backend_fd(loop_uv(h->loop)); }

int sidetone_loop_timeout(struct sidetone_loop *h)
{
	uint64_t left = loop_left_ms(h->loop), media = host_media_wait_ms(h);

	left = media < left ? media : left;

	return left == UINT64_MAX ? -1 : left > INT_MAX ? INT_MAX : (int)left;
}

void sidetone_loop_process(struct sidetone_loop *h)
{
	uv_run(loop_uv(h->loop), UV_RUN_NOWAIT);
}

static void fire(void *arg)
{
	struct sidetone_timer *t = arg;
	void (*fn)(void *) = t->fn;

	arg = t->arg;
	sidetone_timer_cancel(t);
	fn(arg);
}

int sidetone_loop_after(struct sidetone_loop *h, uint64_t ms, void (*fn)(void *arg), void *arg, struct sidetone_timer **out)
{
	struct sidetone_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return ENOMEM;
	t->fn = fn;
	t->arg = arg;
	list_append(&h->timers, &t->link);
	timer_start(loop_wheel(h->loop), &t->timer, ms, fire, t);
	if (out)
		*out = t;
	return 0;
}

void sidetone_timer_cancel(struct sidetone_timer *t)
{
	if (!t)
		return;
	timer_stop(&t->timer);
	list_remove(&t->link);
	free(t);
}
