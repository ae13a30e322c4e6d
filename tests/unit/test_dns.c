/* DNS against a server in this process, and RFC 3263 on top of it. */
#include "net/dns.h"
#include "base/obj.h"
#include "service/common/lookup.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a name server ---------------------------------------------------- */

struct zone {
	const char *name;
	uint16_t type;
	const char *data;       /* as text: A, AAAA "addr"; SRV "prio weight port host"; NAPTR "order pref flags service host" */
};

static const struct zone zone[] = {
	{ "a.test", 1, "192.0.2.1" },
	{ "a.test", 1, "192.0.2.2" },
	{ "both.test", 1, "127.0.0.1" },
	{ "both.test", 28, "::1" },
	{ "evil.test", 1, "short" },
	{ "srv.test", 1, "192.0.2.99" },
	{ "_sip._udp.srv.test", 33, "20 0 5070 h2.test" },
	{ "_sip._udp.srv.test", 33, "10 0 5060 h1.test" },
	{ "_sip._tcp.srv.test", 33, "1 0 5062 h3.test" },
	{ "_sips._tcp.srv.test", 33, "1 0 5061 h3.test" },
	{ "h1.test", 1, "127.0.0.11" },
	{ "h2.test", 1, "127.0.0.12" },
	{ "h3.test", 1, "127.0.0.13" },
	{ "naptr.test", 35, "50 50 s SIP+D2T _sip._tcp.elsewhere.test" },
	{ "naptr.test", 35, "10 50 s SIPS+D2T _sips._tcp.elsewhere.test" },
	{ "naptr.test", 35, "90 50 s SIP+D2U _sip._udp.elsewhere.test" },
	{ "_sip._tcp.elsewhere.test", 33, "1 0 6060 h1.test" },
	{ "_sips._tcp.elsewhere.test", 33, "1 0 6061 h2.test" },
	{ "_sip._udp.elsewhere.test", 33, "1 0 6062 h3.test" },
	{ "closed.test", 1, "127.0.0.1" },
	{ "_sip._udp.closed.test", 33, "0 0 0 ." },
	{ "_sip._udp.weight.test", 33, "1 90 1001 h1.test" },
	{ "_sip._udp.weight.test", 33, "1 10 1002 h1.test" },
	{ "_sip._udp.weight.test", 33, "2 100 1003 h1.test" },
};

struct world {
	struct loop *loop;
	struct dns *dns;
	struct sip_lookup lookup;       /* over dns */
	int fd;
	struct sa at;
	uv_poll_t poll;
	unsigned questions;
	/* the last answer */
	unsigned calls;
	int err;
	size_t n;
	struct dns_record rec[8];
	char texts[8][128];
	struct sip_target target[16];
};

static void put16(struct buf *b, unsigned v)
{
	buf_char(b, (char)(v >> 8));
	buf_char(b, (char)v);
}

static void put_name(struct buf *b, const char *name)
{
	struct str s = str_z(name);

	while (s.n) {
		struct str label = str_cut_raw(&s, '.');

		if (!label.n)
			continue;
		buf_char(b, (char)label.n);
		buf_put(b, label);
	}
	buf_char(b, 0);
}

static void put_text(struct buf *b, struct str s)
{
	buf_char(b, (char)s.n);
	buf_put(b, s);
}

static void put_data(struct buf *b, const struct zone *z)
{
	struct str s = str_z(z->data), f;
	struct buf d = BUF_INIT;
	char host[128];
	struct sa a;
	uint32_t v;

	if (z->type == 1 && !sa_parse(&a, s)) {
		buf_mem(&d, &a.u.in4.sin_addr, 4);
	} else if (z->type == 28 && !sa_parse(&a, s)) {
		buf_mem(&d, &a.u.in6.sin6_addr, 16);
	} else if (z->type == 33 || z->type == 35) {
		for (unsigned i = 0; i < (z->type == 33 ? 3u : 2u); i++) {
			assert_int_equal(str_u32(str_cut_raw(&s, ' '), &v), 0);
			put16(&d, v);
		}
		for (unsigned i = 0; z->type == 35 && i < 2; i++) {
			f = str_cut_raw(&s, ' ');
			put_text(&d, f);
		}
		if (z->type == 35)
			put_text(&d, STR(""));
		put_name(&d, str_copy(host, sizeof(host), s));
	} else {
		buf_put(&d, s);
	}
	put16(b, (unsigned)d.n);
	buf_put(b, buf_view(&d));
	buf_free(&d);
}

static void read_name(const uint8_t *p, size_t n, char *out, size_t *end)
{
	size_t at = 12, k = 0;

	while (at < n && p[at]) {
		if (k)
			out[k++] = '.';
		for (unsigned i = 0; i < p[at]; i++)
			out[k++] = (char)(p[at + 1 + i] | (p[at + 1 + i] >= 'A' && p[at + 1 + i] <= 'Z' ? 32 : 0));
		at += p[at] + 1u;
	}
	out[k] = 0;
	*end = at + 1;
}

static void answer(struct world *w, const uint8_t *q, size_t n, const struct sockaddr *to, socklen_t len)
{
	char name[256];
	size_t end, records = 0;
	bool known = false;
	unsigned type;
	struct buf b = BUF_INIT;

	read_name(q, n, name, &end);
	type = (unsigned)q[end] << 8 | q[end + 1];
	if (strstr(name, "silent"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
		known |= strstr(zone[i].name, name) != NULL;
		records += strcmp(zone[i].name, name) == 0 && zone[i].type == type;
	}
	buf_mem(&b, q, 2);
	put16(&b, 0x8400u | (strstr(name, "fail") ? 2 : known ? 0 : 3));
	put16(&b, 1);
	put16(&b, (unsigned)records);
	put16(&b, 0);
	put16(&b, 0);
	buf_mem(&b, q + 12, end + 4 - 12);
	for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
		if (strcmp(zone[i].name, name) || zone[i].type != type)
			continue;
		put_name(&b, zone[i].name);
		put16(&b, type);
		put16(&b, 1);
		put16(&b, 0);
		put16(&b, 300);
		put_data(&b, &zone[i]);
	}
	sendto(w->fd, b.p, b.n, 0, to, len);
	buf_free(&b);
}

static void on_question(uv_poll_t *h, int status, int events)
{
	struct world *w = h->data;
	uint8_t q[1024];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(w->fd, q, sizeof(q), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	(void)status;
	(void)events;
	if (n > 12) {
		w->questions++;
		answer(w, q, (size_t)n, (struct sockaddr *)&from, len);
	}
}

static void start(struct world *w, uint32_t timeout_ms)
{
	char server[SA_TEXT], hosts[] = "/tmp/test_dns_XXXXXX";
	struct str servers[1];
	struct dns_prm prm = { .hosts = STR("system"), .nameserver = servers, .nameservers = 1, .timeout_ms = timeout_ms };
	socklen_t n = sizeof(w->at);
	int fd = mkstemp(hosts);

	*w = (struct world){ .fd = socket(AF_INET, SOCK_DGRAM, 0) };
	assert_int_equal(sa_parse(&w->at, STR("127.0.0.1:0")), 0);
	assert_int_equal(bind(w->fd, &w->at.u.s, sa_len(&w->at)), 0);
	assert_int_equal(getsockname(w->fd, &w->at.u.s, &n), 0);
	w->loop = GOT(loop_new(clock_real()));
	w->poll.data = w;
	uv_poll_init(loop_uv(w->loop), &w->poll, w->fd);
	uv_poll_start(&w->poll, UV_READABLE, on_question);
	snprintf(server, sizeof(server), "127.0.0.1@%u", sa_port(&w->at));
	servers[0] = str_z(server);
	assert_true(write(fd, "10.9.8.7 phone.hosts.test phone\n", 32) == 32);
	close(fd);
	prm.hosts = str_z(hosts);
	assert_int_equal(dns_new(&w->dns, w->loop, &prm), 0);
	w->lookup = lookup_over_dns(w->dns);
	unlink(hosts);
}

static void end(struct world *w)
{
	dns_free(w->dns);
	uv_close((uv_handle_t *)&w->poll, NULL);
	uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	loop_free(w->loop);
	close(w->fd);
}

#define UNTIL(w, cond) do { \
	uint64_t give_up_ = clock_ms(clock_real()) + 20000; \
	while (!(cond)) { \
		uv_run(loop_uv((w)->loop), UV_RUN_NOWAIT); \
		assert_true(clock_ms(clock_real()) < give_up_); \
		poll(NULL, 0, 1); \
	} } while (0)

static void on_records(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct world *w = arg;

	w->calls++;
	w->err = err;
	w->n = n < 8 ? n : 8;
	for (size_t i = 0; i < w->n; i++)
		w->rec[i] = v[i];
	if (n && v[0].u.naptr.flags.n == 1)
		for (size_t i = 0; i < w->n; i++)
			str_copy(w->texts[i], sizeof(w->texts[i]), v[i].u.naptr.replacement);
}

static void on_srv(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct world *w = arg;

	on_records(w, err, NULL, 0);
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		w->rec[i] = v[i];
		str_copy(w->texts[i], sizeof(w->texts[i]), v[i].u.srv.target);
	}
}

static void look(struct world *w, const char *name, enum dns_type t)
{
	w->calls = 0;
	assert_int_equal(dns_lookup(w->dns, str_z(name), t, t == DNS_SRV ? on_srv : on_records, w, NULL), 0);
	assert_int_equal(w->calls, 0);
	UNTIL(w, w->calls);
	assert_int_equal(w->calls, 1);
}

static void records(void **state)
{
	struct world w;
	char text[SA_TEXT];
	unsigned asked;

	(void)state;
	start(&w, 0);
	look(&w, "a.test", DNS_A);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, 2);
	assert_true(str_starts(str_z(sa_text(&w.rec[0].u.addr, text)), STR("192.0.2.")));
	assert_true(w.rec[0].ttl > 0 && w.rec[0].ttl <= 300);
	asked = w.questions;
	look(&w, "a.test.", DNS_A);     /* from the cache */
	assert_int_equal(w.n, 2);
	assert_int_equal(w.questions, asked);
	look(&w, "a.test", DNS_AAAA);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, 0);
	look(&w, "both.test", DNS_AAAA);
	assert_string_equal(sa_text(&w.rec[0].u.addr, text), "[::1]:0");
	look(&w, "_sip._udp.srv.test", DNS_SRV);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.rec[0].u.srv.priority + w.rec[1].u.srv.priority, 30);
	assert_true(str_starts(str_z(w.texts[0]), STR("h")));
	look(&w, "naptr.test", DNS_NAPTR);
	assert_int_equal(w.n, 3);
	assert_true(str_ends(str_z(w.texts[0]), STR(".elsewhere.test")));
	look(&w, "nobody.test", DNS_A);
	assert_int_equal(w.err, ENOENT);
	look(&w, "fail.test", DNS_A);
	assert_int_equal(w.err, EIO);
	look(&w, "evil.test", DNS_A);   /* five bytes are no address */
	assert_int_equal(w.n, 0);
	end(&w);
}

static void hosts_and_localhost(void **state)
{
	struct world w;
	char text[SA_TEXT];

	(void)state;
	start(&w, 0);
	look(&w, "phone.hosts.test", DNS_A);
	assert_string_equal(sa_text_bare(&w.rec[0].u.addr, text), "10.9.8.7");
	look(&w, "localhost", DNS_A);
	assert_int_equal(w.n, 1);
	assert_true(sa_is_loopback(&w.rec[0].u.addr));
	assert_int_equal(w.questions, 0);
	end(&w);
}

static void bad_names_and_settings(void **state)
{
	static const struct str bad[] = { STR_INIT(""), STR_INIT("."), STR_INIT("a b"), STR_INIT("a\0b"), STR_INIT("a/b"),
		STR_INIT("a\x80") };
	char longest[300];
	struct world w;
	struct str servers[] = { STR("nonsense@x") };
	struct dns_prm prm = { .nameserver = servers, .nameservers = 1 };
	struct dns *d;

	(void)state;
	start(&w, 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(dns_lookup(w.dns, bad[i], DNS_A, on_records, &w, NULL), EINVAL);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(dns_lookup(w.dns, str_mk(longest, 256), DNS_A, on_records, &w, NULL), EINVAL);
	assert_int_equal(dns_new(&d, w.loop, &prm), EINVAL);
	prm = (struct dns_prm){ .ta_file = STR("/nonexistent/anchor") };
	assert_int_equal(dns_new(&d, w.loop, &prm), EINVAL);
	end(&w);
}

static void timeout_cancel_and_free(void **state)
{
	struct world w;
	struct dns_query *q;

	(void)state;
	start(&w, 500);
	look(&w, "silent.test", DNS_A);
	assert_int_equal(w.err, ETIMEDOUT);
	assert_int_equal(dns_lookup(w.dns, STR("a.test"), DNS_A, on_records, &w, &q), 0);
	dns_cancel(q);
	look(&w, "both.test", DNS_A);   /* only this one answers */
	assert_int_equal(w.n, 1);
	w.calls = 0;
	assert_int_equal(dns_lookup(w.dns, STR("silent.test"), DNS_A, on_records, &w, &q), 0);
	assert_int_equal(dns_lookup(w.dns, STR("a.test"), DNS_A, on_records, &w, &q), 0);
	end(&w);
	assert_int_equal(w.calls, 0);
}

static void on_free(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct world *w = arg;

	(void)v;
	(void)n;
	assert_int_equal(err, 0);
	w->calls++;
	dns_free(w->dns);
}

static void free_inside_the_callback(void **state)
{
	struct world w;

	(void)state;
	start(&w, 0);
	assert_int_equal(dns_lookup(w.dns, STR("a.test"), DNS_A, on_free, &w, NULL), 0);
	assert_int_equal(dns_lookup(w.dns, STR("silent.test"), DNS_A, on_free, &w, NULL), 0);
	UNTIL(&w, w.calls);
	w.dns = NULL;
	end(&w);
	assert_int_equal(w.calls, 1);
}

/* ---- RFC 3263 --------------------------------------------------------- */

static void on_targets(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct world *w = arg;

	w->calls++;
	w->err = err;
	w->n = n < 16 ? n : 16;
	if (w->n)
		memcpy(w->target, v, w->n * sizeof(*v));
}

enum { UDP = 1, TCP = 2, TLS = 4, V6 = 8 };

static int resolve(struct world *w, const char *text, unsigned have, int fixed, struct sip_resolve **out)
{
	struct sip_uri u;
	struct sip_resolve_prm prm = { .lookup = &w->lookup, .wheel = loop_wheel(w->loop), .uri = &u, .fn = on_targets, .arg = w };

	assert_int_equal(sip_uri_parse(&u, str_z(text)), 0);
	for (unsigned p = NET_UDP; p <= NET_TLS; p++) {
		prm.can_v4[p] = have >> p & 1;
		prm.can_v6[p] = (have >> p & 1) && have & V6;
	}
	prm.fixed_proto = fixed >= 0;
	prm.proto = fixed >= 0 ? (enum net_proto)fixed : NET_UDP;
	w->calls = 0;
	return sip_resolve_start(&prm, out);
}

static const struct {
	const char *uri;
	unsigned have;
	int fixed, err;
	const char *out;
} ways[] = {
	/* 4.2: an address is an address; the port is the transport's own. */
	{ "sip:1001@192.0.2.7", UDP, -1, 0, "udp 192.0.2.7:5060 " },
	{ "sip:1001@192.0.2.7:6000;transport=tcp", UDP | TCP, -1, 0, "tcp 192.0.2.7:6000 " },
	{ "sips:1001@[2001:db8::1]", UDP | TLS, -1, 0, "tls [2001:db8::1]:5061 " },
	{ "sips:1001@192.0.2.7;transport=tcp", TLS, -1, 0, "tls 192.0.2.7:5061 " },
	{ "sip:192.0.2.7", TCP, -1, 0, "tcp 192.0.2.7:5060 " },
	{ "sip:192.0.2.7", UDP, NET_TLS, 0, "tls 192.0.2.7:5061 " },
	{ "sip:srv.test;maddr=192.0.2.8", UDP, -1, 0, "udp 192.0.2.8:5060 " },
	/* A port: no NAPTR, no SRV. */
	{ "sip:srv.test:5099", UDP | TCP, -1, 0, "udp 192.0.2.99:5099 " },
	/* Transport given: SRV of that one, by priority. */
	{ "sip:srv.test;transport=udp", UDP | TCP, -1, 0, "udp 127.0.0.11:5060 udp 127.0.0.12:5070 " },
	{ "sip:srv.test", UDP | TCP, NET_TCP, 0, "tcp 127.0.0.13:5062 " },
	/* Nothing given: NAPTR in its order, of what we can. */
	{ "sip:naptr.test", UDP | TCP | TLS, -1, 0, "tls 127.0.0.12:6061 tcp 127.0.0.11:6060 udp 127.0.0.13:6062 " },
	{ "sip:naptr.test", UDP, -1, 0, "udp 127.0.0.13:6062 " },
	{ "sips:naptr.test", UDP | TCP | TLS, -1, 0, "tls 127.0.0.12:6061 " },
	/* No NAPTR: the SRV of each transport, as we prefer them. */
	{ "sip:srv.test", UDP | TCP, -1, 0, "tcp 127.0.0.13:5062 udp 127.0.0.11:5060 udp 127.0.0.12:5070 " },
	{ "sip:srv.test", UDP | TCP | TLS, -1, 0, "tls 127.0.0.13:5061 tcp 127.0.0.13:5062 udp 127.0.0.11:5060 udp 127.0.0.12:5070 " },
	/* NAPTR leads elsewhere for a transport that is settled, too. */
	{ "sip:naptr.test;transport=tcp", UDP | TCP, -1, 0, "tcp 127.0.0.11:6060 " },
	{ "sip:naptr.test", UDP | TCP, NET_UDP, 0, "udp 127.0.0.13:6062 " },
	{ "sips:srv.test", UDP | TLS, -1, 0, "tls 127.0.0.13:5061 " },
	/* Neither: the host itself. */
	{ "sip:h1.test", UDP | TCP, -1, 0, "udp 127.0.0.11:5060 " },
	{ "sip:both.test", UDP, -1, 0, "udp 127.0.0.1:5060 " },
	{ "sip:both.test", UDP | V6, -1, 0, "udp [::1]:5060 udp 127.0.0.1:5060 " },
	{ "sip:1@phone.hosts.test", UDP, -1, 0, "udp 10.9.8.7:5060 " },
	{ "sip:nobody.test", UDP, -1, ENOENT, "" },
	{ "sip:fail.test", UDP, -1, EIO, "" },
	/* "." decidedly offers nothing, although the host has an address. */
	{ "sip:closed.test", UDP, -1, ENOENT, "" },
};

static void targets(void **state)
{
	struct world w;

	(void)state;
	start(&w, 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct buf b = BUF_INIT;
		char text[SA_TEXT];

		assert_int_equal(resolve(&w, ways[i].uri, ways[i].have, ways[i].fixed, NULL), 0);
		assert_int_equal(w.calls, 0);
		UNTIL(&w, w.calls);
		for (size_t k = 0; k < w.n; k++)
			buf_puts(&b, str_z(net_proto_lower(w.target[k].proto)), STR(" "),
				 str_z(sa_text(&w.target[k].addr, text)), STR(" "));
		if (w.err != ways[i].err || strcmp(buf_z(&b), ways[i].out))
			print_error("%s gave %d '%s'\n", ways[i].uri, w.err, buf_z(&b));
		assert_int_equal(w.err, ways[i].err);
		assert_string_equal(buf_z(&b), ways[i].out);
		buf_free(&b);
	}
	end(&w);
}

/* RFC 2782: load is shared as the weights say, inside one priority. */
static void weights(void **state)
{
	struct world w;
	unsigned first = 0;

	(void)state;
	start(&w, 0);
	for (unsigned i = 0; i < 400; i++) {
		assert_int_equal(resolve(&w, "sip:weight.test", UDP, NET_UDP, NULL), 0);
		UNTIL(&w, w.calls);
		assert_int_equal(w.n, 3);
		first += sa_port(&w.target[0].addr) == 1001;
		assert_int_equal(sa_port(&w.target[2].addr), 1003);
	}
	/* Mean 360, deviation 6. */
	assert_true(first > 300 && first < 396);
	end(&w);
}

static void resolve_cancelled(void **state)
{
	static const char *const uris[] = { "sip:192.0.2.1", "sip:srv.test", "sip:srv.test:5060", "sip:naptr.test" };
	struct world w;

	(void)state;
	start(&w, 0);
	for (size_t i = 0; i < ARRAY_LEN(uris); i++)
		for (unsigned turns = 0; turns < 6; turns++) {
			struct sip_resolve *r;

			assert_int_equal(resolve(&w, uris[i], UDP | V6, -1, &r), 0);
			for (unsigned k = 0; k < turns && !w.calls; k++)
				uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
			if (!w.calls)
				sip_resolve_cancel(r);
		}
	w.calls = 0;
	look(&w, "both.test", DNS_AAAA);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records), cmocka_unit_test(hosts_and_localhost),
		cmocka_unit_test(bad_names_and_settings), cmocka_unit_test(timeout_cancel_and_free),
		cmocka_unit_test(free_inside_the_callback), cmocka_unit_test(targets), cmocka_unit_test(weights),
		cmocka_unit_test(resolve_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
