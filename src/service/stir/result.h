/* service/stir/result.h -- what came of a verification, in Asterisk's words, and what a caller is told of it
 * (RFC 8224 6.2.2). Pure; any thread. */
#ifndef SERVICE_STIR_RESULT_H
#define SERVICE_STIR_RESULT_H

enum stir_result {
	STIR_SUCCESS, STIR_INTERNAL_ERROR, STIR_NO_IDENTITY, STIR_NO_DATE, STIR_BAD_DATE, STIR_DATE_EXPIRED, STIR_BAD_X5U,
	STIR_CERT_RETRIEVAL, STIR_CERT_CONTENTS, STIR_CERT_NOT_TRUSTED, STIR_CERT_DATE, STIR_CERT_NO_TN_AUTH,
	STIR_CERT_NO_SPC, STIR_NO_KEY, STIR_SIGNATURE, STIR_NO_IAT, STIR_IAT_EXPIRED, STIR_BAD_PPT, STIR_BAD_ALG,
	STIR_BAD_TYP, STIR_BAD_ATTEST, STIR_NO_ORIGID, STIR_NO_ORIG_TN, STIR_TN_MISMATCH, STIR_NO_DEST_TN,
	STIR_BAD_HEADER, STIR_NO_CALLER, STIR_RESULTS
};
const char *stir_result_name(enum stir_result r);            /* STIR_SHAKEN(n,verify_result) */
unsigned stir_result_status(enum stir_result r);             /* of a response; STIR_SUCCESS: 200 */
const char *stir_status_text(unsigned status);               /* RFC 8224's words for it */

#endif
