/* Somebody who subscribes to a service on a wire. */
#include "watcher.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

unsigned watcher_ask(struct watcher *w, const char *method, const char *headers, const char *body)
{
	char text[8192];
	unsigned status = 0;

	wire_forget(w->t);
	w->cseq++;
	snprintf(text, sizeof(text),
		 "%s sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKw%s%u-%u\r\n"
		 "From: \"A\" <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>%s%s\r\nCall-ID: w%u\r\nCSeq: %u %s\r\n"
		 "Max-Forwards: 70\r\n%sContent-Length: %zu\r\n\r\n%s", method, w->to, w->peer, w->user, w->call, w->cseq,
		 w->user, w->to, w->tag[0] ? ";tag=" : "", w->tag, w->call, w->cseq, method, headers, strlen(body), body);
	wire_come(w->t, w->peer, text);
	world_turn(&w->t->w);
	for (size_t i = 0; i < w->t->n; i++) {
		const struct sip_msg *m = w->t->sent[i];

		if (m->request || m->cseq != w->cseq || m->status < 200)
			continue;
		status = m->status;
		if (status < 300 && !w->tag[0] && m->method != SIP_REGISTER)
			str_copy(w->tag, sizeof(w->tag), m->to.tag);
	}
	return status;
}

unsigned watcher_subscribe(struct watcher *w, const char *headers)
{
	char all[1024];

	snprintf(all, sizeof(all), "Contact: <sip:%s@%s>\r\n%s", w->user, w->peer, headers);
	return watcher_ask(w, "SUBSCRIBE", all, "");
}

static size_t find(struct watcher *w)
{
	char id[32];

	snprintf(id, sizeof(id), "w%u", w->call);
	for (size_t i = w->t->n; i; i--) {
		const struct sip_msg *m = w->t->sent[i - 1];

		if (m->request && m->method == SIP_NOTIFY && str_eq(m->call_id, str_z(id)))
			return i;
	}
	return 0;
}

struct sip_msg *watcher_notify(struct watcher *w)
{
	size_t i = find(w);

	return i ? w->t->sent[i - 1] : NULL;
}

void watcher_hears(struct watcher *w, const char *state, ...)
{
	size_t i = find(w);
	const struct sip_msg *m = i ? w->t->sent[i - 1] : NULL;
	const char *what;
	va_list ap;

	assert_non_null(m);
	if (strncmp(wire_header(m, "Subscription-State"), state, strlen(state)) != 0)
		fail_msg("not '%s' but '%s'", state, wire_header(m, "Subscription-State"));
	va_start(ap, state);
	while ((what = va_arg(ap, const char *)))
		if (str_find(m->body, str_z(what)) == m->body.n)
			fail_msg("no '%s' in:\n%.*s", what, STR_ARG(m->body));
	va_end(ap);
	wire_answer(w->t, i - 1, 200, "");
	world_turn(&w->t->w);
	wire_forget(w->t);
}

void watcher_hears_nothing(struct watcher *w)
{
	if (find(w))
		fail_msg("told all the same:\n%.*s", STR_ARG(watcher_notify(w)->body));
}
