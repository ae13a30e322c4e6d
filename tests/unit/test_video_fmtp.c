/* Descriptions of video formats compared, and which of several is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "negotiate_stage.h"
#include "sdp/video.h"

static void test_fit(void **state)
{
	static const struct { enum format_id id; const char *a, *b; enum video_fit strict, loose; } tv[] = {
#define PM1 "packetization-mode=1;profile-level-id="
		{ FORMAT_H264, PM1 "42e01f", PM1 "42e01f", VIDEO_SAME, VIDEO_SAME },
		{ FORMAT_H264, PM1 "42e01f", " profile-level-id=42E034; packetization-mode=1", VIDEO_SAME, VIDEO_SAME },
		{ FORMAT_H264, PM1 "42e01f", PM1 "42001f", VIDEO_LIKE, VIDEO_LIKE },
		{ FORMAT_H264, PM1 "42e01f", PM1 "4d801f", VIDEO_LIKE, VIDEO_LIKE },
		{ FORMAT_H264, PM1 "42e01f", PM1 "4d001f", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_H264, PM1 "42e01f", PM1 "640c1f", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_H264, PM1 "640c1f", PM1 "64001f", VIDEO_LIKE, VIDEO_LIKE },
		{ FORMAT_H264, PM1 "42e01f", "profile-level-id=42e01f", VIDEO_OTHER, VIDEO_SAME },
		{ FORMAT_H264, PM1 "42e01f", "packetization-mode=0;profile-level-id=42e01f", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_H264, PM1 "42e01f", "", VIDEO_OTHER, VIDEO_SAME },
		{ FORMAT_H264, "", "", VIDEO_SAME, VIDEO_SAME },
		{ FORMAT_H264, "", "profile-level-id=42e00a", VIDEO_LIKE, VIDEO_LIKE },
		{ FORMAT_H264, PM1 "42e01f", PM1 "42e0", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_H264, PM1 "42e01f", PM1 "42e0zz", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_VP9, "profile-id=0", "", VIDEO_SAME, VIDEO_SAME },
		{ FORMAT_VP9, "profile-id=0", "profile-id=2", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_AV1, "level-idx=5;profile=0;tier=0", "profile=1", VIDEO_OTHER, VIDEO_OTHER },
		{ FORMAT_AV1, "level-idx=5;profile=0;tier=0", "level-idx=8", VIDEO_SAME, VIDEO_SAME },
		{ FORMAT_VP8, "max-fr=30", "", VIDEO_SAME, VIDEO_SAME },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(video_fmtp_fit(tv[i].id, str_z(tv[i].a), str_z(tv[i].b), true), tv[i].strict);
		assert_int_equal(video_fmtp_fit(tv[i].id, str_z(tv[i].a), str_z(tv[i].b), false), tv[i].loose);
	}
}

#define FOUR "m=video 6000 RTP/AVP 102 103 104 105\r\n" \
	"a=rtpmap:102 H264/90000\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f\r\n" \
	"a=rtpmap:103 H264/90000\r\na=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" \
	"a=rtpmap:104 H264/90000\r\na=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\r\n" \
	"a=rtpmap:105 VP8/90000\r\n"

/* Of several the one that nearly everybody has, or that the other leg has: before the answer is written. */
static void test_chosen_of_several(void **state)
{
	static const struct { const char *follow, *line; } tv[] = {
		{ NULL, "m=video 10000 RTP/AVP 103" },
		{ "profile-level-id=428014", "m=video 10000 RTP/AVP 102" },
		{ "packetization-mode=1;profile-level-id=640c28", "m=video 10000 RTP/AVP 104" },
		{ "packetization-mode=1;profile-level-id=f4001f", "m=video 10000 RTP/AVP 102" },        /* none: the first */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		enum neg_verdict why;
		struct side s;

		side_init(&s, "h264", NULL);
		assert_int_equal(offer_in(&s, HEAD FOUR, &why), 0);
		if (tv[i].follow)
			assert_int_equal(neg_fmtp_follow(s.n, 0, FORMAT_H264, str_z(tv[i].follow)), 0);
		ports(s.n, 10000);
		assert_int_equal(neg_answer_out(s.n, &s.text), 0);
		has(buf_z(&s.text), tv[i].line);
		side_free(&s);
	}
}

/* An answer must fit what we have offered, or that format is not agreed on. */
static void test_answer_must_fit(void **state)
{
	static const struct { const char *fmtp; bool active; } tv[] = {
		{ "a=fmtp:99 packetization-mode=1;profile-level-id=42e034\r\n", true },
		{ "", true },
		{ "a=fmtp:99 packetization-mode=0;profile-level-id=42e01f\r\n", false },
		{ "a=fmtp:99 packetization-mode=1;profile-level-id=640c1f\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct formats f = { 0 };
		enum neg_verdict why;
		struct side s;
		char text[600];
		size_t k;

		side_init(&s, "ulaw,h264", NULL);
		formats_edit(&f, STR("ulaw,h264"), true, NULL);
		assert_int_equal(neg_stream_add(s.n, MEDIA_AUDIO, &f, &k), 0);
		assert_int_equal(neg_stream_add(s.n, MEDIA_VIDEO, &f, &k), 0);
		assert_int_equal(neg_attr_add(s.n, 1, STR("x"), STR_NULL), 0);
		assert_int_equal(neg_fmtp_set(s.n, 1, FORMAT_H264, STR("packetization-mode=1;profile-level-id=42e01f")), 0);
		neg_attrs_clear(s.n, 1);        /* which leaves what formats say */
		ports(s.n, 10000);
		assert_int_equal(neg_offer_out(s.n, &s.text), 0);
		has(buf_z(&s.text), "a=fmtp:99 packetization-mode=1;profile-level-id=42e01f");
		assert_null(strstr(buf_z(&s.text), "a=x"));
		snprintf(text, sizeof(text), HEAD "m=audio 6000 RTP/AVP 0\r\nm=video 6002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n%s", tv[i].fmtp);
		assert_int_equal(answer_in(&s, text, &why), 0);
		assert_int_equal(neg_stream(s.n, 1)->active, tv[i].active);
		side_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit), cmocka_unit_test(test_chosen_of_several), cmocka_unit_test(test_answer_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
