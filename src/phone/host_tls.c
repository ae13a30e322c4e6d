/* The TLS of the host's connections: one context, made when the first needs it. */
#include "phone/host_private.h"

int host_tls(struct sidetone_loop *h, struct buf *why)
{
	const struct tls_prm prm = { .name = STR("TLS"), .ca_list_file = text_view(&h->ca_list_file),
		.ca_list_path = text_view(&h->ca_list_path), .cert_file = text_view(&h->cert_file),
		.priv_key_file = text_view(&h->priv_key_file), .connect_only = true, .verify_server = !h->no_verify,
		.allow_wildcard_certs = true };

	return h->tls ? 0 : tls_context_new(&h->tls, &prm, why);
}
