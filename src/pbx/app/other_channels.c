/* What one channel's dialplan does to other channels. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"
#include "pbx/devstate.h"

/* ChannelRedirect(channel,[[context,]exten,]priority): CHANNELREDIRECT_STATUS */
static int run_redirect(struct channel *ch, struct str data)
{
	struct str v[4] = { { 0 } }, context, exten, status = STR("NOCHANNEL");
	size_t n = pbx_args(data, v, ARRAY_LEN(v));
	struct channel *to;
	uint32_t priority;

	if (n < 2) {
		log_warning("ChannelRedirect needs a channel and a place");
		return -1;
	}
	to = channel_by_name(ch->pbx, v[0]);
	if (!to)
		goto out;
	context = n > 3 ? v[1] : text_view(&to->context);
	exten = n > 2 ? v[n - 2] : text_view(&to->exten);
	if (str_u32(v[n - 1], &priority)) {
		int p = dialplan_label(ch->pbx, context, exten, v[n - 1], STR_NULL);

		priority = p > 0 ? (uint32_t)p : 1;
	}
	if (!to->fiber && to->bridge) {
		obj_hold(to);
		bridge_remove(to);
		obj_drop(to);
	}
	status = pbx_async_goto(to, context, exten, (int)priority) ? STR("ERROR") : STR("SUCCESS");
 out:
	pbx_setvar(ch->pbx, ch, STR("CHANNELREDIRECT_STATUS"), status);
	return ch->hungup || ch->async_goto ? -1 : 0;
}

/* "PJSIP/alice" of "PJSIP/alice-00000001": the device; or the whole name. */
static bool of_device(const struct channel *ch, struct str name)
{
	struct str s = text_view(&ch->name);

	return str_ieq(s, name) || str_ieq(str_sub(s, 0, str_rchr(s, '-')), name);
}

/* SoftHangup(TECH/device[,a]) */
static int run_soft_hangup(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	bool all;

	pbx_args(data, v, ARRAY_LEN(v));
	all = pbx_option(v[1], 'a', NULL);
	list_each_safe(l, tmp, &ch->pbx->channels) {
		struct channel *c = container_of(l, struct channel, link);

		if (!of_device(c, v[0]))
			continue;
		log_warning("SoftHangup: ending %s", text_z(&c->name));
		channel_hangup(c, 0);
		if (!all)
			break;
	}
	return ch->hungup ? -1 : 0;
}

/* ChanIsAvail(TECH/dest[&...][,options a s t]): the first that could be called. */
static int run_is_avail(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } }, peers;
	struct buf avail = BUF_INIT, orig = BUF_INIT, status = BUF_INIT;
	bool all, state, state_only;
	char cause_text_[16];
	int cause = 0;

	pbx_args(data, v, ARRAY_LEN(v));
	peers = v[0];
	all = pbx_option(v[1], 'a', NULL);
	state = pbx_option(v[1], 's', NULL);
	state_only = pbx_option(v[1], 't', NULL);
	while (peers.n) {
		struct str one = str_trim(str_cut_raw(&peers, '&'));
		enum device_state st = DEV_UNKNOWN;
		struct channel *c = NULL;

		if (!one.n)
			continue;
		if (state || state_only)
			st = device_get(ch->pbx, one);
		if (status.n)
			buf_char(&status, '&');
		if ((state && st > DEV_NOT_INUSE) || channel_request(ch->pbx, one, ch, &c, &cause)) {
			buf_printf(&status, "%d", state || state_only ? (int)st : cause);
			continue;
		}
		buf_printf(&status, "%d", (int)st);
		if (avail.n) {
			buf_char(&avail, '&');
			buf_char(&orig, '&');
		}
		buf_put(&avail, text_view(&c->name));
		buf_put(&orig, one);
		channel_destroy(c);
		if (!all)
			break;
	}
	pbx_setvar(ch->pbx, ch, STR("AVAILCHAN"), buf_view(&avail));
	pbx_setvar(ch->pbx, ch, STR("AVAILORIGCHAN"), buf_view(&orig));
	pbx_setvar(ch->pbx, ch, STR("AVAILSTATUS"), buf_view(&status));
	pbx_setvar(ch->pbx, ch, STR("AVAILCAUSECODE"),
		   str_mk(cause_text_, (size_t)snprintf(cause_text_, sizeof(cause_text_), "%d", cause)));
	buf_free(&avail);
	buf_free(&orig);
	buf_free(&status);
	return 0;
}

const struct app app_channel_redirect = { .name = "ChannelRedirect", .synopsis = "Send another channel elsewhere",
	.run = run_redirect };
const struct app app_soft_hangup = { .name = "SoftHangup", .synopsis = "End another channel", .run = run_soft_hangup };
const struct app app_chan_is_avail = { .name = "ChanIsAvail", .synopsis = "Which of these could be called",
	.run = run_is_avail };
