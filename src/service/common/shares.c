/* Who holds how much of what is scarce, by endpoint and by source address; and the
 * refusal of those who may not have more. */
#define LOG_MODULE "shares"
#include "service/common/shares.h"
#include "base/hash.h"
#include "base/share.h"
#include "service/common/service.h"
#include <errno.h>
#include <stdlib.h>

struct share_holder {
	struct shares *all;
	struct text key;                /* 'e' and a name, or 'a' and an address */
	bool is_address;
	size_t refs;                    /* accounts and transactions that name it */
	size_t held[SHARE_KINDS];
};

struct shares {
	struct map *holders;            /* by key */
	unsigned percent;
	size_t total[SHARE_KINDS], used[SHARE_KINDS];
	size_t most[2][SHARE_KINDS];    /* of an endpoint, of an address; 0: no fixed limit */
};

#define DIALOGS 100000
#define MESSAGES 1000

struct shares *shares_new(const struct share_limits *l)
{
	struct shares *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->percent = l->percent ? l->percent : 90;
	all->total[SHARE_TRANSACTION] = l->transactions;
	all->total[SHARE_DIALOG] = l->dialogs ? l->dialogs : DIALOGS;
	all->total[SHARE_PORT] = l->ports;
	all->total[SHARE_MESSAGE] = MESSAGES;
	all->most[false][SHARE_CALL] = l->calls_per_endpoint;
	all->most[true][SHARE_CALL] = l->calls_per_address;
	all->holders = map_new(false);
	if (!all->holders) {
		free(all);
		return NULL;
	}
	return all;
}

void shares_free(struct shares *all)
{
	struct share_holder *h;

	if (!all)
		return;
	for (size_t it = 0; (h = map_next(all->holders, &it)); ) {
		text_free(&h->key);
		free(h);
	}
	map_free(all->holders);
	free(all);
}

void shares_set_total(struct shares *all, enum share_kind k, size_t total)
{
	all->total[k] = total;
}

size_t shares_used(const struct shares *all, enum share_kind k)
{
	return all->used[k];
}

size_t shares_total(const struct shares *all, enum share_kind k)
{
	return all->total[k];
}

/* ---- holders --------------------------------------------------------------------- */

static struct str key_write(struct buf *b, struct str endpoint, const struct sa *peer)
{
	if (!peer)
		buf_puts(b, STR("e"), endpoint);
	else if (sa_is_v6(peer))        /* whoever has one address of a /64 has them all */
		buf_puts(b, STR("a"), str_mk((const char *)&peer->u.in6.sin6_addr, 8));
	else
		buf_puts(b, STR("a"), str_mk((const char *)&peer->u.in4.sin_addr, 4));
	return buf_err(b) ? STR_NULL : buf_view(b);
}

static struct share_holder *holder_find(const struct shares *all, struct str endpoint, const struct sa *peer)
{
	char room[256];
	struct share_holder *h;
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	h = map_get(all->holders, key_write(&b, endpoint, peer));
	buf_free(&b);
	return h;
}

/* Held by the caller. NULL: out of memory. */
static struct share_holder *holder_get(struct shares *all, struct str endpoint, const struct sa *peer)
{
	struct share_holder *h = holder_find(all, endpoint, peer);
	char room[256];
	struct buf b;
	int err;

	if (!h) {
		h = calloc(1, sizeof(*h));
		if (!h)
			return NULL;
		h->all = all;
		h->is_address = peer != NULL;
		buf_init(&b, room, sizeof(room), 0);
		err = text_set(&h->key, key_write(&b, endpoint, peer));
		buf_free(&b);
		if (!err)
			err = map_add(all->holders, text_view(&h->key), h);
		if (err) {
			text_free(&h->key);
			free(h);
			return NULL;
		}
	}
	h->refs++;
	return h;
}

static struct share_holder *holder_drop(struct share_holder *h)
{
	if (!h || --h->refs)
		return NULL;
	map_del(h->all->holders, text_view(&h->key));
	text_free(&h->key);
	free(h);
	return NULL;
}

/* `h` NULL: somebody who holds nothing yet. */
static bool permits(const struct shares *all, enum share_kind k, const struct share_holder *h, bool is_address)
{
	struct share s = { all->total[k], all->used[k], all->most[is_address][k], all->percent };

	return share_permits(&s, h ? h->held[k] : 0);
}

bool shares_permit(struct shares *all, enum share_kind k, struct str endpoint, const struct sa *peer)
{
	return permits(all, k, holder_find(all, endpoint, NULL), false) &&
	       permits(all, k, holder_find(all, STR_NULL, peer), true);
}

/* ---- accounts ---------------------------------------------------------------------- */

void share_open(struct share_account *a, struct shares *all, struct str endpoint, const struct sa *peer)
{
	*a = (struct share_account){ .ep = holder_get(all, endpoint, NULL) };
	if (a->ep && peer)
		a->address = holder_get(all, STR_NULL, peer);
}

void share_open_like(struct share_account *a, const struct share_account *of)
{
	*a = (struct share_account){ .ep = of->ep, .address = of->address };
	if (a->ep)
		a->ep->refs++;
	if (a->address)
		a->address->refs++;
}

int share_take(struct share_account *a, enum share_kind k)
{
	if (!a->ep)
		return 0;
	if (!permits(a->ep->all, k, a->ep, false) || (a->address && !permits(a->ep->all, k, a->address, true)))
		return EDQUOT;
	a->ep->held[k]++;
	if (a->address)
		a->address->held[k]++;
	a->ep->all->used[k]++;
	a->n[k]++;
	return 0;
}

void share_give(struct share_account *a, enum share_kind k)
{
	if (!a->n[k])
		return;
	a->n[k]--;
	a->ep->held[k]--;
	if (a->address)
		a->address->held[k]--;
	a->ep->all->used[k]--;
}

void share_close(struct share_account *a)
{
	for (enum share_kind k = 0; k < SHARE_KINDS; k++)
		while (a->n[k])
			share_give(a, k);
	a->ep = holder_drop(a->ep);
	a->address = holder_drop(a->address);
}

/* ---- requests ------------------------------------------------------------------------ */

void shares_settled(void *account)
{
	struct share_holder *h = account;

	h->held[SHARE_TRANSACTION]--;
	h->all->used[SHARE_TRANSACTION]--;
	holder_drop(h);
}

/* What a new request will want to have. */
static const struct {
	enum sip_method method;
	enum share_kind kind;
	const char *why;
} wants[] = {
	{ SIP_INVITE, SHARE_CALL, "it has its share of calls (maxcalls, endpoint_calls, address_calls, max_share)" },
	{ SIP_INVITE, SHARE_DIALOG, "it has its share of dialogs (max_dialogs, max_share)" },
	{ SIP_INVITE, SHARE_PORT, "it has its share of media ports (rtp.conf, max_share)" },
	{ SIP_SUBSCRIBE, SHARE_DIALOG, "it has its share of dialogs (max_dialogs, max_share)" },
	{ SIP_MESSAGE, SHARE_MESSAGE, "it has its share of the messages that wait (max_share)" },
};

bool shares_admit(struct service *svc, const struct identity *id, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	struct shares *all = svc->shares;
	struct share_holder *h = holder_get(all, id->ep->name, NULL);
	const struct sa *peer = &msg->from_path.peer;

	if (!h)
		return true;            /* not counted: its memory was wanting, not room in the table */
	if (!permits(all, SHARE_TRANSACTION, h, false)) {
		shares_refuse(svc, id->ep->name, tx, msg, "it has its share of transactions (max_transactions, max_share)");
		holder_drop(h);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		if (wants[i].method == msg->method && !shares_permit(all, wants[i].kind, id->ep->name, peer)) {
			shares_refuse(svc, id->ep->name, tx, msg, wants[i].why);
			holder_drop(h);
			return false;
		}
	}
	h->held[SHARE_TRANSACTION]++;
	all->used[SHARE_TRANSACTION]++;
	tx->account = h;
	return true;
}

void shares_refuse(struct service *svc, struct str endpoint, struct sip_server_tx *tx, const struct sip_msg *msg,
		   const char *why)
{
	char room[512];
	struct buf b;

	reason_add(svc->reasons, REASON_OVERLOAD, REASON_REFUSED, 503, endpoint, &msg->from_path.peer, "%s", why);
	buf_init(&b, room, sizeof(room), 0);
	buf_puts(&b, STR(SHARES_RETRY), service_server_header(svc));
	if (!buf_err(&b))
		sip_server_tx_respond_stateless(tx, 503, buf_view(&b));
	buf_free(&b);
}

unsigned shares_status(int err)
{
	switch (err) {
	case ENOMEM: case ENOBUFS: case EMFILE: case ENFILE: case ENOSPC: case EDQUOT: case EAGAIN: case EADDRNOTAVAIL:
		return 503;
	default:
		return 500;
	}
}
