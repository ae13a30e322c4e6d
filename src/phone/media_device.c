/* phone/media_device.c -- a microphone and a loudspeaker of this machine, by PortAudio. Where that is not there,
 * media_no_device.c is built instead.
 * Threads: PortAudio's callbacks and a media thread meet in two rings, one of each direction. The clocks of devices and
 * packets are not the same: where one is ahead, sound is left out or silence put in. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <portaudio.h>
#include <stdatomic.h>
#include <stdlib.h>

/* RING [samples] a power of two, over half a second; what is over HIGH_MS is cut to LOW_MS. */
enum { RATE = 48000, RING = 32768, HIGH_MS = 100, LOW_MS = 40 };

struct pipe {                   /* one writes, one reads */
	atomic_size_t head, tail;       /* [samples] read, written so far */
	int16_t v[RING];
};

struct device {
	struct phone_call *c;           /* held */
	unsigned rate;
	PaStream *in, *out;             /* NULL: none */
	struct bell *lost;
	atomic_bool closing, told;
	struct pipe said, heard;        /* of the microphone; for the loudspeaker */
};

/* ---- pipes */

static void pipe_put(struct pipe *p, const int16_t *v, size_t n)
{
	size_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
	size_t room = RING - (tail - atomic_load_explicit(&p->head, memory_order_acquire));

	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		p->v[(tail + i) % RING] = v[i];
	atomic_store_explicit(&p->tail, tail + n, memory_order_release);
}

/* How many; what waits longer than it should is left out. */
static size_t pipe_get(struct pipe *p, unsigned rate, int16_t *v, size_t n)
{
	size_t head = atomic_load_explicit(&p->head, memory_order_relaxed);
	size_t there = atomic_load_explicit(&p->tail, memory_order_acquire) - head, low = rate * LOW_MS / 1000 + n;

	if (there > rate * HIGH_MS / 1000 + n) {
		head += there - low;
		there = low;
	}
	n = n < there ? n : there;
	for (size_t i = 0; i < n; i++)
		v[i] = p->v[(head + i) % RING];
	atomic_store_explicit(&p->head, head + n, memory_order_release);
	return n;
}

/* ---- on threads of PortAudio */

static int on_input(const void *in, void *out, unsigned long n, const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags,
		    void *arg)
{
	struct device *d = arg;

	(void)out;
	(void)time;
	(void)flags;
	if (in)
		pipe_put(&d->said, in, n);
	return paContinue;
}

static int on_output(const void *in, void *out, unsigned long n, const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags,
		     void *arg)
{
	struct device *d = arg;
	size_t k = pipe_get(&d->heard, d->rate, out, n);

	(void)in;
	(void)time;
	(void)flags;
	memset((int16_t *)out + k, 0, (n - k) * sizeof(int16_t));
	return paContinue;
}

static void on_finished(void *arg)
{
	struct device *d = arg;

	if (!atomic_load(&d->closing))
		bell_ring(d->lost);
}

/* ---- on a media thread */

static size_t device_read(void *arg, int16_t *pcm, size_t n)
{
	struct device *d = arg;

	return pipe_get(&d->said, d->rate, pcm, n);
}

static void device_write(void *arg, const int16_t *pcm, size_t n)
{
	pipe_put(&((struct device *)arg)->heard, pcm, n);
}

/* ---- on the host's */

static void device_free(void *arg)
{
	struct device *d = arg;

	atomic_store(&d->closing, true);
	if (d->in)
		Pa_CloseStream(d->in);
	if (d->out)
		Pa_CloseStream(d->out);
	Pa_Terminate();
	bell_free(d->lost);
	obj_drop(d->c);
	free(d);
}

static void on_lost(void *arg)
{
	struct device *d = arg;

	if (!atomic_exchange(&d->told, true))
		phone_tell(d->c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_DEVICE_LOST, .error = ENODEV,
			.text = "a microphone or loudspeaker has gone" });
}

/* By a part of its name. paNoDevice: none. */
static PaDeviceIndex find(const char *name, bool input)
{
	int n = Pa_GetDeviceCount();

	if (!name[0])
		return input ? Pa_GetDefaultInputDevice() : Pa_GetDefaultOutputDevice();
	for (int i = 0; i < n; i++) {
		const PaDeviceInfo *d = Pa_GetDeviceInfo(i);
		struct str have = str_z(d->name);

		if ((input ? d->maxInputChannels : d->maxOutputChannels) > 0 && str_ifind(have, str_z(name)) < have.n)
			return i;
	}
	return paNoDevice;
}

static bool takes(const PaStreamParameters *in, const PaStreamParameters *out, unsigned rate)
{
	return (!in || !Pa_IsFormatSupported(in, NULL, rate)) && (!out || !Pa_IsFormatSupported(NULL, out, rate));
}

/* One that both take. 0: none. */
static unsigned choose_rate(const PaStreamParameters *in, const PaStreamParameters *out)
{
	static const unsigned rates[] = { RATE, 44100, 16000, 32000, 8000 };

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (takes(in, out, rates[i]))
			return rates[i];
	return 0;
}

static int open_stream(struct device *d, PaStream **s, const PaStreamParameters *in, const PaStreamParameters *out, char *why,
		       size_t why_n)
{
	PaError err = Pa_OpenStream(s, in, out, d->rate, paFramesPerBufferUnspecified, paNoFlag, in ? on_input : on_output, d);

	if (err) {
		*s = NULL;
	} else {
		Pa_SetStreamFinishedCallback(*s, on_finished);
		err = Pa_StartStream(*s);
	}
	if (!err)
		return 0;
	phone_why(why, why_n, "%s: %s", in ? "microphone" : "loudspeaker", Pa_GetErrorText(err));
	return EIO;
}

static int fill(PaStreamParameters *p, const char *name, bool input, char *why, size_t why_n)
{
	const PaDeviceInfo *d;

	*p = (PaStreamParameters){ .device = find(name, input), .channelCount = 1, .sampleFormat = paInt16 };
	if (p->device == paNoDevice) {
		phone_why(why, why_n, "there is no %s '%s'", input ? "microphone" : "loudspeaker", name);
		return ENODEV;
	}
	d = Pa_GetDeviceInfo(p->device);
	p->suggestedLatency = input ? d->defaultLowInputLatency : d->defaultLowOutputLatency;
	return 0;
}

static int open_both(struct device *d, const char *input, const char *output, char *why, size_t why_n)
{
	PaStreamParameters in, out;
	int err = input ? fill(&in, input, true, why, why_n) : 0;

	if (!err && output)
		err = fill(&out, output, false, why, why_n);
	if (err)
		return err;
	d->rate = choose_rate(input ? &in : NULL, output ? &out : NULL);
	if (!d->rate) {
		phone_why(why, why_n, "no sampling rate that the devices have in common");
		return ENODEV;
	}
	if (output)
		err = open_stream(d, &d->out, NULL, &out, why, why_n);
	return err || !input ? err : open_stream(d, &d->in, &in, NULL, why, why_n);
}

/* PortAudio counts how often it was begun. */
static int begin(char *why, size_t why_n)
{
	PaError err = Pa_Initialize();

	if (err)
		phone_why(why, why_n, "PortAudio: %s", Pa_GetErrorText(err));
	return err ? EIO : 0;
}

static int device_new(struct device **out, struct phone_call *c)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return ENOMEM;
	d->lost = bell_new(c->m->loop, on_lost, d);
	if (!d->lost) {
		free(d);
		return ENOMEM;
	}
	d->c = obj_hold(c);
	*out = d;
	return 0;
}

int sidetone_media_devices(struct sidetone_media *m, struct sidetone_session *s, const char *input, const char *output,
			   char *why, size_t why_n)
{
	struct sidetone_pcm pcm = { 0 };
	struct phone_call *c;
	struct device *d;
	int err = phone_call_want(m, s, &c);

	if (err)
		return err;
	if (!input && !output)
		return sidetone_media_pcm(m, s, NULL);
	err = begin(why, why_n);
	if (err)
		return err;
	err = device_new(&d, c);
	if (err) {
		Pa_Terminate();
		return err;
	}
	err = open_both(d, input, output, why, why_n);
	pcm = (struct sidetone_pcm){ .arg = d, .rate = d->rate, .read = input ? device_read : NULL,
		.write = output ? device_write : NULL, .end = device_free };
	err = err ? err : sidetone_media_pcm(m, s, &pcm);
	if (err)
		device_free(d);
	return err;
}

int sidetone_media_list_devices(void (*fn)(void *arg, const char *name, unsigned inputs, unsigned outputs), void *arg)
{
	int err = begin(NULL, 0), n = err ? 0 : Pa_GetDeviceCount();

	for (int i = 0; i < n; i++) {
		const PaDeviceInfo *d = Pa_GetDeviceInfo(i);

		fn(arg, d->name, (unsigned)d->maxInputChannels, (unsigned)d->maxOutputChannels);
	}
	if (!err)
		Pa_Terminate();
	return err;
}
