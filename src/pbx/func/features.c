/* FEATURE() and FEATUREMAP(): features.conf's options for one channel. */
#define LOG_MODULE "features"
#include "base/log.h"
#include "pbx/features.h"
#include "pbx/func/func.h"
#include <errno.h>

static int read_option(struct channel *ch, struct str name, bool code, struct buf *out)
{
	int err = ch ? features_option_get(features_of(ch), name, code, out) : EINVAL;

	if (err == ENOENT)
		log_warning("Invalid argument '%.*s' to %s()", STR_ARG(name), code ? "FEATUREMAP" : "FEATURE");
	return err;
}

static int write_option(struct channel *ch, struct str name, struct str value, bool code)
{
	int err = ch ? features_own(ch, name, value, code) : EINVAL;

	if (err == ENOENT || err == EBADMSG)
		log_warning("Invalid argument '%.*s' to %s(): '%.*s'", STR_ARG(name), code ? "FEATUREMAP" : "FEATURE",
			    STR_ARG(value));
	return err;
}

static int feature_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	args = str_trim(args);
	if (!ch || !str_ieq(args, STR("inherit")))
		return read_option(ch, args, false, out);
	buf_put(out, features_inherited(ch) ? STR("yes") : STR("no"));
	return 0;
}

static int feature_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	bool yes = false;

	(void)p;
	args = str_trim(args);
	if (!ch || !str_ieq(args, STR("inherit")))
		return write_option(ch, args, value, false);
	(void)str_bool(str_trim(value), &yes);
	return features_inherit(ch, yes);
}

static int featuremap_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	return read_option(ch, str_trim(args), true, out);
}

static int featuremap_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	return write_option(ch, str_trim(args), value, true);
}

const struct func func_feature = { .name = "FEATURE", .synopsis = "An option of features.conf for this channel",
	.read = feature_read, .write = feature_write };
const struct func func_featuremap = { .name = "FEATUREMAP", .synopsis = "The digits of a feature for this channel",
	.read = featuremap_read, .write = featuremap_write };
