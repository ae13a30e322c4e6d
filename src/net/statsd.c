/* The client of StatsD: where its server is, and a datagram for each number. What is told is
 * the caller's. */
#define LOG_MODULE "statsd"
#include "net/statsd.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8125
#define WAITING_BYTES 65536     /* told while the name is looked up */
#define AGAIN_MS 30000          /* after a look-up that failed */
#define LOGGED_MS 60000         /* what is lost is said at most once in so long */

struct statsd {
	struct loop *loop;
	struct dns *dns;                /* NULL: no names */
	statsd_send_fn *send;           /* NULL: the socket */
	void *send_arg;
	bool enabled, add_newline, meter_support;
	struct text prefix, host;
	uint16_t port;
	struct sa server;               /* unset: not known yet */
	int fd;                         /* -1: none */
	struct dns_query *query;        /* under way; NULL: none */
	enum dns_type asked;
	struct timer again;
	struct buf waiting;             /* datagrams with a NUL behind each */
	uint64_t lost, logged_ms;       /* datagrams since it was said; when that was */
};

static const struct { struct str word; enum statsd_type type; } types[] = {
	{ STR_INIT("c"), STATSD_COUNTER }, { STR_INIT("g"), STATSD_GAUGE }, { STR_INIT("ms"), STATSD_TIMER },
	{ STR_INIT("s"), STATSD_SET },
};

int statsd_type_of(enum statsd_type *out, struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq(word, types[i].word)) {
			*out = types[i].type;
			return 0;
		}
	}
	return EINVAL;
}

static struct str word_of(enum statsd_type t)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == t)
			return types[i].word;
	return STR("m");
}

/* ---- sending ------------------------------------------------------------------------------- */

static void lose(struct statsd *s, const char *why)
{
	uint64_t now = clock_ms(loop_clock(s->loop));

	s->lost++;
	if (s->logged_ms && now - s->logged_ms < LOGGED_MS)
		return;
	log_warning("%" PRIu64 " numbers are lost: %s", s->lost, why);
	s->logged_ms = now ? now : 1;
	s->lost = 0;
}

static int send_by_socket(struct statsd *s, struct str bytes)
{
	ssize_t n = sendto(s->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL, &s->server.u.s, sa_len(&s->server));

	return n < 0 ? errno : 0;
}

static void send_now(struct statsd *s, struct str bytes)
{
	int err = s->send ? s->send(s->send_arg, &s->server, bytes) : send_by_socket(s, bytes);

	if (err)
		lose(s, strerror(err));
}

static void wait_for_server(struct statsd *s, struct str bytes)
{
	if (s->waiting.n + bytes.n + 1 > WAITING_BYTES) {
		lose(s, "the server's name is not found yet");
		return;
	}
	buf_puts(&s->waiting, bytes, str_mk("", 1));
	if (buf_err(&s->waiting))
		lose(s, strerror(buf_err(&s->waiting)));
}

static int open_socket(struct statsd *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->send)
		return 0;
	s->fd = socket(s->server.u.s.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return s->fd < 0 ? errno : 0;
}

static int reach(struct statsd *s, const struct sa *server)
{
	struct str rest = buf_view(&s->waiting);
	char text[SA_TEXT];
	int err;

	s->server = *server;
	sa_set_port(&s->server, s->port);
	err = open_socket(s);
	if (err) {
		log_error("no socket for %s: %s", sa_text(&s->server, text), strerror(err));
		s->server = (struct sa){ 0 };
		return err;
	}
	log_debug(1, "numbers go to %s", sa_text(&s->server, text));
	while (rest.n)
		send_now(s, str_cut_raw(&rest, '\0'));
	buf_free(&s->waiting);
	return 0;
}

/* ---- its server's name ------------------------------------------------------------------------ */

static void look_up(struct statsd *s, enum dns_type type);

static void look_up_again(void *arg)
{
	look_up(arg, DNS_A);
}

static void try_later(struct statsd *s, int err)
{
	log_warning("server '%s' is not found: %s; next try in %d s", text_z(&s->host), strerror(err ? err : ENOENT), AGAIN_MS / 1000);
	timer_start(loop_wheel(s->loop), &s->again, AGAIN_MS, look_up_again, s);
}

static void on_records(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct statsd *s = arg;

	s->query = NULL;
	if (!err && n)
		reach(s, &v[0].u.addr);
	else if (s->asked == DNS_A)
		look_up(s, DNS_AAAA);
	else
		try_later(s, err);
}

static void look_up(struct statsd *s, enum dns_type type)
{
	int err;

	s->asked = type;
	err = dns_lookup(s->dns, text_view(&s->host), type, on_records, s, &s->query);
	if (err) {
		s->query = NULL;
		try_later(s, err);
	}
}

int statsd_server(struct str server, struct sa *a, struct str *host, uint16_t *port)
{
	size_t colon = str_rchr(server, ':');
	uint32_t n = PORT;

	*host = STR_NULL;
	if (!sa_parse(a, server)) {
		*port = sa_port(a) ? sa_port(a) : PORT;
		return 0;
	}
	*a = (struct sa){ 0 };
	if (colon < server.n && (str_u32(str_skip(server, colon + 1), &n) || !n || n > 65535))
		return EINVAL;
	*port = (uint16_t)n;
	server = str_sub(server, 0, colon);
	for (size_t i = 0; i < server.n; i++)
		if (!(server.p[i] == '-' || server.p[i] == '.' || server.p[i] == '_' ||
		      (server.p[i] >= '0' && server.p[i] <= '9') ||
		      ((server.p[i] | 0x20) >= 'a' && (server.p[i] | 0x20) <= 'z')))
			return EINVAL;
	*host = server;
	return server.n ? 0 : EINVAL;
}

/* ---- for its owner ------------------------------------------------------------------------------ */

static void forget_server(struct statsd *s)
{
	timer_stop(&s->again);
	if (s->query)
		dns_cancel(s->query);
	s->query = NULL;
	s->server = (struct sa){ 0 };
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->enabled = false;
	buf_free(&s->waiting);
}

int statsd_new(struct statsd **out, struct loop *l, struct dns *d, statsd_send_fn *send, void *arg)
{
	struct statsd *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;
	s->loop = l;
	s->dns = d;
	s->send = send;
	s->send_arg = arg;
	s->fd = -1;
	*out = s;
	return 0;
}

void statsd_free(struct statsd *s)
{
	if (!s)
		return;
	forget_server(s);
	text_free(&s->prefix);
	text_free(&s->host);
	free(s);
}

int statsd_configure(struct statsd *s, const struct statsd_prm *prm)
{
	struct sa a = { 0 };
	struct str host;
	int err;

	if (!s)
		return 0;
	forget_server(s);
	s->add_newline = prm->add_newline;
	s->meter_support = prm->meter_support;
	if (!prm->enabled)
		return 0;
	err = text_set(&s->prefix, prm->prefix);
	if (!err)
		err = statsd_server(prm->server, &a, &host, &s->port);
	if (!err && host.n)
		err = s->dns ? text_set(&s->host, host) : EINVAL;
	if (!err && sa_is_set(&a))
		err = reach(s, &a);
	s->enabled = !err;
	if (!err && !sa_is_set(&s->server))
		look_up(s, DNS_A);
	return err;
}

bool statsd_enabled(const struct statsd *s)
{
	return s && s->enabled;
}

/* ---- for those who tell ---------------------------------------------------------------------------- */

static bool is_drawn(double rate)
{
	uint32_t r;

	if (rate <= 0 || rate >= 1)
		return rate > 0;
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		return false;
	return r / 4294967296.0 < rate;
}

void statsd_send(struct statsd *s, enum statsd_type t, struct str name, struct str value, double rate)
{
	bool counted = t == STATSD_METER && s && !s->meter_support;
	char room[512];
	struct buf b;

	if (!statsd_enabled(s) || !is_drawn(rate))
		return;
	buf_init(&b, room, sizeof(room), 0);
	if (s->prefix.n)
		buf_puts(&b, text_view(&s->prefix), STR("."));
	buf_puts(&b, name, counted ? STR("_meter:") : STR(":"), value, STR("|"), word_of(counted ? STATSD_COUNTER : t));
	if (rate < 1)
		buf_printf(&b, "|@%.2f", rate);
	if (s->add_newline)
		buf_char(&b, '\n');
	if (buf_err(&b))
		lose(s, strerror(buf_err(&b)));
	else if (sa_is_set(&s->server))
		send_now(s, buf_view(&b));
	else
		wait_for_server(s, buf_view(&b));
	buf_free(&b);
}

void statsd_step(struct statsd *s, const char *group, const char *name, const char *value)
{
	char full[128];
	int n = snprintf(full, sizeof(full), "%s%s", group, name);

	if (n > 0 && (size_t)n < sizeof(full))
		statsd_send(s, STATSD_GAUGE, str_mk(full, (size_t)n), str_z(value), 1);
}

void statsd_number(struct statsd *s, enum statsd_type t, struct str name, int64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRId64, value);

	if (n > 0)
		statsd_send(s, t, name, str_mk(text, (size_t)n), 1);
}
