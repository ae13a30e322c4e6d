/* The signing of a call of ours: its Identity header. */
#define LOG_MODULE "stir"
#include "service/stir/stir.h"
#include "base/log.h"
#include <errno.h>
#include <openssl/rand.h>

/* A random UUID (RFC 9562 5.4). */
static bool make_origid(char out[37])
{
	uint8_t b[16];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return false;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0, at = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = "0123456789abcdef"[b[i] >> 4];
		out[at++] = "0123456789abcdef"[b[i] & 15];
	}
	out[36] = 0;
	return true;
}

static int write_signed(struct buf *out, const struct stir_signing *how, const struct passport_prm *prm)
{
	uint8_t signature[PASSPORT_SIGNATURE];
	struct buf jwt = BUF_INIT;
	int err = passport_write(&jwt, prm);

	err = err ? err : stir_key_sign(how->key, buf_view(&jwt), signature);
	if (!err) {
		buf_char(&jwt, '.');
		base64url_write(&jwt, signature, sizeof(signature));
		passport_write_identity(out, buf_view(&jwt), prm->x5u);
		err = buf_err(&jwt) ? buf_err(&jwt) : buf_err(out);
	}
	buf_free(&jwt);
	return err;
}

static bool find_signing(const struct service *svc, const struct stir_sign_prm *prm, const struct stir_section *p, struct str orig,
			 struct stir_signing *how)
{
	switch (stir_conf_signing(stir_conf_of(svc), p, orig, how)) {
	case STIR_SIGN_OK:
		return true;
	case STIR_SIGN_UNKNOWN:
		break;
	case STIR_SIGN_NO_LEVEL:
		log_error("'%.*s': no attest_level in tn '%.*s', its profile or [attestation]", STR_ARG(prm->endpoint), STR_ARG(orig));
		break;
	case STIR_SIGN_NO_URL:
		log_error("'%.*s': no public_cert_url in tn '%.*s', its profile or [attestation]", STR_ARG(prm->endpoint), STR_ARG(orig));
		break;
	case STIR_SIGN_NO_KEY:
		log_error("'%.*s': no private_key_file in tn '%.*s', its profile or [attestation]", STR_ARG(prm->endpoint), STR_ARG(orig));
		break;
	}
	return false;
}

void stir_sign(struct service *svc, const struct stir_sign_prm *prm, bool date, struct buf *h)
{
	const struct stir_section *p = stir_profile(svc, prm->profile, STIR_ATTEST, prm->endpoint);
	char oroom[TN_MAX], droom[TN_MAX], alg[32], origid[37];
	struct str orig = tn_canonical(prm->orig, oroom), digest = prm->fingerprint, name = str_cut_raw(&digest, ' ');
	struct passport_key_print print = { str_copy(alg, sizeof(alg), name), digest };
	struct passport_prm pp = { .orig_tn = orig, .dest_tn = tn_canonical(prm->dest, droom), .iat = clock_wall_s(svc->clock) };
	struct stir_signing how;
	struct buf value = BUF_INIT;
	int err;

	if (!p || !prm->dest.n || !find_signing(svc, prm, p, orig, &how))
		return;
	pp.x5u = how.url;
	pp.attest = how.level;
	pp.mky = &print;
	pp.mkys = how.mky && digest.n ? 1 : 0;
	err = make_origid(origid) ? 0 : EIO;
	pp.origid = str_z(origid);
	err = err ? err : write_signed(&value, &how, &pp);
	if (err) {
		log_error("'%.*s': the call of '%.*s' could not be signed: %s", STR_ARG(prm->endpoint), STR_ARG(orig), strerror(err));
	} else {
		if (date) {
			buf_put(h, STR("Date: "));
			stir_date_write(h, pp.iat);
			buf_put(h, STR("\r\n"));
		}
		buf_puts(h, STR("Identity: "), buf_view(&value), STR("\r\n"));
	}
	buf_free(&value);
}
