/* Security agreement (RFC 3329, mediasec): lists of mechanisms read and written, and what a
 * server's list is until the next one comes. When they are sent is request.c's. */
#include "ua/agree.h"
#include "base/obj.h"
#include <errno.h>

#define MAX_LIST 2048           /* of Security-Verify lines: a server cannot make our requests grow beyond it */

struct ua_agreement {           /* obj */
	struct text verify;     /* whole lines; empty: nothing is known */
};

static const struct str names[] = { STR_INIT("none"), STR_INIT("msrp-tls"), STR_INIT("sdes-srtp"), STR_INIT("dtls-srtp") };

/* ---- lists ------------------------------------------------------------------------------- */

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool is_qvalue(struct str s)
{
	if (!s.n || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
		return false;
	for (size_t i = 2; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > (s.p[0] == '1' ? '0' : '9'))
			return false;
	return true;
}

static bool is_q(struct str param, struct str *value)
{
	struct str name = str_trim(str_cut(&param, '='));

	*value = str_trim(param);
	return str_ieq(name, STR("q"));
}

static bool read_one(struct str one, struct ua_mechanism *m)
{
	struct str name = str_trim(str_cut(&one, ';')), rest = one, q;

	*m = (struct ua_mechanism){ .params = one };
	for (size_t i = 0; i < ARRAY_LEN(names) && !m->name.n; i++)
		if (str_ieq(name, names[i]))
			m->name = names[i];
	while (rest.n)
		if (is_q(str_cut(&rest, ';'), &q) && !is_qvalue(q))
			return false;
	return m->name.n > 0;
}

bool ua_mechanism_next(struct str *list, struct ua_mechanism *m)
{
	while (list->n)
		if (read_one(str_cut(list, ','), m))
			return true;
	return false;
}

void ua_mechanism_write(struct buf *b, const struct ua_mechanism *m)
{
	struct str rest = m->params, q;

	buf_put(b, m->name);
	while (rest.n) {
		struct str one = str_trim(str_cut(&rest, ';'));

		if (one.n && !is_q(one, &q))
			buf_puts(b, STR(";"), one);
	}
}

static void write_list(struct buf *b, struct str header, struct str list)
{
	struct ua_mechanism m;

	while (ua_mechanism_next(&list, &m)) {
		buf_puts(b, header, STR(": "));
		ua_mechanism_write(b, &m);
		buf_put(b, STR("\r\n"));
	}
}

/* ---- what a server said -------------------------------------------------------------------- */

static void agreement_free(void *arg)
{
	text_free(&((struct ua_agreement *)arg)->verify);
}

struct ua_agreement *ua_agreement_new(void)
{
	return obj_new(sizeof(struct ua_agreement), agreement_free);
}

bool ua_agreement_learn(struct ua_agreement *a, const struct sip_msg *msg)
{
	char room[512];
	const struct sip_hdr *h;
	struct buf b;
	bool ok;

	buf_init(&b, room, sizeof(room), MAX_LIST);
	for (size_t n = 0; (h = sip_hdr_named(msg, STR("Security-Server"), n)); n++)
		write_list(&b, STR("Security-Verify"), h->value);
	ok = b.n && !buf_err(&b) && !text_set(&a->verify, buf_view(&b));
	buf_free(&b);
	return ok;
}

bool ua_agreement_is_known(const struct ua_agreement *a)
{
	return a->verify.n > 0;
}

int ua_agreement_copy(struct ua_agreement *to, const struct ua_agreement *from)
{
	return text_set(&to->verify, text_view(&from->verify));
}

/* ---- what a request says --------------------------------------------------------------------- */

void ua_agree_write(const struct ua_agree *g, unsigned refused, struct buf *b)
{
	bool challenged = refused == 401 || refused == 407;
	size_t before = b->n;

	if (!g->server)
		return;
	if (challenged || (g->client_first && !refused))
		write_list(b, STR("Security-Client"), g->client);
	if (refused || !g->client_first || g->verify_first)
		buf_put(b, text_view(&g->server->verify));
	if (b->n > before)
		buf_put(b, STR("Require: mediasec\r\nProxy-Require: mediasec\r\n"));
}
