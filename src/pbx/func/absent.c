/* Functions that change the sound of a call, which nothing here does: said aloud,
 * so that nobody counts on them. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include <errno.h>

static int absent(struct channel *ch, const char *name, struct str args)
{
	log_warning("%s(%.*s) on %s: the sound stays as it is, this server cannot do that", name, STR_ARG(args),
		    ch ? text_z(&ch->name) : "no channel");
	return ENOSYS;
}

static int volume(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	(void)value;
	return absent(ch, "VOLUME", args);
}

static int mute(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	(void)value;
	return absent(ch, "MUTEAUDIO", args);
}

/* There is none to begin with. */
static int jitterbuffer(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	(void)value;
	return str_ieq(str_trim(args), STR("disabled")) ? 0 : absent(ch, "JITTERBUFFER", args);
}

static int denoise(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	return str_ieq(str_trim(value), STR("off")) ? 0 : absent(ch, "DENOISE", args);
}

static int agc(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	return str_ieq(str_trim(value), STR("off")) ? 0 : absent(ch, "AGC", args);
}

const struct func func_volume = { .name = "VOLUME", .synopsis = "Not supported: ENOSYS", .write = volume };
const struct func func_muteaudio = { .name = "MUTEAUDIO", .synopsis = "Not supported: ENOSYS", .write = mute };
const struct func func_jitterbuffer = { .name = "JITTERBUFFER", .synopsis = "Only (disabled)",
	.write = jitterbuffer };
const struct func func_denoise = { .name = "DENOISE", .synopsis = "Only =off", .write = denoise };
const struct func func_agc = { .name = "AGC", .synopsis = "Only =off", .write = agc };
