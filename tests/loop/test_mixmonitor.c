/* MixMonitor and StopMixMonitor: what is in the files of calls that are joined, transferred and hung up, and
 * what is told. Formats and volumes are test_record's. */
static const char plan[] =
	"[default]\n"
	"exten => rec,1,Answer()\n"
	" same => n,MixMonitor(${FILE},${OPT},${CMD})\n"
	" same => n,Set(GLOBAL(ON)=${MIXMONITOR_FILENAME})\n"
	" same => n,Set(GLOBAL(OF)=${MIXMONITOR(${ID},filename)})\n"
	" same => n,Wait(60)\n"
	"exten => call,1,Answer()\n"
	" same => n,MixMonitor(${FILE},${OPT},${CMD})\n"
	" same => n,Dial(Fake/bob,20)\n"
	"exten => stop,1,Answer()\n"
	" same => n,MixMonitor(${FILE},${OPT},${CMD})\n"
	" same => n,MixMonitor(${FILE}.ulaw,)\n"
	" same => n,StopMixMonitor(${ID})\n"
	" same => n,Set(GLOBAL(ON)=stopped)\n"
	" same => n,Wait(60)\n"
	"exten => bad,1,MixMonitor(${FILE},${OPT})\n"
	" same => n,Set(GLOBAL(ON)=went on)\n"
	"exten => inner,1,Answer()\n same => n,Dial(Fake/bob,20)\n"
	"exten => local,1,Answer()\n same => n,MixMonitor(${FILE},${OPT})\n same => n,Dial(Local/inner@default/n)\n";

#include "mixmonitor_stage.h"

/* ---- sound */

static void set_media(struct fake *f, int i)
{
	struct media_set set = { .dir = SDP_SENDRECV, .codec = { { .id = FORMAT_ULAW } }, .ncodecs = 1 };
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	char text[64];

	getsockname(far_end[i], (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(sa_parse(&set.remote, str_z(text)), 0);
	assert_int_equal(media_session_set(f->session, &set), 0);
}

/* 20 ms of a tone. */
static void packet(struct fake *f, int i, unsigned k, unsigned hz)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(sa_port(media_session_local(f->session))) };
	uint8_t pkt[RTP_HEADER + 160];

	rtp_write(pkt, 0, false, (uint16_t)k, k * 160, 77 + (uint32_t)i);
	for (unsigned n = 0; n < 160; n++)
		pkt[RTP_HEADER + n] = codec_ulaw((int16_t)lrint(4000 * sin(2 * M_PI * hz * (k * 160 + n) / 8000)));
	assert_int_equal(sendto(far_end[i], pkt, sizeof(pkt), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(pkt));
}

static unsigned clock_k;

static bool quarter_is_over(const void *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - ((const struct timespec *)since)->tv_sec) * 1000 +
	       (now.tv_nsec - ((const struct timespec *)since)->tv_nsec) / 1000000 >= 250;
}

/* Two seconds of sound have room until the writer looks, who does so ten times a second of real time. */
static void let_it_be_written(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)until(quarter_is_over, &now);
}

/* Both for a second: 500 and 900 Hz. `b` NULL: nobody is there. */
static void talk(struct fake *a, struct fake *b)
{
	set_media(a, 0);
	if (b)
		set_media(b, 1);
	for (unsigned n = 0; n < 50; n++, clock_k++) {
		packet(a, 0, clock_k, 500);
		if (b)
			packet(b, 1, clock_k, 900);
		world_pass(&w, 20);
	}
	if (!list_empty(&w.pbx->recordings))
		let_it_be_written();
}

static void load(const char *name)
{
	struct file_name f = { .id = FORMAT_NONE };

	got = obj_drop(got);
	str_copy(f.path, sizeof(f.path), str_z(path(name)));
	assert_int_equal(file_load(&got, &f, FORMAT_SLIN, 0), 0);
}

/* Share of the sound. */
static bool hears(unsigned hz, unsigned from_ms, unsigned ms)
{
	const int16_t *pcm = (const int16_t *)(const void *)got->data;

	assert_true((from_ms + ms) * 8 <= got->samples);
	return tone_goertzel(pcm + (size_t)from_ms * 8, (size_t)ms * 8, 8000, hz) > 0.2;
}

static void hang_up(struct fake *f)
{
	fake_hangup(f, CAUSE_NORMAL);
	world_pass(&w, 20);
	assert_true(until(no_recordings, NULL));
}

/* ---- the dialplan's side */

static void started_and_hung_up(void **state)
{
	struct fake *a;
	char want[128];

	(void)state;
	set("OPT", "i(ID)");
	a = call("rec");
	set_media(a, 0);
	snprintf(want, sizeof(want), "%s", path("m.wav"));
	assert_string_equal(get("ON"), want);
	assert_string_equal(get("OF"), want);
	assert_true(str_starts(str_z(world_var(a->ch, "ID")), STR("0x")));
	assert_int_equal(world_events(&w, "MixMonitorStart", "Channel: Fake/alice-00000000"), 1);
	assert_int_equal(a->ch->recordings, 1);
	talk(a, NULL);
	hang_up(a);
	/* As Asterisk: whoever hangs up has not stopped it. */
	assert_int_equal(world_events(&w, "MixMonitorStop", NULL), 0);
	load("m.wav");
	assert_true(hears(500, 100, 500));
	unlink(want);
}

static void stopped_by_its_id(void **state)
{
	struct fake *a;

	(void)state;
	set("OPT", "i(ID)");
	a = call("stop");
	assert_true(until(has_stopped, NULL));
	assert_int_equal(world_events(&w, "MixMonitorStart", NULL), 2);
	assert_int_equal(world_events(&w, "MixMonitorStop", NULL), 1);
	assert_int_equal(a->ch->recordings, 1);
	assert_true(there("m.wav"));
	/* The other one goes on. */
	assert_string_equal(text_z(&mixmonitor_find(a->ch, STR_NULL)->file[RECORD_MIXED]), path("m.wav.ulaw"));
	assert_int_equal(mixmonitor_stop(a->ch, STR("0x1")), ENOENT);
	assert_int_equal(mixmonitor_stop(a->ch, STR_NULL), 0);
	assert_int_equal(mixmonitor_stop(a->ch, STR_NULL), ENOENT);
	assert_int_equal(world_events(&w, "MixMonitorStop", NULL), 2);
	assert_true(until(no_recordings, NULL));
	unlink(path("m.wav"));
	unlink(path("m.wav.ulaw"));
}

static void bad(const char *file, const char *options)
{
	set("FILE", file);
	set("OPT", options);
	set("ON", "");
	world_forget_events(&w);
	call("bad");
	world_pass(&w, 20);
	assert_string_equal(get("ON"), "");
	assert_int_equal(world_events(&w, "MixMonitorStart", NULL), 0);
}

static void bad_arguments_end_the_extension(void **state)
{
	(void)state;
	bad("", "");
	bad("", "b");
	bad("m.mp3", "");
	bad("m.wav", "r(x.mp3)");
	bad("m.gsm", "D");
	bad("m.wav", "B(0)");
}

/* ---- where the sound goes */

static void both_directions(void **state)
{
	struct fake *a, *b;

	(void)state;
	set("OPT", "r(r.wav)t(t.wav)");
	a = call("call");
	b = world_fake(&w, "bob");
	fake_event(b, CE_ANSWER);
	world_pass(&w, 20);
	talk(a, b);
	hang_up(a);
	load("m.wav");
	assert_true(hears(500, 200, 500) && hears(900, 200, 500));
	load("r.wav");
	assert_true(hears(500, 200, 500) && !hears(900, 200, 500));
	load("t.wav");
	assert_true(!hears(500, 200, 500) && hears(900, 200, 500));
	unlink(path("m.wav"));
	unlink(path("r.wav"));
	unlink(path("t.wav"));
}

static void only_while_bridged(void **state)
{
	struct fake *a, *b;

	(void)state;
	set("OPT", "b");
	a = call("call");
	b = world_fake(&w, "bob");
	talk(a, NULL);
	fake_event(b, CE_ANSWER);
	world_pass(&w, 20);
	talk(a, b);
	hang_up(a);
	load("m.wav");
	assert_in_range(got->samples, 7600, 8800);
	unlink(path("m.wav"));
}

/* The far end of a Local channel has the sound. */
static void begun_in_a_bridge_and_transferred(void **state)
{
	struct fake *a = call("inner"), *b = world_fake(&w, "bob"), *c;

	(void)state;
	fake_event(b, CE_ANSWER);
	world_pass(&w, 20);
	talk(a, b);
	assert_int_equal(mixmonitor_start(b->ch, STR("m.wav")), 0);
	talk(a, b);
	assert_int_equal(bridge_blind_transfer(a->ch, &(struct blind_transfer){ STR("inner"), STR("default"), .external = true }), 0);
	world_pass(&w, 600);
	assert_null(a->ch);
	c = world_fake(&w, "bob");
	assert_ptr_not_equal(b, c);
	fake_event(c, CE_ANSWER);
	world_pass(&w, 20);
	assert_int_equal(b->ch->recordings, 1);
	talk(c, b);
	hang_up(b);
	load("m.wav");
	assert_in_range(got->samples, 15600, 17600);
	assert_true(hears(500, 200, 500) && hears(900, 200, 500));
	assert_true(hears(500, 1300, 500) && hears(900, 1300, 500));
	unlink(path("m.wav"));
}

static void through_local(void **state)
{
	struct fake *a = call("local"), *b = world_fake(&w, "bob");
	struct channel *half = channel_by_name(w.pbx, STR("Local/inner@default-00000000;1"));

	(void)state;
	fake_event(b, CE_ANSWER);
	world_pass(&w, 20);
	assert_non_null(half);
	assert_int_equal(mixmonitor_start(half, STR("half.wav,r(read.wav)")), 0);
	talk(a, b);
	hang_up(a);
	load("half.wav");
	assert_true(hears(500, 200, 500) && hears(900, 200, 500));
	load("read.wav");
	assert_true(!hears(500, 200, 500) && hears(900, 200, 500));
	unlink(path("m.wav"));
	unlink(path("half.wav"));
	unlink(path("read.wav"));
}

/* The call gets another port: the file goes on. */
static void another_session(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_session *old;
	struct fake *a;

	(void)state;
	a = call("rec");
	talk(a, NULL);
	old = a->session;
	assert_int_equal(sa_parse(&prm.bind, STR("127.0.0.1")), 0);
	assert_int_equal(media_session_new(&a->session, w.media, &prm), 0);
	media_session_close(old, NULL, NULL);
	for (int i = 0; i < 2000; i++)
		world_turn(&w);
	assert_int_equal(a->ch->recordings, 1);
	assert_true(until(no_recordings, NULL) || mixmonitor_find(a->ch, STR_NULL)->tap);
	talk(a, NULL);
	hang_up(a);
	load("m.wav");
	assert_in_range(got->samples, 15000, 17600);
	unlink(path("m.wav"));
}

static void exchanged(void **state)
{
	struct fake *a, *d;

	(void)state;
	a = call("rec");
	d = call_of("dora", "stop");
	assert_true(until(has_stopped, NULL) || 1);
	assert_int_equal(channel_exchange(d->ch, a->ch), 0);
	/* It goes with alice's leg, and the one that was there stays in its place. */
	assert_int_equal(a->ch->recordings, d->ch->recordings ? 1 : 2);
	hang_up(a);
	hang_up(d);
	unlink(path("m.wav"));
	unlink(path("m.wav.ulaw"));
}

static void muted(void **state)
{
	struct fake *a = call("rec");
	unsigned n;

	(void)state;
	assert_int_equal(mixmonitor_mute(a->ch, STR_NULL, true, false, true, &n), 0);
	assert_int_equal(n, 1);
	talk(a, NULL);
	assert_int_equal(mixmonitor_mute(a->ch, STR("0x1"), true, false, true, &n), ENOENT);
	hang_up(a);
	load("m.wav");
	assert_false(hears(500, 200, 500));
	unlink(path("m.wav"));
}

/* ---- beeps */

static void make_beep(void)
{
	char name[128], second[800];
	FILE *f;

	snprintf(name, sizeof(name), "%s/beep.ulaw", dir);
	f = fopen(name, "wb");
	for (size_t i = 0; i < sizeof(second); i++)
		second[i] = (char)codec_ulaw((int16_t)lrint(8000 * sin(2 * M_PI * 1400 * (double)i / 8000)));
	fwrite(second, 1, sizeof(second), f);
	fclose(f);
	w.pbx->sounds_dir = str_z(dir);
	media_reload(w.media, &(struct media_prm){ .core = w.loop, .sounds = str_z(dir) });
}

/* How loud the peer hears the beep in what has come until now. */
static double beep_at(int i)
{
	static int16_t pcm[80000];
	uint8_t pkt[2048];
	size_t n = 0;
	ssize_t k;

	while ((k = recv(far_end[i], pkt, sizeof(pkt), MSG_DONTWAIT)) > 0)
		if (k > RTP_HEADER && rtp_kind(pkt, (size_t)k) == RTP_KIND_RTP && n + 160 < 80000)
			for (ssize_t b = RTP_HEADER; b < k && n < 80000; b++)
				pcm[n++] = codec_ulaw_linear(pkt[b]);
	return n > 160 ? tone_goertzel(pcm, n, 8000, 1400) : 0;
}

static void beeps_now_and_then(void **state)
{
	struct fake *a, *b;
	bool heard[2] = { false };

	(void)state;
	make_beep();
	set("OPT", "B(2)");
	a = call("call");
	b = world_fake(&w, "bob");
	fake_event(b, CE_ANSWER);
	world_pass(&w, 20);
	talk(a, b);
	assert_true(beep_at(0) < 0.05 && beep_at(1) < 0.05);
	talk(a, b);
	(void)beep_at(0);
	(void)beep_at(1);
	/* The sound is read beside: it plays with one of the next turns. */
	for (int i = 0; i < 400 && !(heard[0] && heard[1]); i++) {
		world_turn(&w);
		talk(a, b);
		for (int j = 0; j < 2; j++)
			heard[j] |= beep_at(j) > 0.02;
	}
	assert_true(heard[0] && heard[1]);
	hang_up(a);
	unlink(path("m.wav"));
}

/* ---- the end */

static void a_command_when_it_is_over(void **state)
{
	struct fake *a;
	char text[512];

	(void)state;
	/* ^{X} is read when the recording begins; what a caller brings is no part of the shell's text unless the dialplan puts it there. */
	snprintf(text, sizeof(text), "test -s %s && touch %s-^{EXTEN}-^{CALLERID(num)}", path("m.wav"), path("done"));
	set("CMD", text);
	a = call("rec");
	talk(a, NULL);
	hang_up(a);
	assert_true(until(is_there, "done-rec-100"));
	unlink(path("done-rec-100"));
	unlink(path("m.wav"));
}

static void deleted_after_its_command(void **state)
{
	struct fake *a;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "cp %s %s", path("m.wav"), path("copy.wav"));
	set("CMD", text);
	set("OPT", "dr(r.wav)");
	a = call("rec");
	talk(a, NULL);
	hang_up(a);
	assert_true(until(is_there, "copy.wav"));
	assert_true(until(is_not_there, "m.wav"));
	assert_true(until(is_not_there, "r.wav"));
	unlink(path("copy.wav"));
}

static void deleted_without_a_command(void **state)
{
	struct fake *a;

	(void)state;
	set("OPT", "d");
	a = call("rec");
	assert_true(until(is_there, "m.wav"));
	hang_up(a);
	assert_false(there("m.wav"));
}

/* A full disk ends the recording, tells the manager, and not the call. */
static void a_full_disk(void **state)
{
	struct fake *a;

	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	mkdir(path(""), 0777);
	assert_int_equal(symlink("/dev/full", path("full.sln")), 0);
	set("FILE", "full.sln");
	a = call("rec");
	for (int i = 0; i < 4; i++)
		talk(a, NULL);
	assert_true(until(no_recordings, NULL));
	assert_int_equal(world_events(&w, "MixMonitorStop", "Reason: No space left on device"), 1);
	assert_int_equal(a->ch->recordings, 0);
	assert_non_null(a->ch);
	assert_string_equal(text_z(&a->ch->app), "Wait");
	unlink(path("full.sln"));
}

static void a_folder_that_cannot_be(void **state)
{
	struct fake *a;

	(void)state;
	set("FILE", "/dev/null/x.wav");
	a = call("rec");
	assert_true(until(no_recordings, NULL));
	assert_int_equal(world_events(&w, "MixMonitorStop", "Reason: Not a directory"), 1);
	assert_string_equal(text_z(&a->ch->app), "Wait");
}

/* The pbx ends with a recording under way: the file is whole. */
static void the_end_of_all(void **state)
{
	struct fake *a = call("rec");

	(void)state;
	talk(a, NULL);
	world_close(&w);
	world_open_media(&w, plan);
	load("m.wav");
	assert_true(hears(500, 200, 500));
	unlink(path("m.wav"));
}

static int up(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static int down(void **state)
{
	char name[128];

	(void)state;
	snprintf(name, sizeof(name), "%s/beep.ulaw", dir);
	unlink(name);
	rmdir(path(""));
	return rmdir(dir);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(started_and_hung_up), T(stopped_by_its_id), T(bad_arguments_end_the_extension), T(both_directions),
		T(only_while_bridged), T(begun_in_a_bridge_and_transferred), T(through_local), T(another_session), T(exchanged),
		T(muted), T(beeps_now_and_then), T(a_command_when_it_is_over), T(deleted_after_its_command),
		T(deleted_without_a_command), T(a_full_disk), T(a_folder_that_cannot_be), T(the_end_of_all),
	};

	return cmocka_run_group_tests(tests, up, down);
}
