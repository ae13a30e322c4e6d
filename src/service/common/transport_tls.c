/* The TLS options of a transport, as net wants them. What is wrong with certificates is found out
 * there and reported here. */
#include "service/common/transport_tls.h"
#include "base/buf.h"
#include <errno.h>

struct tls_work {
	struct tls_prm prm;
	struct buf name, cipher;        /* that `prm` looks into */
};

static void report_fault(const struct transport_conf *t, struct report *r, enum report_level level, struct str what)
{
	report_add(r, level, str_z(t->o.file), t->o.line, "transport '%.*s': %.*s", STR_ARG(t->name), STR_ARG(what));
}

static int set_version(struct tls_work *w, const struct transport_conf *t, struct report *r)
{
	switch (t->method) {
	case TLS_METHOD_SSLV2:
	case TLS_METHOD_SSLV3:
		report_fault(t, r, REPORT_ERROR, STR("method: SSL 2 and 3 are broken and not spoken here; set method=tlsv1_2"));
		return EINVAL;
	case TLS_METHOD_TLSV1:
	case TLS_METHOD_TLSV1_1:
		report_fault(t, r, REPORT_WARNING, STR("method: TLS 1.0 and 1.1 are not spoken here (RFC 8996); peers need 1.2"));
		return 0;
	case TLS_METHOD_TLSV1_3:
		w->prm.version = TLS_VERSION_1_3;
		return 0;
	default:
		return 0;
	}
}

static int fill(struct tls_work *w, const struct transport_conf *t, struct report *r)
{
	*w = (struct tls_work){ .name = BUF_INIT, .cipher = BUF_INIT };
	buf_printf(&w->name, "transport '%.*s'", STR_ARG(t->name));
	str_list_write(&w->cipher, &t->cipher, ':');
	w->prm = (struct tls_prm){ .name = buf_view(&w->name), .cipher = buf_view(&w->cipher),
		.ca_list_file = t->ca_list_file, .ca_list_path = t->ca_list_path, .cert_file = t->cert_file,
		.priv_key_file = t->priv_key_file, .password = t->password.s,
		.require_client_cert = t->require_client_cert, .verify_client = t->verify_client,
		.verify_server = t->verify_server, .allow_wildcard_certs = t->allow_wildcard_certs };
	return buf_err(&w->name) || buf_err(&w->cipher) ? ENOMEM : set_version(w, t, r);
}

static int finish(struct tls_work *w, const struct transport_conf *t, struct report *r, int err, struct buf *why)
{
	if (why->n)
		report_fault(t, r, REPORT_ERROR, buf_view(why));
	else if (err == ENOMEM)
		report_fault(t, r, REPORT_ERROR, STR("out of memory"));
	buf_free(why);
	buf_free(&w->name);
	buf_free(&w->cipher);
	return err;
}

int transport_tls_new(struct tls_context **out, const struct transport_conf *t, struct report *r)
{
	struct buf why = BUF_INIT;
	struct tls_work w;
	int err;

	*out = NULL;
	if (t->protocol != TRANSPORT_TLS && t->protocol != TRANSPORT_WSS)
		return 0;
	err = fill(&w, t, r);
	err = err ? err : tls_context_new(out, &w.prm, &why);
	return finish(&w, t, r, err, &why);
}

int transport_tls_change(struct tls_context *tls, const struct transport_conf *t, struct report *r)
{
	struct buf why = BUF_INIT;
	struct tls_work w;
	int err = fill(&w, t, r);

	err = err ? err : tls_context_change(tls, &w.prm, &why);
	return finish(&w, t, r, err, &why);
}

static bool list_differs(const struct str_list *a, const struct str_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = str_eq(a->v[i], b->v[i]);
	return !same;
}

bool transport_tls_differs(const struct transport_conf *a, const struct transport_conf *b)
{
	return !str_eq(a->ca_list_file, b->ca_list_file) || !str_eq(a->ca_list_path, b->ca_list_path) ||
	       !str_eq(a->cert_file, b->cert_file) || !str_eq(a->priv_key_file, b->priv_key_file) ||
	       !str_eq(a->password.s, b->password.s) || list_differs(&a->cipher, &b->cipher) || a->method != b->method ||
	       a->require_client_cert != b->require_client_cert || a->verify_client != b->verify_client ||
	       a->verify_server != b->verify_server || a->allow_wildcard_certs != b->allow_wildcard_certs;
}
