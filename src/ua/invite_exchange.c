/* Offer and answer of an INVITE session: one at a time, whichever messages carry them. What
 * they say is its user's. */
#include "ua/invite_private.h"
#include <errno.h>

/* RFC 3311 5.2 leaves the time to chance, so that two sides do not meet again. */
static void write_retry_after(struct ua_invite *iv, struct buf *headers)
{
	char tag[2];

	sip_token(iv->ua->sip, tag, 1);
	buf_printf(headers, "Retry-After: %u\r\n", 1 + (unsigned)(unsigned char)tag[0] % 10);
}

unsigned ua_exchange_glare(struct ua_invite *iv, struct buf *headers)
{
	if (iv->exchange == UA_EXCHANGE_OURS)
		return 491;
	if (iv->exchange == UA_EXCHANGE_NONE)
		return 0;
	write_retry_after(iv, headers);
	return 500;
}

unsigned ua_exchange_offer_in(struct ua_invite *iv, struct str body)
{
	const struct ua_invite_user *user = iv->prm.user;
	unsigned status;

	if (iv->exchange != UA_EXCHANGE_NONE)
		return 491;
	if (!user)
		return 481;
	status = user->offer_came(iv->prm.arg, body);
	if (!status || status == UA_INVITE_LATER)
		iv->exchange = UA_EXCHANGE_THEIRS;
	return status;
}

int ua_exchange_answer_out(struct ua_invite *iv, struct buf *b)
{
	const struct ua_invite_user *user = iv->prm.user;
	int err = iv->exchange == UA_EXCHANGE_THEIRS && user ? 0 : EINVAL;

	if (err)
		return err;
	/* What the answer sets off in its user sees the exchange as over. */
	iv->exchange = UA_EXCHANGE_NONE;
	err = user->answer_make(iv->prm.arg, b);
	if (err && iv->prm.user)
		iv->prm.user->exchange_failed(iv->prm.arg);
	return err;
}

int ua_exchange_offer_out(struct ua_invite *iv, struct buf *b)
{
	const struct ua_invite_user *user = iv->prm.user;
	int err = iv->exchange == UA_EXCHANGE_NONE && user ? 0 : EINVAL;

	if (!err)
		err = user->offer_make(iv->prm.arg, b);
	if (!err)
		iv->exchange = UA_EXCHANGE_OURS;
	return err;
}

unsigned ua_exchange_answer_in(struct ua_invite *iv, struct str body)
{
	const struct ua_invite_user *user = iv->prm.user;
	unsigned status;

	if (iv->exchange != UA_EXCHANGE_OURS || !user)
		return 488;
	iv->exchange = UA_EXCHANGE_NONE;
	status = user->answer_came(iv->prm.arg, body);
	if (status && iv->prm.user)
		iv->exchange = UA_EXCHANGE_OURS;
	return status;
}

/* RFC 3261 13.2.1: within a dialog only the first answer counts. Each fork has its own,
 * and the 2xx says which of them is the call. */
static bool is_further_answer(const struct ua_invite *iv, const struct sip_msg *msg)
{
	if (iv->exchange != UA_EXCHANGE_NONE || !iv->answered_by.n)
		return false;
	if (str_eq(text_view(&iv->answered_by), msg->to.tag))
		return iv->prm.follow_answers;
	return msg->status >= 200 || iv->prm.follow_forks;
}

unsigned ua_exchange_response(struct ua_invite *iv, const struct sip_msg *msg)
{
	struct str body;
	unsigned status;
	bool further;

	if (!ua_invite_body(iv, msg, &body))
		return 0;
	further = is_further_answer(iv, msg);
	if (further)
		iv->exchange = UA_EXCHANGE_OURS;
	if (iv->exchange != UA_EXCHANGE_OURS)
		return 0;
	status = ua_exchange_answer_in(iv, body);
	if (!status)
		text_set(&iv->answered_by, msg->to.tag);
	else if (further)
		iv->exchange = UA_EXCHANGE_NONE;        /* the earlier one is in force */
	return status;
}

void ua_exchange_fail(struct ua_invite *iv)
{
	if (iv->exchange == UA_EXCHANGE_NONE)
		return;
	iv->exchange = UA_EXCHANGE_NONE;
	if (iv->prm.user)
		iv->prm.user->exchange_failed(iv->prm.arg);
}

int ua_exchange_write(struct ua_invite *iv, struct buf *b)
{
	int err;

	if (iv->body.n) {
		buf_put(b, text_view(&iv->body));
		return buf_err(b);
	}
	err = iv->exchange == UA_EXCHANGE_THEIRS ? ua_exchange_answer_out(iv, b) : ua_exchange_offer_out(iv, b);
	if (!err)
		err = text_set(&iv->body, buf_view(b));
	return err;
}

unsigned ua_invite_offer_again(struct ua_invite *iv)
{
	struct str body;

	if (iv->exchange != UA_EXCHANGE_THEIRS || !iv->invite || !ua_invite_body(iv, iv->invite, &body))
		return 0;
	ua_exchange_fail(iv);
	return ua_exchange_offer_in(iv, body);
}
