/* tests/unit/negotiate_stage.h -- one side of a negotiation, and what it says and is told. */
#ifndef TESTS_NEGOTIATE_STAGE_H
#define TESTS_NEGOTIATE_STAGE_H

#include <stdio.h>
#include "base/obj.h"
#include "sdp/negotiate.h"

struct side {
	struct neg *n;
	struct buf text;        /* last SDP written */
};

static inline void side_init(struct side *s, const char *allow, void (*tune)(struct neg_prm *))
{
	struct neg_prm prm = { .session = STR("Asterisk"), .id = 1000, .max_audio = 1, .max_video = 1,
			       .telephone_event = true };

	*s = (struct side){ 0 };
	formats_edit(&prm.formats, str_z(allow), true, NULL);
	format_pref_parse(&prm.pref_in, STR("local"));
	if (tune)
		tune(&prm);
	assert_int_equal(neg_new(&s->n, &prm), 0);
}

static inline void side_free(struct side *s)
{
	buf_free(&s->text);
	obj_drop(s->n);
}

static inline void ports(struct neg *n, unsigned base)
{
	for (size_t i = 0; i < neg_count(n); i++)
		assert_int_equal(sa_parse_host(&neg_stream(n, i)->local, STR("192.0.2.10"), (uint16_t)(base + 2 * i)), 0);
}

static inline int offer_in(struct side *s, const char *text, enum neg_verdict *why)
{
	struct sdp *o = NULL;
	int err;

	assert_int_equal(sdp_parse(&o, str_z(text)), 0);
	err = neg_offer_in(s->n, o, NULL, why);
	obj_drop(o);
	return err;
}

static inline const char *answer(struct side *s, const char *text)
{
	enum neg_verdict why;

	assert_int_equal(offer_in(s, text, &why), 0);
	ports(s->n, 10000);
	buf_reset(&s->text);
	assert_int_equal(neg_answer_out(s->n, &s->text), 0);
	return buf_z(&s->text);
}

static inline const char *offer(struct side *s, const char *wanted)
{
	struct formats f = { 0 };
	size_t i;

	formats_edit(&f, str_z(wanted), true, NULL);
	if (!neg_count(s->n)) {
		assert_int_equal(neg_stream_add(s->n, MEDIA_AUDIO, &f, &i), 0);
		if (formats_has_type(&f, MEDIA_VIDEO))
			assert_int_equal(neg_stream_add(s->n, MEDIA_VIDEO, &f, &i), 0);
	}
	ports(s->n, 10000);
	buf_reset(&s->text);
	assert_int_equal(neg_offer_out(s->n, &s->text), 0);
	return buf_z(&s->text);
}

static inline int answer_in(struct side *s, const char *text, enum neg_verdict *why)
{
	struct sdp *a = NULL;
	int err;

	assert_int_equal(sdp_parse(&a, str_z(text)), 0);
	err = neg_answer_in(s->n, a, why);
	obj_drop(a);
	return err;
}

static inline void has(const char *text, const char *line)
{
	char want[300];

	snprintf(want, sizeof(want), "\r\n%s\r\n", line);
	if (!strstr(text, want))
		print_error("missing: %s\nin:\n%s\n", line, text);
	assert_non_null(strstr(text, want));
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

#endif
