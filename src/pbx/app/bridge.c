/* Bridge: talking with a channel that is there already. */
#define LOG_MODULE "bridge"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"
#include <errno.h>

static int join(struct channel *ch, struct channel *peer, struct str options)
{
	struct bridge_features cf = { 0 }, pf = { 0 };
	struct str limit;

	cf.hangup_star = pbx_option(options, 'H', NULL);
	pf.hangup_star = pbx_option(options, 'h', NULL);
	cf.blind_transfer = pbx_option(options, 'T', NULL);
	pf.blind_transfer = pbx_option(options, 't', NULL);
	if (pbx_option(options, 'S', &limit) && !str_u32(limit, &cf.limit_ms) && cf.limit_ms < UINT32_MAX / 1000)
		cf.limit_ms *= 1000;
	if (channel_answer(ch))
		return ECANCELED;
	return bridge_call(ch, peer, &cf, &pf);
}

/* Bridge(channel[,options h H t T S(s)]): BRIDGERESULT */
static int run(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } }, result = STR("FAILURE");
	struct channel *peer;
	int ret = 0;

	pbx_args(data, v, ARRAY_LEN(v));
	peer = v[0].n ? channel_by_name(ch->pbx, v[0]) : NULL;
	if (!peer) {
		result = STR("NONEXISTENT");
	} else if (peer == ch) {
		result = STR("LOOP");
	} else if (peer->fiber) {
		/* Its dialplan would have to end first, and nothing says where it should go on. */
		log_warning("Bridge: %s runs the dialplan itself", text_z(&peer->name));
	} else {
		obj_hold(peer);
		if (peer->bridge)
			bridge_remove(peer);
		if (!join(ch, peer, v[1]))
			result = STR("SUCCESS");
		obj_drop(peer);
		ret = -1;
	}
	pbx_setvar(ch->pbx, ch, STR("BRIDGERESULT"), result);
	return ch->hungup ? -1 : ret && !str_eq(result, STR("SUCCESS")) ? -1 : 0;
}

const struct app app_bridge = { .name = "Bridge", .synopsis = "Talk with another channel", .run = run };
