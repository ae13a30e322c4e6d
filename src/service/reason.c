#define LOG_MODULE "reason"
#include "service/reason.h"
#include "base/bucket.h"
#include "base/log.h"
#include "base/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct reasons {
	const struct clock *clock;
	size_t slots;
	uint64_t next;          /* records ever written; slot is next % slots */
	uint64_t count[REASON_STEPS][REASON_VERDICTS];
	struct buckets *recent; /* held: how many each address may have remembered */
	struct reason v[];
};

/* One that floods must not wash out what is remembered of all others, nor make us touch
 * all of the ring. Refusals are counted apart from what went well. */
#define EACH_SLOTS 1024
#define EACH_BURST 400
#define EACH_EVERY_US 50000

struct reasons *reasons_new(const struct clock *c, size_t slots)
{
	struct reasons *r = calloc(1, sizeof(*r) + slots * sizeof(r->v[0]));

	if (!r)
		return NULL;
	r->clock = c;
	r->slots = slots;
	r->recent = buckets_new(EACH_SLOTS, EACH_BURST, EACH_EVERY_US);
	if (!r->recent) {
		free(r);
		return NULL;
	}
	return r;
}

void reasons_free(struct reasons *r)
{
	if (r)
		obj_drop(r->recent);
	free(r);
}

const char *reason_step_name(enum reason_step s)
{
	static const char *const names[REASON_STEPS] = { "parse", "identify", "acl", "auth", "route",
		"register", "session", "codec", "transport", "overload" };

	return names[s];
}

const char *reason_verdict_name(enum reason_verdict v)
{
	static const char *const names[REASON_VERDICTS] = { "ok", "challenged", "refused", "dropped" };

	return names[v];
}

/* NULL: only counted. */
static struct reason *begin(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
			    struct str endpoint, const struct sa *peer)
{
	uint64_t key = sa_hash_host(peer) + (verdict == REASON_REFUSED);
	struct reason *e;

	r->count[step][verdict]++;
	if (!buckets_take(r->recent, key, clock_us(r->clock)))
		return NULL;
	e = &r->v[r->next++ % r->slots];
	e->wall_us = clock_wall_us(r->clock);
	e->step = (uint8_t)step;
	e->verdict = (uint8_t)verdict;
	e->status = (uint16_t)status;
	str_copy(e->endpoint, sizeof(e->endpoint), endpoint);
	e->peer = *peer;
	return e;
}

void reason_add(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		struct str endpoint, const struct sa *peer, const char *fmt, ...)
{
	struct reason *e = begin(r, step, verdict, status, endpoint, peer);
	va_list ap;

	if (!e)
		return;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (verdict == REASON_REFUSED)
		log_debug(1, "%s refused, %u: %s", reason_step_name(step), status, e->text);
}

void reason_catv(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		 struct str endpoint, const struct sa *peer, const struct str *words, size_t n)
{
	struct reason *e = begin(r, step, verdict, status, endpoint, peer);
	size_t at = 0;

	if (!e)
		return;
	e->text[0] = 0;
	for (size_t i = 0; i < n && at < sizeof(e->text); i++) {
		str_copy(e->text + at, sizeof(e->text) - at, words[i]);
		at += words[i].n;
	}
	if (verdict == REASON_REFUSED)
		log_debug(1, "%s refused, %u: %s", reason_step_name(step), status, e->text);
}

static bool is_about(const struct reason *e, struct str what, const struct sa *addr)
{
	if (!what.n)
		return true;
	if (addr)
		return sa_port(addr) ? sa_eq(&e->peer, addr) : sa_eq_host(&e->peer, addr);
	return str_eq(str_z(e->endpoint), what);
}

static void write_one(const struct reason *e, struct buf *out)
{
	time_t s = (time_t)(e->wall_us / 1000000);
	char when[32], peer[SA_TEXT];
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	buf_printf(out, "%s.%03d %-9s %-10s ", when, (int)(e->wall_us / 1000 % 1000),
		   reason_step_name(e->step), reason_verdict_name(e->verdict));
	if (e->status)
		buf_printf(out, "%u ", e->status);
	buf_printf(out, "%s %s: ", sa_text(&e->peer, peer), e->endpoint[0] ? e->endpoint : "-");
	buf_escape(out, str_z(e->text));
	buf_char(out, '\n');
}

void reasons_explain(const struct reasons *r, struct str what, size_t max, struct buf *out)
{
	uint64_t oldest = r->next > r->slots ? r->next - r->slots : 0;
	struct sa addr;
	bool is_addr = what.n && sa_parse(&addr, what) == 0;
	size_t shown = 0;

	for (uint64_t i = r->next; i > oldest && shown < max; i--) {
		const struct reason *e = &r->v[(i - 1) % r->slots];

		if (!is_about(e, what, is_addr ? &addr : NULL))
			continue;
		write_one(e, out);
		shown++;
	}
	if (!shown)
		buf_printf(out, "Nothing is remembered about '%.*s'.\n", STR_ARG(what));
}

void reasons_dump(const struct reasons *r, size_t max, int fd)
{
	uint64_t oldest = r->next > r->slots ? r->next - r->slots : 0;

	for (uint64_t i = r->next; i > oldest && r->next - i < max; i--) {
		const struct reason *e = &r->v[(i - 1) % r->slots];
		char line[sizeof(e->text) + sizeof(e->endpoint) + SA_TEXT + 64], peer[SA_TEXT];
		int n = snprintf(line, sizeof(line), "%lld.%06lld %s %s %u %s %.*s: %.*s\n",
				 (long long)(e->wall_us / 1000000), (long long)(e->wall_us % 1000000),
				 e->step < REASON_STEPS ? reason_step_name(e->step) : "?",
				 e->verdict < REASON_VERDICTS ? reason_verdict_name(e->verdict) : "?", e->status,
				 sa_text(&e->peer, peer), (int)sizeof(e->endpoint), e->endpoint, (int)sizeof(e->text),
				 e->text);

		if (n > 0 && write(fd, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
			return;
	}
}

uint64_t reasons_count(const struct reasons *r, enum reason_step step, enum reason_verdict verdict)
{
	return r->count[step][verdict];
}
