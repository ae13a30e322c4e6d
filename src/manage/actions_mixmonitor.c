/* Recordings: begun, ended and muted by a manager. */
#include "manage/manager_private.h"
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/mixmonitor.h"

static void start(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "No channel specified", "No such channel");
	struct buf data = BUF_INIT, id = BUF_INIT;
	struct str variable = STR_NULL, options = ami_get(a, "Options");
	int err;

	if (!ch)
		return;
	obj_hold(ch);
	buf_puts(&data, ami_get(a, "File"), STR(","), options, STR(","), ami_get(a, "Command"));
	err = buf_err(&data) ? buf_err(&data) : mixmonitor_start(ch, buf_view(&data));
	if (!err && pbx_option(options, 'i', &variable) && variable.n)
		(void)pbx_getvar(ch->pbx, ch, variable, &id);
	if (err) {
		ami_error(a, "Could not start monitoring channel");
	} else {
		ami_start(a);
		if (id.n)
			ami_put(a, "MixMonitorID", buf_view(&id));
		ami_end(a);
	}
	buf_free(&data);
	buf_free(&id);
	obj_drop(ch);
}

static void stop(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "No channel specified", "No such channel");

	if (!ch)
		return;
	obj_hold(ch);
	if (mixmonitor_stop(ch, ami_get(a, "MixMonitorID"))) {
		ami_error(a, "Could not stop monitoring channel");
	} else {
		ami_start(a);
		ami_end(a);
	}
	obj_drop(ch);
}

static bool means_false(struct str s)
{
	static const char *const words[] = { "no", "false", "n", "f", "0", "off" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(s, str_z(words[i])))
			return true;
	return false;
}

static void mute(struct ami_ctx *a)
{
	struct str direction = ami_get(a, "Direction"), state = ami_get(a, "State");
	bool both = str_ieq(direction, STR("both")), in = both || str_ieq(direction, STR("read"));
	bool out = both || str_ieq(direction, STR("write"));
	struct channel *ch;
	unsigned n;

	if (!direction.n || (!in && !out)) {
		ami_error(a, direction.n ? "Invalid direction specified. Must be read, write or both" :
					   "No direction specified. Must be read, write or both");
		return;
	}
	if (!ami_get(a, "Channel").n || !state.n) {
		ami_error(a, ami_get(a, "Channel").n ? "No state specified" : "No channel specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "No channel specified", "No such channel");
	if (!ch)
		return;
	if (mixmonitor_mute(ch, ami_get(a, "MixMonitorID"), in, out, !means_false(state), &n)) {
		ami_error(a, "Cannot set mute flag");
		return;
	}
	mixmonitor_tell_mute(ch, direction, ami_get_bool(a, "State"));
	ami_start(a);
	ami_end(a);
}

static const struct ami_action rows[] = {
	{ "MixMonitor", EV_SYSTEM, "Record a call", start, false },
	{ "StopMixMonitor", EV_SYSTEM | EV_CALL, "End a recording", stop, false },
	{ "MixMonitorMute", EV_SYSTEM | EV_CALL, "Mute a direction of recordings", mute, false },
};
const struct ami_table ami_mixmonitor_actions = { rows, ARRAY_LEN(rows) };
