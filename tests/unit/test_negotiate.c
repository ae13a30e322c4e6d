/* Offer and answer: numbers, order, direction, declined lines, versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "negotiate_stage.h"

/* Which numbers an answer holds, for endpoint codecs and an offer. */
static void test_answer_table(void **state)
{
	static const char ulaw_opus[] = "m=audio 9000 RTP/AVP 0 96 101 102\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n";
	static const char amr[] = "m=audio 9000 RTP/AVP 96 97 0 101 102 103\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=rtpmap:97 AMR-WB/16000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/48000\r\n"
		"a=rtpmap:102 telephone-event/16000\r\na=rtpmap:103 telephone-event/8000\r\n";
	static const char odd[] = "m=audio 6000 RTP/AVP 12 13 16 99\r\na=rtpmap:12 G722/8000\r\na=rtpmap:13 PCMU/8000\r\n"
		"a=rtpmap:16 PCMA/8000\r\na=rtpmap:99 telephone-event/8000\r\n";
	static const char bare[] = "m=audio 6000 RTP/AVP 9 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
	static const char all[] = "m=audio 6000 RTP/AVP 0 3 4 8 9 111 112 5 10 118 7 18 110 117 119 97 102 115 116 107 101\r\n"
		"a=rtpmap:111 G726-32/8000\r\na=rtpmap:112 AAL2-G726-32/8000\r\na=rtpmap:5 DVI4/8000\r\n"
		"a=rtpmap:10 L16/8000\r\na=rtpmap:118 L16/16000\r\na=rtpmap:7 LPC/8000\r\na=rtpmap:110 speex/8000\r\n"
		"a=rtpmap:117 speex/16000\r\na=rtpmap:119 speex/32000\r\na=rtpmap:97 iLBC/8000\r\n"
		"a=rtpmap:102 G7221/16000\r\na=rtpmap:115 G7221/32000\r\na=rtpmap:116 G719/48000\r\n"
		"a=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
	static const struct { const char *allow, *offer, *mline; } tv[] = {
		{ "ulaw", ulaw_opus, "m=audio 10000 RTP/AVP 0 101" },
		{ "opus,ulaw", ulaw_opus, "m=audio 10000 RTP/AVP 96 0 102 101" },
		{ "ulaw,opus", ulaw_opus, "m=audio 10000 RTP/AVP 0 96 101 102" },
		{ "opus", ulaw_opus, "m=audio 10000 RTP/AVP 96 102 101" },
		{ "opus,ulaw", amr, "m=audio 10000 RTP/AVP 96 0 101 103" },
		{ "ulaw,opus", amr, "m=audio 10000 RTP/AVP 0 96 103 101" },
		{ "g722,ulaw,alaw", odd, "m=audio 10000 RTP/AVP 12 13 16 99" },
		{ "g722,ulaw,alaw", bare, "m=audio 10000 RTP/AVP 9 0 8 101" },
		{ "all", all, "m=audio 10000 RTP/AVP 4 0 8 3 111 112 5 10 118 7 18 110 117 119 97 9 102 115 116 107 101" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct side s;
		char text[4096];

		side_init(&s, tv[i].allow, NULL);
		snprintf(text, sizeof(text), HEAD "%s", tv[i].offer);
		has(answer(&s, text), tv[i].mline);
		side_free(&s);
	}
}

static void test_answer_text(void **state)
{
	struct side s;

	(void)state;
	side_init(&s, "ulaw,alaw", NULL);
	assert_string_equal(answer(&s, HEAD "m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
		"v=0\r\no=- 1000 1000 IN IP4 192.0.2.10\r\ns=Asterisk\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
		"m=audio 10000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:140\r\na=sendrecv\r\n");
	assert_int_equal(neg_stream(s.n, 0)->codecs[0].id, FORMAT_ULAW);
	assert_int_equal(neg_stream(s.n, 0)->events[0].pt_tx, 101);
	/* The same again: the same version. Another: one more. */
	assert_non_null(strstr(answer(&s, HEAD "m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
		"o=- 1000 1000 "));
	assert_non_null(strstr(answer(&s, HEAD "m=audio 6000 RTP/AVP 8\r\n"), "o=- 1000 1001 "));
	side_free(&s);
}

static void two_kinds(struct neg_prm *p) { p->max_audio = 2; p->max_video = 0; }

static void test_declined(void **state)
{
	struct side s;
	const char *t;
	enum neg_verdict why;

	(void)state;
	side_init(&s, "g722,ulaw,h264,h263", NULL);
	t = answer(&s, HEAD "m=audio 6000 RTP/AVP 9 0\r\nm=video 6001 RTP/AVP 99 34\r\na=rtpmap:99 H264/90000\r\n"
		   "m=video 6002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\nm=audio 6010 RTP/AVP 3\r\n"
		   "m=image 7000 udptl t38\r\nm=application 9 TCP/X any thing\r\n");
	has(t, "m=audio 10000 RTP/AVP 9 0");
	has(t, "m=video 10002 RTP/AVP 99 34");
	has(t, "m=video 0 RTP/AVP 99");
	has(t, "m=audio 0 RTP/AVP 3");
	has(t, "m=image 0 udptl t38");
	assert_non_null(strstr(t, "\r\nm=application 0 TCP/X any thing\r\n"));
	assert_true(neg_stream(s.n, 1)->active);
	assert_false(neg_stream(s.n, 2)->active);
	side_free(&s);

	side_init(&s, "g722,ulaw,h264", two_kinds);
	t = answer(&s, HEAD "m=audio 6000 RTP/AVP 9 0\r\nm=audio 6002 RTP/AVP 9\r\nm=video 6004 RTP/AVP 99\r\n"
		   "a=rtpmap:99 H264/90000\r\n");
	has(t, "m=audio 10002 RTP/AVP 9");
	has(t, "m=video 0 RTP/AVP 99");
	side_free(&s);

	side_init(&s, "g722", NULL);
	assert_int_equal(offer_in(&s, HEAD "m=audio 6000 RTP/AVP 3 4\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_NO_STREAM);
	assert_int_equal(offer_in(&s, HEAD "m=audio 0 RTP/AVP 9\r\n", &why), EPROTO);
	assert_int_equal(neg_count(s.n), 0);
	assert_int_equal(offer_in(&s, "v=0\r\nm=audio 6000 RTP/AVP 9\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_ADDRESS);
	side_free(&s);
}

static void follow_ptime(struct neg_prm *p) { p->use_ptime = true; }

/* Whatever a peer asks for, what we send with is a length the format has: no
 * number wraps, and none is 0. */
static void test_ptime_edges(void **state)
{
	static const struct { const char *codec, *asked; unsigned ms; } tv[] = {
		{ "ulaw", "0", 20 }, { "ulaw", "1", 10 }, { "ulaw", "7", 10 }, { "ulaw", "10", 10 },
		{ "ulaw", "60", 60 }, { "ulaw", "140", 140 }, { "ulaw", "150", 140 }, { "ulaw", "255", 140 },
		{ "ulaw", "256", 140 }, { "ulaw", "276", 140 }, { "ulaw", "1000", 140 }, { "ulaw", "65535", 20 },
		{ "ulaw", "4294967296", 20 }, { "ulaw", "-20", 20 }, { "ulaw", "30.5", 30 }, { "ulaw", "", 20 },
		{ "g722", "1", 10 }, { "g722", "255", 140 }, { "gsm", "10", 20 }, { "gsm", "1000", 255 },
		{ "slin16", "255", 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		const struct format *f = format_by_name(str_z(tv[i].codec));
		char text[400], want[40];
		struct side s;

		side_init(&s, tv[i].codec, follow_ptime);
		snprintf(text, sizeof(text), HEAD "m=audio 6000 RTP/AVP %u\r\na=rtpmap:%u %s/%u\r\na=ptime:%s\r\n",
			 f->pt, f->pt, f->encoding, f->clock, tv[i].asked);
		snprintf(want, sizeof(want), "a=ptime:%u", tv[i].ms);
		has(answer(&s, text), want);
		assert_int_equal(neg_stream(s.n, 0)->codecs[0].ptime, tv[i].ms);
		/* The same in an answer to our offer. */
		assert_int_equal(neg_offer_out(s.n, &s.text), 0);
		snprintf(text, sizeof(text), HEAD "m=audio 6000 RTP/AVP %u\r\na=rtpmap:%u %s/%u\r\na=ptime:%s\r\n",
			 f->pt, f->pt, f->encoding, f->clock, "1");
		assert_int_equal(answer_in(&s, text, &(enum neg_verdict){ 0 }), 0);
		assert_int_equal(neg_stream(s.n, 0)->codecs[0].ptime, f->ptime_min);
		side_free(&s);
	}
}

static void test_ptime(void **state)
{
	static const char text[] = HEAD "m=audio 6000 RTP/AVP 9 0\r\na=ptime:30\r\n";
	struct side s;

	(void)state;
	side_init(&s, "g722,ulaw", follow_ptime);
	has(answer(&s, text), "a=ptime:30");
	assert_int_equal(neg_stream(s.n, 0)->ptime, 30);
	side_free(&s);
	side_init(&s, "g722,ulaw", NULL);
	has(answer(&s, text), "a=ptime:20");
	side_free(&s);
	side_init(&s, "g722:40", NULL);
	has(answer(&s, text), "a=ptime:40");
	assert_int_equal(neg_stream(s.n, 0)->ptime, 40);
	side_free(&s);
}

/* More clock rates of events, offer after offer, than we keep numbers for: the
 * answer names the peer's own, and never one that is none. */
static void test_event_rates(void **state)
{
	static const unsigned rates[] = { 8000, 12000, 16000, 24000, 32000, 44100, 48000 };
	struct side s;

	(void)state;
	side_init(&s, "slin,slin12,slin16,slin24,slin32,slin44,slin48", NULL);
	for (size_t i = 0; i < 3 * ARRAY_LEN(rates); i++) {
		unsigned rate = rates[i % ARRAY_LEN(rates)], pt = 100 + (unsigned)(i % ARRAY_LEN(rates));
		char text[400], want[60];

		snprintf(text, sizeof(text), HEAD "m=audio 6000 RTP/AVP 96 %u\r\na=rtpmap:96 L16/%u\r\n"
			 "a=rtpmap:%u telephone-event/%u\r\n", pt, rate, pt, rate);
		snprintf(want, sizeof(want), "a=rtpmap:%u telephone-event/%u", pt, rate);
		has(answer(&s, text), want);
		snprintf(want, sizeof(want), "m=audio 10000 RTP/AVP 96 %u", pt);
		has(buf_z(&s.text), want);
		assert_int_equal(neg_stream(s.n, 0)->nevents, 1);
		assert_int_equal(neg_stream(s.n, 0)->events[0].pt_rx, pt);
	}
	side_free(&s);
}

static void two_sounds(struct neg_prm *p) { p->max_audio = 2; }

/* a=fmtp of codecs that are passed on: what we offer, what we answer to what. */
static void test_parameters(void **state)
{
	static const struct { const char *allow, *offer, *line; } answers[] = {
		{ "g729", "18\r\na=fmtp:18 annexb=yes", "a=fmtp:18 annexb=no" },
		{ "g729", "18", "a=fmtp:18 annexb=no" },
		{ "ilbc", "97\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20", "a=fmtp:97 mode=20" },
		{ "ilbc", "97\r\na=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30" },
		{ "siren7,ulaw", "102 0\r\na=rtpmap:102 G7221/16000\r\na=fmtp:102 bitrate=32000", "a=fmtp:102 bitrate=32000" },
		{ "siren7,ulaw", "102 0\r\na=rtpmap:102 G7221/16000\r\na=fmtp:102 bitrate=24000", "m=audio 10000 RTP/AVP 0" },
		{ "codec2", "99\r\na=rtpmap:99 CODEC2/8000", "a=rtpmap:99 CODEC2/8000" },
		{ "silk16", "99\r\na=rtpmap:99 SILK/16000\r\na=fmtp:99 useinbandfec=1", "a=fmtp:99 useinbandfec=1" },
	};
	static const struct { const char *wanted, *line; } offers[] = {
		{ "g729", "a=fmtp:18 annexb=no" }, { "ilbc", "a=fmtp:97 mode=20" },
		{ "siren7", "a=fmtp:102 bitrate=32000" }, { "siren14", "a=fmtp:115 bitrate=48000" },
		{ "silk8,silk12", "a=rtpmap:114 SILK/8000\r\na=rtpmap:121 SILK/12000" },
	};
	struct side s;
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		side_init(&s, answers[i].allow, NULL);
		snprintf(text, sizeof(text), HEAD "m=audio 6000 RTP/AVP %s\r\na=rtpmap:101 telephone-event/8000\r\n", answers[i].offer);
		has(answer(&s, text), answers[i].line);
		side_free(&s);
	}
	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		side_init(&s, offers[i].wanted, NULL);
		has(offer(&s, offers[i].wanted), offers[i].line);
		side_free(&s);
	}
	/* Events are the first sound's. */
	side_init(&s, "ulaw", two_sounds);
	has(answer(&s, HEAD "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		   "m=audio 6002 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"), "m=audio 10002 RTP/AVP 0");
	side_free(&s);
}

static void test_offer_numbers(void **state)
{
	static const struct { const char *wanted, *mline, *line; } tv[] = {
		{ "opus,ulaw,alaw", "m=audio 10000 RTP/AVP 107 0 8 101 102", "a=rtpmap:102 telephone-event/8000" },
		{ "ulaw,alaw,opus", "m=audio 10000 RTP/AVP 0 8 107 101 102", "a=rtpmap:102 telephone-event/48000" },
		{ "opus", "m=audio 10000 RTP/AVP 107 101 102", "a=rtpmap:101 telephone-event/48000" },
		{ "g722,alaw,ulaw,ilbc,opus", "m=audio 10000 RTP/AVP 9 8 0 97 107 101 102", "a=rtpmap:107 opus/48000/2" },
		{ "ulaw", "m=audio 10000 RTP/AVP 0 101", "a=fmtp:101 0-16" },
		{ "siren7,ulaw", "m=audio 10000 RTP/AVP 102 0 101 103", "a=rtpmap:101 telephone-event/16000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct side s;
		const char *t;

		side_init(&s, "all", NULL);
		t = offer(&s, tv[i].wanted);
		has(t, tv[i].mline);
		has(t, tv[i].line);
		side_free(&s);
	}
}

static void test_their_answer(void **state)
{
	struct side s;
	struct neg_stream *st;
	enum neg_verdict why;
	char text[SA_TEXT];

	(void)state;
	side_init(&s, "opus,ulaw,alaw", NULL);
	offer(&s, "opus,ulaw,alaw");
	assert_true(neg_offer_pending(s.n));
	assert_int_equal(answer_in(&s, HEAD "m=audio 9000 RTP/AVP 96 102\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=rtpmap:102 telephone-event/8000\r\n", &why), 0);
	st = neg_stream(s.n, 0);
	assert_true(st->active);
	assert_int_equal(st->ncodecs, 1);
	assert_int_equal(st->codecs[0].pt_rx, 107);     /* ours */
	assert_int_equal(st->codecs[0].pt_tx, 96);      /* theirs */
	assert_int_equal(st->nevents, 1);
	assert_int_equal(st->events[0].rate, 8000);
	assert_int_equal(st->events[0].pt_tx, 102);
	assert_string_equal(sa_text(&st->remote, text), "127.0.0.1:9000");
	/* A fork answers the same offer otherwise. */
	assert_int_equal(answer_in(&s, HEAD "m=audio 9100 RTP/AVP 8 107\r\na=rtpmap:107 opus/48000/2\r\n", &why), 0);
	assert_int_equal(st->ncodecs, 2);
	assert_int_equal(st->codecs[0].id, FORMAT_ALAW);
	assert_int_equal(st->codecs[1].id, FORMAT_OPUS);
	assert_int_equal(st->nevents, 0);
	/* More lines than offered: refused, the last good stays. */
	assert_int_equal(answer_in(&s, HEAD "m=audio 9200 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_SHAPE);
	assert_string_equal(sa_text(&neg_stream(s.n, 0)->remote, text), "127.0.0.1:9100");
	side_free(&s);

	side_init(&s, "ulaw", NULL);
	offer(&s, "ulaw");
	assert_int_equal(answer_in(&s, HEAD "m=audio 9100 RTP/AVP 8\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_NO_STREAM);
	side_free(&s);
}

static void test_hold(void **state)
{
	struct side s;
	enum neg_verdict why;
	const char *t;

	(void)state;
	side_init(&s, "ulaw", NULL);
	answer(&s, HEAD "m=audio 6000 RTP/AVP 0\r\n");
	assert_int_equal(neg_stream(s.n, 0)->dir, SDP_SENDRECV);
	has(answer(&s, HEAD "m=audio 6000 RTP/AVP 0\r\na=sendonly\r\n"), "a=recvonly");
	assert_true(neg_stream(s.n, 0)->remote_hold);
	has(answer(&s, HEAD "m=audio 6000 RTP/AVP 0\r\na=inactive\r\n"), "a=inactive");
	has(answer(&s, "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 6000 RTP/AVP 0\r\n"), "a=recvonly");
	assert_true(neg_stream(s.n, 0)->remote_hold);
	has(answer(&s, HEAD "m=audio 6000 RTP/AVP 0\r\na=recvonly\r\n"), "a=sendonly");
	assert_false(neg_stream(s.n, 0)->remote_hold);
	/* Ours: offered, answered, taken back. */
	neg_hold(s.n, 0, true);
	has(offer(&s, "ulaw"), "a=sendonly");
	assert_int_equal(answer_in(&s, HEAD "m=audio 6000 RTP/AVP 0\r\na=recvonly\r\n", &why), 0);
	assert_int_equal(neg_stream(s.n, 0)->dir, SDP_SENDONLY);
	neg_hold(s.n, 0, false);
	t = offer(&s, "ulaw");
	has(t, "a=sendrecv");
	assert_int_equal(answer_in(&s, HEAD "m=audio 6000 RTP/AVP 0\r\n", &why), 0);
	assert_int_equal(neg_stream(s.n, 0)->dir, SDP_SENDRECV);
	side_free(&s);
}

static void test_rollback(void **state)
{
	struct formats f = { 0 };
	struct side s;
	size_t i;
	char text[SA_TEXT];
	enum neg_verdict why;
	size_t alive;
	void *port;

	(void)state;
	side_init(&s, "ulaw,alaw,h264", NULL);
	answer(&s, HEAD "m=audio 6000 RTP/AVP 8 0\r\n");
	neg_port_set(s.n, 0, port = obj_new(1, NULL));
	formats_edit(&f, STR("h264"), true, NULL);
	assert_int_equal(neg_stream_add(s.n, MEDIA_VIDEO, &f, &i), 0);
	assert_int_equal(i, 1);
	has(offer(&s, "ulaw"), "m=video 10002 RTP/AVP 99");
	/* Glare: theirs cannot be taken meanwhile. */
	assert_int_equal(offer_in(&s, HEAD "m=audio 6000 RTP/AVP 0\r\n", &why), EBUSY);
	neg_rollback(s.n);
	assert_int_equal(neg_count(s.n), 1);
	assert_ptr_equal(neg_stream(s.n, 0)->port, port);
	assert_int_equal(neg_stream(s.n, 0)->ncodecs, 2);
	assert_string_equal(sa_text(&neg_stream(s.n, 0)->remote, text), "127.0.0.1:6000");
	/* Its port is closed with it; the one of the stream in force stays. */
	alive = obj_live();
	assert_int_equal(neg_stream_add(s.n, MEDIA_VIDEO, &f, &i), 0);
	neg_port_set(s.n, i, obj_new(1, NULL));
	offer(&s, "ulaw");
	neg_rollback(s.n);
	assert_int_equal(obj_live(), alive);
	assert_int_equal(neg_count(s.n), 1);
	assert_int_equal(obj_refs(port), 1);
	/* A refused offer of theirs leaves all as it was, too. */
	assert_int_equal(offer_in(&s, HEAD "m=audio 7000 RTP/AVP 3\r\nm=video 0 RTP/AVP 99\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_NO_STREAM);
	assert_string_equal(sa_text(&neg_stream(s.n, 0)->remote, text), "127.0.0.1:6000");
	/* Fewer lines than before is no offer (RFC 3264 section 8). */
	assert_int_equal(neg_stream_add(s.n, MEDIA_VIDEO, &f, &i), 0);
	offer(&s, "ulaw");
	assert_int_equal(answer_in(&s, HEAD "m=audio 6000 RTP/AVP 0\r\nm=video 6002 RTP/AVP 99\r\n"
		"a=rtpmap:99 H264/90000\r\n", &why), 0);
	assert_true(neg_stream(s.n, 1)->active);
	assert_int_equal(offer_in(&s, HEAD "m=audio 7000 RTP/AVP 0\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_SHAPE);
	/* Removing it: port 0 under its numbers. */
	neg_stream_set(s.n, 1, NULL, false);
	has(offer(&s, "ulaw"), "m=video 0 RTP/AVP 99");
	side_free(&s);
}

/* A port lives as long as a stream that is in force, or may be again, has it. */
static void test_ports(void **state)
{
	size_t alive = obj_live();
	enum neg_verdict why;
	struct side s;
	void *port;

	(void)state;
	side_init(&s, "ulaw,h264", NULL);
	answer(&s, HEAD "m=audio 6000 RTP/AVP 0\r\n");
	neg_port_set(s.n, 0, port = obj_new(1, NULL));
	obj_hold(port);
	/* Re-typed in an offer that is refused: it is the old stream's again. */
	assert_int_equal(offer_in(&s, HEAD "m=video 0 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 3\r\n", &why), EPROTO);
	assert_ptr_equal(neg_stream(s.n, 0)->port, port);
	/* Taken, but never answered. */
	assert_int_equal(offer_in(&s, HEAD "m=video 0 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 0\r\n", &why), 0);
	assert_null(neg_stream(s.n, 0)->port);
	neg_port_set(s.n, 1, obj_new(1, NULL));
	neg_rollback(s.n);
	assert_int_equal(neg_count(s.n), 1);
	assert_ptr_equal(neg_stream(s.n, 0)->port, port);
	assert_int_equal(obj_refs(port), 2);
	/* Taken and answered: the port of the old stream is closed. */
	answer(&s, HEAD "m=video 0 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 0\r\n");
	assert_int_equal(obj_refs(port), 1);
	obj_drop(port);
	/* The end, in the middle of an offer. */
	neg_port_set(s.n, 1, obj_new(1, NULL));
	assert_int_equal(offer_in(&s, HEAD "m=audio 6000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", &why), 0);
	neg_port_set(s.n, 0, obj_new(1, NULL));
	neg_ports_close(s.n);
	side_free(&s);
	assert_int_equal(obj_live(), alive);
}

/* RFC 3264 section 8.3.2: a number keeps its meaning; theirs wins. */
static void test_numbers_stay(void **state)
{
	struct side s;
	const char *t;

	(void)state;
	side_init(&s, "opus,ulaw", NULL);
	answer(&s, HEAD "m=audio 6000 RTP/AVP 101 0 96\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 telephone-event/8000\r\n");
	t = offer(&s, "");
	has(t, "m=audio 10000 RTP/AVP 101 0 102 96");
	has(t, "a=rtpmap:101 opus/48000/2");
	has(t, "a=rtpmap:96 telephone-event/8000");
	has(t, "a=rtpmap:102 telephone-event/48000");
	side_free(&s);
}

static void bundled(struct neg_prm *p) { p->bundle = true; p->rtcp_mux = true; }

static void test_bundle_mux_extras(void **state)
{
	struct side s;
	struct sdp *o = NULL;
	enum neg_verdict why;
	const char *t;

	(void)state;
	side_init(&s, "ulaw,h264", bundled);
	assert_int_equal(sdp_parse(&o, str_z(HEAD "a=group:BUNDLE one two\r\nm=audio 6000 RTP/AVP 0\r\na=mid:one\r\n"
		"a=rtcp-mux\r\nm=video 6000 RTP/AVP 99\r\na=mid:two\r\na=rtpmap:99 H264/90000\r\n"
		"a=fmtp:99 profile-level-id=42e01f\r\n")), 0);
	assert_int_equal(neg_offer_in(s.n, o, NULL, &why), 0);
	obj_drop(o);
	assert_int_equal(neg_stream(s.n, 0)->bundled_in, -1);
	assert_int_equal(neg_stream(s.n, 1)->bundled_in, 0);
	sa_parse(&neg_stream(s.n, 0)->local, STR("[2001:db8::5]:4000"));
	assert_int_equal(neg_attr_add(s.n, 0, STR("crypto"), STR("1 X inline:y")), 0);
	assert_int_equal(neg_answer_out(s.n, &s.text), 0);
	t = buf_z(&s.text);
	has(t, "a=group:BUNDLE one two");
	has(t, "c=IN IP6 2001:db8::5");
	has(t, "m=audio 4000 RTP/AVP 0\r\na=crypto:1 X inline:y");
	has(t, "m=video 4000 RTP/AVP 99");
	has(t, "a=fmtp:99 profile-level-id=42e01f");
	has(t, "a=mid:one");
	has(t, "a=rtcp-mux");
	assert_true(neg_stream(s.n, 0)->rtcp_mux);
	assert_true(neg_stream(s.n, 1)->rtcp_mux);      /* the transport's */
	side_free(&s);
}

static void test_narrow(void **state)
{
	struct side s;
	struct sdp *o = NULL;
	struct formats g722 = { 0 };
	enum neg_verdict why;

	(void)state;
	side_init(&s, "ulaw", NULL);
	formats_edit(&g722, STR("g722"), true, NULL);
	assert_int_equal(sdp_parse(&o, str_z(HEAD "m=audio 6000 RTP/AVP 0 9\r\n")), 0);
	assert_int_equal(neg_offer_in(s.n, o, &g722, &why), 0);
	assert_int_equal(neg_stream(s.n, 0)->codecs[0].id, FORMAT_G722);
	obj_drop(o);
	/* No port for an active stream: nothing can be written. */
	assert_int_equal(neg_answer_out(s.n, &s.text), EINVAL);
	side_free(&s);
}

static size_t live;
static int leak_setup(void **state) { (void)state; live = obj_live(); return 0; }
static int leak_check(void **state) { (void)state; return obj_live() != live; }
#define T(f) cmocka_unit_test_setup_teardown(f, leak_setup, leak_check)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answer_table), T(test_answer_text), T(test_declined), T(test_ptime),
		T(test_ptime_edges), T(test_event_rates), T(test_parameters),
		T(test_offer_numbers), T(test_their_answer), T(test_hold), T(test_rollback),
		T(test_ports), T(test_numbers_stay),
		T(test_bundle_mux_extras), T(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
