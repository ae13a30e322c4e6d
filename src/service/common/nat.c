/* The address that was seen in the place of the one that was written. */
#include "service/common/nat.h"
#include <errno.h>

/* A sips URI says TLS by itself. */
static void write_params(struct buf *b, struct str params, enum net_proto proto, bool sips)
{
	while (params.n) {
		struct str one = str_cut(&params, ';'), rest = one;
		struct str name = str_trim(str_cut(&rest, '='));

		if (one.n && !str_ieq(name, STR("transport")) && !str_ieq(name, STR("maddr")))
			buf_puts(b, STR(";"), one);
	}
	if (proto != NET_UDP && !(proto == NET_TLS && sips))
		buf_puts(b, STR(";transport="), str_z(net_proto_name(proto)));
}

int nat_rewrite_uri(const struct sip_uri *uri, const struct net_path *path, struct text *out)
{
	struct buf b = BUF_INIT;
	struct sa written;
	struct str t = STR_NULL;
	int err;

	sip_uri_param(uri, STR("transport"), &t);
	if (sa_parse_host(&written, uri->host, uri->port ? uri->port : 5060) == 0 && sa_eq(&written, &path->peer) &&
	    (t.n ? str_ieq(t, str_z(net_proto_name(path->proto))) : path->proto == NET_UDP))
		return 0;
	buf_puts(&b, uri->scheme, STR(":"));
	if (uri->user.n) {
		buf_put(&b, uri->user);
		if (uri->password.n)
			buf_puts(&b, STR(":"), uri->password);
		buf_char(&b, '@');
	}
	sa_write(&b, &path->peer);
	write_params(&b, uri->params, path->proto, sip_uri_is_sips(uri));
	err = buf_err(&b);
	if (!err)
		err = text_set(out, buf_view(&b));
	buf_free(&b);
	return err;
}

/* The nearest hop is the first of our route set, for a UAS and a UAC alike. */
static int fix_first_route(struct sip_dialog *d, const struct sip_msg *msg)
{
	struct str rest = d->route, first = str_trim(str_cut_addr(&rest, ','));
	struct text uri = { 0 };
	struct buf b = BUF_INIT;
	struct sip_addr a;
	int err = sip_addr_parse(&a, first);

	if (!err)
		err = nat_rewrite_uri(&a.uri, &msg->from_path, &uri);
	if (!err && uri.n) {
		buf_puts(&b, STR("<"), text_view(&uri), STR(">"));
		if (a.params.n)
			buf_puts(&b, STR(";"), a.params);
		if (str_trim(rest).n)
			buf_puts(&b, STR(", "), str_trim(rest));
		err = buf_err(&b);
		if (!err)
			err = sip_dialog_set_route(d, buf_view(&b));
	}
	buf_free(&b);
	text_free(&uri);
	return err;
}

int nat_fix_dialog(struct sip_dialog *d, const struct sip_msg *msg)
{
	struct text uri = { 0 };
	struct sip_uri target;
	int err;

	if (d->route.n)
		return fix_first_route(d, msg);
	err = sip_uri_parse(&target, d->target);
	if (!err)
		err = nat_rewrite_uri(&target, &msg->from_path, &uri);
	if (!err && uri.n)
		err = sip_dialog_set_target(d, text_view(&uri));
	text_free(&uri);
	return err;
}
