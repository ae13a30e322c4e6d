/* PJSIP_HEADER_PARAM(From, header|uri, name): parameters of whose call it is; of ours they are added. */
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include <errno.h>

/* Asterisk knows no other header. */
static int param_key(struct str args, struct str a[3])
{
	if (pbx_args(args, a, 3) != 3)
		return EINVAL;
	for (size_t i = 0; i < 3; i++)
		a[i] = str_trim(a[i]);
	return str_ieq(a[0], STR("From")) && (str_ieq(a[1], STR("header")) || str_ieq(a[1], STR("uri"))) && a[2].n ? 0 : EINVAL;
}

/* These are not among the others that it looks through. */
static bool is_own(bool of_uri, struct str name)
{
	static const struct str own[] = { STR_INIT("user"), STR_INIT("method"), STR_INIT("transport"), STR_INIT("ttl"),
		STR_INIT("maddr"), STR_INIT("lr") };

	for (size_t i = 0; of_uri && i < ARRAY_LEN(own); i++)
		if (str_ieq(name, own[i]))
			return true;
	return !of_uri && str_ieq(name, STR("tag"));
}

int func_header_param_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	const struct sip_dialog *d = s ? session_dialog(s) : NULL;
	struct str a[3], v, from = d ? d->remote : STR_NULL;
	struct sip_addr addr;
	bool of_uri;

	(void)p;
	if (!s || param_key(args, a))
		return s ? EINVAL : ENOENT;
	/* The other side's: of a call of ours, its To. */
	if (s->incoming && s->seen.invite)
		from = sip_hdr_value(s->seen.invite, SIP_H_FROM);
	else if (!d)
		from = text_view(&s->callee.uri);
	of_uri = str_ieq(a[1], STR("uri"));
	if (sip_addr_parse(&addr, from) || is_own(of_uri, a[2]) || !sip_param(of_uri ? addr.uri.params : addr.params, a[2], &v))
		return ENOENT;
	buf_put(out, v);
	return 0;
}

int func_header_param_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct text *t;
	struct str a[3];

	(void)p;
	/* No line end can be smuggled into a message by the dialplan's data. */
	if (!s || param_key(args, a) || str_chr(value, '\r') < value.n || str_chr(value, '\n') < value.n)
		return s ? EINVAL : ENOENT;
	t = str_ieq(a[1], STR("uri")) ? &s->params.from_uri : &s->params.from;
	return text_printf(t, "%s;%.*s%s%.*s", text_z(t), STR_ARG(a[2]), value.n ? "=" : "", STR_ARG(value));
}
