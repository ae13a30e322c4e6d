/* Why we did what we did: a ring of records, read by `pjsip explain`. */
#define LOG_MODULE "reason"
#include "service/common/reason.h"
#include "base/bucket.h"
#include "base/log.h"
#include "base/obj.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* As long as its words: most are short, and what is never written is never touched. */
struct reason {
	int64_t wall_us;
	struct sa peer;
	uint16_t status;        /* SIP status sent, 0: none */
	uint8_t step, verdict;
	uint8_t endpoint_n, text_n;
	char words[];           /* the endpoint, then the rule; not ended by 0 */
};

#define USUAL 96                /* [bytes] of a record */
#define ENDPOINT_MOST 63
#define TEXT_MOST 159
#define MOST (sizeof(struct reason) + ENDPOINT_MOST + TEXT_MOST)

struct reasons {
	const struct clock *clock;
	size_t slots, room;     /* records; [bytes] in `bytes` */
	uint64_t next;          /* records ever written; its place is at[next % slots] */
	uint64_t end;           /* bytes ever written; a record never goes over the edge */
	uint64_t count[REASON_STEPS][REASON_VERDICTS];
	struct buckets *recent; /* held: how many each address may have remembered */
	char *bytes;            /* owned */
	uint64_t at[];          /* where in `bytes` each begins, counted like `end` */
};

/* One that floods must not wash out what is remembered of all others, nor make us touch
 * all of the ring. Refusals are counted apart from what went well. */
#define EACH_SLOTS 1024
#define EACH_BURST 400
#define EACH_EVERY_US 50000

struct reasons *reasons_new(const struct clock *c, size_t slots)
{
	struct reasons *r = calloc(1, sizeof(*r) + slots * sizeof(r->at[0]));

	if (!r)
		return NULL;
	r->clock = c;
	r->slots = slots;
	r->room = (slots + 8) * USUAL;
	r->bytes = malloc(r->room);
	r->recent = buckets_new(EACH_SLOTS, EACH_BURST, EACH_EVERY_US);
	if (!r->bytes || !r->recent) {
		reasons_free(r);
		return NULL;
	}
	return r;
}

void reasons_free(struct reasons *r)
{
	if (!r)
		return;
	obj_drop(r->recent);
	free(r->bytes);
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

/* Room for the longest record behind the last one. */
static struct reason *take_room(struct reasons *r)
{
	uint64_t left;

	r->end += -r->end % _Alignof(struct reason);
	left = r->room - r->end % r->room;
	if (left < MOST)
		r->end += left;
	return (struct reason *)(r->bytes + r->end % r->room);
}

/* NULL: only counted. The caller writes what endpoint_n leaves for its text, and ends it. */
static struct reason *open_record(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
			    struct str endpoint, const struct sa *peer)
{
	uint64_t key = sa_hash_host(peer) + (verdict == REASON_REFUSED);
	struct reason *e;

	r->count[step][verdict]++;
	if (!buckets_take(r->recent, key, clock_us(r->clock)))
		return NULL;
	e = take_room(r);
	*e = (struct reason){ .wall_us = clock_wall_us(r->clock), .peer = *peer, .status = (uint16_t)status,
		.step = (uint8_t)step, .verdict = (uint8_t)verdict,
		.endpoint_n = (uint8_t)(endpoint.n < ENDPOINT_MOST ? endpoint.n : ENDPOINT_MOST) };
	if (e->endpoint_n)
		memcpy(e->words, endpoint.p, e->endpoint_n);
	return e;
}

static void close_record(struct reasons *r, struct reason *e, const char *text)
{
	e->text_n = (uint8_t)strlen(text);
	memcpy(e->words + e->endpoint_n, text, e->text_n);
	r->at[r->next++ % r->slots] = r->end;
	r->end += offsetof(struct reason, words) + e->endpoint_n + e->text_n;
	if (e->verdict == REASON_REFUSED)
		log_debug(1, "%s refused, %u: %s", reason_step_name(e->step), e->status, text);
}

void reason_add(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		struct str endpoint, const struct sa *peer, const char *fmt, ...)
{
	struct reason *e = open_record(r, step, verdict, status, endpoint, peer);
	char text[TEXT_MOST + 1];
	va_list ap;

	if (!e)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	close_record(r, e, text);
}

void reason_catv(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		 struct str endpoint, const struct sa *peer, const struct str *words, size_t n)
{
	struct reason *e = open_record(r, step, verdict, status, endpoint, peer);
	char text[TEXT_MOST + 1];
	size_t at = 0;

	if (!e)
		return;
	text[0] = 0;
	for (size_t i = 0; i < n && at < sizeof(text); i++) {
		str_copy(text + at, sizeof(text) - at, words[i]);
		at += words[i].n;
	}
	close_record(r, e, text);
}

/* The one written as i-th; NULL: others stand in its place now. */
static const struct reason *recall(const struct reasons *r, uint64_t i)
{
	uint64_t at = r->at[i % r->slots];

	if (i >= r->next || r->next - i > r->slots || r->end - at > r->room)
		return NULL;
	return (const struct reason *)(r->bytes + at % r->room);
}

static struct str endpoint_of(const struct reason *e)
{
	return str_mk(e->words, e->endpoint_n);
}

static struct str text_of(const struct reason *e)
{
	return str_mk(e->words + e->endpoint_n, e->text_n);
}

static bool is_about(const struct reason *e, struct str what, const struct sa *addr)
{
	if (!what.n)
		return true;
	if (addr)
		return sa_port(addr) ? sa_eq(&e->peer, addr) : sa_eq_host(&e->peer, addr);
	return str_eq(endpoint_of(e), what);
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
	buf_printf(out, "%s %.*s: ", sa_text(&e->peer, peer),
		   STR_ARG(e->endpoint_n ? endpoint_of(e) : STR("-")));
	buf_escape(out, text_of(e));
	buf_char(out, '\n');
}

void reasons_explain(const struct reasons *r, struct str what, size_t max, struct buf *out)
{
	const struct reason *e;
	struct sa addr;
	bool is_addr = what.n && sa_parse(&addr, what) == 0;
	size_t shown = 0;

	for (uint64_t i = r->next; i > 0 && shown < max && (e = recall(r, i - 1)); i--) {
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
	const struct reason *e;

	for (uint64_t i = r->next; i > 0 && r->next - i < max && (e = recall(r, i - 1)); i--) {
		char line[TEXT_MOST + ENDPOINT_MOST + SA_TEXT + 64], peer[SA_TEXT];
		int n = snprintf(line, sizeof(line), "%lld.%06lld %s %s %u %s %.*s: %.*s\n",
				 (long long)(e->wall_us / 1000000), (long long)(e->wall_us % 1000000),
				 e->step < REASON_STEPS ? reason_step_name(e->step) : "?",
				 e->verdict < REASON_VERDICTS ? reason_verdict_name(e->verdict) : "?", e->status,
				 sa_text(&e->peer, peer), STR_ARG(endpoint_of(e)), STR_ARG(text_of(e)));

		if (n > 0 && write(fd, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
			return;
	}
}

uint64_t reasons_count(const struct reasons *r, enum reason_step step, enum reason_verdict verdict)
{
	return r->count[step][verdict];
}
