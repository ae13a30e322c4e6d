/* What an agent publishes (RFC 3903; SIP.PublishContext): made, changed, renewed, taken back. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "ua/retry.h"
#include <errno.h>
#include <stdlib.h>

#define LEAST_S 10      /* nobody is asked more often, whatever was granted */

/*   NONE --PUBLISH--> ASKING --200, SIP-ETag--> PUBLISHED --at 90 %, or another body--> ASKING
 *                       |  412: anew without the tag; 423: longer
 *                       +--refused--> NONE
 * ASKING with `leaving`: Expires 0; whatever comes of it, NONE. */
enum state { NONE, ASKING, PUBLISHED };

struct sidetone_publication {
	struct sidetone_ua *ua;
	struct list link;               /* in ua.publications */
	struct agent_start start;
	struct timer renew;
	struct ua_request *rq;          /* held */
	enum state state;
	struct text target, event, headers, body, type, etag;
	uint32_t expires_s, cseq;
	struct text call_id;
	bool leaving, changed, again, telling, freed;
};

static void send_now(void *arg);

static void free_publication(struct sidetone_publication *p)
{
	timer_stop(&p->renew);
	list_remove(&p->start.link);
	list_remove(&p->link);
	if (p->rq)
		ua_request_detach(p->rq);
	obj_drop(p->rq);
	text_free(&p->target);
	text_free(&p->event);
	text_free(&p->headers);
	text_free(&p->body);
	text_free(&p->type);
	text_free(&p->etag);
	text_free(&p->call_id);
	free(p);
}

static void tell(struct sidetone_publication *p, enum sidetone_event_type t, const struct sip_msg *msg, const char *cause)
{
	if (!p->freed)
		agent_tell(p->ua, (struct sidetone_event){ .type = t, .publication = p, .message = agent_message(msg),
			.status = msg ? (int)msg->status : 0, .cause = cause });
}

static void send_later(struct sidetone_publication *p)
{
	if (!list_linked(&p->start.link))
		agent_when_up(p->ua, &p->start, send_now, p);
}

static void on_renew(void *arg)
{
	struct sidetone_publication *p = arg;

	p->again = true;
	send_later(p);
}

static void published(struct sidetone_publication *p, const struct sip_msg *msg)
{
	const struct sip_hdr *tag = sip_hdr_named(msg, STR("SIP-ETag"), 0);
	uint32_t s = p->expires_s;

	sip_hdr_u32(msg, SIP_H_EXPIRES, &s);
	if (!tag || text_set(&p->etag, tag->value)) {
		p->state = NONE;
		tell(p, SIDETONE_FAILED, msg, agent_cause(msg->status));
		return;
	}
	p->state = PUBLISHED;
	timer_start(p->ua->core->wheel, &p->renew, 900ull * (s < LEAST_S ? LEAST_S : s), on_renew, p);
	tell(p, SIDETONE_PUBLISHED, msg, agent_cause(msg->status));
}

static void gone(struct sidetone_publication *p, const struct sip_msg *msg, const char *cause, bool failed)
{
	p->state = NONE;
	p->leaving = false;
	text_free(&p->etag);
	timer_stop(&p->renew);
	if (failed)
		tell(p, SIDETONE_FAILED, msg, cause);
	tell(p, SIDETONE_UNPUBLISHED, msg, cause);
}

static void on_final(struct sidetone_publication *p, const struct sip_msg *msg)
{
	uint32_t least;

	if (msg->status == 412 && !p->leaving && p->etag.n) {
		text_free(&p->etag);
		send_later(p);
	} else if (msg->status == 423 && !sip_hdr_u32(msg, SIP_H_MIN_EXPIRES, &least) && least > p->expires_s) {
		p->expires_s = least;
		send_later(p);
	} else if (p->leaving) {
		gone(p, msg, msg->status < 300 ? NULL : agent_cause(msg->status), msg->status >= 300);
	} else if (msg->status < 300) {
		published(p, msg);
	} else {
		gone(p, msg, agent_cause(msg->status), true);
	}
}

static void finish(struct sidetone_publication *p, const struct sip_msg *msg, int err)
{
	struct sidetone_ua *ua = obj_hold(p->ua);

	p->rq = obj_drop(p->rq);
	p->telling = true;
	if (msg)
		on_final(p, msg);
	else
		gone(p, NULL, agent_err_cause(err), true);
	p->telling = false;
	if (p->changed && !p->freed) {
		p->changed = false;
		send_later(p);
	}
	if (p->freed)
		free_publication(p);
	obj_drop(ua);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	(void)rq;
	if (msg->status < 200)
		tell(arg, SIDETONE_PROGRESS, msg, agent_cause(msg->status));
	else
		finish(arg, msg, 0);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	(void)rq;
	finish(arg, NULL, err);
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct sidetone_publication *p = arg;

	(void)rq;
	o->via_host = sip_out_dup(o, text_view(&p->ua->via_host));
	o->no_rport = net_is_stream(path->proto) && !p->ua->config.force_rport;
	p->cseq = o->cseq;
	return 0;
}

static int make(struct sidetone_publication *p, struct sip_out **out)
{
	bool body = !p->leaving && (!p->again || !p->etag.n);
	struct sidetone_request_options o = { .method = "PUBLISH", .target = text_z(&p->target), .headers = text_z(&p->headers),
		.call_id = p->call_id.n ? text_z(&p->call_id) : NULL, .cseq = p->cseq ? p->cseq + 1 : 0,
		.body = body ? text_z(&p->body) : NULL, .content_type = text_z(&p->type) };
	int err = agent_out(p->ua, &o, out);

	if (err)
		return err;
	if (!p->call_id.n)
		text_set(&p->call_id, (*out)->call_id);
	sip_out_header(*out, STR("Event"), text_view(&p->event));
	buf_printf(&(*out)->headers, "Expires: %u\r\n", p->leaving ? 0 : p->expires_s);
	if (p->etag.n)
		sip_out_header(*out, STR("SIP-If-Match"), text_view(&p->etag));
	agent_put_supported(p->ua, &(*out)->headers, SIP_PUBLISH);
	return 0;
}

static void send_now(void *arg)
{
	struct sidetone_publication *p = arg;
	struct ua_request_prm prm = { .credentials = agent_credentials, .credentials_arg = p->ua, .arg = p,
		.response = on_response, .failed = on_failed, .prepare = prepare };
	int err;

	if (p->rq) {
		p->changed = true;
		return;
	}
	timer_stop(&p->renew);
	err = make(p, &prm.out);
	p->again = false;
	if (!err) {
		p->state = ASKING;
		err = ua_request_send(&p->ua->ua, &prm, &p->rq);
		obj_drop(prm.out);
	}
	if (err)
		finish(p, NULL, err);
}

static int fill(struct sidetone_publication *p, const struct sidetone_request_options *o, const char *event)
{
	struct buf b = BUF_INIT;
	int err = o->target ? agent_target(p->ua, str_z(o->target), &b) : EINVAL;

	if (err)
		agent_fail(p->ua, err, "Invalid target: %s", o->target ? o->target : "");
	err = err ? err : text_set(&p->target, buf_view(&b));
	buf_reset(&b);
	err = err ? err : agent_put_lines(&b, str_z(o->headers));
	err = err ? err : text_set(&p->headers, buf_view(&b));
	err = err ? err : text_set(&p->event, str_z(event));
	err = err ? err : text_set(&p->body, agent_body(o));
	err = err ? err : text_set(&p->type, o->content_type ? str_z(o->content_type) : STR("text/plain"));
	buf_free(&b);
	return err;
}

int sidetone_ua_publish(struct sidetone_ua *ua, const struct sidetone_request_options *o, const char *event, uint32_t expires_s,
			struct sidetone_publication **out)
{
	struct sidetone_publication *p;
	int err;

	if (!event || !*event)
		return agent_fail(ua, EINVAL, "Event necessary to create a publication.");
	p = calloc(1, sizeof(*p));
	if (!p)
		return ENOMEM;
	p->ua = ua;
	p->expires_s = expires_s ? expires_s : 3600;
	list_append(&ua->publications, &p->link);
	err = fill(p, o, event);
	if (err) {
		free_publication(p);
		return err;
	}
	*out = p;
	send_later(p);
	return 0;
}

int sidetone_publication_update(struct sidetone_publication *p, const char *content_type, const char *body)
{
	int err = 0;

	if (!body && !p->etag.n)
		return agent_fail(p->ua, EINVAL, "Invalid value for parameter \"body\"");
	if (body)
		err = text_set(&p->body, str_z(body));
	if (!err && content_type)
		err = text_set(&p->type, str_z(content_type));
	if (err)
		return err;
	p->again = !body;
	send_later(p);
	return 0;
}

int sidetone_publication_end(struct sidetone_publication *p)
{
	list_remove(&p->start.link);
	if (!p->etag.n && !p->rq)
		return 0;
	p->leaving = true;
	send_later(p);
	return 0;
}

void sidetone_publication_free(struct sidetone_publication *p)
{
	if (!p)
		return;
	p->freed = true;
	if (!p->telling)
		free_publication(p);
}

void agent_publications_end(struct sidetone_ua *ua)
{
	list_each(l, &ua->publications)
		sidetone_publication_end(container_of(l, struct sidetone_publication, link));
}

void agent_publications_free(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->publications)) {
		struct sidetone_publication *p = container_of(ua->publications.next, struct sidetone_publication, link);

		list_remove(&p->link);
		sidetone_publication_free(p);
	}
}
