/* service/call/session_stir.c -- STIR/SHAKEN of a call: one of theirs waits before its dialplan until its caller is
 * proven or not, one of ours is signed; and what the dialplan sees of both. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include "service/stir/stir.h"
#include <errno.h>
#include <stdlib.h>

/* ---- what a channel remembers ---------------------------------------------------------------- */

static const char results_key[] = "stir_results";
static const char suppress_key[] = "stir_suppress";     /* its data: an obj of no bytes that count */

struct results {                /* obj */
	struct stir_check **v;          /* held, each */
	size_t n;
};

static void results_free(void *arg)
{
	struct results *r = arg;

	for (size_t i = 0; i < r->n; i++)
		obj_drop(r->v[i]);
	free(r->v);
}

static int remember(struct channel *ch, struct stir_check *c)
{
	struct results *r = channel_note(ch, results_key);
	struct stir_check **v;

	if (!r) {
		r = obj_new(sizeof(*r), results_free);
		if (!r || channel_note_set(ch, results_key, r))
			return ENOMEM;
	}
	v = realloc(r->v, (r->n + 1) * sizeof(struct stir_check *));
	if (!v)
		return ENOMEM;
	r->v = v;
	r->v[r->n++] = obj_hold(c);
	return 0;
}

/* ---- a call of theirs ---------------------------------------------------------------------------- */

static void tell(struct session *s, const struct stir_check *c)
{
	unsigned status = stir_result_status(c->result);
	bool refused = c->result != STIR_SUCCESS && c->profile->failure_action == STIR_REJECT;

	reason_add(s->svc->reasons, REASON_SESSION, refused ? REASON_REFUSED : REASON_OK, refused ? status : 0, s->ep->name,
		   &s->seen.invite->from_path.peer, "STIR/SHAKEN of '%s': %s%s%s", text_z(&c->caller), stir_result_name(c->result),
		   c->why[0] ? ": " : "", c->why);
}

static void refuse(struct session *s, unsigned status)
{
	obj_hold(s);
	ua_invite_refuse(s->iv, status, STR_NULL);
	if (s->ch)
		channel_hangup(s->ch, session_cause_of(status));
	obj_drop(s);
}

/* False: the call is refused. */
static bool act_on(struct session *s, struct stir_check *c)
{
	unsigned status = stir_result_status(c->result);

	tell(s, c);
	if (c->result != STIR_SUCCESS && c->profile->failure_action == STIR_REJECT) {
		refuse(s, status);
		return false;
	}
	if (remember(s->ch, c)) {
		refuse(s, 500);
		return false;
	}
	if (c->result != STIR_SUCCESS && c->profile->failure_action == STIR_RETURN_REASON)
		text_printf(&s->stir.reason, "%s; cause=%u; text=\"%s\"", c->profile->use_rfc9410_responses == STIR_YES ? "STIR" : "SIP",
			    status, stir_status_text(status));
	return true;
}

static void on_checked(struct stir_check *c)
{
	struct session *s = c->arg;
	void (*go_on)(struct session *s) = s->stir.go_on;

	obj_hold(s);
	obj_hold(c);
	session_stir_forget(s);
	if (s->ch && !s->ch->hungup && act_on(s, c))
		go_on(s);
	obj_drop(c);
	obj_drop(s);
}

void session_stir_forget(struct session *s)
{
	if (!s->stir.check)
		return;
	stir_check_forget(s->stir.check);
	obj_unpoint(s);
	s->stir.check = obj_drop(s->stir.check);
}

/* The first one; RFC 8224 gives it the compact form y. */
static struct str identity_of(const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_hdr_named(msg, STR("Identity"), 0);

	h = h ? h : sip_hdr_named(msg, STR("y"), 0);
	return h ? h->value : STR_NULL;
}

bool session_stir_must_wait(struct session *s, void (*go_on)(struct session *s))
{
	struct str caller = text_view(&s->ch->caller.number);
	struct stir_check_prm prm = { .endpoint = s->ep->name, .profile = s->ep->stir_shaken_profile, .caller = caller,
		.identity = identity_of(s->seen.invite), .date = sip_hdr_value(s->seen.invite, SIP_H_DATE),
		.done = on_checked, .arg = s };
	struct stir_check *c = NULL;
	int err = prm.profile.n ? stir_check_new(&c, s->svc, &prm) : ENOENT;
	bool gone;

	if (err == ENOENT)
		return false;
	if (err) {
		refuse(s, 500);
		return true;
	}
	if (!c->over) {
		s->stir.go_on = go_on;
		s->stir.check = c;
		obj_point(s);
		return true;
	}
	gone = !act_on(s, c);
	obj_drop(c);
	return gone;
}

void session_stir_reason(struct session *s, unsigned status, struct buf *h)
{
	if (!s->stir.reason.n || status <= 100 || (status >= 200 && status != 200))
		return;
	sip_write_hdr(h, STR("Reason"), text_view(&s->stir.reason));
	text_free(&s->stir.reason);
}

/* ---- a call of ours -------------------------------------------------------------------------------- */

static bool may_be_shown(const struct session *s, const struct party *p)
{
	bool hidden = (p->number_pres & PRES_RESTRICTION) || (p->name_pres & PRES_RESTRICTION);

	return p->number_valid && (!hidden || s->ep->trust_id_outbound);
}

void session_stir_sign(struct session *s, struct buf *h)
{
	struct stir_sign_prm prm = { .endpoint = s->ep->name, .profile = s->ep->stir_shaken_profile };
	char room[200], froom[300];
	struct sip_addr to;
	struct buf print;

	if (!prm.profile.n || !s->ch || !ua_invite_dialog(s->iv) || channel_note(s->ch, suppress_key) || session_headers_have(&s->sent_headers, STR("Identity")) ||
	    !may_be_shown(s, &s->ch->connected) || sip_addr_parse(&to, ua_invite_dialog(s->iv)->remote) || !to.uri.user.n)
		return;
	buf_init(&print, froom, sizeof(froom), sizeof(froom));
	session_secure_fingerprint(s, &print);
	prm.orig = text_view(&s->ch->connected.number);
	prm.dest = service_exten(s->conf, &to.uri, room, sizeof(room));
	prm.fingerprint = buf_view(&print);
	stir_sign(s->svc, &prm, !session_headers_have(&s->sent_headers, STR("Date")), h);
}

/* ---- the dialplan -------------------------------------------------------------------------------------- */

static int read_one(const struct stir_check *c, struct str what, struct buf *out)
{
	if (str_ieq(what, STR("identity")))
		buf_put(out, text_view(&c->identity));
	else if (str_ieq(what, STR("attestation")))
		buf_put(out, text_view(&c->attestation));
	else if (str_ieq(what, STR("verify_result")))
		buf_put(out, str_z(stir_result_name(c->result)));
	else
		return EINVAL;
	return 0;
}

/* STIR_SHAKEN(count), STIR_SHAKEN(n,identity|attestation|verify_result) */
int func_stir_shaken_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct results *r = ch ? channel_note(ch, results_key) : NULL;
	struct str first = str_trim(str_cut_raw(&args, ',')), second = str_trim(args);
	uint32_t n;
	int err = EINVAL;

	(void)p;
	if (!ch)
		return ENOENT;
	if (str_ieq(first, STR("count")) && !second.n) {
		buf_u64(out, r ? r->n : 0);
		return 0;
	}
	if (!str_u32(first, &n) && second.n)
		err = r && n < r->n ? read_one(r->v[n], second, out) : ENOENT;
	if (err == ENOENT)
		log_warning("%s: No STIR/SHAKEN results for index '%.*s'", text_z(&ch->name), STR_ARG(first));
	else if (err)
		log_error("%s: STIR_SHAKEN(%.*s%s%.*s): say count, or an index and identity, attestation or verify_result",
			  text_z(&ch->name), STR_ARG(first), second.n ? "," : "", STR_ARG(second));
	return err;
}

/* STIR_SHAKEN_ATTESTATION(suppress)=yes */
int func_stir_attestation_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	bool on = false;
	void *mark;

	(void)p;
	if (!ch)
		return ENOENT;
	if (!str_eq(str_trim(args), STR("suppress")) || !str_trim(value).n) {
		log_error("%s: STIR_SHAKEN_ATTESTATION(suppress)=yes or no: there is nothing else", text_z(&ch->name));
		return EINVAL;
	}
	/* What is no boolean is no, as in Asterisk. */
	if (str_bool(str_trim(value), &on))
		on = false;
	mark = on ? obj_new(1, NULL) : NULL;
	return on && !mark ? ENOMEM : channel_note_set(ch, suppress_key, mark);
}
