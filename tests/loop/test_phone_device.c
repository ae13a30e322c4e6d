/* A user agent's microphone and loudspeaker: src/phone/media_device.c over devices of the test's, whose PortAudio this
 * is. They run in the time of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <portaudio.h>
#include "phone_media_stage.h"

/* ---- PortAudio */

struct stream {
	bool open, started, input;
	double rate;
	PaStreamCallback *fn;
	PaStreamFinishedCallback *finished;
	void *arg;
	uint64_t n;
};
static struct stream streams[4];
static int begun;                       /* Pa_Initialize() without Pa_Terminate() */
static int devices;
static double only_rate;                /* 0: any */
static PaError start_error;
static const PaDeviceInfo rows[] = { { "Built-in Audio", 2, 0, 0, 0 }, { "HDMI", 0, 2, 0, 0 }, { "USB Headset", 1, 1, 0, 0 } };

PaError Pa_Initialize(void) { begun++; return 0; }
PaError Pa_Terminate(void) { begun--; return 0; }
const char *Pa_GetErrorText(PaError e) { return e ? "it does not want to" : ""; }
PaDeviceIndex Pa_GetDeviceCount(void) { return devices; }
PaDeviceIndex Pa_GetDefaultInputDevice(void) { return devices ? 0 : paNoDevice; }
PaDeviceIndex Pa_GetDefaultOutputDevice(void) { return devices ? 1 : paNoDevice; }
const PaDeviceInfo *Pa_GetDeviceInfo(PaDeviceIndex i) { return &rows[i]; }

PaError Pa_IsFormatSupported(const PaStreamParameters *in, const PaStreamParameters *out, double rate)
{
	(void)in;
	(void)out;
	return only_rate > 0 && rate != only_rate ? -1 : 0;
}

PaError Pa_OpenStream(PaStream **s, const PaStreamParameters *in, const PaStreamParameters *out, double rate, unsigned long n,
		      PaStreamFlags flags, PaStreamCallback *fn, void *arg)
{
	(void)n;
	(void)flags;
	assert_true((in != NULL) != (out != NULL));
	assert_int_equal((in ? in : out)->channelCount, 1);
	for (size_t i = 0; i < ARRAY_LEN(streams); i++)
		if (!streams[i].open) {
			streams[i] = (struct stream){ .open = true, .input = in != NULL, .rate = rate, .fn = fn, .arg = arg };
			*s = &streams[i];
			return 0;
		}
	return -1;
}

PaError Pa_SetStreamFinishedCallback(PaStream *s, PaStreamFinishedCallback *fn)
{
	((struct stream *)s)->finished = fn;
	return 0;
}

PaError Pa_StartStream(PaStream *s)
{
	((struct stream *)s)->started = !start_error;
	return start_error;
}

PaError Pa_CloseStream(PaStream *s)
{
	struct stream *d = s;

	d->open = false;
	if (d->started)
		d->finished(d->arg);
	return 0;
}

static size_t open_streams(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(streams); i++)
		n += streams[i].open;
	return n;
}

/* 10 ms of each; what comes out of the loudspeaker of `x` is what it hears. */
static void run_devices(struct side *x, double hz)
{
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		struct stream *s = &streams[i];
		unsigned long n = (unsigned long)(s->rate / 100);
		int16_t v[480];

		if (!s->open)
			continue;
		for (unsigned long k = 0; s->input && k < n; k++, s->n++)
			v[k] = (int16_t)lrint(8000 * sin(2 * M_PI * hz * (double)s->n / s->rate));
		assert_int_equal(s->fn(s->input ? v : NULL, s->input ? NULL : v, n, NULL, 0, s->arg), paContinue);
		if (s->input || x->nheard + n > HEARD)
			continue;
		memcpy(x->heard + x->nheard, v, n * sizeof(v[0]));
		x->nheard += n;
		x->rate = (unsigned)s->rate;
	}
}

static void pass_with(struct side *x, double hz, unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 10) {
		run_devices(x, hz);
		pass(10);
	}
}

/* ---- the tests */

static int up(void **state)
{
	memset(streams, 0, sizeof(streams));
	begun = 0;
	devices = (int)ARRAY_LEN(rows);
	only_rate = 0;
	start_error = 0;
	return stage_up(state);
}

static int down(void **state)
{
	int err = stage_down(state);

	return err || begun || open_streams();
}

static int devices_of(struct side *x, const char *in, const char *out, const char *word)
{
	char why[200] = "";
	int err = sidetone_media_devices(x->m, &x->s, in, out, why, sizeof(why));

	assert_true(!word || strstr(why, word));
	return err;
}

static void call_at(double rate)
{
	only_rate = rate;
	side_up(&a, NULL);
	side_up(&b, NULL);
	listens(&b, 16000);
	source(&b, SIDETONE_TONE, "700");
	source(&a, SIDETONE_SOUND, NULL);
	assert_int_equal(devices_of(&a, "", "", NULL), 0);
	assert_int_equal(open_streams(), 2);
	assert_int_equal(offer_answer(&a, &b), 0);
	pass_with(&a, 440, 400);
	forget();
	pass_with(&a, 440, 600);
	assert_true(share(&a, 700) > 0.8);
	assert_true(share(&b, 440) > 0.8);
	assert_int_equal(streams[0].rate, rate > 0 ? rate : 48000);
	/* The call ends, and they with it. */
	closed(&a);
	pass(100);
	assert_int_equal(open_streams(), 0);
	assert_int_equal(begun, 0);
	assert_int_equal(count(&a, SIDETONE_MEDIA_DEVICE_LOST), 0);
}

static void test_devices(void **state) { (void)state; call_at(0); }
static void test_other_rate(void **state) { (void)state; call_at(44100); }

/* Its clock is slower than ours: what would wait for ever longer is left out. */
static void test_clocks(void **state)
{
	(void)state;
	call_at(0);
	side_again(&a, NULL);
	side_again(&b, NULL);
	source(&b, SIDETONE_TONE, "700");
	assert_int_equal(devices_of(&a, NULL, "headset", NULL), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	for (int i = 0; i < 200; i++) {
		run_devices(&a, 440);
		pass(20);
	}
	/* What it plays is not older than this. */
	source(&b, SIDETONE_SILENCE, NULL);
	pass_with(&a, 440, 500);
	forget();
	pass_with(&a, 440, 100);
	assert_true(share(&a, 700) < 0);
}

static void test_lost(void **state)
{
	(void)state;
	side_up(&a, NULL);
	assert_int_equal(devices_of(&a, "usb", "HDMI", NULL), 0);
	for (size_t i = 0; i < 2; i++)
		streams[i].finished(streams[i].arg);
	assert_true(await_event(&a, SIDETONE_MEDIA_DEVICE_LOST, 100));
	pass(100);
	assert_int_equal(count(&a, SIDETONE_MEDIA_DEVICE_LOST), 1);
	/* Others in their place. */
	assert_int_equal(devices_of(&a, "", NULL, NULL), 0);
	assert_int_equal(open_streams(), 1);
	assert_int_equal(devices_of(&a, NULL, NULL, NULL), 0);
	assert_int_equal(open_streams(), 0);
}

static void note(void *arg, const char *name, unsigned inputs, unsigned outputs)
{
	(void)name;
	*(unsigned *)arg += 10 * inputs + outputs;
}

static void test_none(void **state)
{
	unsigned seen = 0;

	(void)state;
	side_up(&a, NULL);
	assert_int_equal(sidetone_media_list_devices(note, &seen), 0);
	assert_int_equal(seen, 33);
	assert_int_equal(devices_of(&a, "piano", NULL, "microphone 'piano'"), ENODEV);
	assert_int_equal(devices_of(&a, "HDMI", NULL, "HDMI"), ENODEV);
	assert_int_equal(devices_of(&a, NULL, "built-in", "loudspeaker"), ENODEV);
	start_error = -5;
	assert_int_equal(devices_of(&a, "", "", "loudspeaker: it does not want to"), EIO);
	only_rate = 11025;
	assert_int_equal(devices_of(&a, "", "", "rate"), ENODEV);
	devices = 0;
	assert_int_equal(devices_of(&a, "", "", "microphone"), ENODEV);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_devices), T(test_other_rate), T(test_clocks), T(test_lost), T(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
