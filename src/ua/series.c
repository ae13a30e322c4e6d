/* What a registration and a publication have in common: how their requests are numbered and written. */
#include "ua/series.h"
#include "base/obj.h"
#include <errno.h>

void ua_series_init(struct ua_series *s, struct ua *ua)
{
	s->ua = ua;
	sip_token(ua->sip, s->call_id, sizeof(s->call_id) - 1);
	sip_token(ua->sip, s->tag, SIP_TAG);
}

void ua_series_drop(struct ua_series *s)
{
	uint32_t cseq;

	if (!s->rq)
		return;
	cseq = ua_request_out(s->rq)->cseq;
	if (cseq > s->cseq)
		s->cseq = cseq;
	ua_request_detach(s->rq);
	s->rq = obj_drop(s->rq);
}

struct sip_out *ua_series_out(struct ua_series *s, const struct ua_series_prm *p)
{
	struct sip_out *o = sip_out_new(p->method);
	struct str uri = p->target;
	struct sip_uri u;

	if (!o)
		return NULL;
	if (!sip_uri_parse(&u, uri))
		uri = sip_uri_as_target(&u);
	o->ruri = sip_out_dup(o, uri);
	o->from = arena_printf(o->arena, "<%.*s>;tag=%s", STR_ARG(p->from), s->tag);
	o->to = arena_printf(o->arena, "<%.*s>", STR_ARG(p->to));
	o->call_id = sip_out_dup(o, str_z(s->call_id));
	o->cseq = ++s->cseq;
	o->max_forwards = p->max_forwards;
	o->user_agent = sip_out_dup(o, p->user_agent);
	o->no_rport = p->no_rport;
	if (p->proxy.n)
		o->route = arena_printf(o->arena, "<%.*s>", STR_ARG(p->proxy));
	return o;
}

int ua_series_send(struct ua_series *s, struct ua_request_prm *prm)
{
	int err = prm->out ? ua_request_send(s->ua, prm, &s->rq) : ENOMEM;

	obj_drop(prm->out);
	return err;
}
