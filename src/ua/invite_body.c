/* What a message carries: the description of its exchange, and the parts that its user puts
 * beside it (RFC 5621). */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include <errno.h>
#include <stdio.h>

void ua_body_init(struct ua_body *body)
{
	buf_init(&body->b, body->room, sizeof(body->room), 0);
	body->type = STR_NULL;
}

void ua_body_free(struct ua_body *body)
{
	buf_free(&body->b);
}

static int write_parts(struct ua_invite *iv, struct ua_body *body, const struct ua_part *v, size_t n)
{
	char boundary[SIP_TAG + 1];
	struct buf all = BUF_INIT;
	struct str end;
	int len, err;

	sip_token(iv->ua->sip, boundary, SIP_TAG);
	end = str_z(boundary);
	if (body->b.n)
		sip_write_part(&all, end, ua_invite_body_type(iv), STR_NULL, buf_view(&body->b));
	for (size_t i = 0; i < n; i++)
		sip_write_part(&all, end, v[i].type, v[i].headers, v[i].body);
	sip_write_parts_end(&all, end);
	buf_reset(&body->b);
	buf_put(&body->b, buf_view(&all));
	len = snprintf(body->type_room, sizeof(body->type_room), "multipart/mixed;boundary=%s", boundary);
	body->type = str_mk(body->type_room, (size_t)len);
	err = buf_err(&all) ? buf_err(&all) : buf_err(&body->b);
	buf_free(&all);
	return err;
}

static int write_alone(struct ua_body *body, const struct ua_part *p)
{
	if (p->type.n > sizeof(body->type_room))
		return EMSGSIZE;
	buf_put(&body->b, p->body);
	memcpy(body->type_room, p->type.p, p->type.n);
	body->type = str_mk(body->type_room, p->type.n);
	return buf_err(&body->b);
}

int ua_body_finish(struct ua_invite *iv, struct ua_body *body, enum ua_invite_message kind, unsigned status)
{
	const struct ua_invite_user *user = iv->prm.user;
	struct ua_part v[UA_PARTS];
	size_t n = !UA_SMALL && user && user->parts ? user->parts(iv->prm.arg, kind, status, v) : 0;

	if (!n) {
		body->type = body->b.n ? ua_invite_body_type(iv) : STR_NULL;
		return buf_err(&body->b);
	}
	if (n == 1 && kind >= UA_INVITE_BYE)
		return write_alone(body, v);
	return write_parts(iv, body, v, n);
}
