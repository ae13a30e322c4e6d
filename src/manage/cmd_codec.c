/* core show translation, core show codecs, core show codec: what formats there are, and which become which. */
#include "manage/command.h"
#include "media/codec.h"
#include "sdp/format.h"

/* ---- names ------------------------------------------------------------- */

/* Of slin16 and the like, slin: the rate stands beside it. */
static struct str family(const struct format *f)
{
	static const char *const families[] = { "slin", "speex", "silk" };

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_starts(str_z(f->name), str_z(families[i])))
			return str_z(families[i]);
	return str_z(f->name);
}

static bool is_slin(const struct format *f)
{
	return str_eq(family(f), STR("slin"));
}

/* "slin8", "ulaw". */
static void put_column(struct buf *b, const struct format *f)
{
	struct str name = family(f);

	buf_put(b, name);
	if (name.n != strlen(f->name) || is_slin(f) || str_eq(name, STR("speex")))
		buf_printf(b, "%u", f->rate / 1000);
}

static bool is_audio(const struct format *f)
{
	return f->type == MEDIA_AUDIO && f->rate;
}

/* ---- what a way from one to the other costs ------------------------------ */

/* Asterisk's scale: what is lost counts, not time. Every way here goes by plain sound. */
static unsigned cost(const struct format *from, const struct format *to)
{
	unsigned n = is_slin(from) ? 0 : 9000;

	if (from->rate != to->rate)
		n += from->rate < to->rate ? 8000 : 8500;
	return n + (is_slin(to) ? 0 : 6000);
}

static void table_row(struct buf *b, const struct format *row)
{
	struct buf name = BUF_INIT;

	if (row)
		put_column(&name, row);
	buf_printf(b, " %8s", buf_z(&name));
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *col = format_get((enum format_id)i);
		int width;

		if (!is_audio(col) || !codec_get(col->id))
			continue;
		buf_reset(&name);
		put_column(&name, col);
		width = name.n > 5 ? (int)name.n : 5;
		if (!row)
			buf_printf(b, "%*s", width + 1, buf_z(&name));
		else if (row == col || !codec_can_translate(row->id, col->id))
			buf_printf(b, "%*s", width + 1, "-");
		else
			buf_printf(b, "%*u", width + 1, cost(row, col));
	}
	buf_char(b, '\n');
	buf_free(&name);
}

static void table(struct command_ctx *c)
{
	command_printf(c, "         Translation times between formats (in microseconds) for one second of data\n"
		       "          Source Format (Rows) Destination Format (Columns)\n\n");
	table_row(&c->out, NULL);
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *f = format_get((enum format_id)i);

		if (!is_audio(f) || !codec_get(f->id))
			continue;
		table_row(&c->out, f);
		if (!command_row(c))
			return;
	}
}

/* ---- the ways of one ------------------------------------------------------- */

static void put_step(struct buf *b, struct str name, unsigned rate)
{
	buf_printf(b, "%s(%.*s@%u)", b->n ? "->" : "", STR_ARG(name), rate);
}

static void put_path(struct buf *b, const struct format *from, const struct format *to)
{
	if (!codec_can_translate(from->id, to->id)) {
		buf_put(b, STR("No Translation Path"));
		return;
	}
	put_step(b, family(from), from->rate);
	if (!is_slin(from) && !(is_slin(to) && to->rate == from->rate))
		put_step(b, STR("slin"), from->rate);
	if (from->rate != to->rate && !is_slin(to))
		put_step(b, STR("slin"), to->rate);
	put_step(b, family(to), to->rate);
}

static const struct format *source(struct command_ctx *c, uint32_t rate)
{
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *f = format_get((enum format_id)i);

		if (is_audio(f) && str_ieq(family(f), c->arg[1]) && (!rate || f->rate == rate))
			return f;
	}
	return NULL;
}

static enum command_result paths(struct command_ctx *c)
{
	const struct format *from;
	uint32_t rate = 0;

	if (c->args < 2 || c->args > 3)
		return COMMAND_USAGE;
	if (c->args == 3 && str_u32(c->arg[2], &rate)) {
		command_printf(c, "Invalid sample rate: %.*s.\n", STR_ARG(c->arg[2]));
		return COMMAND_FAILED;
	}
	from = source(c, rate);
	if (!from) {
		command_printf(c, "Source codec \"%.*s\" is not found.\n", STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	}
	command_printf(c, "--- Translation paths SRC Codec \"%.*s\" sample rate %u ---\n", STR_ARG(c->arg[1]), from->rate);
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *to = format_get((enum format_id)i);
		struct buf path = BUF_INIT, a = BUF_INIT, b = BUF_INIT;

		if (!is_audio(to) || to == from)
			continue;
		buf_printf(&a, "%.*s:%u", STR_ARG(family(from)), from->rate);
		buf_printf(&b, "%.*s:%u", STR_ARG(family(to)), to->rate);
		put_path(&path, from, to);
		command_printf(c, "\t%-16.16s To %-16.16s: %s\n", buf_z(&a), buf_z(&b), buf_z(&path));
		buf_free(&a);
		buf_free(&b);
		buf_free(&path);
		if (!command_row(c))
			break;
	}
	return COMMAND_OK;
}

/* Nothing is measured: the numbers are what they are. */
static enum command_result translation(struct command_ctx *c)
{
	struct str how = command_arg(c, 0);
	uint32_t seconds = 1;

	if (str_ieq(how, STR("paths")))
		return paths(c);
	if (c->args > 2 || (c->args && !str_ieq(how, STR("recalc")) && !str_ieq(how, STR("comp"))))
		return COMMAND_USAGE;
	if (c->args == 2 && (str_u32(c->arg[1], &seconds) || !seconds))
		seconds = 1;
	if (c->args)
		command_printf(c, "         Recalculating Codec Translation (number of sample seconds: %u)\n\n", seconds);
	table(c);
	return COMMAND_OK;
}

/* ---- what there is ----------------------------------------------------------- */

static enum command_result codecs(struct command_ctx *c)
{
	struct str type = command_arg(c, 0);

	if (c->args > 1 || (c->args && !str_ieq(type, STR("audio")) && !str_ieq(type, STR("video")) && !str_ieq(type, STR("image")) &&
			    !str_ieq(type, STR("text"))))
		return COMMAND_USAGE;
	command_printf(c, "Disclaimer: this command is for informational purposes only.\n"
		       "\tIt does not indicate anything about your configuration.\n");
	command_printf(c, "%8s %-5s %-12s %-16s %7s %s\n", "ID", "TYPE", "NAME", "FORMAT", "QUALITY", "DESCRIPTION");
	command_printf(c, "------------------------------------------------------------------------------------------------\n");
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *f = format_get((enum format_id)i);
		struct buf name = BUF_INIT;

		if (type.n && !str_ieq(type, str_z(media_type_name(f->type))))
			continue;
		buf_put(&name, family(f));
		command_printf(c, "%8d %-5s %-12s %-16s %7d (%s%s)\n", i, media_type_name(f->type), buf_z(&name), f->name, 0,
			       f->encoding ? f->encoding : f->name, is_audio(f) && !codec_get(f->id) ? ", passed on only" : "");
		buf_free(&name);
		if (!command_row(c))
			break;
	}
	return COMMAND_OK;
}

static enum command_result codec(struct command_ctx *c)
{
	uint32_t n;

	if (c->args != 1 || str_u32(c->arg[0], &n))
		return COMMAND_USAGE;
	if (n > FORMAT_NONE && n < FORMATS) {
		const struct format *f = format_get((enum format_id)n);

		command_printf(c, "%11u %s (%s)\n", n, f->encoding ? f->encoding : f->name, f->name);
	} else {
		command_printf(c, "Codec %u not found\n", n);
	}
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "core show translation", "[recalc [seconds]|comp [seconds]|paths <codec> [sample_rate]]", "Which codecs become which", translation,
	  true, "The numbers say how much is lost on the way, as Asterisk's do; nothing is measured, whatever is said." },
	{ "core show codecs", "[audio|video|image|text]", "List formats of media", codecs, true, NULL },
	{ "core show codec", "<number>", "Show a format of media", codec, true, NULL },
};
const struct command_table commands_codec = { rows, ARRAY_LEN(rows) };
