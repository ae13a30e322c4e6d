/* config/settings_fax.c -- res_fax.conf: what faxes may do that say nothing else. */
#include "config/settings_internal.h"
#include <errno.h>

static const struct { const char *name, *shown; uint32_t bit; } modems[] = {
	{ "v17", "V17", FAX_MODEM_V17 }, { "v27", "V27", FAX_MODEM_V27 }, { "v29", "V29", FAX_MODEM_V29 },
	{ "v34", "V34", FAX_MODEM_V34 },
};

uint32_t fax_rate_of(struct str s)
{
	static const uint32_t rates[] = { 2400, 4800, 7200, 9600, 12000, 14400, 28800, 33600 };
	uint32_t n;

	if (str_u32(str_trim(s), &n))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (rates[i] == n)
			return n;
	return 0;
}

bool fax_modem_does(uint32_t bits, uint32_t rate)
{
	switch (rate) {
	case 2400:
	case 4800:
		return bits & (FAX_MODEM_V27 | FAX_MODEM_V34);
	case 7200:
	case 9600:
		return bits & (FAX_MODEM_V17 | FAX_MODEM_V29 | FAX_MODEM_V34);
	case 12000:
	case 14400:
		return bits & (FAX_MODEM_V17 | FAX_MODEM_V34);
	default:
		return bits & FAX_MODEM_V34;
	}
}

static uint32_t modem_of(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(modems); i++)
		if (str_ieq(s, str_z(modems[i].name)))
			return modems[i].bit;
	return 0;
}

bool fax_modems_of(struct str s, uint32_t *bits, struct str *bad)
{
	bool good = true;

	*bits = 0;
	while (s.n) {
		struct str one = str_trim(str_cut_raw(&s, ','));
		uint32_t bit = modem_of(one);

		*bits |= bit;
		if (!bit && one.n) {
			*bad = one;
			good = false;
		}
	}
	return good;
}

void fax_modems_write(struct buf *b, uint32_t bits)
{
	bool some = false;

	for (size_t i = 0; i < ARRAY_LEN(modems); i++)
		if (bits & modems[i].bit) {
			buf_puts(b, some ? STR(",") : STR(""), str_z(modems[i].shown));
			some = true;
		}
}

static int parse_rate(struct option_ctx *ctx, const struct option *o, void *field, struct str v)
{
	uint32_t n = fax_rate_of(v);

	(void)o;
	if (!n)
		return option_why(ctx, "'%.*s' is not 2400, 4800, 7200, 9600, 12000, 14400, 28800 or 33600", STR_ARG(v));
	*(uint32_t *)field = n;
	return 0;
}

static void write_rate(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_u64(b, *(const uint32_t *)field);
}

static int parse_modems(struct option_ctx *ctx, const struct option *o, void *field, struct str v)
{
	struct str bad = STR_NULL;
	uint32_t bits;

	(void)o;
	if (!fax_modems_of(v, &bits, &bad))
		return option_why(ctx, "'%.*s' is not v17, v27, v29 or v34", STR_ARG(bad));
	*(uint32_t *)field = bits;
	return 0;
}

static void write_modems(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	fax_modems_write(b, *(const uint32_t *)field);
}

#define F struct fax_conf
static const char rates[] = "2400, 4800, 7200, 9600, 12000, 14400, 28800, 33600";
static const struct option fax_rows[] = {
	OPT_CUSTOM(F, maxrate, uint32_t, parse_rate, write_rate, rates, "14400", 0,
		   "Highest rate [bit/s]. Modems that do more are not offered: under 12000 no V.17, under 7200 no V.29."),
	OPT_CUSTOM(F, minrate, uint32_t, parse_rate, write_rate, rates, "4800", 0,
		   "Lowest rate [bit/s]. One of the modems must do it, or no fax begins."),
	OPT_BOOL(F, statusevents, "no", 0, "Managers are told of each step of a fax (FAXStatus), not of its end alone."),
	{ .name = "modems", .aliases = "modem", .kind = OPTION_CUSTOM, .offset = OPT_AT(F, modems, uint32_t), .parse = parse_modems,
	  .write = write_modems, .values = "v17, v27, v29, v34", .def = "v17,v27,v29",
	  .help = "Modems that are offered; V.34 is taken and not there." },
	OPT_BOOL(F, ecm, "yes", 0, "Error correction (T.30 Annex A): what was not received well is sent again."),
	OPT_UINT(F, t38timeout, "5000", 1, 4294967295, "ms", 0, "How long to wait for the answer to our wish for T.38."),
};
static const struct option_set fax_set = {
	.type = "general", .file = "res_fax.conf", .rows = fax_rows, .n = ARRAY_LEN(fax_rows), .size = sizeof(F),
	.help = "Faxes: SendFAX(), ReceiveFAX(), gateways.",
};

const struct option_set *fax_conf_options(void)
{
	return &fax_set;
}

static void fax_conf_free(void *p)
{
	arena_free(((struct fax_conf *)p)->arena);
}

static void fault(struct settings_work *w, const char *what, uint32_t rate)
{
	report_add(w->r, REPORT_ERROR, STR("res_fax.conf"), 0, "%s %u; the defaults are used: 4800 to 14400 by v17,v27,v29", what, rate);
}

/* What does not go together leaves all three as they would be without the file. */
static void judge(struct settings_work *w, struct fax_conf *c)
{
	if (c->maxrate < c->minrate)
		fault(w, "maxrate is less than minrate", c->minrate);
	else if (!fax_modem_does(c->modems, c->minrate))
		fault(w, "none of the modems does minrate", c->minrate);
	else if (!fax_modem_does(c->modems, c->maxrate))
		fault(w, "none of the modems does maxrate", c->maxrate);
	else
		return;
	c->minrate = 4800;
	c->maxrate = 14400;
	c->modems = FAX_MODEM_V17 | FAX_MODEM_V27 | FAX_MODEM_V29;
}

int fax_conf_load(struct fax_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct fax_conf *c = obj_new(sizeof(*c), fax_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "res_fax.conf");
	if (!err)
		err = settings_apply(&w, &fax_set, c, STR("general"));
	if (!err)
		judge(&w, c);
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef F
