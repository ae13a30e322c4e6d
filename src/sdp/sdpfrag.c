/* sdp/sdpfrag.c -- application/trickle-ice-sdpfrag (RFC 8840): candidates that come after the
 * session description. What a line says is candidate.c's. */
#include "sdp/candidate.h"
#include <errno.h>
#include "base/poison.h"

static bool has_control(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t')
			return true;
	return false;
}

static int attr_take(struct sdpfrag *f, struct sdpfrag_media *m, struct str v)
{
	struct str name = str_trim(str_cut_raw(&v, ':')), value = str_trim(v);

	if (!name.n)
		return EBADMSG;
	if (str_ieq(name, STR("ice-ufrag")))
		*(m ? &m->ufrag : &f->ufrag) = value;
	else if (str_ieq(name, STR("ice-pwd")))
		*(m ? &m->pwd : &f->pwd) = value;
	else if (str_ieq(name, STR("end-of-candidates")))
		*(m ? &m->end_of_candidates : &f->end_of_candidates) = true;
	else if (str_ieq(name, STR("mid")) && m)
		m->mid = value;
	else if (str_ieq(name, STR("group")) && !m)
		f->group = value;
	return 0;
}

static int line_take(struct sdpfrag *f, struct str line)
{
	struct sdpfrag_media *m = f->nmedia ? &f->media[f->nmedia - 1] : NULL;

	if (has_control(line) || line.n < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z')
		return EBADMSG;
	if (line.p[0] == 'a') {
		if (m)
			m->lines = str_mk(m->lines.n ? m->lines.p : line.p,
					  m->lines.n ? (size_t)(line.p + line.n - m->lines.p) : line.n);
		return attr_take(f, m, str_skip(line, 2));
	}
	if (line.p[0] != 'm')
		return 0;               /* RFC 8840 section 9.2: what is not known is passed over */
	if (f->nmedia == SDP_MAX_MEDIA)
		return E2BIG;
	f->media[f->nmedia++] = (struct sdpfrag_media){ .m = str_trim(str_skip(line, 2)) };
	return 0;
}

/* Credentials of its own or the session's, and they must be there: they say which
 * generation the candidates are of (RFC 8840 section 4.4). */
static int media_finish(const struct sdpfrag *f, struct sdpfrag_media *m)
{
	if (!m->ufrag.n && !m->pwd.n) {
		m->ufrag = f->ufrag;
		m->pwd = f->pwd;
	}
	m->end_of_candidates = m->end_of_candidates || f->end_of_candidates;
	if (!m->m.n)
		return EBADMSG;
	return ice_ufrag_check(m->ufrag) || ice_pwd_check(m->pwd) ? EBADMSG : 0;
}

int sdpfrag_parse(struct sdpfrag *f, struct str body)
{
	struct str line;
	int err = 0;

	*f = (struct sdpfrag){ 0 };
	if (body.n > SDPFRAG_MAX_TEXT)
		return E2BIG;
	while (!err && str_line(&body, &line))
		if (str_trim(line).n)
			err = line_take(f, line);
	for (size_t i = 0; !err && i < f->nmedia; i++)
		err = media_finish(f, &f->media[i]);
	/* All of them have names, or all go by their places. */
	for (size_t i = 1; !err && i < f->nmedia; i++)
		err = !f->media[i].mid.n != !f->media[0].mid.n ? EBADMSG : 0;
	if (!err && !f->nmedia && !f->ufrag.n)
		err = EBADMSG;
	return err;
}

bool sdpfrag_candidate(struct str *rest, struct candidate *c)
{
	struct str line;

	while (str_line(rest, &line)) {
		struct str v = str_skip(line, 2), name = str_trim(str_cut_raw(&v, ':'));

		if (str_istarts(line, STR("a=")) && str_ieq(name, STR("candidate")) && !candidate_parse(c, str_trim(v)) &&
		    candidate_usable(c))
			return true;
	}
	return false;
}

void sdpfrag_write_head(struct buf *b, struct str ufrag, struct str pwd)
{
	buf_puts(b, STR("a=ice-ufrag:"), ufrag, STR("\r\na=ice-pwd:"), pwd, STR("\r\n"));
}

void sdpfrag_write_media(struct buf *b, struct str m, struct str mid, const struct candidate *c, size_t n, bool end)
{
	buf_puts(b, STR("m="), m, STR("\r\na=mid:"), mid, STR("\r\n"));
	for (size_t i = 0; i < n; i++) {
		buf_put(b, STR("a=candidate:"));
		candidate_write(b, &c[i]);
		buf_put(b, STR("\r\n"));
	}
	if (end)
		buf_put(b, STR("a=end-of-candidates\r\n"));
}
