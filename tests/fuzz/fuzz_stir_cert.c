/* What a certificates' server answers: header lines, then, behind an empty one, PEM. The same bytes as the DER of a
 * TNAuthList. */
#include "base/obj.h"
#include "service/stir/stir_curl.h"
#include "service/stir/stir_private.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct str pem)
{
	struct stir_cert *c = stir_cert_read(pem);
	uint8_t signature[PASSPORT_SIGNATURE] = { 1 };
	const char *why;

	if (!c)
		return;
	/* Nobody is trusted here. */
	if (stir_cert_judge(c, NULL, 1700000000, 1700000000, &why) == STIR_SUCCESS)
		abort();
	stir_cert_ends(c);
	stir_cert_valid_at(c, 1700000000);
	stir_cert_verifies(c, pem, signature);
	stir_cert_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct stir_job *j = stir_job_new(STIR_JOB_GET, NULL);
	struct str rest, line;
	bool ok = true;

	if (!copy || !j)
		abort();
	if (size)
		memcpy(copy, data, size);
	rest = str_mk(copy, size);
	stir_tn_auth_read(rest);
	while (ok && str_line(&rest, &line) && line.n)
		ok = stir_curl_header(j, line);
	stir_cache_until(text_view(&j->cache_control), text_view(&j->expires), 1700000000);
	look_at(rest);
	obj_drop(j);
	free(copy);
	return 0;
}
