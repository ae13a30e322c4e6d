/* tests/loop/fake_portaudio/portaudio.h -- as much of PortAudio's interface as src/phone/media_device.c uses, for a test that
 * has devices of its own: test_phone_device.c. */
#ifndef FAKE_PORTAUDIO_H
#define FAKE_PORTAUDIO_H

typedef int PaError;
typedef int PaDeviceIndex;
typedef double PaTime;
typedef unsigned long PaSampleFormat, PaStreamFlags, PaStreamCallbackFlags;
typedef void PaStream;
enum { paContinue = 0, paNoDevice = -1 };
#define paInt16 ((PaSampleFormat)8)
#define paFramesPerBufferUnspecified 0
#define paNoFlag ((PaStreamFlags)0)

typedef struct {
	PaTime inputBufferAdcTime, currentTime, outputBufferDacTime;
} PaStreamCallbackTimeInfo;
typedef struct {
	const char *name;
	int maxInputChannels, maxOutputChannels;
	PaTime defaultLowInputLatency, defaultLowOutputLatency;
} PaDeviceInfo;
typedef struct {
	PaDeviceIndex device;
	int channelCount;
	PaSampleFormat sampleFormat;
	PaTime suggestedLatency;
	void *hostApiSpecificStreamInfo;
} PaStreamParameters;
typedef int PaStreamCallback(const void *in, void *out, unsigned long n, const PaStreamCallbackTimeInfo *time,
			     PaStreamCallbackFlags flags, void *arg);
typedef void PaStreamFinishedCallback(void *arg);

PaError Pa_Initialize(void);
PaError Pa_Terminate(void);
const char *Pa_GetErrorText(PaError e);
PaDeviceIndex Pa_GetDeviceCount(void);
PaDeviceIndex Pa_GetDefaultInputDevice(void);
PaDeviceIndex Pa_GetDefaultOutputDevice(void);
const PaDeviceInfo *Pa_GetDeviceInfo(PaDeviceIndex i);
PaError Pa_IsFormatSupported(const PaStreamParameters *in, const PaStreamParameters *out, double rate);
PaError Pa_OpenStream(PaStream **s, const PaStreamParameters *in, const PaStreamParameters *out, double rate, unsigned long n,
		      PaStreamFlags flags, PaStreamCallback *fn, void *arg);
PaError Pa_SetStreamFinishedCallback(PaStream *s, PaStreamFinishedCallback *fn);
PaError Pa_StartStream(PaStream *s);
PaError Pa_CloseStream(PaStream *s);

#endif
