/* What user agents cost, many of them in one process: memory of each that is registered, CPU of a
 * registration and of its renewal, and how evenly the renewals come. The server is a function that
 * answers 200. A table in Markdown for docs/user-agent.md. Usage: build/bench/agents [AGENTS, default 10000] */
#include "base/buf.h"
#include "base/clock.h"
#include "base/obj.h"
#include "sidetone-ua.h"
#include "sip/message.h"
#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXPIRES_S 600

struct world {
	struct clock_fake clock;
	struct sidetone_core *core;
	uint64_t wake_us;
	uint32_t conns;
	struct answer *first, **last;   /* on their way */
	size_t registers, registered;
	unsigned each_s[2 * EXPIRES_S]; /* REGISTERs in each second */
};

struct answer {
	struct answer *next;
	uint32_t conn;
	size_t n;
	char bytes[];
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static uint64_t now_us(void *arg) { return clock_us(&((struct world *)arg)->clock.c); }
static int64_t wall_us(void *arg) { return clock_wall_us(&((struct world *)arg)->clock.c); }

static void wake(void *arg, uint64_t ms)
{
	struct world *w = arg;

	w->wake_us = ms == UINT64_MAX ? ms : now_us(w) + 1000 * ms;
}

static int host_open(void *arg, const char *uri, uint32_t *conn)
{
	(void)uri;
	*conn = ++((struct world *)arg)->conns;
	return 0;
}

static void host_close(void *arg, uint32_t conn)
{
	(void)arg;
	(void)conn;
}

static int host_hash(void *arg, enum sidetone_hash h, const void *bytes, size_t n, uint8_t out[32])
{
	(void)arg;
	return EVP_Digest(bytes, n, out, NULL, h == SIDETONE_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1 ? 0 : 1;
}

static int host_send(void *arg, uint32_t conn, const char *bytes, size_t n)
{
	struct world *w = arg;
	struct buf b = BUF_INIT;
	struct sip_msg *msg;
	struct answer *a;
	size_t s = (size_t)(w->clock.mono / 1000000);

	if (sip_msg_parse(&msg, str_mk(bytes, n), true))
		return 0;
	if (s < 2 * EXPIRES_S)
		w->each_s[s]++;
	w->registers++;
	sip_write_response(&b, msg, 200, STR_NULL, STR("server"));
	buf_puts(&b, STR("Contact: "), sip_hdr_value(msg, SIP_H_CONTACT), STR("\r\nContent-Length: 0\r\n\r\n"));
	obj_drop(msg);
	a = malloc(sizeof(*a) + b.n);
	*a = (struct answer){ .conn = conn, .n = b.n };
	memcpy(a->bytes, b.p, b.n);
	buf_free(&b);
	*w->last = a;
	w->last = &a->next;
	return 0;
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	struct world *w = arg;

	w->registered += e->type == SIDETONE_REGISTERED;
}

static void deliver(struct world *w)
{
	while (w->first) {
		struct answer *a = w->first;

		w->first = a->next;
		if (!w->first)
			w->last = &w->first;
		sidetone_core_received(w->core, a->conn, a->bytes, a->n);
		free(a);
	}
}

static void pass(struct world *w, uint64_t us)
{
	uint64_t until = now_us(w) + us;

	for (;;) {
		deliver(w);
		if (w->wake_us > until)
			break;
		if (w->wake_us > now_us(w))
			clock_fake_add(&w->clock, w->wake_us - now_us(w));
		w->wake_us = UINT64_MAX;
		sidetone_core_run(w->core);
	}
	clock_fake_add(&w->clock, until - now_us(w));
}

static struct sidetone_ua *begin(struct world *w, unsigned i)
{
	struct sidetone_ua *ua = sidetone_ua_new(w->core, on_event, w);
	char uri[64];

	snprintf(uri, sizeof(uri), "sip:user%u@example.com", i);
	sidetone_ua_set_string(ua, "uri", uri);
	sidetone_ua_set_string(ua, "password", "secret");
	sidetone_ua_set_string(ua, "wsServers", "ws://server.example:8088/ws");
	sidetone_ua_set_number(ua, "registerExpires", EXPIRES_S);
	sidetone_ua_start(ua);
	sidetone_core_opened(w->core, w->conns, NULL);
	return ua;
}

static unsigned most_in_a_second(const struct world *w, size_t from)
{
	unsigned most = 0;

	for (size_t s = from; s < 2 * EXPIRES_S; s++)
		if (w->each_s[s] > most)
			most = w->each_s[s];
	return most;
}

int main(int argc, char **argv)
{
	static struct world w = { .wake_us = UINT64_MAX };
	const struct sidetone_host host = { .arg = &w, .now_us = now_us, .wall_us = wall_us, .wake = wake, .open = host_open,
		.send = host_send, .close = host_close, .hash = host_hash };
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
	struct sidetone_ua **ua = calloc(n, sizeof(*ua));
	size_t before, after, first;
	double t0, t1, t2;

	w.last = &w.first;
	clock_fake_init(&w.clock, 1700000000);
	w.core = sidetone_core_new(&host);
	if (!ua || !w.core)
		return 1;
	before = mallinfo2().uordblks;
	t0 = cpu_us();
	for (unsigned i = 0; i < n; i++)
		ua[i] = begin(&w, i);
	pass(&w, 40000000);     /* transactions are forgotten */
	t1 = cpu_us();
	after = mallinfo2().uordblks;
	first = w.registers;
	pass(&w, 1000000ull * EXPIRES_S);
	t2 = cpu_us();
	printf("| agents | memory each | a registration | a renewal | renewals in the busiest second |\n| --- | --- | --- | --- | --- |\n"
	       "| %u | %zu bytes | %.1f us | %.1f us | %u of %zu |\n", n, (after - before) / n, (t1 - t0) / n,
	       (t2 - t1) / (double)(w.registers - first), most_in_a_second(&w, 41), w.registers - first);
	for (unsigned i = 0; i < n; i++)
		sidetone_ua_free(ua[i]);
	sidetone_core_free(w.core);
	free(ua);
	return w.registered < 2 * (size_t)n;
}
