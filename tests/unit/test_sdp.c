/* Formats and session descriptions: what is read, kept, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include "base/obj.h"
#include "sdp/sdp.h"

#define assert_str(s, lit) do { struct str s_ = (s); \
	assert_int_equal(s_.n, sizeof(lit) - 1); assert_memory_equal(s_.n ? s_.p : "", lit, s_.n); } while (0)

static const char offer[] =
	"v=0\r\no=alice 2890844526 2890844527 IN IP4 host.example\r\ns=call\r\nc=IN IP4 192.0.2.1\r\n"
	"t=0 0\r\na=group:BUNDLE a v\r\na=ice-ufrag:abcd\r\na=setup:actpass\r\na=sendonly\r\n"
	"m=audio 49170 RTP/AVP 0 8 97 101 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 opus/48000/2\r\n"
	"a=fmtp:97 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\n"
	"a=mid:a\r\na=rtcp:53020 IN IP4 192.0.2.9\r\na=x-own:kept as is\r\n"
	"m=video 51372/2 RTP/SAVPF 99 34\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:99 H264/90000\r\na=recvonly\r\n"
	"a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xx\r\na=setup:active\r\n"
	"m=image 0 udptl t38\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

static struct sdp *parse(const char *text)
{
	struct sdp *s = NULL;

	assert_int_equal(sdp_parse(&s, str_z(text)), 0);
	return s;
}

static void test_decode(void **state)
{
	struct sdp *s = parse(offer);
	struct sdp_media *a = &s->media[0], *v = &s->media[1];
	char text[SA_TEXT];

	(void)state;
	assert_int_equal(s->nmedia, 4);
	assert_str(s->owner, "alice");
	assert_int_equal(s->id_num, 2890844526);
	assert_int_equal(s->version_num, 2890844527);
	assert_str(s->group, "BUNDLE a v");
	assert_int_equal(a->type, MEDIA_AUDIO);
	assert_int_equal(a->proto, SDP_RTP_AVP);
	assert_int_equal(a->nfmts, 5);
	assert_int_equal(a->nrtpmap, 4);        /* the repeated 97 counts once */
	assert_str(a->rtpmap[1].encoding, "");
	assert_int_equal(a->rtpmap[1].pt, 8);
	assert_str(a->rtpmap[2].encoding, "opus");
	assert_int_equal(a->rtpmap[2].clock, 48000);
	assert_int_equal(a->rtpmap[2].channels, 2);
	assert_str(a->rtpmap[2].fmtp, "useinbandfec=1");
	assert_int_equal(a->ptime, 30);
	assert_int_equal(a->dir, SDP_SENDONLY); /* the session's */
	assert_false(a->dir_set);
	assert_string_equal(sa_text(&a->addr, text), "192.0.2.1:49170");
	assert_string_equal(sa_text(&a->rtcp, text), "192.0.2.9:53020");
	assert_str(a->setup, "actpass");
	assert_str(a->ice_ufrag, "abcd");
	assert_int_equal(v->type, MEDIA_VIDEO);
	assert_int_equal(v->proto, SDP_RTP_SAVPF);
	assert_true(sdp_proto_is_avpf(v->proto) && sdp_proto_is_savp(v->proto));
	assert_int_equal(v->nports, 2);
	assert_int_equal(v->dir, SDP_RECVONLY);
	assert_true(v->rtcp_mux && v->has_crypto);
	assert_str(v->setup, "active");
	assert_string_equal(sa_text(&v->addr, text), "[2001:db8::1]:51372");
	assert_string_equal(sa_text(&v->rtcp, text), "[2001:db8::1]:51373");
	assert_int_equal(s->media[2].proto, SDP_UDPTL);
	assert_int_equal(s->media[2].port, 0);
	assert_int_equal(s->media[3].type, MEDIA_OTHER);
	assert_str(sdp_attr_find(a->attrs, a->nattrs, "x-own")->value, "kept as is");
	obj_drop(s);
}

static void test_write_again(void **state)
{
	struct sdp *s = parse(offer), *t;
	struct buf b = BUF_INIT, c = BUF_INIT;

	(void)state;
	sdp_write(&b, s);
	t = parse(buf_z(&b));
	sdp_write(&c, t);
	assert_string_equal(buf_z(&b), buf_z(&c));
	assert_int_equal(t->nmedia, 4);
	assert_int_equal(t->media[0].nattrs, s->media[0].nattrs);
	assert_non_null(strstr(b.p, "\r\na=x-own:kept as is\r\n"));
	assert_non_null(strstr(b.p, "\r\nm=video 51372/2 RTP/SAVPF 99 34\r\nc=IN IP6 2001:db8::1\r\n"));
	buf_free(&b);
	buf_free(&c);
	obj_drop(s);
	obj_drop(t);
}

static void test_refused(void **state)
{
	static const struct { const char *text; int err; } tv[] = {
		{ "", EBADMSG },
		{ "o=- 1 1 IN IP4 1.2.3.4\r\n", EBADMSG },
		{ "v=1\r\n", EBADMSG },
		{ "v=0\r\nnonsense\r\n", EBADMSG },
		{ "v=0\r\nm=audio\r\n", EBADMSG },
		{ "v=0\r\nm=audio 70000 RTP/AVP 0\r\n", EBADMSG },
		{ "v=0\r\nm=audio x RTP/AVP 0\r\n", EBADMSG },
		{ "v=0\r\nm=audio 4 RTP/AVP\r\n", EBADMSG },
		{ "v=0\r\nc=IN IP4\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "v=0\r\nc=IN IP9 1.2.3.4\r\n", EBADMSG },
		{ "v=0\r\na=\r\n", EBADMSG },
		{ "v=0\r\na=mid:x\ra=evil\r\n", EBADMSG },
		{ "v=0\r\nm=video 4 RTP/AVP 100\r\na=inactive\r\n", EBADMSG },
		{ "v=0\r\nm=video 4 RTP/AVP 100\r\na=rtpmap:100 VP8\r\n", EBADMSG },
		{ "v=0\r\nm=video 0 RTP/AVP 100\r\n", 0 },
		{ "v=0\r\nm=audio 4 RTP/AVP 19\r\n", 0 },
		{ "v=0\r\n", 0 },
		{ "v=0\n\nm=audio  4  RTP/AVP   0 8\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sdp *s = NULL;
		int err = sdp_parse(&s, str_z(tv[i].text));

		if (err != tv[i].err)
			print_error("case %zu: %s", i, tv[i].text);
		assert_int_equal(err, tv[i].err);
		assert_true((s != NULL) == (err == 0));
		obj_drop(s);
	}
}

/* Each cap: at it, and one over it. */
static void test_limits(void **state)
{
	struct sdp *s = NULL;
	struct buf b = BUF_INIT;

	(void)state;
	for (int n = SDP_MAX_MEDIA; n <= SDP_MAX_MEDIA + 1; n++) {
		buf_reset(&b);
		buf_put(&b, STR("v=0\r\n"));
		for (int i = 0; i < n; i++)
			buf_put(&b, STR("m=audio 4000 RTP/AVP 0\r\n"));
		assert_int_equal(sdp_parse(&s, buf_view(&b)), n > SDP_MAX_MEDIA ? E2BIG : 0);
		s = obj_drop(s);
	}
	for (int n = SDP_MAX_ATTRS; n <= SDP_MAX_ATTRS + 1; n++) {
		buf_reset(&b);
		buf_put(&b, STR("v=0\r\nm=audio 4000 RTP/AVP 0\r\n"));
		for (int i = 0; i < n; i++)
			buf_put(&b, STR("a=x\r\n"));
		assert_int_equal(sdp_parse(&s, buf_view(&b)), n > SDP_MAX_ATTRS ? E2BIG : 0);
		s = obj_drop(s);
	}
	for (int n = SDP_MAX_FMTS; n <= SDP_MAX_FMTS + 1; n++) {
		buf_reset(&b);
		buf_put(&b, STR("v=0\r\nm=audio 4000 RTP/AVP"));
		for (int i = 0; i < n; i++)
			buf_put(&b, STR(" 0"));
		assert_int_equal(sdp_parse(&s, buf_view(&b)), n > SDP_MAX_FMTS ? E2BIG : 0);
		s = obj_drop(s);
	}
	buf_reset(&b);
	buf_put(&b, STR("v=0\r\ns="));
	while (b.n < SDP_MAX_TEXT && !buf_err(&b))
		buf_char(&b, 'x');
	assert_int_equal(sdp_parse(&s, buf_view(&b)), 0);
	s = obj_drop(s);
	buf_char(&b, 'x');
	assert_int_equal(sdp_parse(&s, buf_view(&b)), E2BIG);
	buf_free(&b);
}

/* Every prefix, from a block of exactly that size, so ASan sees an over-read. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(offer); n++) {
		char *copy = malloc(n ? n : 1);
		struct sdp *s = NULL;

		memcpy(copy, offer, n);
		if (!sdp_parse(&s, str_mk(copy, n)))
			assert_true(s->nmedia <= 4);
		free(copy);
		obj_drop(s);
	}
}

static void test_lenient(void **state)
{
	struct sdp *s = parse("v=0\r\nc=IN IP4 224.2.1.1/127/3\r\nm=audio 4 RTP/AVP 8 101\r\n"
			      "a=rtpmap:8 PCMA/8000 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20.5\r\n"
			      "a=rtpmap:9999999999 X/1\r\na=rtpmap:101 other/9000\r\n");

	(void)state;
	assert_str(s->media[0].rtpmap[0].encoding, "PCMA");
	assert_int_equal(s->media[0].rtpmap[0].clock, 8000);
	assert_int_equal(s->media[0].ptime, 20);
	assert_str(s->media[0].conn, "224.2.1.1");
	assert_str(s->media[0].rtpmap[1].encoding, "telephone-event");
	obj_drop(s);
}

/* ---- formats */

static void check_list(const char *allow, const char *want, int err)
{
	struct formats l = { 0 };
	struct buf b = BUF_INIT;
	struct str bad;

	assert_int_equal(formats_edit(&l, str_z(allow), true, &bad), err);
	formats_write_csv(&b, &l);
	assert_string_equal(buf_z(&b), want);
	buf_free(&b);
}

static void test_formats(void **state)
{
	struct formats l = { 0 };
	struct str bad = STR_NULL;
	struct buf b = BUF_INIT;

	(void)state;
	check_list("ulaw,alaw", "ulaw,alaw", 0);
	check_list("all,!all,g722, ulaw | alaw", "g722,ulaw,alaw", 0);
	check_list("!all,ULAW,ulaw", "ulaw", 0);
	check_list("(ulaw|gsm)", "ulaw,gsm", 0);
	check_list("ulaw,nonsense,alaw", "ulaw,alaw", EINVAL);
	check_list("ulaw:x", "", EINVAL);
	check_list("ulaw:256", "", EINVAL);
	formats_edit(&l, STR("all"), true, NULL);
	assert_int_equal(l.n, FORMAT_T38 - 1 - 4 - 3);  /* SILK, AV1 and pictures only by their names */
	assert_int_equal(l.v[0].id, FORMAT_CODEC2);
	formats_edit(&l, STR("all"), false, NULL);
	assert_int_equal(l.n, 0);
	assert_int_equal(formats_edit(&l, STR("g722:40,huh"), true, &bad), EINVAL);
	assert_str(bad, "huh");
	assert_int_equal(l.v[0].ptime, 40);
	formats_write(&b, &l);
	assert_string_equal(buf_z(&b), "(g722)");
	buf_free(&b);
}

static void check_join(const char *local, const char *remote, const char *pref, const char *want)
{
	struct formats l = { 0 }, r = { 0 }, out;
	struct format_pref p;
	struct buf b = BUF_INIT;

	formats_edit(&l, str_z(local), true, NULL);
	formats_edit(&r, str_z(remote), true, NULL);
	assert_int_equal(format_pref_parse(&p, str_z(pref)), 0);
	formats_join(&out, &l, &r, MEDIA_AUDIO, p);
	formats_write_csv(&b, &out);
	assert_string_equal(buf_z(&b), want);
	buf_free(&b);
}

static void test_join(void **state)
{
	struct format_pref p = { 0 };

	(void)state;
	check_join("g722,ulaw,alaw,h264", "alaw,ulaw,gsm", "local", "ulaw,alaw");
	check_join("g722,ulaw,alaw", "alaw,ulaw,gsm", "local_first", "ulaw");
	check_join("g722,ulaw,alaw", "alaw,ulaw,gsm", "remote", "alaw,ulaw");
	check_join("g722,ulaw,alaw", "alaw,ulaw,gsm", "remote_first", "alaw");
	check_join("g722,ulaw,alaw", "alaw,ulaw,gsm", "remote_merge", "alaw,ulaw,g722");
	check_join("g722,ulaw,alaw", "alaw,ulaw,gsm", "local_merge", "g722,ulaw,alaw");
	check_join("g722", "alaw", "local", "");
	assert_int_equal(format_pref_parse(&p, STR("other")), EINVAL);
	assert_int_equal(format_prefs_parse(&p, STR("prefer: configured, operation: union, keep:first, transcode:prevent")), 0);
	assert_true(p.prefer_local && p.op == FORMAT_UNION && p.first && p.no_transcode);
	assert_int_equal(format_prefs_parse(&p, STR("prefer: nobody")), EINVAL);
}

static void test_rtpmap_names(void **state)
{
	(void)state;
	/* Every row that has a name on the wire is found by it, and no two are alike. */
	for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
		const struct format *f = format_get((enum format_id)i);

		assert_ptr_equal(format_by_name(str_z(f->name)), f);
		if (f->encoding)
			assert_ptr_equal(format_by_rtpmap(f->type, str_z(f->encoding), f->clock, false), f);
		for (int j = i + 1; j < FORMATS; j++)
			if (f->encoding && format_get((enum format_id)j)->encoding)
				assert_int_not_equal(f->pt, format_get((enum format_id)j)->pt);
	}
	assert_int_equal(format_by_rtpmap(MEDIA_AUDIO, STR("pcmu"), 8000, false)->id, FORMAT_ULAW);
	assert_int_equal(format_by_rtpmap(MEDIA_AUDIO, STR("G726-32"), 8000, true)->id, FORMAT_G726AAL2);
	assert_null(format_by_rtpmap(MEDIA_AUDIO, STR("PCMU"), 16000, false));
	assert_null(format_by_rtpmap(MEDIA_VIDEO, STR("PCMU"), 8000, false));
	assert_int_equal(format_by_pt(MEDIA_AUDIO, 18)->id, FORMAT_G729);
	assert_null(format_by_pt(MEDIA_AUDIO, 97));
	assert_int_equal(format_get((enum format_id)1000)->id, FORMAT_NONE);
}

static size_t live;
static int leak_setup(void **state) { (void)state; live = obj_live(); return 0; }
static int leak_check(void **state) { (void)state; return obj_live() != live; }
#define T(f) cmocka_unit_test_setup_teardown(f, leak_setup, leak_check)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_decode), T(test_write_again), T(test_refused), T(test_limits), T(test_prefixes),
		T(test_lenient), T(test_formats), T(test_join), T(test_rtpmap_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
