/* codecs.conf: each option in the SDP that we write, or in the parameters of the encoder;
 * and what the peer's SDP makes of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "service/call/codecs.h"

static char dir[] = "/tmp/test_codecs.XXXXXX", path[64];
static struct service svc;
static struct report *faults;

static int up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/codecs.conf", dir);
	return 0;
}

static int down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

/* `text` becomes codecs.conf and is in force; true: a fault was found in it. */
static bool configure(const char *text)
{
	struct config_prm prm = { .dir = dir };
	struct codecs_conf *c = NULL;
	FILE *f = fopen(path, "w");
	bool bad;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	faults = GOT(report_new());
	assert_int_equal(codecs_conf_load(&c, &prm, faults), 0);
	codecs_set_conf(&svc, c);
	obj_drop(c);
	bad = report_count(faults) > 0;
	report_free(faults);
	return bad;
}

static void write_sdp(struct neg *n, struct buf *b, bool answer)
{
	for (size_t i = 0; i < neg_count(n); i++)
		sa_parse(&neg_stream(n, i)->local, STR("192.0.2.1:4000"));
	assert_int_equal(answer ? neg_answer_out(n, b) : neg_offer_out(n, b), 0);
	buf_char(b, 0);
}

/* The fmtp of Opus in the text; empty when there is none. */
static const char *fmtp_of(struct buf *b)
{
	static char line[200];
	const char *p = strstr(buf_view(b).p, "a=fmtp:107 ");

	line[0] = 0;
	if (p)
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(p + 11, "\r"), p + 11);
	return line;
}

static struct neg *negotiation(void)
{
	struct neg_prm prm = { .max_audio = 1, .telephone_event = true, .opus = svc.rtp.codecs.opus };
	struct neg *n = NULL;

	formats_edit(&prm.formats, STR("opus,ulaw"), true, NULL);
	format_pref_parse(&prm.pref_in, STR("local"));
	assert_int_equal(neg_new(&n, &prm), 0);
	return n;
}

/* Our offer with this configuration; and what the encoder becomes when the peer says `peer`. */
static void judge(const char *conf, const char *peer, const char *offered, const char *answered, struct codec_prm *prm,
		  uint8_t *ptime)
{
	static const char head[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
				   "m=audio 6000 RTP/AVP 107\r\na=rtpmap:107 opus/48000/2\r\n";
	char text[600];
	struct buf b = BUF_INIT;
	struct neg *n;
	struct sdp *o = NULL;
	enum neg_verdict why;
	size_t i;

	configure(conf);
	n = negotiation();
	assert_int_equal(neg_stream_add(n, MEDIA_AUDIO, &(struct formats){ .n = 1, .v = { { FORMAT_OPUS, 0 } } }, &i), 0);
	write_sdp(n, &b, false);
	assert_string_equal(fmtp_of(&b), offered);
	assert_non_null(strstr(buf_view(&b).p, "a=rtpmap:107 opus/48000/2\r\n"));
	obj_drop(n);
	buf_reset(&b);
	snprintf(text, sizeof(text), "%s%s%s\r\n", head, peer[0] == 'a' ? "" : "a=fmtp:107 ", peer);
	assert_int_equal(sdp_parse(&o, str_z(text)), 0);
	n = negotiation();
	assert_int_equal(neg_offer_in(n, o, NULL, &why), 0);
	obj_drop(o);
	write_sdp(n, &b, true);
	assert_string_equal(fmtp_of(&b), answered);
	*prm = (struct codec_prm){ 0 };
	codecs_encoder(prm, &svc.rtp.codecs, neg_stream(n, 0));
	*ptime = neg_stream(n, 0)->codecs[0].ptime;
	obj_drop(n);
	buf_free(&b);
}

#define O "[opus]\ntype=opus\n"

static void test_options(void **state)
{
	static const struct { const char *conf, *peer, *offered, *answered; struct codec_prm prm; uint8_t ptime; } tv[] = {
		/* Nothing is said: useinbandfec, as Asterisk's codec_opus does. */
		{ "", "useinbandfec=1", "useinbandfec=1", "useinbandfec=1", { .max_rate = 48000, .fec = true }, 20 },
		{ "", "minptime=10", "useinbandfec=1", "", { .max_rate = 48000 }, 20 },
		{ O "fec=no\n", "useinbandfec=1", "", "", { .max_rate = 48000 }, 20 },
		{ O "packet_loss=30\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .loss = 30 }, 20 },
		{ O "complexity=3\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .saving = 7 }, 20 },
		{ O "max_bandwidth=narrow\n", "x=1", "useinbandfec=1", "", { .max_rate = 8000 }, 20 },
		{ O "max_bandwidth=medium\n", "x=1", "useinbandfec=1", "", { .max_rate = 12000 }, 20 },
		{ O "max_bandwidth=wide\n", "x=1", "useinbandfec=1", "", { .max_rate = 16000 }, 20 },
		{ O "max_bandwidth=super_wide\n", "x=1", "useinbandfec=1", "", { .max_rate = 24000 }, 20 },
		{ O "signal=music\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .signal = CODEC_SIGNAL_MUSIC }, 20 },
		{ O "signal=voice\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .signal = CODEC_SIGNAL_VOICE }, 20 },
		{ O "application=audio\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .use = CODEC_AUDIO }, 20 },
		{ O "application=low_delay\n", "x=1", "useinbandfec=1", "", { .max_rate = 48000, .use = CODEC_LOW_DELAY }, 20 },
		{ O "max_playback_rate=16000\n", "x=1", "maxplaybackrate=16000;useinbandfec=1", "maxplaybackrate=16000",
		  { .max_rate = 16000 }, 20 },
		{ O "bitrate=20000\n", "x=1", "maxaveragebitrate=20000;useinbandfec=1", "maxaveragebitrate=20000",
		  { .max_rate = 48000, .bitrate = 20000 }, 20 },
		{ O "bitrate=max\n", "x=1", "maxaveragebitrate=512000;useinbandfec=1", "maxaveragebitrate=512000",
		  { .max_rate = 48000, .bitrate = 512000 }, 20 },
		{ O "cbr=yes\n", "x=1", "cbr=1;useinbandfec=1", "cbr=1", { .max_rate = 48000, .cbr = true }, 20 },
		{ O "dtx=yes\n", "x=1", "useinbandfec=1;usedtx=1", "usedtx=1", { .max_rate = 48000, .dtx = true }, 20 },
		/* What the peer says. */
		{ "", "maxplaybackrate=12000", "useinbandfec=1", "maxplaybackrate=12000", { .max_rate = 12000 }, 20 },
		{ "", "sprop-maxcapturerate=16000;stereo=1", "useinbandfec=1", "sprop-maxcapturerate=16000", { .max_rate = 48000 }, 20 },
		{ O "bitrate=30000\n", "maxaveragebitrate=15000", "maxaveragebitrate=30000;useinbandfec=1", "maxaveragebitrate=15000",
		  { .max_rate = 48000, .bitrate = 15000 }, 20 },
		{ "", "cbr=1;usedtx=1", "useinbandfec=1", "cbr=1;usedtx=1", { .max_rate = 48000, .cbr = true, .dtx = true }, 20 },
		{ "", "minptime=40", "useinbandfec=1", "", { .max_rate = 48000 }, 40 },
		{ "", "maxptime=10", "useinbandfec=1", "", { .max_rate = 48000 }, 10 },
		{ "", "a=maxptime:10", "useinbandfec=1", "", { .max_rate = 48000 }, 10 },
		/* A section without its type is as if it were not there. */
		{ "[opus]\nfec=no\n", "useinbandfec=1", "useinbandfec=1", "useinbandfec=1", { .max_rate = 48000, .fec = true }, 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct codec_prm prm;
		uint8_t ptime;

		judge(tv[i].conf, tv[i].peer, tv[i].offered, tv[i].answered, &prm, &ptime);
		assert_int_equal(prm.max_rate, tv[i].prm.max_rate);
		assert_int_equal(prm.bitrate, tv[i].prm.bitrate);
		assert_int_equal(prm.loss, tv[i].prm.loss);
		assert_int_equal(prm.saving, tv[i].prm.saving);
		assert_int_equal(prm.use, tv[i].prm.use);
		assert_int_equal(prm.signal, tv[i].prm.signal);
		assert_int_equal(prm.cbr, tv[i].prm.cbr);
		assert_int_equal(prm.fec, tv[i].prm.fec);
		assert_int_equal(prm.dtx, tv[i].prm.dtx);
		assert_int_equal(ptime, tv[i].ptime);
	}
}

static void test_faults(void **state)
{
	static const char *const bad[] = {
		"[opus]\nfec=yes\n", O "bitrate=499\n", O "bitrate=512001\n", O "bitrate=much\n", O "packet_loss=101\n",
		O "complexity=11\n", O "max_bandwidth=half\n", O "max_playback_rate=7999\n", O "cbr=perhaps\n", O "loss=3\n",
		"[myopus]\ntype=opus\nfec=no\n",
	};

	(void)state;
	assert_false(configure(O "bitrate=auto\npacket_loss=100\ncomplexity=0\n"));
	assert_false(configure("[speex]\nquality=3\n[plc]\ngenericplc=yes\n"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(configure(bad[i]));
	codecs_set_conf(&svc, NULL);
	assert_true(svc.rtp.codecs.opus.fec);
	assert_int_equal(svc.rtp.codecs.opus.max_playback, 48000);
	assert_int_equal(svc.rtp.codecs.encoder.max_rate, 48000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_options), cmocka_unit_test(test_faults) };

	return cmocka_run_group_tests(tests, up, down);
}
