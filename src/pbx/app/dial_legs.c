/* The channels that a Dial calls: made, dressed like their caller, forwarded, ended. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/dial.h"
#include "pbx/channel_private.h"
#include "pbx/run.h"
#include "pbx/dial_tell.h"
#include "pbx/func/party.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEGS_MAX = 256 };

void dial_set_ms(struct channel *ch, const char *name, uint64_t ms)
{
	char room[64];
	struct buf b;
	size_t name_n;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_u64(&b, ms / 1000);
	pbx_setvar(ch->pbx, ch, str_z(name), buf_view(&b));
	buf_reset(&b);
	buf_puts(&b, str_z(name), STR("_MS"));
	name_n = b.n;
	buf_u64(&b, ms);
	pbx_setvar(ch->pbx, ch, str_sub(buf_view(&b), 0, name_n), str_skip(buf_view(&b), name_n));
}

void dial_count_cause(struct dial *d, int cause)
{
	switch (cause) {
	case CAUSE_BUSY:
		d->busy++;
		break;
	case CAUSE_NO_CIRCUIT:
		d->congestion++;
		break;
	case CAUSE_NO_ANSWER:
	case CAUSE_NORMAL:
		break;
	default:
		d->nochan++;
		break;
	}
}

void dial_leg_end(struct leg *l, int cause)
{
	struct channel *ch = l->ch;

	if (!ch)
		return;
	l->ch = NULL;
	l->going = false;
	if (cause)
		ch->cause = cause;
	if (!ch->bridge && !ch->fiber)
		channel_destroy(ch);
	obj_drop(ch);
}

void dial_end_all(struct dial *d, const struct leg *but, int cause)
{
	for (size_t i = 0; i < d->nlegs; i++)
		if (&d->legs[i] != but)
			dial_leg_end(&d->legs[i], cause);
}

/* ---- who is shown to whom */

/* "Name <number>", "number", "Name". */
static int parse_clid(struct party *p, struct str s)
{
	size_t lt = str_rchr(s, '<'), gt = str_rchr(s, '>');
	struct str number = STR_NULL, name = str_trim(s);

	if (lt < s.n && gt > lt) {
		number = str_trim(str_sub(s, lt + 1, gt - lt - 1));
		name = str_unquote(str_trim(str_sub(s, 0, lt)));
	} else if (name.n && (str_chr(STR("+0123456789*#"), name.p[0]) < 13)) {
		number = name;
		name = STR_NULL;
	}
	return party_set(p, number, name);
}

/* What a called channel has to tell of its parties once it is dressed. */
struct news {
	bool caller, line;
	struct text account;            /* the one before */
	bool accounted;
};

static int own_party(struct dial *d, struct channel *ch, struct leg *l, struct news *n)
{
	struct channel *in = d->in;
	struct party p = { 0 };
	int err = party_copy(&p, &ch->caller);

	if (err)
		goto out;
	if (d->o.has['o']) {
		err = d->o.arg['o'].n ? parse_clid(&p, d->o.arg['o']) : party_copy(&p, &in->caller);
		l->no_caller = true;
	} else if (!ch->caller.number_valid || !ch->caller.number.n) {
		/* The technology knows no number of it: the one that was dialled. */
		struct str name = in->connected.name_valid ? text_view(&in->connected.name) : STR_NULL;

		err = party_set(&p, text_view(&in->exten), name);
		l->no_caller = true;
	} else if (!ch->caller.name_valid && in->connected.name_valid) {
		err = text_set(&p.name, text_view(&in->connected.name));
		p.name_valid = true;
	}
	n->caller = !party_same(&ch->caller, &p);
	err = err ? err : party_copy(&ch->caller, &p);
 out:
	party_free(&p);
	return err;
}

static int forced_party(struct dial *d, struct party *p)
{
	p->number_pres = PRES_ALLOWED_PASSED_SCREEN;
	if (d->o.has['u'] && d->o.arg['u'].n)
		(void)presentation_of(d->o.arg['u'], &p->number_pres);
	if (d->o.has['s'])
		text_set(&p->tag, d->o.arg['s']);
	return parse_clid(p, d->o.arg['f']);
}

static int shown_party(struct dial *d, struct channel *ch, struct news *n)
{
	struct party p = { 0 };
	int err = d->o.has['f'] && d->o.arg['f'].n ? forced_party(d, &p) : party_copy(&p, &d->in->caller);

	n->line = !party_same(&ch->connected, &p);
	err = err ? err : party_copy(&ch->connected, &p);
	party_free(&p);
	return err;
}

static int account(const struct channel *in, struct channel *ch, struct news *n)
{
	struct str code = text_view(in->peeraccount.n ? &in->peeraccount : ch->accountcode.n ? &ch->accountcode : &in->accountcode);
	int err = 0;

	n->accounted = !str_eq(code, text_view(&ch->accountcode));
	if (n->accounted) {
		n->account = ch->accountcode;
		ch->accountcode = (struct text){ 0 };
		err = text_set(&ch->accountcode, code);
	}
	return err ? err : text_set(&ch->peeraccount, text_view(&in->accountcode));
}

/* All that a called channel gets from its caller. */
static int dress(struct dial *d, struct leg *l)
{
	struct channel *in = d->in, *ch = l->ch;
	struct news n = { 0 };
	int err;

	channel_inherit_forwards(ch, in);
	ch->forwards--;
	err = pbx_inherit_vars(ch, in);
	err = err ? err : channel_inherit_notes(ch, in);
	err = err ? err : text_set(&ch->app, STR("AppDial"));
	err = err ? err : text_set(&ch->appdata, STR("(Outgoing Line)"));
	err = err ? err : own_party(d, ch, l, &n);
	if (!err && l->forward.n && n.caller) {
		channel_tell_caller(ch);
		n.caller = false;
	}
	err = err ? err : shown_party(d, ch, &n);
	err = err ? err : account(in, ch, &n);
	if (!err && !ch->musicclass.n)
		err = text_set(&ch->musicclass, text_view(&in->musicclass));
	/* One that somebody was forwarded to keeps its own place. */
	if (!l->forward.n)
		err = err ? err : text_set(&ch->exten, text_view(&in->exten));
	if (err)
		goto out;
	if (!l->forward.n)
		pbx_setvar(ch->pbx, ch, STR("DIALEDPEERNUMBER"), l->dest);
	run_tell_step(ch);
	if (n.caller)
		channel_tell_caller(ch);
	if (n.accounted)
		channel_tell_account(ch, text_view(&n.account));
	if (n.line)
		channel_tell(ch, "NewConnectedLine", EV_CALL);
	if (in->cause == CAUSE_ANSWERED_ELSEWHERE || d->o.has['c'])
		ch->cause = CAUSE_ANSWERED_ELSEWHERE;
	l->ignore_line = d->o.has['I'];
 out:
	text_free(&n.account);
	return err;
}

/* ---- making and calling */

static int request(struct dial *d, struct leg *l, struct str tech_dest)
{
	struct channel *ch = NULL;
	int cause = CAUSE_NORMAL, err;

	l->tech_dest = tech_dest;
	l->dest = str_skip(tech_dest, str_chr(tech_dest, '/') + 1);
	err = channel_request(d->in->pbx, tech_dest, d->in, &ch, &cause);
	if (err) {
		log_notice("Cannot make a channel for '%.*s': cause %d, %s", STR_ARG(tech_dest), cause,
			   cause_text(cause));
		dial_count_cause(d, cause);
		d->in->cause = cause;
		return err;
	}
	l->ch = obj_hold(ch);
	redirecting_copy(&ch->redirecting, &d->in->redirecting);
	err = dress(d, l);
	if (err)
		dial_leg_end(l, CAUSE_NO_CIRCUIT);
	return err;
}

int dial_request_all(struct dial *d, struct str peers)
{
	size_t max = 1;

	for (size_t i = 0; i < peers.n; i++)
		max += peers.p[i] == '&';
	max = max > LEGS_MAX ? LEGS_MAX : max;
	d->legs = calloc(max, sizeof(*d->legs));
	if (!d->legs)
		return ENOMEM;
	while (peers.n && d->ndialed < max) {
		struct str one = str_trim(str_cut_raw(&peers, '&'));

		if (!one.n)
			continue;
		d->ndialed++;
		if (str_chr(one, '/') + 1 >= one.n) {
			log_warning("Dial: '%.*s' is no TECHNOLOGY/resource", STR_ARG(one));
			return EINVAL;
		}
		if (!request(d, &d->legs[d->nlegs], one))
			d->nlegs++;
	}
	return 0;
}

static int call(struct dial *d, struct leg *l)
{
	/* What b() ran may have hung it up. */
	int err = l->ch->hungup ? ESHUTDOWN : l->ch->tech->call ? l->ch->tech->call(l->ch, 0) : ENOSYS;

	if (err) {
		log_verbose(3, "Couldn't call %.*s", STR_ARG(l->tech_dest));
		if (l->ch->cause)
			d->in->cause = l->ch->cause;
		dial_leg_end(l, 0);
		return err;
	}
	l->going = true;
	return 0;
}

void dial_call_all(struct dial *d)
{
	for (size_t i = 0; i < d->nlegs; i++) {
		struct leg *l = &d->legs[i];

		if (!l->ch)
			continue;
		if (call(d, l)) {
			d->nochan++;
			continue;
		}
		dial_tell_begin(d->in, l->ch, l->dest);
		log_verbose(3, "Called %.*s", STR_ARG(l->tech_dest));
		if (l->ch->state == CHAN_UP)
			break;
	}
}

void dial_line_from_leg(struct dial *d, struct leg *l)
{
	if (l->ignore_line || !l->ch)
		return;
	if (l->pending)
		channel_set_connected(d->in, &l->line);
	else if (!l->no_caller)
		channel_set_connected(d->in, &l->ch->caller);
	l->pending = false;
}

/* ---- a 3xx */

static void redirected_from(struct dial *d, struct channel *ch)
{
	struct party *from = &ch->redirecting.from;

	if (from->number_valid && from->number.n)
		return;
	text_set(&from->number, text_view(&d->in->exten));
	from->number_valid = true;
}

/* *made: there was a channel to call with. */
static int forward_call(struct dial *d, struct leg *l, struct channel *old, struct str where, bool *made)
{
	int err = request(d, l, where);

	if (err)
		return err;
	*made = true;
	pbx_setvar(l->ch->pbx, l->ch, STR("FORWARDERNAME"), text_view(&old->name));
	redirecting_copy(&l->ch->redirecting, &old->redirecting);
	redirected_from(d, l->ch);
	if (d->nlegs == 1 && !l->ignore_line) {
		redirecting_copy(&d->in->redirecting, &l->ch->redirecting);
		channel_indicate(d->in, IND_REDIRECTING, NULL);
	}
	if (d->o.has['z'])
		d->answer_by = UINT64_MAX;
	err = call(d, l);
	if (err)
		d->nochan++;    /* or nobody would be said to be unavailable */
	return err;
}

/* "TECH/dest", or an extension of the forwarding channel's context. */
static int forward_where(const struct channel *old, struct str to, struct text *where)
{
	struct buf b = BUF_INIT;
	bool set;
	int err;

	if (str_chr(to, '/') < to.n)
		return text_set(where, to);
	if (str_chr(to, '@') < to.n)
		return text_printf(where, "Local/%.*s", STR_ARG(to));
	set = pbx_getvar(old->pbx, (struct channel *)(uintptr_t)old, STR("FORWARD_CONTEXT"), &b) && b.n;
	err = text_printf(where, "Local/%.*s@%.*s", STR_ARG(to), STR_ARG(set ? buf_view(&b) : text_view(&old->context)));
	buf_free(&b);
	return err;
}

void dial_forward(struct dial *d, struct leg *l, struct str to)
{
	struct channel *old = l->ch;
	struct str dest;
	bool made = false;
	int err;

	channel_unlink_early(old);
	l->ch = NULL;
	l->going = false;
	l->pending = false;
	d->sent_ringing = false;
	text_free(&l->forward);
	err = forward_where(old, to, &l->forward);
	dest = text_view(&l->forward);
	log_verbose(3, "Now forwarding %s to '%.*s' (thanks to %s)", text_z(&d->in->name), STR_ARG(dest),
		    text_z(&old->name));
	if (!err && d->o.has['i']) {
		log_verbose(3, "Forwarding %s to '%.*s' prevented", text_z(&d->in->name), STR_ARG(dest));
		dial_tell(d->in, old, "CANCEL", to);
		dial_tell(d->in, old, "BUSY", STR_NULL);
		dial_count_cause(d, CAUSE_BUSY);
		goto out;
	}
	err = err ? err : forward_call(d, l, old, dest, &made);
	if (err) {
		dial_tell(d->in, old, made ? "CONGESTION" : "BUSY", STR_NULL);
		if (d->nlegs == 1 && made && !d->entertained)
			channel_indicate(d->in, IND_STOP, NULL);
		goto out;
	}
	dial_tell(d->in, old, "CANCEL", to);
	dial_tell_begin(d->in, l->ch, l->dest);
	if (d->nlegs == 1 && !d->entertained)
		channel_indicate(d->in, IND_STOP, NULL);
	if (d->nlegs == 1)
		dial_line_from_leg(d, l);
 out:
	if (!old->fiber && !old->bridge)
		channel_destroy(old);
	obj_drop(old);
}
