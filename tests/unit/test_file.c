/* Sound files: headers, lookup, forms, the cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <gsm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/obj.h"
#include "media/file.h"
#include "media/tone.h"

static char dir[] = "/tmp/sidetone-test-XXXXXX";

static void put(const char *name, const void *p, size_t n)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *s = path + sizeof(dir); (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(path, 0700);
		*s = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void found(const char *name, const char *lang, enum format_id want, const char *path)
{
	struct file_name f;
	char full[300];
	int err = file_find(&f, str_z(dir), str_z(name), str_z(lang), want);

	if (!path) {
		assert_int_equal(err, ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	snprintf(full, sizeof(full), "%s/%s", dir, path);
	assert_string_equal(f.path, full);
}

static void test_find(void **state)
{
	struct file_name f;
	char full[300];

	(void)state;
	put("en/hello.gsm", "", 0);
	put("en/hello.wav", "", 0);
	put("en/hello.alaw", "", 0);
	put("en/hello.sln16", "", 0);
	put("en_US_f_Allison/only.gsm", "", 0);
	put("en_AU_m/only.ulaw", "", 0);
	put("plain.ulaw", "", 0);
	put("de/digits/1.wav", "", 0);
	/* The cheapest to send. */
	found("hello", "en", FORMAT_ALAW, "en/hello.alaw");
	found("hello", "en", FORMAT_ULAW, "en/hello.alaw");
	found("hello", "en", FORMAT_GSM, "en/hello.gsm");
	found("hello", "en", FORMAT_SLIN16, "en/hello.sln16");
	/* Languages: own voice directories, what stands before _, none at all. */
	found("only", "en", FORMAT_ULAW, "en_AU_m/only.ulaw");
	found("only", "en_US", FORMAT_ULAW, "en_US_f_Allison/only.gsm");
	found("hello", "en_GB", FORMAT_ALAW, "en/hello.alaw");
	found("plain", "en_GB", FORMAT_ALAW, "plain.ulaw");
	found("digits/1", "de", FORMAT_ALAW, "de/digits/1.wav");
	found("digits/1", "en", FORMAT_ALAW, NULL);
	found("hello", "fr", FORMAT_ALAW, NULL);
	assert_int_equal(file_find(&f, str_z(dir), STR("../x"), STR("en"), FORMAT_ULAW), EINVAL);
	assert_int_equal(file_find(&f, str_z(dir), STR("a/../../x"), STR("en"), FORMAT_ULAW), EINVAL);
	assert_int_equal(file_find(&f, str_z(dir), STR("x"), STR("../en"), FORMAT_ULAW), EINVAL);
	assert_int_equal(file_find(&f, str_z(dir), STR(""), STR("en"), FORMAT_ULAW), EINVAL);
	snprintf(full, sizeof(full), "%s/plain", dir);
	assert_int_equal(file_find(&f, STR("/nowhere"), str_z(full), STR("en"), FORMAT_ULAW), 0);
	snprintf(full, sizeof(full), "%s/plain.ulaw", dir);
	assert_int_equal(file_find(&f, STR("/nowhere"), str_z(full), STR("en"), FORMAT_ULAW), 0);
	assert_string_equal(f.path, full);
}

static void styled(unsigned style, const char *name, const char *path)
{
	struct file_name f;
	char full[300];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	assert_int_equal(file_find_as(&f, str_z(dir), str_z(name), STR("de_AT"), FORMAT_ULAW, style), 0);
	assert_string_equal(f.path, full);
}

/* languageprefix=no, sounds_search_custom_dir=yes. */
static void test_styles(void **state)
{
	(void)state;
	put("de/st/1.ulaw", "", 0);
	put("st/de/1.ulaw", "", 0);
	put("st/2.ulaw", "", 0);
	put("custom/de/st/1.ulaw", "", 0);
	put("de/custom/st/1.ulaw", "", 0);
	put("custom/st/2.ulaw", "", 0);
	put("custom/st/de/1.ulaw", "", 0);
	styled(0, "st/1", "de/st/1.ulaw");
	styled(FILE_LANGUAGE_LAST, "st/1", "st/de/1.ulaw");
	styled(FILE_LANGUAGE_LAST, "st/2", "st/2.ulaw");
	styled(FILE_CUSTOM_FIRST, "st/1", "de/custom/st/1.ulaw");
	styled(FILE_CUSTOM_FIRST, "st/2", "custom/st/2.ulaw");
	styled(FILE_CUSTOM_FIRST | FILE_LANGUAGE_LAST, "st/1", "custom/st/de/1.ulaw");
	styled(0, "st/2", "st/2.ulaw");
}

/* A second of 1000 Hz as a wav. */
static size_t wav(uint8_t *out, uint32_t rate)
{
	wav_header(out, rate, 1, rate * 2);
	for (uint32_t i = 0; i < rate; i++) {
		int16_t s = (int16_t)(8000 * sin(2 * M_PI * 1000 * i / rate));

		out[44 + 2 * i] = (uint8_t)s;
		out[45 + 2 * i] = (uint8_t)((uint16_t)s >> 8);
	}
	return 44 + rate * 2;
}

static double heard(const struct sound *s)
{
	const struct codec *c = codec_get(s->id);
	int16_t *pcm = malloc((s->samples + 1) * 2);
	void *st = c->state_new ? c->state_new(CODEC_DECODER, NULL) : NULL;
	double p;

	if (s->id >= FORMAT_SLIN && s->id <= FORMAT_SLIN192)
		memcpy(pcm, s->data, s->n);
	else
		assert_int_equal(c->decode(st, s->data, s->n, pcm, s->samples), s->samples);
	if (st)
		c->state_free(st);
	p = tone_goertzel(pcm + 400, s->samples - 400, s->rate, 1000);
	free(pcm);
	return p;
}

static void test_forms(void **state)
{
	static const enum format_id wants[] = { FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_SLIN, FORMAT_SLIN16 };
	static const uint32_t rates[] = { 8000, 16000, 44100 };
	uint8_t *bytes = malloc(44 + 2 * 48000);

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (size_t w = 0; w < ARRAY_LEN(wants); w++) {
			struct sound *s = NULL, *again = NULL;
			struct str raw = str_mk((char *)bytes, wav(bytes, rates[r]));

			assert_int_equal(file_decode(&s, raw, FORMAT_NONE, wants[w]), 0);
			assert_int_equal(s->id, wants[w]);
			assert_in_range(s->samples, s->rate - 160, s->rate + 160);
			assert_true(heard(s) > 0.95);
			/* And from that form to all others. */
			if (s->id != FORMAT_SLIN && s->id != FORMAT_SLIN16)
				for (size_t x = 0; x < ARRAY_LEN(wants); x++) {
					assert_int_equal(file_decode(&again, str_mk((const char *)s->data, s->n), s->id,
								     wants[x]), 0);
					assert_int_equal(again->id, wants[x]);
					assert_true(heard(again) > 0.95);
					again = obj_drop(again);
				}
			obj_drop(s);
		}
	free(bytes);
}

static void test_wav(void **state)
{
	uint8_t b[44 + 2 * 8000], stereo[44 + 400];
	struct wav_info w;
	struct sound *s = NULL;
	size_t n = wav(b, 8000);

	(void)state;
	assert_int_equal(wav_parse(&w, str_mk((char *)b, n)), 0);
	assert_true(w.rate == 8000 && w.channels == 1 && w.bits == 16 && w.data_at == 44 && w.data_n == 16000);
	/* Its length says more than there is: what is there. */
	assert_int_equal(wav_parse(&w, str_mk((char *)b, 1044)), 0);
	assert_int_equal(w.data_n, 1000);
	for (size_t i = 0; i < 44; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, b, i);
		assert_int_equal(wav_parse(&w, str_mk((char *)copy, i)), EBADMSG);
		free(copy);
	}
	b[16] = 0xff;                   /* a chunk past the end */
	b[17] = 0xff;
	assert_int_equal(wav_parse(&w, str_mk((char *)b, n)), EBADMSG);
	/* Stereo is mixed. */
	wav_header(stereo, 8000, 2, 400);
	for (int i = 0; i < 100; i++)
		memcpy(stereo + 44 + 4 * i, "\x10\x00\x30\x00", 4);
	assert_int_equal(file_decode(&s, str_mk((char *)stereo, sizeof(stereo)), FORMAT_NONE, FORMAT_SLIN), 0);
	assert_int_equal(s->samples, 100);
	assert_int_equal(((const int16_t *)(const void *)s->data)[50], 0x20);
	obj_drop(s);
	stereo[20] = 3;                 /* floats: not ours */
	assert_int_equal(file_decode(&s, str_mk((char *)stereo, sizeof(stereo)), FORMAT_NONE, FORMAT_SLIN), EBADMSG);
}

static void test_load(void **state)
{
	uint8_t b[44 + 2 * 16000];
	struct file_name f;
	struct sound *s = NULL;
	size_t n = wav(b, 16000);

	(void)state;
	put("fr/son.wav", b, n);
	assert_int_equal(file_find(&f, str_z(dir), STR("son"), STR("fr"), FORMAT_ALAW), 0);
	assert_int_equal(file_load(&s, &f, FORMAT_ALAW, 0), 0);
	assert_true(s->id == FORMAT_ALAW && s->samples == 8000);
	s = obj_drop(s);
	assert_int_equal(file_load(&s, &f, FORMAT_ALAW, 1000), EFBIG);
	str_copy(f.path, sizeof(f.path), STR("/nowhere/at/all"));
	assert_int_equal(file_load(&s, &f, FORMAT_ALAW, 0), ENOENT);
	str_copy(f.path, sizeof(f.path), str_z(dir));
	assert_int_equal(file_load(&s, &f, FORMAT_ALAW, 0), EBADMSG);
}

static void test_cache(void **state)
{
	struct sound_cache *c = sound_cache_new(4000);
	struct sound *s = NULL, *got;
	char raw[900] = { 0 };

	(void)state;
	assert_int_equal(file_decode(&s, str_mk(raw, sizeof(raw)), FORMAT_ULAW, FORMAT_ULAW), 0);
	for (int i = 0; i < 5; i++) {
		char key[2] = { (char)('a' + i), 0 };

		sound_cache_put(c, str_z(key), s, 100);
		/* "a" stays in use. */
		got = sound_cache_get(c, STR("a"), 100);
		assert_ptr_equal(got, s);
		obj_drop(got);
	}
	assert_null(sound_cache_get(c, STR("b"), 0));   /* went first */
	assert_null(sound_cache_get(c, STR("e"), 101)); /* too old */
	assert_int_equal(sound_cache_bytes(c), 3600);
	sound_cache_clear(c);
	assert_int_equal(obj_refs(s), 1);
	obj_drop(s);
	sound_cache_free(c);
}

static size_t live;
static int leak_setup(void **state) { (void)state; live = obj_live(); return 0; }
static int leak_check(void **state) { (void)state; return obj_live() != live; }
#define T(f) cmocka_unit_test_setup_teardown(f, leak_setup, leak_check)

static int dir_make(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int dir_remove(void **state)
{
	char cmd[100];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

/* Microsoft's packing of GSM, as announcements are often exported: two frames of 160
 * samples in 65 bytes. */
static void test_wav49(void **state)
{
	/* one channel, 8000 Hz, 1625 bytes a second, blocks of 65 bytes and 320 samples */
	static const char head[] = "RIFF\0\0\0\0WAVE" "fmt \x14\0\0\0"
		"\x31\0\1\0\x40\x1f\0\0\x59\6\0\0\x41\0\0\0\2\0\x40\1data\0\0\0";
	enum { BLOCKS = 25, AT = sizeof(head) };
	uint8_t b[AT + 65 * BLOCKS];
	gsm st = gsm_create();
	struct sound *s = NULL;
	int on = 1;

	(void)state;
	assert_non_null(st);
	memcpy(b, head, AT);
	gsm_option(st, GSM_OPT_WAV49, &on);
	for (size_t i = 0; i < BLOCKS; i++) {
		int16_t v[320];

		for (size_t k = 0; k < 320; k++)
			v[k] = (int16_t)(8000 * sin(2 * M_PI * 1000 * (double)(i * 320 + k) / 8000));
		gsm_encode(st, v, b + AT + 65 * i);
		gsm_encode(st, v + 160, b + AT + 65 * i + 32);
	}
	gsm_destroy(st);
	assert_int_equal(file_decode(&s, str_mk((char *)b, sizeof(b)), FORMAT_NONE, FORMAT_SLIN), 0);
	assert_int_equal(s->samples, 320 * BLOCKS);
	assert_true(heard(s) > 0.95);
	obj_drop(s);
	/* What ends within a block ends before it. */
	assert_int_equal(file_decode(&s, str_mk((char *)b, sizeof(b) - 1), FORMAT_NONE, FORMAT_SLIN), 0);
	assert_int_equal(s->samples, 320 * (BLOCKS - 1));
	obj_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_find), T(test_styles), T(test_forms), T(test_wav), T(test_wav49), T(test_load), T(test_cache),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
