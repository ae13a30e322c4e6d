/* A step in words, for whoever reads what was found. */
#include "server_conf.h"
#include "server_sdp.h"
#include "server_step.h"
#include "server_wire.h"

static void request_words(const struct step *s, struct buf *out)
{
	buf_printf(out, "%s", send_method(s));
	if (s->a[RQ_DIALOG])
		buf_printf(out, " in dialog %u back", s->a[RQ_DIALOG] - 1u);
	else
		buf_printf(out, " of %s to %s", phone[s->a[RQ_PHONE] % PHONES].name, conf_exten[s->a[RQ_EXTEN] % conf_extens]);
	if (s->a[RQ_NUMBERS])
		buf_printf(out, ", CSeq mode %u, tags mode %u, branch mode %u", s->a[RQ_NUMBERS] & 7u, s->a[RQ_NUMBERS] >> 3 & 7u,
			   s->a[RQ_NUMBERS] >> 6);
	if (s->a[RQ_AUTH] % 8 > 1)
		buf_printf(out, ", credentials mode %u", s->a[RQ_AUTH] % 8u);
	if (s->a[RQ_SDP] % SDP_PRESETS)
		buf_printf(out, ", SDP %u, %s %u", s->a[RQ_SDP] % SDP_PRESETS, sdp_edit_name(s->a[RQ_EDIT]), s->a[RQ_EDIT_ARG]);
	if (s->a[RQ_HEADERS] || s->a[RQ_MORE])
		buf_printf(out, ", headers %02x %02x", s->a[RQ_HEADERS], s->a[RQ_MORE]);
	buf_printf(out, ", value %u, path %02x, body %u, flags %02x", s->a[RQ_VALUE], s->a[RQ_PATH], s->a[RQ_BODY], s->a[RQ_FLAGS]);
}

static void response_words(const struct step *s, struct buf *out)
{
	buf_printf(out, "%u to the request %u back, tag mode %u", send_status(s), s->a[RS_REQUEST], s->a[RS_TAG] % 4u);
	if (s->a[RS_SDP] % SDP_PRESETS)
		buf_printf(out, ", SDP %u, %s %u", s->a[RS_SDP] % SDP_PRESETS, sdp_edit_name(s->a[RS_EDIT]), s->a[RS_EDIT_ARG]);
	buf_printf(out, ", headers %02x, value %u, mangled %02x, path %02x", s->a[RS_HEADERS], s->a[RS_VALUE], s->a[RS_MANGLE],
		   s->a[RS_PATH]);
}

void step_words(const struct step *s, struct buf *out)
{
	enum step_op op = (enum step_op)(s->op % STEP_OPS);

	buf_printf(out, "%s: ", step_name[op]);
	if (op == STEP_REQUEST)
		request_words(s, out);
	else if (op == STEP_RESPONSE)
		response_words(s, out);
	else if (op == STEP_TIME)
		buf_printf(out, "%llu ms%s", (unsigned long long)step_span(s), s->a[2] & 1 ? " at once" : "");
	else
		for (unsigned i = 0; i < 9; i++)
			buf_printf(out, "%u ", s->a[i]);
}
