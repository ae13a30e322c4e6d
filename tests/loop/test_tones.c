/* What is heard in a caller's sound: digits (dtmf_mode), a calling fax machine (fax_detect, fax_detect_timeout), talk;
 * and the functions that change it. Alice sends real packets over the loopback; time is the world's. */
#include "alice.h"
#include "base/obj.h"
#include "media/codec.h"
#include "media/hooks.h"
#include "media/rtp.h"
#include "media/tone.h"
#include "pbx/dialplan.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/in.h>
#include <cmocka.h>

static char sound[] = "/tmp/test_tones.XXXXXX";
static int sock = -1;
static uint16_t seq, port;       /* port: where she sends to */
static uint32_t ts;

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => fax,1,Wait(500)\n"
	"exten => talk,1,Wait(400)\n"
	"exten => 7,1,Wait(300)\n"
	"exten => set,1,Answer()\n same => n,Set(${WHAT})\n same => n,Set(GOT=${${READ}})\n same => n,Wait(600)\n"
	"exten => early,1,Set(TALK_DETECT(set)=500)\n same => n,Set(VOLUME(RX)=0)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => listen,1,BackgroundDetect(${SOUND},300,100,600)\n same => n,Set(PLAYED=yes)\n same => n,Wait(600)\n"
	"exten => still,1,WaitForSilence(500,2,10)\n same => n,Set(GOT=${WAITSTATUS})\n same => n,Wait(600)\n"
	"exten => loud,1,WaitForNoise(200,1,3)\n same => n,Set(GOT=${WAITSTATUS})\n same => n,Wait(600)\n"
	"[nofax]\nexten => up,1,Answer()\n same => n,Wait(600)\n";

#define CONF(lines) \
	WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" lines ALICE_LINE
#define EVENTS SDP_HEAD "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"

static void open_with(const char *conf)
{
	wire_open_media(&t, plan, conf);
	alice_begins();
	seq = 0;
	ts = 0;
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(sock >= 0);
	set_global("SOUND", sound);
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	if (sock >= 0)
		close(sock);
	sock = -1;
	return 0;
}

static uint16_t rtp_port(void)
{
	struct str body = response(SIP_INVITE)->body;
	struct str at = str_skip(body, str_find(body, STR("m=audio ")) + 8);
	uint32_t v = 0;

	assert_int_equal(str_u32(str_cut_raw(&at, ' '), &v), 0);
	return (uint16_t)v;
}

/* An INVITE of hers is answered. */
static void talk(const char *to, unsigned cseq, const char *sdp)
{
	alice("INVITE", to, cseq, "", sdp);
	learn_tag();
	port = rtp_port();
	alice("ACK", to, cseq, "", "");
}

static void say(unsigned ms, double f1, double f2, double level)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static unsigned long said;

	for (unsigned at = 0; at < ms; at += 20) {
		uint8_t pkt[12 + 160];

		rtp_write(pkt, 0, seq == 0, seq, ts, 0x1234);
		for (int i = 0; i < 160; i++, said++)
			pkt[12 + i] = codec_ulaw((int16_t)lrint(level * (sin(2 * M_PI * f1 * (double)said / 8000) +
									 sin(2 * M_PI * f2 * (double)said / 8000))));
		seq++;
		ts += 160;
		assert_int_equal(sendto(sock, pkt, sizeof(pkt), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(pkt));
		world_pass(&t.w, 20);
	}
}

static void quiet(unsigned ms) { say(ms, 100, 100, 0); }

static void press(char digit)
{
	uint16_t f1 = 0, f2 = 0;

	tone_dtmf_freqs(digit, &f1, &f2);
	say(100, f1, f2, 4000);
	quiet(100);
}

static void fax(void) { say(560, 1100, 1100, 2000); }

static unsigned events(const char *name, const char *line) { return world_events(&t.w, name, line); }

/* ---- digits */

static void digits(const char *conf, const char *sdp, bool heard)
{
	open_with(conf);
	talk("up", 1, sdp);
	quiet(100);
	press('5');
	press('#');
	assert_int_equal(events("DTMFBegin", "Digit: 5"), heard);
	assert_int_equal(events("DTMFEnd", "Digit: 5"), heard);
	assert_int_equal(events("DTMFEnd", "Digit: #"), heard);
}

static void inband(void **state) { (void)state; digits(CONF("dtmf_mode=inband\n"), SDP_ULAW, true); }
static void inband_beside_events(void **state) { (void)state; digits(CONF("dtmf_mode=inband\n"), EVENTS, true); }
static void rfc4733(void **state) { (void)state; digits(CONF("dtmf_mode=rfc4733\n"), SDP_ULAW, false); }
static void info(void **state) { (void)state; digits(CONF("dtmf_mode=info\n"), SDP_ULAW, false); }
static void auto_info(void **state) { (void)state; digits(CONF("dtmf_mode=auto_info\n"), SDP_ULAW, false); }
static void auto_with_events(void **state) { (void)state; digits(CONF("dtmf_mode=auto\n"), EVENTS, false); }

/* At each SDP anew. */
static void auto_without_events(void **state)
{
	(void)state;
	digits(CONF("dtmf_mode=auto\n"), SDP_ULAW, true);
	talk("up", 2, EVENTS);
	press('6');
	assert_int_equal(events("DTMFEnd", "Digit: 6"), 0);
	talk("up", 3, SDP_ULAW);
	press('7');
	assert_int_equal(events("DTMFEnd", "Digit: 7"), 1);
}

/* ---- fax */

static const char *exten(void) { return text_z(&only_channel()->exten); }

static void fax_goes_there(void **state)
{
	(void)state;
	open_with(CONF("fax_detect=yes\n"));
	talk("up", 1, SDP_ULAW);
	quiet(100);
	assert_string_equal(exten(), "up");
	fax();
	assert_string_equal(exten(), "fax");
	assert_string_equal(world_var(only_channel(), "FAXEXTEN"), "up");
	assert_int_equal(events("VarSet", "Variable: FAXEXTEN"), 1);
	quiet(100);
	fax();
	assert_int_equal(events("VarSet", "Variable: FAXEXTEN"), 1);
}

static void fax_not_asked_for(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("up", 1, SDP_ULAW);
	fax();
	assert_string_equal(exten(), "up");
}

static void fax_in_time(void **state)
{
	(void)state;
	open_with(CONF("fax_detect=yes\nfax_detect_timeout=5\n"));
	talk("up", 1, SDP_ULAW);
	world_pass(&t.w, 4000);
	quiet(100);
	fax();
	assert_string_equal(exten(), "fax");
}

static void fax_too_late(void **state)
{
	(void)state;
	open_with(CONF("fax_detect=yes\nfax_detect_timeout=5\n"));
	talk("up", 1, SDP_ULAW);
	world_pass(&t.w, 4900);
	quiet(200);
	fax();
	assert_string_equal(exten(), "up");
	/* A re-INVITE does not begin anew. */
	talk("up", 2, SDP_ULAW);
	quiet(100);
	fax();
	assert_string_equal(exten(), "up");
}

static void fax_has_no_extension(void **state)
{
	(void)state;
	open_with(CONF("fax_detect=yes\ncontext=nofax\n"));
	talk("up", 1, SDP_ULAW);
	fax();
	assert_string_equal(exten(), "up");
	assert_string_equal(world_var(only_channel(), "FAXEXTEN"), "");
}

/* ---- functions */

static void set_up(const char *what, const char *read)
{
	open_with(CONF("dtmf_mode=inband\n"));
	set_global("WHAT", what);
	set_global("READ", read);
	talk("set", 1, SDP_ULAW);
	quiet(100);
}

static int set(const char *name, const char *value) { return pbx_setvar(t.w.pbx, only_channel(), str_z(name), str_z(value)); }

static const char *get(const char *name)
{
	static char z[80];
	struct buf b = BUF_INIT;

	z[0] = 0;
	if (pbx_getvar(t.w.pbx, only_channel(), str_z(name), &b))
		str_copy(z, sizeof(z), buf_view(&b));
	buf_free(&b);
	return z;
}

static void volume(void **state)
{
	(void)state;
	set_up("VOLUME(RX,p)=3", "VOLUME(RX)");
	assert_string_equal(world_var(only_channel(), "GOT"), "3.000000");
	assert_string_equal(get("VOLUME(TX)"), "0.000000");
	press('*');
	assert_string_equal(get("VOLUME(RX)"), "4.000000");
	assert_string_equal(get("VOLUME(TX)"), "1.000000");
	press('#');
	press('#');
	press('5');
	assert_string_equal(get("VOLUME(rx)"), "2.000000");
	/* Without p digits mean nothing. */
	assert_int_equal(set("VOLUME(TX)", "-2.5 and more"), 0);
	press('*');
	assert_string_equal(get("VOLUME(TX)"), "-2.500000");
	assert_int_equal(set("VOLUME()", "3"), EINVAL);
	assert_int_equal(set("VOLUME(up)", "3"), 0);
	assert_int_equal(set("VOLUME(TX)", "1e300"), 0);
	assert_string_equal(get("VOLUME(TX)"), "1000000.000000");
}

static void speech(void **state)
{
	bool exists = media_speech_exists();

	(void)state;
	set_up("AGC(rx)=on", "AGC(rx)");
	assert_string_equal(world_var(only_channel(), "GOT"), exists ? "8000.0" : "");
	if (!exists)
		return;
	assert_string_equal(get("AGC(tx)"), "0.0");
	assert_string_equal(get("DENOISE(rx)"), "0");
	assert_int_equal(set("AGC(tx)", "40000"), 0);
	assert_string_equal(get("AGC(tx)"), "32768.0");
	assert_int_equal(set("DENOISE(rx)", "on"), 0);
	assert_string_equal(get("DENOISE(rx)"), "1");
	say(200, 300, 500, 3000);
	assert_int_equal(set("DENOISE(sideways)", "on"), EINVAL);
	assert_int_equal(set("AGC(rx)", "off"), 0);
	assert_int_equal(set("AGC(tx)", "off"), 0);
	assert_string_equal(get("DENOISE(rx)"), "1");
	assert_int_equal(set("DENOISE(rx)", "off"), 0);
	assert_string_equal(get("DENOISE(rx)"), "");
}

static void talk_detect(void **state)
{
	(void)state;
	set_up("TALK_DETECT(set)=500,300", "EXTEN");
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 0);
	say(400, 300, 500, 100);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 0);
	say(400, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 1);
	quiet(480);
	assert_int_equal(events("ChannelTalkingStop", "Channel: PJSIP/alice-00000000"), 0);
	quiet(40);
	assert_int_equal(events("ChannelTalkingStop", "Channel: PJSIP/alice-00000000"), 1);
	assert_int_equal(events("ChannelTalkingStop", "Duration: 380") + events("ChannelTalkingStop", "Duration: 400"), 1);
	assert_int_equal(set("TALK_DETECT(set)", "x"), EINVAL);
	assert_int_equal(set("TALK_DETECT(set)", "0"), EINVAL);
	assert_int_equal(set("TALK_DETECT(set)", ",0"), EINVAL);
	assert_int_equal(set("TALK_DETECT(on)", ""), EINVAL);
	/* The default is dsp.conf's. */
	t.w.pbx->silence_threshold = 90;
	assert_int_equal(set("TALK_DETECT(set)", ""), 0);
	say(100, 300, 500, 150);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 2);
	assert_int_equal(set("TALK_DETECT(remove)", ""), 0);
	assert_int_equal(set("TALK_DETECT(remove)", ""), ENOENT);
	quiet(3000);
	assert_int_equal(events("ChannelTalkingStop", "Channel: PJSIP/alice-00000000"), 1);
}

/* Set before there is any sound, and through a change of the call. */
static void set_early(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("early", 1, SDP_ULAW);
	say(100, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 1);
	talk("early", 2, SDP_HEAD "m=audio 6000 RTP/AVP 8 0\r\na=rtpmap:0 PCMU/8000\r\n");
	quiet(600);
	assert_int_equal(events("ChannelTalkingStop", "Channel: PJSIP/alice-00000000"), 1);
}

static void jitterbuffer(void **state)
{
	(void)state;
	set_up("JITTERBUFFER(adaptive)=default", "EXTEN");
	assert_int_equal(set("TALK_DETECT(set)", "100"), 0);
	assert_int_equal(set("JITTERBUFFER(fixed)", "300,,,"), 0);
	say(200, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 0);
	quiet(200);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 1);
	assert_int_equal(set("JITTERBUFFER(disabled)", ""), 0);
	quiet(200);
	say(40, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 2);
	assert_int_equal(set("JITTERBUFFER(x)", ""), EINVAL);
}

static void mute(void **state)
{
	(void)state;
	set_up("MUTEAUDIO(in)=on", "EXTEN");
	assert_int_equal(set("TALK_DETECT(set)", "100"), 0);
	say(200, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 0);
	assert_int_equal(set("MUTEAUDIO(all)", "off"), 0);
	say(200, 300, 500, 2000);
	assert_int_equal(events("ChannelTalkingStart", "Channel: PJSIP/alice-00000000"), 1);
	assert_int_equal(set("MUTEAUDIO(up)", "on"), EINVAL);
}

/* ---- BackgroundDetect */

static void background_detect(void **state)
{
	(void)state;
	open_with(CONF("dtmf_mode=inband\n"));
	talk("listen", 1, SDP_ULAW);
	quiet(500);
	assert_string_equal(exten(), "listen");
	say(60, 300, 500, 3000);        /* too short */
	quiet(400);
	say(700, 300, 500, 3000);       /* too long */
	quiet(400);
	press('5');                     /* no extension */
	quiet(400);
	assert_string_equal(exten(), "listen");
	assert_string_equal(world_var(only_channel(), "PLAYED"), "");
	say(300, 300, 500, 3000);
	quiet(400);
	assert_string_equal(exten(), "talk");
	assert_in_range(atoi(world_var(only_channel(), "TALK_DETECTED")), 260, 340);
}

static void background_digit(void **state)
{
	(void)state;
	open_with(CONF("dtmf_mode=inband\n"));
	talk("listen", 1, SDP_ULAW);
	quiet(100);
	press('7');
	world_pass(&t.w, 20000);
	assert_string_equal(exten(), "7");
}

static void background_to_the_end(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("listen", 1, SDP_ULAW);
	quiet(9000);
	assert_string_equal(world_var(only_channel(), "PLAYED"), "");
	/* Sound may go on a little late here: the loop is turned by the test. */
	quiet(13000);
	assert_string_equal(world_var(only_channel(), "PLAYED"), "yes");
}

/* Ten seconds of silence. */
static int make_sound(void **state)
{
	int fd = mkstemp(sound);
	char name[64];
	FILE *f;

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(name, sizeof(name), "%s.ulaw", sound);
	f = fopen(name, "w");
	for (int i = 0; f && i < 80000; i++)
		fputc(0xff, f);
	return f ? fclose(f) : -1;
}

static int remove_sound(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "%s.ulaw", sound);
	unlink(name);
	return unlink(sound);
}

/* ---- who only waits */

static void count_sent(void *arg, const struct media_stats *st)
{
	*(uint64_t *)arg = st->tx;
}

static uint64_t sent(void)
{
	struct channel *ch = container_of(t.w.pbx->channels.next, struct channel, link);
	uint64_t n = 0;

	assert_int_equal(media_stats(channel_media(ch), count_sent, &n), 0);
	world_pass(&t.w, 40);
	return n;
}

static void waits(bool transmit)
{
	open_with(CONF(""));
	t.w.pbx->transmit_silence = transmit;
	talk("up", 1, SDP_ULAW);
	world_pass(&t.w, 1000);
	if (transmit)
		assert_true(sent() > 10);
	else
		assert_int_equal(sent(), 0);
}

static void waits_silently(void **state) { (void)state; waits(false); }
static void transmit_silence(void **state) { (void)state; waits(true); }

static void wait_for_silence(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("still", 1, SDP_ULAW);
	say(400, 300, 500, 3000);
	quiet(400);
	say(100, 300, 500, 3000);       /* it begins anew */
	quiet(900);
	assert_string_equal(world_var(only_channel(), "GOT"), "");      /* once */
	quiet(300);
	assert_string_equal(world_var(only_channel(), "GOT"), "SILENCE");
}

static void nothing_at_all_is_silence(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("still", 1, SDP_ULAW);
	world_pass(&t.w, 3000);
	assert_string_equal(world_var(only_channel(), "GOT"), "SILENCE");
}

static void wait_for_noise(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("loud", 1, SDP_ULAW);
	quiet(500);
	say(100, 300, 500, 3000);
	quiet(100);
	assert_string_equal(world_var(only_channel(), "GOT"), "");
	say(300, 300, 500, 3000);
	assert_string_equal(world_var(only_channel(), "GOT"), "NOISE");
}

static void noise_in_vain(void **state)
{
	(void)state;
	open_with(CONF(""));
	talk("loud", 1, SDP_ULAW);
	world_pass(&t.w, 4000);
	assert_string_equal(world_var(only_channel(), "GOT"), "TIMEOUT");
	alice_starts_anew();
	talk("still", 1, SDP_ULAW);
	alice("BYE", "still", 2, "", "");
	world_turn(&t.w);
	assert_int_equal(events("VarSet", "Value: HANGUP"), 1);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(inband), T(inband_beside_events), T(rfc4733), T(info), T(auto_info), T(auto_with_events), T(auto_without_events),
		T(fax_goes_there), T(fax_not_asked_for), T(fax_in_time), T(fax_too_late), T(fax_has_no_extension),
		T(volume), T(speech), T(talk_detect), T(set_early), T(waits_silently), T(transmit_silence), T(jitterbuffer), T(mute),
		T(background_detect), T(background_digit), T(background_to_the_end),
		T(wait_for_silence), T(nothing_at_all_is_silence), T(wait_for_noise), T(noise_in_vain),
	};

	return cmocka_run_group_tests(tests, make_sound, remove_sound);
}
