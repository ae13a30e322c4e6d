/* An Identity header with its PASSporT: what was read is written again, and read to the same. The same bytes as a
 * date, as Cache-Control and as the URL of a certificate. */
#include "service/stir/stir_conf.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void write_again(const struct passport *p)
{
	struct passport_prm prm = { .x5u = text_view(&p->x5u), .orig_tn = text_view(&p->orig_tn), .dest_tn = STR("1"),
		.origid = text_view(&p->origid), .attest = 'A', .iat = p->iat };
	struct buf jwt = BUF_INIT, all = BUF_INIT;
	struct passport back;

	must(!passport_write(&jwt, &prm));
	buf_put(&jwt, STR(".AAAA"));
	passport_write_identity(&all, buf_view(&jwt), STR("u"));
	if (all.n <= PASSPORT_MAX) {
		must(!passport_read(&back, buf_view(&all)));
		must(str_eq(text_view(&back.x5u), text_view(&p->x5u)) && str_eq(text_view(&back.orig_tn), text_view(&p->orig_tn)));
		must(str_eq(text_view(&back.origid), text_view(&p->origid)) && back.iat == p->iat);
		passport_free(&back);
	}
	buf_free(&jwt);
	buf_free(&all);
}

static void look_at_texts(struct str s)
{
	struct stir_section relaxed = { .relax_x5u_port_scheme_restrictions = STIR_YES, .relax_x5u_path_restrictions = STIR_YES };
	struct stir_section strict = { 0 };
	struct buf b = BUF_INIT;
	char room[TN_MAX];
	int64_t at, back;

	must(!stir_x5u_allowed(&strict, s) || stir_x5u_allowed(&relaxed, s));
	must(tn_canonical(s, room).n <= TN_MAX);
	stir_cache_until(s, s, 1700000000);
	if (!stir_date_read(s, &at)) {
		stir_date_write(&b, at);
		must(!stir_date_read(buf_view(&b), &back) && back == at);
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);   /* of exactly this size: a byte over is seen */
	struct passport p;

	must(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	if (!passport_read(&p, str_mk(copy, size))) {
		must(p.signature_n <= PASSPORT_SIGNATURE);
		must(p.signed_part.p >= copy && p.signed_part.p + p.signed_part.n <= copy + size);
		write_again(&p);
		passport_free(&p);
	}
	look_at_texts(str_mk(copy, size));
	free(copy);
	return 0;
}
