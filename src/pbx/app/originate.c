/* Originate: a call of its own, from the dialplan. */
#define LOG_MODULE "originate"
#include "base/log.h"
#include "base/num.h"
#include "pbx/app/app.h"
#include "pbx/originate.h"

static struct str status_of(enum originate_reason r)
{
	switch (r) {
	case ORIGINATE_ANSWERED:
		return STR("SUCCESS");
	case ORIGINATE_BUSY:
		return STR("BUSY");
	case ORIGINATE_CONGESTION:
		return STR("CONGESTION");
	case ORIGINATE_TIMEOUT:
		return STR("RINGING");
	default:
		return STR("FAILED");
	}
}

/* Originate(TECH/dest,app|exten,arg1[,arg2[,arg3[,timeout s[,options]]]]): options a (do not
 * wait), c(number), n(name), C(codecs), v(variables) */
static int run(struct channel *ch, struct str data)
{
	struct originate_prm prm = { 0 };
	struct originate_var vars[16];
	struct str v[7] = { { 0 } }, status = STR("FAILED"), list = STR_NULL;
	uint32_t n;
	int err = 0;

	pbx_args(data, v, ARRAY_LEN(v));
	prm.channel = v[0];
	if (str_ieq(v[1], STR("app"))) {
		prm.app = v[2];
		prm.data = v[3];
	} else if (str_ieq(v[1], STR("exten"))) {
		prm.context = v[2];
		prm.exten = v[3];
		prm.priority = v[4].n && !str_u32(v[4], &n) ? (int)n : 1;
	} else {
		log_warning("Originate: '%.*s' is neither app nor exten", STR_ARG(v[1]));
		goto out;
	}
	if (v[5].n && !str_u32(v[5], &n))
		prm.timeout_ms = num_u32(num_ms_of_s(n));
	pbx_option(v[6], 'c', &prm.caller_number);
	pbx_option(v[6], 'n', &prm.caller_name);
	pbx_option(v[6], 'C', &prm.codecs);
	pbx_option(v[6], 'v', &list);
	while (list.n && prm.nvars < ARRAY_LEN(vars)) {
		struct str one = str_cut_raw(&list, '^');

		vars[prm.nvars].name = str_trim(str_cut_raw(&one, '='));
		vars[prm.nvars++].value = one;
	}
	prm.vars = vars;
	if (pbx_option(v[6], 'a', NULL)) {
		err = originate(ch->pbx, &prm, NULL, NULL);
		status = err ? STR("FAILED") : STR("SUCCESS");
	} else {
		enum originate_reason r = originate_wait(ch->pbx, &prm, &err);

		status = err ? STR("FAILED") : status_of(r);
	}
 out:
	pbx_setvar(ch->pbx, ch, STR("ORIGINATE_STATUS"), status);
	return ch->hungup ? -1 : 0;
}

const struct app app_originate = { .name = "Originate", .synopsis = "Start another call", .run = run };
