/* The table of what a verification may come to. */
#include "service/stir/result.h"
#include "base/str.h"

static const struct {
	const char *name;
	unsigned status;
} rows[STIR_RESULTS] = {
	[STIR_SUCCESS] = { "success", 200 },
	[STIR_INTERNAL_ERROR] = { "internal_error", 500 },
	[STIR_NO_IDENTITY] = { "missing_identity_hdr", 428 },
	[STIR_NO_DATE] = { "missing_date_hdr", 403 },
	[STIR_BAD_DATE] = { "date_hdr_parse_failure", 403 },
	[STIR_DATE_EXPIRED] = { "date_hdr_range_error", 403 },
	[STIR_BAD_X5U] = { "invalid_or_no_x5u", 438 },
	[STIR_CERT_RETRIEVAL] = { "cert_retrieval_failure", 436 },
	[STIR_CERT_CONTENTS] = { "cert_contents_invalid", 437 },
	[STIR_CERT_NOT_TRUSTED] = { "cert_not_trusted", 437 },
	[STIR_CERT_DATE] = { "cert_date_failure", 437 },
	[STIR_CERT_NO_TN_AUTH] = { "cert_no_tn_auth_ext", 437 },
	[STIR_CERT_NO_SPC] = { "cert_no_spc_in_auth_ext", 437 },
	[STIR_NO_KEY] = { "no_raw_key", 437 },
	[STIR_SIGNATURE] = { "signature_validation", 438 },
	[STIR_NO_IAT] = { "missing_iat", 438 },
	[STIR_IAT_EXPIRED] = { "iat_range_error", 403 },
	[STIR_BAD_PPT] = { "invalid_or_no_ppt", 438 },
	[STIR_BAD_ALG] = { "invalid_or_no_alg", 438 },
	[STIR_BAD_TYP] = { "invalid_or_no_typ", 438 },
	[STIR_BAD_ATTEST] = { "invalid_or_no_attest", 438 },
	[STIR_NO_ORIGID] = { "missing_origid", 438 },
	[STIR_NO_ORIG_TN] = { "missing_orig_tn", 438 },
	[STIR_TN_MISMATCH] = { "cid_orig_tn_mismatch", 438 },
	[STIR_NO_DEST_TN] = { "missing_dest_tn", 438 },
	[STIR_BAD_HEADER] = { "invalid_header", 438 },
	[STIR_NO_CALLER] = { "invalid_or_no_callerid", 433 },
};

const char *stir_result_name(enum stir_result r)
{
	return r < STIR_RESULTS ? rows[r].name : "";
}

unsigned stir_result_status(enum stir_result r)
{
	return r < STIR_RESULTS ? rows[r].status : 500;
}

const char *stir_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
		{ 200, "OK" }, { 403, "Stale Date" }, { 428, "Use Identity Header" }, { 433, "Anonymity Disallowed" },
		{ 436, "Bad Identity Info" }, { 437, "Unsupported Credential" }, { 438, "Invalid Identity Header" },
		{ 500, "Internal Error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "";
}
