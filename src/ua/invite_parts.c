/* What an INVITE session is made of: its states, what all its messages have, and how each
 * of its parts is let go. Nothing here tells its user that anything happened. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define TO(state) (1u << UA_INVITE_##state)
static const unsigned char allowed[] = {
	[UA_INVITE_IDLE] = TO(CALLING) | TO(RINGING) | TO(OVER),
	[UA_INVITE_CALLING] = TO(UP) | TO(CANCELLED) | TO(OVER),
	[UA_INVITE_RINGING] = TO(ANSWERING) | TO(UP) | TO(OVER),
	[UA_INVITE_ANSWERING] = TO(RINGING) | TO(UP) | TO(OVER),
	[UA_INVITE_UP] = TO(RINGING) | TO(LEAVING) | TO(OVER),  /* RINGING: the 2xx could not be sent */
	[UA_INVITE_CANCELLED] = TO(OVER),
	[UA_INVITE_LEAVING] = TO(OVER),
	[UA_INVITE_OVER] = 0,
};

void ua_invite_change(struct ua_invite *iv, enum ua_invite_state to)
{
#ifdef SIDETONE_SANITIZE
	if (!(allowed[iv->state] & 1u << to)) {
		log_error("invite: no way from state %d to %d", (int)iv->state, (int)to);
		abort();
	}
#endif
	(void)allowed;
	iv->state = to;
}

enum ua_invite_state ua_invite_state(const struct ua_invite *iv)
{
	return iv->state;
}

enum ua_exchange ua_invite_exchange(const struct ua_invite *iv)
{
	return iv->exchange;
}

struct sip_dialog *ua_invite_dialog(const struct ua_invite *iv)
{
	return iv->dlg;
}

void *ua_invite_arg(const struct ua_invite *iv)
{
	return iv->prm.arg;
}

uint32_t ua_invite_timer_s(const struct ua_invite *iv)
{
	return iv->timer.on ? iv->timer.interval_s : 0;
}

bool ua_is_ringing(const struct ua_invite *iv)
{
	return iv->state == UA_INVITE_RINGING || iv->state == UA_INVITE_ANSWERING;
}

/* ---- what all messages have ---------------------------------------------------------------- */

struct str ua_invite_body_type(const struct ua_invite *iv)
{
	if (iv->body_type.n)
		return text_view(&iv->body_type);
	return iv->prm.body_type.n ? iv->prm.body_type : STR("application/sdp");
}

int ua_invite_set_body_type(struct ua_invite *iv, struct str type)
{
	return text_set(&iv->body_type, type);
}

/* A body that says that it is for people to see is no description (RFC 3261 20.11). */
static bool is_rendered(const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_hdr_named(msg, STR("Content-Disposition"), 0);
	struct str value = h ? h->value : STR_NULL;

	return h && !str_ieq(str_trim(str_cut(&value, ';')), STR("session"));
}

bool ua_invite_body(const struct ua_invite *iv, const struct sip_msg *msg, struct str *body)
{
	if (sip_body(msg, iv->prm.any_body ? STR("application/sdp") : ua_invite_body_type(iv), body))
		return true;
	if (!iv->prm.any_body || !msg->body.n || !msg->content_type.n || is_rendered(msg))
		return false;
	*body = msg->body;
	return true;
}

void ua_invite_write_server(const struct ua_invite *iv, struct buf *b)
{
	if (iv->prm.server.n)
		buf_puts(b, STR("Server: "), iv->prm.server, STR("\r\n"));
}

static void put_tags(struct buf *b, struct str tags, size_t begin)
{
	if (tags.n)
		buf_puts(b, b->n == begin ? STR("Supported: ") : STR(", "), tags);
}

void ua_invite_write_supported(const struct ua_invite *iv, struct buf *b, bool more)
{
	buf_put(b, iv->prm.allow);
	ua_invite_write_tags(iv, b, more);
}

void ua_invite_write_tags(const struct ua_invite *iv, struct buf *b, bool more)
{
	size_t begin = b->n;

	put_tags(b, iv->prm.rel100 != UA_REL100_NO ? STR("100rel") : STR_NULL, begin);
	put_tags(b, iv->prm.supported, begin);
	put_tags(b, more ? iv->prm.supported_more : STR_NULL, begin);
	if (b->n > begin)
		buf_put(b, STR("\r\n"));
}

/* In one line, as pjproject has it. */
void ua_invite_write_require(const struct ua_invite *iv, struct buf *b)
{
	bool reliable = iv->prm.rel100 == UA_REL100_REQUIRED, timer = iv->prm.timers == UA_TIMERS_REQUIRED;

	if (reliable || timer)
		buf_puts(b, STR("Require: "), reliable ? STR("100rel") : STR_NULL, reliable && timer ? STR(", ") : STR_NULL,
			 timer ? STR("timer") : STR_NULL, STR("\r\n"));
}

void ua_invite_headers(struct ua_invite *iv, enum ua_invite_message kind, unsigned status, struct buf *b)
{
	if (iv->prm.user && iv->prm.user->headers)
		iv->prm.user->headers(iv->prm.arg, kind, status, b);
}

void ua_invite_learn_target(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg)
{
	if (iv->prm.user && iv->prm.user->target)
		iv->prm.user->target(iv->prm.arg, d, msg);
}

int ua_invite_reply(struct ua_invite *iv, struct sip_server_tx *tx, unsigned status, struct str headers)
{
	char room[1024];
	struct str reason = tx == iv->uas ? text_view(&iv->reason) : STR_NULL;
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	buf_put(&b, headers);
	if (iv->prm.as_pjproject && tx == iv->uas && status >= 300 && tx->status > 100)
		buf_put(&b, iv->prm.allow);     /* after a response that made a dialog */
	ua_invite_write_server(iv, &b);
	err = buf_err(&b) ? ENOMEM : sip_server_tx_respond(tx, status, reason, buf_view(&b), STR_NULL, STR_NULL);
	buf_free(&b);
	return err;
}

/* ---- letting go ------------------------------------------------------------------------------- */

void ua_part_request(struct ua_request **rq)
{
	if (*rq)
		ua_request_detach(*rq);
	*rq = obj_drop(*rq);
}

void ua_turn_drop(struct ua_invite *iv)
{
	ua_part_request(&iv->uac);
	ua_part_request(&iv->refresh);
	iv->turn = UA_TURN_NONE;
}

void ua_refresh_stop(struct ua_invite *iv)
{
	timer_stop(&iv->next.glare);
	iv->next.wanted = false;
}

void ua_timer_stop(struct ua_invite *iv)
{
	timer_stop(&iv->timer.timer);
	iv->timer.on = false;
}

void ua_held_free(struct ua_held_response *h)
{
	text_free(&h->headers);
	text_free(&h->type);
	text_free(&h->body);
	free(h);
}

void ua_reliable_stop(struct ua_invite *iv)
{
	timer_stop(&iv->rel.timer);
	iv->rel.pending = false;
	list_each_safe(p, next, &iv->rel.queue) {
		list_remove(p);
		ua_held_free(container_of(p, struct ua_held_response, link));
	}
}

struct sip_server_tx *ua_uas_waiting(const struct ua_invite *iv)
{
	return iv->uas && iv->uas->status < 200 ? iv->uas : NULL;
}

void ua_uas_clear(struct ua_invite *iv)
{
	if (iv->uas)
		sip_server_tx_detach(iv->uas);
	iv->uas = obj_drop(iv->uas);
	/* What is repeated until its PRACK belongs to that transaction. */
	ua_reliable_stop(iv);
}

static void fork_free(struct ua_fork *f)
{
	list_remove(&f->link);
	sip_dialog_close(f->dlg);
	obj_drop(f->dlg);
	free(f);
}

void ua_invite_close_forks(struct ua_invite *iv)
{
	list_each_safe(p, next, &iv->forks)
		fork_free(container_of(p, struct ua_fork, link));
}

void ua_deferred_free(struct ua_deferred *d)
{
	list_remove(&d->link);
	obj_drop(d->o);
	free(d);
}

void ua_invite_free_deferred(struct ua_invite *iv)
{
	list_each_safe(p, next, &iv->deferred)
		ua_deferred_free(container_of(p, struct ua_deferred, link));
}
