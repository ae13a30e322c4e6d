/* FAXOPT(): what a channel's fax may do, and what came of it. */
#define LOG_MODULE "fax"
#include "base/log.h"
#include "config/settings.h"
#include "pbx/fax.h"
#include "pbx/func/func.h"
#include "pbx/func/text.h"
#include <errno.h>

static void put_yes(struct buf *out, bool on)
{
	buf_put(out, on ? STR("yes") : STR("no"));
}

static void put_text(struct buf *out, const struct text *t)
{
	buf_put(out, text_view(t));
}

/* ---- items, read and written. EINVAL: said in the log. */

static int read_ecm(struct fax_details *d, struct buf *out) { put_yes(out, d->ecm); return 0; }
static int read_both(struct fax_details *d, struct buf *out) { put_yes(out, d->negotiate_both); return 0; }
static int read_error(struct fax_details *d, struct buf *out) { put_text(out, &d->error); return 0; }
static int read_header(struct fax_details *d, struct buf *out) { put_text(out, &d->header); return 0; }
static int read_local(struct fax_details *d, struct buf *out) { put_text(out, &d->local); return 0; }
static int read_remote(struct fax_details *d, struct buf *out) { put_text(out, &d->remote); return 0; }
static int read_rate(struct fax_details *d, struct buf *out) { put_text(out, &d->rate); return 0; }
static int read_resolution(struct fax_details *d, struct buf *out) { put_text(out, &d->resolution); return 0; }
static int read_status(struct fax_details *d, struct buf *out) { put_text(out, &d->result); return 0; }
static int read_statusstr(struct fax_details *d, struct buf *out) { put_text(out, &d->resultstr); return 0; }
static int read_pages(struct fax_details *d, struct buf *out) { buf_u64(out, d->pages); return 0; }
static int read_id(struct fax_details *d, struct buf *out) { buf_u64(out, d->id); return 0; }
static int read_max(struct fax_details *d, struct buf *out) { buf_u64(out, d->maxrate); return 0; }
static int read_min(struct fax_details *d, struct buf *out) { buf_u64(out, d->minrate); return 0; }
static int read_timeout(struct fax_details *d, struct buf *out) { buf_u64(out, d->t38timeout); return 0; }
static int read_modems(struct fax_details *d, struct buf *out) { fax_modems_write(out, d->modems); return 0; }

static int read_file(struct fax_details *d, struct buf *out)
{
	struct str rest = text_view(&d->files);

	buf_put(out, fax_file_next(&rest));
	return d->files.n ? 0 : ENOENT;
}

static int read_files(struct fax_details *d, struct buf *out)
{
	struct str rest = text_view(&d->files);

	while (rest.n) {
		buf_put(out, fax_file_next(&rest));
		if (rest.n)
			buf_put(out, STR(","));
	}
	return d->files.n ? 0 : ENOENT;
}

static int write_ecm(struct channel *ch, struct fax_details *d, struct str v)
{
	(void)ch;
	if (str_bool(str_trim(v), &d->ecm))
		log_warning("FAXOPT(ecm): '%.*s' is neither yes nor no", STR_ARG(v));
	return 0;
}

static int write_both(struct channel *ch, struct fax_details *d, struct str v)
{
	bool on = false;

	(void)ch;
	(void)str_bool(str_trim(v), &on);
	d->negotiate_both = on;
	return 0;
}

static int write_header(struct channel *ch, struct fax_details *d, struct str v) { (void)ch; return text_set(&d->header, v); }
static int write_local(struct channel *ch, struct fax_details *d, struct str v) { (void)ch; return text_set(&d->local, v); }

/* Another rate than those there are: that of res_fax.conf. */
static uint32_t rate_of(struct str v, uint32_t preset)
{
	uint32_t rate = fax_rate_of(v);

	if (!rate)
		log_warning("FAXOPT(): '%.*s' is none of 2400, 4800, 7200, 9600, 12000, 14400, 28800, 33600", STR_ARG(v));
	return rate ? rate : preset;
}

static int write_max(struct channel *ch, struct fax_details *d, struct str v)
{
	d->maxrate = rate_of(v, ch->pbx->fax->maxrate);
	return 0;
}

static int write_min(struct channel *ch, struct fax_details *d, struct str v)
{
	d->minrate = rate_of(v, ch->pbx->fax->minrate);
	return 0;
}

static int write_timeout(struct channel *ch, struct fax_details *d, struct str v)
{
	int64_t ms;

	(void)ch;
	if (!text_leading_int(str_trim(v), &ms) || ms < 1 || ms > UINT32_MAX) {
		log_error("FAXOPT(t38timeout): '%.*s' is no time from 1 ms on", STR_ARG(v));
		return EINVAL;
	}
	d->t38timeout = (uint32_t)ms;
	return 0;
}

static int write_modems(struct channel *ch, struct fax_details *d, struct str v)
{
	struct str bad = STR_NULL;

	(void)ch;
	if (!fax_modems_of(v, &d->modems, &bad))
		log_warning("FAXOPT(modem): '%.*s' is not v17, v27, v29 or v34", STR_ARG(bad));
	return 0;
}

static const struct item {
	const char *name;
	int (*read)(struct fax_details *d, struct buf *out);
	int (*write)(struct channel *ch, struct fax_details *d, struct str v);
} items[] = {
	{ "ecm", read_ecm, write_ecm },
	{ "error", read_error, NULL },
	{ "filename", read_file, NULL },
	{ "filenames", read_files, NULL },
	{ "headerinfo", read_header, write_header },
	{ "localstationid", read_local, write_local },
	{ "maxrate", read_max, write_max },
	{ "minrate", read_min, write_min },
	{ "modem", read_modems, write_modems },
	{ "modems", read_modems, write_modems },
	{ "negotiate_both", read_both, write_both },
	{ "pages", read_pages, NULL },
	{ "rate", read_rate, NULL },
	{ "remotestationid", read_remote, NULL },
	{ "resolution", read_resolution, NULL },
	{ "sessionid", read_id, NULL },
	{ "status", read_status, NULL },
	{ "statusstr", read_statusstr, NULL },
	{ "t38timeout", read_timeout, write_timeout },
};

static const struct item *find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		if (str_ieq(name, str_z(items[i].name)))
			return &items[i];
	return NULL;
}

static int read_opt(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct fax_details *d = ch ? fax_find(ch) : NULL;
	const struct item *i = find(args);

	(void)p;
	if (!ch)
		return ENOENT;
	if (d && !i)
		log_warning("FAXOPT(%.*s) is nothing that can be read", STR_ARG(args));
	if (!d || !i)
		return ENOENT;
	return i->read(d, out);
}

static int write_opt(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct fax_details *d = ch ? fax_get(ch) : NULL;
	const struct item *i = find(args);

	(void)p;
	if (!ch)
		return ENOENT;
	if (!d)
		return ENOMEM;
	if (!i || !i->write) {
		log_warning("FAXOPT(%.*s) is nothing that can be set", STR_ARG(args));
		return ENOENT;
	}
	return i->write(ch, d, value);
}

const struct func func_faxopt = { .name = "FAXOPT", .synopsis = "What a fax may do, and what came of it", .read = read_opt,
	.write = write_opt };
