/* A mix of up to four members who come, go, change their rate and say anything at any
 * time of their clocks: [what][how much] again and again. What a silent member hears must
 * be what the others of its rate hear, and silence must be silence. */
#include <stdlib.h>
#include <string.h>
#include "media/mix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MEMBERS = 4, PCM = 12288 };

struct who {
	struct mix_member *x;
	bool in;
	uint64_t at;
	uint32_t rate;
};

static const int16_t *shared[64];

static void on_out(void *arg, const struct mix_frame *f)
{
	struct who *w = arg;

	if (f->rate != w->rate || f->n != w->rate / 50 || f->shared >= 64)
		abort();
	for (size_t i = 0; f->silence && i < f->n; i++)
		if (f->pcm[i])
			abort();
	if (f->shared && shared[f->shared] && shared[f->shared] != f->pcm &&
	    memcmp(shared[f->shared], f->pcm, f->n * sizeof(f->pcm[0])))
		abort();
	shared[f->shared] = f->pcm;
}

static void on_talk(void *arg, bool talking)
{
	struct who *w = arg;

	if (mix_talking(w->x) != talking)
		abort();
}

static void put(struct who *w, uint8_t how, uint8_t much)
{
	static const int64_t step[8] = { 0, 160, -160, 1, 1600, 48000, -48000, INT64_MIN };
	static int16_t pcm[PCM];
	size_t len = (size_t)much * (how & 64 ? 48 : 8);

	for (size_t i = 0; i < len; i++)
		pcm[i] = (int16_t)(how & 128 ? (i / 7 % 2 ? INT16_MAX : INT16_MIN) : (int)(i * much));
	w->at += (uint64_t)step[how >> 3 & 7];
	mix_put(w->x, w->at, pcm, len < PCM ? len : PCM);
	w->at += len;
}

static void act(struct mix *m, struct who *w, uint8_t what, uint8_t much)
{
	uint32_t rate = rate_of_kind(much % RATE_KINDS);

	switch (what >> 2 & 7) {
	case 0:
		if (w->in)
			mix_leave(w->x);
		else
			mix_join(m, w->x, w->rate = rate);
		w->in = !w->in;
		break;
	case 1:
		if (w->in)
			mix_set_rate(w->x, w->rate = rate);
		break;
	case 2:
		mix_set_gain(w->x, (uint32_t)much << (what >> 5) * 4);
		break;
	case 3:
		mix_set_mute(w->x, much & 1);
		mix_set_deaf(w->x, much & 2);
		break;
	default:
		put(w, (uint8_t)(what ^ much), much);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rate_bank *bank;
	struct who w[MEMBERS] = { { 0 } };
	struct mix *m = NULL;

	/* Made once: it takes longer than all the rest, and never changes. */
	if ((!bank && rate_bank_new(&bank)) || mix_new(&m, bank))
		abort();
	for (int i = 0; i < MEMBERS; i++) {
		struct mix_member_prm prm = { .out = on_out, .talk = on_talk, .arg = &w[i] };

		if (mix_member_new(&w[i].x, &prm))
			abort();
	}
	for (size_t at = 0; at + 1 < n; at += 2) {
		act(m, &w[data[at] & 3], data[at], data[at + 1]);
		memset(shared, 0, sizeof(shared));
		if (data[at] & 128)
			mix_tick(m);
	}
	for (int i = 0; i < MEMBERS; i++) {
		mix_leave(w[i].x);
		mix_member_free(w[i].x);
	}
	mix_free(m);
	return 0;
}
