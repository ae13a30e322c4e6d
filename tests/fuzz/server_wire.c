/* What the server sent, and how phones answer by themselves. */
#include "server_wire.h"
#include "base/obj.h"
#include "server_conf.h"
#include "server_conn.h"
#include "server_secure.h"
#include "server_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define UNREAD 64         /* messages of the server that phones have not looked at */
/* Messages a program's phones answer: two servers of the same mind never end. Fifty
 * steps of ordinary calls need up to 190; a chain of calls that forward one another
 * costs the square of its length. */
#define QUIET_AFTER 200

struct dlg dialog[DIALOGS];
struct seen seen[REQUESTS];

static struct {
	unsigned next_dialog, next_seen, fail, answered;
	struct sip_msg *unread[UNREAD];
	struct net_path path[UNREAD];
	unsigned first, n;
	uint8_t habit[PHONES];
	bool quiet, trace, answering;
} w;

unsigned phone_of(const struct sa *peer)
{
	unsigned last = peer->u.s.sa_family == AF_INET ? ntohl(peer->u.in4.sin_addr.s_addr) & 0xff : 0;

	return last >= 1 && last <= PHONES ? last - 1 : PHONES - 1;
}

void path_of(struct net_path *p, unsigned who, unsigned how)
{
	char text[32];

	*p = (struct net_path){ .transport = 1, .proto = NET_UDP };
	snprintf(text, sizeof(text), "10.0.0.%u:%u", who % PHONES + 1, how & 4 ? 5062u : 5060u);
	sa_parse(&p->peer, str_z(text));
	sa_parse(&p->local, STR("10.0.0.100:5060"));
	/* Who has a connection uses it. */
	if (!(how & 3) && conn_path(p, who % PHONES))
		return;
	if (how & 1) {
		p->transport = 2;
		p->proto = NET_TCP;
		p->conn = 1 + who + (how & 2 ? 100 : 0);
	}
}

void wire_habit(unsigned who, enum habit h)
{
	w.habit[who % PHONES] = (uint8_t)h;
}

void wire_quiet(void)
{
	w.quiet = true;
}

void wire_fail(unsigned n)
{
	w.fail = n;
}

void wire_trace(bool on)
{
	w.trace = on;
}

bool wire_traced(void)
{
	return w.trace;
}

bool wire_waiting(void)
{
	return w.n > 0;
}

/* ---- dialogs ------------------------------------------------------------ */

struct dlg *dlg_new(void)
{
	struct dlg *d = &dialog[w.next_dialog++ % DIALOGS];

	*d = (struct dlg){ .used = true };
	return d;
}

struct dlg *dlg_by_call(struct str call_id)
{
	for (unsigned i = 0; i < DIALOGS; i++)
		if (dialog[i].used && str_eq(str_z(dialog[i].call_id), call_id))
			return &dialog[i];
	return NULL;
}

struct dlg *dlg_nth(unsigned n)
{
	unsigned have = w.next_dialog < DIALOGS ? w.next_dialog : DIALOGS;

	return have ? &dialog[(w.next_dialog - 1 - n % have) % DIALOGS] : NULL;
}

struct seen *seen_nth(unsigned n)
{
	unsigned have = w.next_seen < REQUESTS ? w.next_seen : REQUESTS;

	return have ? &seen[(w.next_seen - 1 - n % have) % REQUESTS] : NULL;
}

#define COPY(array, s) str_copy((array), sizeof(array), (s))

static void learn_target(struct dlg *d, const struct sip_msg *m)
{
	struct str v = sip_hdr_value(m, SIP_H_CONTACT);
	size_t open = str_chr(v, '<'), close = str_chr(v, '>');

	if (open < close && close < v.n)
		COPY(d->target, str_sub(v, open + 1, close - open - 1));
}

/* "<sip:..>;tag=x" without its tag. */
static struct str uri_of(const struct sip_msg *m, enum sip_hdr_id id)
{
	struct str v = sip_hdr_value(m, id);
	size_t open = str_chr(v, '<'), close = str_chr(v, '>');

	return open < close && close < v.n ? str_sub(v, open + 1, close - open - 1) : STR("sip:x@10.0.0.100");
}

static void learn_request(const struct sip_msg *m, const struct net_path *path)
{
	struct dlg *d = dlg_by_call(m->call_id);

	/* What begins no dialog would only push those out that are. */
	if (!d && m->method != SIP_INVITE)
		return;
	if (!d) {
		d = dlg_new();
		COPY(d->call_id, m->call_id);
		COPY(d->our_uri, uri_of(m, SIP_H_TO));
		COPY(d->method, m->method_name);
		COPY(d->event, sip_hdr_value(m, SIP_H_EVENT));
		snprintf(d->our_tag, sizeof(d->our_tag), "p%u", w.next_dialog);
		d->cseq = 10;
		d->path = *path;
		d->phone = (uint8_t)phone_of(&path->peer);
		COPY(d->their_uri, uri_of(m, SIP_H_FROM));
	}
	if (m->from.tag.n)
		COPY(d->their_tag, m->from.tag);
	d->their_cseq = m->cseq;
	learn_target(d, m);
}

static void learn_response(const struct sip_msg *m)
{
	struct dlg *d = dlg_by_call(m->call_id);
	enum sip_hdr_id id = m->status == 407 ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE;

	if (!d)
		return;
	if (m->to.tag.n && m->status > 100 && (!d->their_tag[0] || m->status < 300))
		COPY(d->their_tag, m->to.tag);
	if (m->status > 100 && m->status < 300)
		learn_target(d, m);
	if (!sip_hdr_u32(m, SIP_H_RSEQ, &d->rseq))
		d->rseq_cseq = m->cseq;
	if (m->status == 401 || m->status == 407) {
		COPY(d->challenge, sip_hdr_value(m, id));
		d->proxy = m->status == 407;
		d->nc = 0;
	}
}

/* ---- sent by the server ------------------------------------------------- */

static void remember(struct sip_msg *m, const struct net_path *path)
{
	struct seen *s = &seen[w.next_seen++ % REQUESTS];

	obj_drop(s->m);
	*s = (struct seen){ .m = obj_hold(m), .path = *path, .phone = (uint8_t)phone_of(&path->peer) };
}

static void keep(const struct net_path *path, struct str bytes)
{
	struct sip_msg *m = NULL;
	struct dlg *d;

	if (w.trace)
		printf("<---\n%.*s\n", STR_ARG(bytes));
	/* A refusal repeats what was wrong with the request. */
	if (sip_msg_parse(&m, bytes, true) || (m->fault && (m->request || m->status < 400))) {
		fprintf(stderr, "fuzz_server: the server sends what it cannot read:\n%.*s\n", STR_ARG(bytes));
		abort();
	}
	if (m->fault) {
		obj_drop(m);
		return;
	}
	if (str_starts(m->body, STR("v=0")))
		secure_learn(m->body, phone_of(&path->peer));
	if (m->request && m->method != SIP_ACK)
		remember(m, path);
	if (m->request)
		learn_request(m, path);
	else
		learn_response(m);
	d = dlg_by_call(m->call_id);
	if (d && path->conn)
		d->path.conn = path->conn;
	if (w.n < UNREAD) {
		unsigned at = (w.first + w.n++) % UNREAD;

		w.unread[at] = m;
		w.path[at] = *path;
	} else {
		obj_drop(m);
	}
}

int wire_sent(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	bool before = hooks_library(false);
	int err = 0;

	(void)arg;
	if (net_is_stream(path->proto) && !path->conn)
		path->conn = 200 + phone_of(&path->peer);
	if (world.deaf || w.fail) {
		w.fail -= w.fail > 0;
		err = ENETUNREACH;
	} else {
		keep(path, str_mk(bytes->p, bytes->n));
		conn_sent(path, bytes);
	}
	hooks_library(before);
	return err;
}

/* ---- habits ------------------------------------------------------------- */

static void answer_invite(struct seen *s, enum habit h)
{
	switch (h) {
	case HABIT_ANSWER:
		answer_plainly(s, 180, false, "");
		answer_plainly(s, 200, true, "");
		break;
	case HABIT_RING:
		answer_plainly(s, 180, false, "");
		break;
	case HABIT_BUSY:
		answer_plainly(s, 486, false, "");
		break;
	case HABIT_EARLY:
		answer_plainly(s, 183, true, "Require: 100rel\r\nRSeq: 7\r\n");
		break;
	case HABIT_DELAYED:
		answer_plainly(s, 200, true, "");
		break;
	case HABIT_MOVED:
		answer_plainly(s, 302, false, "Contact: <sip:102@10.0.0.2>;q=0.5, <sip:bob@far.example>\r\n");
		break;
	case HABIT_CHALLENGE:
		answer_plainly(s, 401, false, "WWW-Authenticate: Digest realm=\"far\",nonce=\"abc\",qop=\"auth\",algorithm=MD5\r\n");
		break;
	case HABIT_AUTO_LATE:
		answer_plainly(s, 183, true, "");
		answer_plainly(s, 180, false, "Require: 100rel\r\nRSeq: 1\r\n");
		answer_plainly(s, 200, true, "Require: timer\r\nSession-Expires: 90;refresher=uas\r\n");
		break;
	case HABIT_DECLINE:
		answer_plainly(s, 603, false, "Reason: Q.850;cause=21\r\n");
		break;
	default:
		break;
	}
}

/* The newest request in `seen` that is this one. */
static struct seen *seen_of(const struct sip_msg *m)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (seen[i].m == m)
			return &seen[i];
	return NULL;
}

static void answer_request(const struct sip_msg *m)
{
	struct seen *s = seen_of(m);
	enum habit h = s ? w.habit[s->phone] : HABIT_NOTHING;

	if (!s || (h == HABIT_NOTHING && !w.quiet))
		return;
	if (m->method == SIP_INVITE) {
		if (w.quiet)
			answer_plainly(s, 487, false, "");
		else
			answer_invite(s, h);
	} else if (m->method == SIP_CANCEL) {
		answer_plainly(s, 200, false, "");
		for (unsigned i = 0; i < REQUESTS; i++) {
			struct seen *inv = seen_nth(i);

			if (inv->m && inv->m->method == SIP_INVITE && inv->m->cseq == m->cseq &&
			    str_eq(inv->m->call_id, m->call_id)) {
				answer_plainly(inv, 487, false, "");
				break;
			}
		}
	} else if (h == HABIT_CHALLENGE && !w.quiet && !sip_hdr(m, SIP_H_AUTHORIZATION)) {
		answer_plainly(s, 401, false, "WWW-Authenticate: Digest realm=\"far\",nonce=\"n\",algorithm=SHA-256,qop=\"auth\"\r\n");
	} else {
		answer_plainly(s, 200, m->method == SIP_UPDATE, m->method == SIP_REGISTER ? "Expires: 60\r\n" : "");
	}
}

static void answer_response(const struct sip_msg *m)
{
	struct dlg *d = dlg_by_call(m->call_id);

	if (!d || (d->last.a[RQ_FLAGS] & 1 && m->status != 401))
		return;
	if (m->method == SIP_INVITE && m->status >= 200 && m->cseq == d->invite_cseq)
		send_ack(d, m->cseq, m->status);
	if (m->status < 200 && sip_hdr(m, SIP_H_RSEQ))
		send_prack(d);
	if ((m->status == 401 || m->status == 407) && d->last.a[RQ_AUTH] % 8 == 1 && d->tries++ < 2)
		send_again(d);
}

bool wire_answer(void)
{
	bool any = false;

	if (w.answering)
		return false;
	w.answering = true;
	while (w.n) {
		struct sip_msg *m = w.unread[w.first];

		w.first = (w.first + 1) % UNREAD;
		w.n--;
		if (w.answered++ < QUIET_AFTER || w.quiet) {
			if (m->request)
				answer_request(m);
			else
				answer_response(m);
			any = true;
		}
		obj_drop(m);
	}
	w.answering = false;
	return any;
}

void wire_forget(void)
{
	bool trace = w.trace;

	while (w.n) {
		obj_drop(w.unread[w.first]);
		w.first = (w.first + 1) % UNREAD;
		w.n--;
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		obj_drop(seen[i].m);
	memset(seen, 0, sizeof(seen));
	memset(dialog, 0, sizeof(dialog));
	memset(&w, 0, sizeof(w));
	w.trace = trace;
}
