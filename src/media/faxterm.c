/* media/faxterm.c -- one end of a fax, by spandsp. A gateway between the two ways is faxgate.c; threads and
 * sessions are faxrun.c's. */
#define LOG_MODULE "fax"
#include "media/faxterm.h"
#include "media/faxlog.h"
#include "media/faxloss.h"
#include "base/log.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <spandsp.h>
#include <spandsp/version.h>
#include "base/poison.h"

struct faxterm {
	struct faxterm_prm prm;         /* its strings are owned, in z */
	char file[FAX_PATH_MAX + 1];
	char ident[T30_MAX_IDENT_LEN + 1], header[T30_MAX_PAGE_HEADER_INFO + 1];
	fax_state_t *audio;             /* owned; NULL: in T.38 */
	struct faxloss *loss;           /* owned; NULL: in T.38 */
	t38_terminal_state_t *t38;      /* owned; NULL: in audio */
	const uint8_t *strange[3];      /* what spandsp has of the peer's last NSF, NSC and NSS */
	bool done;
	struct faxterm_stats end;       /* once done */
};

static t30_state_t *t30_of(const struct faxterm *f)
{
	return f->t38 ? t38_terminal_get_t30_state(f->t38) : fax_get_t30_state(f->audio);
}

static unsigned positive(int n)
{
	return n > 0 ? (unsigned)n : 0;
}

static void read_stats(const struct faxterm *f, t30_state_t *t, struct faxterm_stats *out)
{
	const char *local = t30_get_tx_ident(t), *remote = t30_get_rx_ident(t);
	t30_stats_t s;

	t30_get_transfer_statistics(t, &s);
	*out = (struct faxterm_stats){ .t38 = f->t38 != NULL, .code = s.current_status, .ecm = s.error_correcting_mode,
		.rate = positive(s.bit_rate), .x = positive(s.x_resolution), .y = positive(s.y_resolution),
		.sent = positive(s.pages_tx), .received = positive(s.pages_rx), .bad_lines = positive(s.bad_rows),
		.longest_bad_run = positive(s.longest_bad_row_run) };
	str_copy(out->local, sizeof(out->local), str_z(local ? local : f->ident));
	str_copy(out->remote, sizeof(out->remote), str_z(remote));
	for (char *p = out->remote; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	str_copy(out->header, sizeof(out->header), str_z(f->header));
}

static void on_phase_e(t30_state_t *t, void *arg, int code)
{
	struct faxterm *f = arg;

	if (f->done)
		return;
	read_stats(f, t, &f->end);
	f->end.code = code;
	f->end.done = f->done = true;
}

static int on_ifp(t38_core_state_t *core, void *arg, const uint8_t *p, int n, int copies)
{
	struct faxterm *f = arg;

	(void)core;
	if (n > 0 && f->prm.send_ifp)
		f->prm.send_ifp(f->prm.arg, p, (size_t)n, copies > 1 ? (unsigned)copies : 1);
	return 0;
}

/* spandsp has no limit of its own: a modem that is not offered cannot be used. */
static int modems_of(const struct faxterm_prm *prm)
{
	unsigned max = prm->maxrate ? prm->maxrate : UINT32_MAX;
	int bits = 0;

	if (prm->modems & FAX_V17 && max > 9600)
		bits |= T30_SUPPORT_V17;
	if (prm->modems & FAX_V29 && max > 4800)
		bits |= T30_SUPPORT_V29;
	if (prm->modems & FAX_V27)
		bits |= T30_SUPPORT_V27TER;
	/* V.17 alone does 7200 and 9600 too; whoever says so gets what is left of it. */
	return bits ? bits : T30_SUPPORT_V17;
}

/* spandsp 0.0.6 keeps what stood in the last NSF, NSC and NSS, and forgets to free what stood in the one before: a peer
 * that repeats them could take all memory. */
static void free_forgotten(struct faxterm *f, t30_state_t *t)
{
	const uint8_t *now[ARRAY_LEN(f->strange)] = { NULL };

	if (SPANDSP_RELEASE_DATE > 20110122)
		return;
	t30_get_rx_nsf(t, &now[0]);
	t30_get_rx_nsc(t, &now[1]);
	t30_get_rx_nss(t, &now[2]);
	for (size_t i = 0; i < ARRAY_LEN(now); i++) {
		if (f->strange[i] && f->strange[i] != now[i])
			free((void *)(uintptr_t)f->strange[i]);
		f->strange[i] = now[i];
	}
}

static void on_frame(t30_state_t *t, void *arg, int incoming, const uint8_t *p, int n)
{
	struct faxterm *f = arg;

	free_forgotten(f, t);
	if (f->loss && n > 0)
		faxloss_frame(f->loss, incoming, p, (size_t)n);
}

/* Nobody is told of its end. What is not forgotten is spandsp's to free. */
static void give_up(struct faxterm *f, t30_state_t *t)
{
	t30_set_phase_e_handler(t, NULL, NULL);
	t30_set_real_time_frame_handler(t, NULL, NULL);
	free_forgotten(f, t);
	memset(f->strange, 0, sizeof(f->strange));
	t30_terminate(t);
}

static void set_up(struct faxterm *f)
{
	t30_state_t *t = t30_of(f);

	faxlog_set(t30_get_logging_state(t), f->prm.debug);
	if (f->ident[0])
		t30_set_tx_ident(t, f->ident);
	if (f->header[0])
		t30_set_tx_page_header_info(t, f->header);
	if (f->prm.send)
		t30_set_tx_file(t, f->file, -1, -1);
	else
		t30_set_rx_file(t, f->file, -1);
	t30_set_ecm_capability(t, f->prm.ecm);
	t30_set_supported_compressions(t, T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION);
	t30_set_supported_modems(t, modems_of(&f->prm));
	t30_set_phase_e_handler(t, on_phase_e, f);
	t30_set_real_time_frame_handler(t, on_frame, f);
}

/* Longer than its field: left out, as spandsp would do. */
static void take_field(char *to, size_t size, struct str s, const char *what)
{
	if (s.n < size)
		str_copy(to, size, s);
	else
		log_warning("the %s '%.*s' is not sent: over %zu characters", what, STR_ARG(s), size - 1);
}

int faxterm_new(struct faxterm **out, const struct faxterm_prm *prm)
{
	struct faxterm *f;

	if (!prm->file.n || prm->file.n > FAX_PATH_MAX)
		return EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return ENOMEM;
	f->prm = *prm;
	str_copy(f->file, sizeof(f->file), prm->file);
	take_field(f->ident, sizeof(f->ident), prm->ident, "station id");
	take_field(f->header, sizeof(f->header), prm->header, "header");
	f->prm.file = f->prm.ident = f->prm.header = STR_NULL;  /* they were the caller's */
	f->audio = fax_init(NULL, prm->send);
	f->loss = f->audio ? faxloss_new(fax_get_t30_state(f->audio), !prm->send) : NULL;
	if (!f->loss) {
		if (f->audio)
			fax_free(f->audio);
		free(f);
		return ENOMEM;
	}
	faxlog_set(fax_get_logging_state(f->audio), prm->debug);
	fax_set_transmit_on_idle(f->audio, TRUE);
	set_up(f);
	*out = f;
	return 0;
}

/* What was begun in it is no fax: nobody is told of its end. */
static void leave_audio(struct faxterm *f)
{
	give_up(f, fax_get_t30_state(f->audio));
	faxloss_free(f->loss);
	f->loss = NULL;
	fax_free(f->audio);
	f->audio = NULL;
}

void faxterm_free(struct faxterm *f)
{
	if (!f)
		return;
	if (f->audio)
		leave_audio(f);
	if (f->t38) {
		give_up(f, t38_terminal_get_t30_state(f->t38));
		t38_terminal_free(f->t38);
	}
	free(f);
}

int faxterm_t38(struct faxterm *f, const struct fax_t38 *t)
{
	t38_terminal_state_t *s;
	t38_core_state_t *core;

	if (f->t38 || f->done)
		return 0;
	s = t38_terminal_init(NULL, f->prm.send, on_ifp, f);
	if (!s)
		return ENOMEM;
	leave_audio(f);
	f->t38 = s;
	core = t38_terminal_get_t38_core_state(s);
	faxlog_set(t38_terminal_get_logging_state(s), f->prm.debug);
	faxlog_set(t38_core_get_logging_state(core), f->prm.debug);
	t38_set_t38_version(core, (int)t->version);
	if (t->max_ifp)
		t38_set_max_datagram_size(core, (int)t->max_ifp);
	t38_set_fill_bit_removal(core, t->fill_bit_removal);
	t38_set_mmr_transcoding(core, t->mmr);
	t38_set_jbig_transcoding(core, t->jbig);
	t38_set_data_rate_management_method(core, t->local_tcf ? 1 : 2);
	set_up(f);
	return 0;
}

void faxterm_hear(struct faxterm *f, int16_t *pcm, size_t n)
{
	if (!f->audio || f->done)
		return;
	faxloss_hear(f->loss, pcm, n);
	fax_rx(f->audio, pcm, (int)n);
	faxloss_heard(f->loss, pcm, n);
}

void faxterm_miss(struct faxterm *f, size_t n)
{
	if (!f->audio || f->done)
		return;
	faxloss_miss(f->loss, n);
	fax_rx_fillin(f->audio, (int)n);
	faxloss_missed(f->loss);
}

void faxterm_say(struct faxterm *f, int16_t *pcm, size_t n)
{
	int got = f->audio && !f->done ? fax_tx(f->audio, pcm, (int)n) : 0;

	if (got < 0)
		got = 0;
	memset(pcm + got, 0, (n - (size_t)got) * sizeof(*pcm));
}

void faxterm_ifp(struct faxterm *f, const uint8_t *p, size_t n, uint16_t seq)
{
	if (f->t38 && !f->done && n <= INT16_MAX)
		t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(f->t38), p, (int)n, seq);
}

void faxterm_pass(struct faxterm *f, unsigned samples)
{
	if (f->t38 && !f->done)
		t38_terminal_send_timeout(f->t38, (int)samples);
}

void faxterm_end(struct faxterm *f)
{
	t30_state_t *t = t30_of(f);

	if (f->done)
		return;
	t30_terminate(t);
	/* Before the first signal there is nothing for spandsp to end. */
	if (!f->done)
		on_phase_e(t, f, T30_ERR_CALLDROPPED);
}

bool faxterm_done(const struct faxterm *f) { return f->done; }

void faxterm_stats(const struct faxterm *f, struct faxterm_stats *out)
{
	if (f->done)
		*out = f->end;
	else
		read_stats(f, t30_of(f), out);
}

static void on_tiff(const char *module, const char *fmt, va_list ap)
{
	char line[256];

	vsnprintf(line, sizeof(line), fmt, ap);
	log_warning("%s: %s", module ? module : "TIFF", line);
}

void faxterm_prepare(void)
{
	TIFFSetErrorHandler(on_tiff);
	TIFFSetWarningHandler(NULL);
	span_set_message_handler(NULL);
}

const char *faxterm_version(void) { return SPANDSP_RELEASE_DATETIME_STRING; }
const char *faxterm_reason(int code) { return t30_completion_code_to_str(code); }

enum fax_end faxterm_end_of(int code)
{
	if (code == T30_ERR_OK)
		return FAX_END_SUCCESS;
	if (code >= T30_ERR_CEDTONE && code <= T30_ERR_CANNOT_TRAIN)
		return FAX_END_UNTRAINED;
	switch (code) {
	case T30_ERR_UNEXPECTED:
		return FAX_END_PROTOCOL;
	case T30_ERR_RX_NOFAX:
		return FAX_END_NO_FAX;
	case T30_ERR_NOMEM:
		return FAX_END_MEMORY;
	case T30_ERR_RETRYDCN:
		return FAX_END_RETRIES;
	case T30_ERR_CALLDROPPED:
		return FAX_END_DROPPED;
	default:
		break;
	}
	if (code >= T30_ERR_OPER_INT_FAIL && code <= T30_ERR_NOSIZESUPPORT)
		return FAX_END_REFUSED;
	if (code >= T30_ERR_TX_BADDCS && code <= T30_ERR_TX_T5EXP)
		return FAX_END_TX_PROTOCOL;
	if (code >= T30_ERR_RX_ECMPHD && code <= T30_ERR_RX_DCNNORTN)
		return FAX_END_RX_PROTOCOL;
	if (code >= T30_ERR_FILEERROR && code <= T30_ERR_BADTIFFHDR)
		return FAX_END_FILE;
	if (code >= T30_ERR_NOPOLL && code <= T30_ERR_CSA_UNACCEPTABLE)
		return FAX_END_REFUSED;
	return FAX_END_UNKNOWN;
}
