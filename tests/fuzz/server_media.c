/* RTP and RTCP without sockets: places that are open, packets that arrive at them. */
#include "server_media.h"
#include "media/file.h"
#include "server_conn.h"
#include "server_secure.h"
#include "server_wire.h"
#include "server_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 64
#define WORKS 64
#define PORT_MIN 10000
#define PORT_MAX 10041  /* few enough to run out */

static struct {
	struct sa at[PLACES];           /* unset: free */
	uint16_t seq[PLACES];
	uint32_t ts[PLACES];
	size_t open;
	uint32_t heard_ssrc;            /* of the last RTP that the server sent */
} net;

static char sounds[128];

/* ---- the network -------------------------------------------------------- */

static int far_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int k = 0;

	(void)arg;
	while (k < PLACES && sa_is_set(&net.at[k]))
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * k));
	for (int i = 0; i < PLACES; i++)
		if (sa_is_set(&net.at[i]) && sa_eq(&net.at[i], bound))
			return EADDRINUSE;
	net.at[k] = *bound;
	net.open++;
	*place = k;
	return 0;
}

static void far_close(void *arg, int place)
{
	(void)arg;
	if (!sa_is_set(&net.at[place]))
		abort();                /* closed twice */
	net.at[place] = (struct sa){ 0 };
	net.open--;
}

static int far_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	const uint8_t *b = p;

	(void)arg;
	if (!sa_is_set(&net.at[place]))
		abort();
	if (!world.deaf)
		secure_sent(place, to, p, n);
	if (n >= 12)
		net.heard_ssrc = (uint32_t)b[8] << 24 | (uint32_t)b[9] << 16 | (uint32_t)b[10] << 8 | b[11];
	return world.deaf ? ENETUNREACH : 0;
}

size_t media_net_places(void)
{
	return net.open;
}

static struct media_prm prm_of(unsigned how)
{
	static const struct media_net far = { NULL, far_open, far_close, far_send };

	/* Other ports, another patience, none. */
	return (struct media_prm){ .net = &far, .port_min = (uint16_t)(PORT_MIN + how % 2 * 100),
		.port_max = (uint16_t)(PORT_MAX + how % 2 * 80), .strict = !(how & 2), .learn_packets = how & 4 ? 0 : 4,
		.learn_ms = 5000, .rtcp_ms = how & 8 ? 0 : 5000, .dtmf_ms = 150, .sounds = str_z(sounds) };
}

struct media *media_net_open(struct loop *l)
{
	struct media_prm prm = prm_of(0);
	struct media *m = NULL;

	prm.core = l;
	memset(&net, 0, sizeof(net));
	return media_new(&m, &prm) ? NULL : m;
}

void media_net_reload(unsigned how)
{
	struct media_prm prm = prm_of(how);

	prm.core = world.loop;
	hooks_library(true);
	media_reload(world.media, &prm);
	hooks_library(false);
}

void media_net_close(struct media *m)
{
	conn_close_all();
	phones_forget();
	media_close(m);
	if (net.open) {
		fprintf(stderr, "fuzz_server: %zu RTP places are left\n", net.open);
		abort();
	}
}

/* ---- sounds ------------------------------------------------------------- */

void media_net_file(const char *name, const void *head, size_t head_n, unsigned n)
{
	char path[256], now[280];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sounds, name);
	snprintf(now, sizeof(now), "%s.%u", path, (unsigned)getpid());
	f = fopen(now, "w");
	if (!f)
		abort();
	if (head_n)
		fwrite(head, 1, head_n, f);
	for (unsigned i = 0; i < n; i++)
		fputc((int)(i * 7 & 0xff), f);
	fclose(f);
	rename(now, path);
}

void media_net_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sounds, name);
	mkdir(path, 0700);
}

void media_net_sounds(void)
{
	const char *tmp = getenv("TMPDIR");
	uint8_t head[44];

	snprintf(sounds, sizeof(sounds), "%.64s/fuzz_server.%u", tmp ? tmp : "/tmp", (unsigned)geteuid());
	mkdir(sounds, 0700);
	media_net_folder("moh");
	wav_header(head, 8000, 1, 1600);
	media_net_file("beep.wav", head, sizeof(head), 1600);
	media_net_file("tone.ulaw", NULL, 0, 800);
	media_net_file("tone.gsm", NULL, 0, 330);
	media_net_file("beeperr.sln16", NULL, 0, 640);
	media_net_file("moh/one.ulaw", NULL, 0, 1600);
	media_net_file("moh/two.wav", head, sizeof(head), 1600);
}

struct str media_net_dir(void)
{
	return str_z(sounds);
}

/* ---- packets ------------------------------------------------------------ */

/* The n-th that is open. */
static int place_nth(unsigned n)
{
	if (!net.open)
		return -1;
	n %= (unsigned)net.open;
	for (int i = 0; i < PLACES; i++)
		if (sa_is_set(&net.at[i]) && !n--)
			return i;
	return -1;
}

int media_net_nth(unsigned n)
{
	return place_nth(n);
}

int media_net_place_of(uint16_t port)
{
	for (int i = 0; i < PLACES; i++)
		if (sa_is_set(&net.at[i]) && sa_port(&net.at[i]) == port)
			return i;
	return -1;
}

bool media_net_is_open(int place)
{
	return sa_is_set(&net.at[place]);
}

void media_net_at(int place, struct sa *at)
{
	*at = net.at[place];
}

void media_net_phone(int place, unsigned who, struct sa *from)
{
	char text[32];

	snprintf(text, sizeof(text), "10.0.0.%u:%u", who % 10 + 1, 6000 + (who / 10 % 3) * 2 + (sa_port(&net.at[place]) & 1u));
	sa_parse(from, str_z(text));
}

void media_net_deliver(int place, const struct sa *from, const uint8_t *p, size_t n)
{
	struct sa at = net.at[place];
	uint8_t *copy = malloc(n ? n : 1);

	if (n)
		memcpy(copy, p, n);
	hooks_library(true);
	media_deliver(world.media, &at, from, copy, n);
	hooks_library(false);
	free(copy);
}

static void deliver(int place, unsigned who, const uint8_t *p, size_t n)
{
	struct sa from;

	media_net_phone(place, who, &from);
	media_net_deliver(place, &from, p, n);
}

static size_t rtp_head(uint8_t *b, int place, uint8_t pt, bool marker, uint32_t ts)
{
	uint32_t ssrc = 0x1000u + (uint32_t)place;
	uint16_t seq = ++net.seq[place];

	b[0] = 0x80;
	b[1] = (uint8_t)(pt | (marker ? 0x80 : 0));
	b[2] = (uint8_t)(seq >> 8);
	b[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++) {
		b[4 + i] = (uint8_t)(ts >> (24 - 8 * i));
		b[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	}
	return 12;
}

void media_net_head(uint8_t *p, int place, uint8_t pt, uint8_t gap, uint32_t samples)
{
	net.seq[place] = (uint16_t)(net.seq[place] + (int8_t)gap);
	net.ts[place] += samples;
	rtp_head(p, place, pt, false, net.ts[place]);
}

/* [0] place, [1] from whom, [2] payload type, [3] size, [4] how many, [5] odd header
 * bits, [6] gap of the sequence number, [7] 20 ms between two */
void media_step_rtp(const struct step *s)
{
	static const uint8_t pts[] = { 0, 8, 3, 9, 101, 96, 97, 111, 110, 18, 13, 118, 117, 34, 72, 127 };
	static const uint16_t sizes[] = { 160, 80, 240, 33, 0, 1, 320, 960, 4, 2000, 159, 20, 66, 1500, 640, 12 };
	unsigned n = s->a[4] % 16 + 1u;
	uint8_t b[2100];

	for (unsigned i = 0; i < n; i++) {
		int at = place_nth(s->a[0]);
		size_t len = sizes[s->a[3] % ARRAY_LEN(sizes)], head;

		if (at < 0 || world.dead)
			return;
		net.seq[at] = (uint16_t)(net.seq[at] + (int8_t)s->a[6]);
		net.ts[at] += s->a[5] == 7 ? 0xfffff000u : (uint32_t)len;
		head = rtp_head(b, at, pts[s->a[2] % ARRAY_LEN(pts)], i == 0, net.ts[at]);
		if (s->a[5] % 8 == 1)
			b[0] ^= (uint8_t)(s->a[5] & 0xf8);      /* version, padding, extension, contributing sources */
		for (size_t k = 0; k < len; k++)
			b[head + k] = (uint8_t)(k * s->a[5] + s->a[8]);
		deliver(at, s->a[1], b, head + len);
		if (s->a[7] & 1)
			world_pass(20, false);
	}
}

static size_t put32(uint8_t *b, size_t at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[at + (size_t)i] = (uint8_t)(v >> (24 - 8 * i));
	return at + 4;
}

/* [0] place, [1] from whom, [2] type, [3] reports, [4] length's fault, [5] values */
void media_step_rtcp(const struct step *s)
{
	static const uint8_t types[] = { 200, 201, 202, 203, 204, 205, 206, 207, 199, 192 };
	uint8_t b[1024] = { 0 }, type = types[s->a[2] % ARRAY_LEN(types)], reports = s->a[3] % 32;
	size_t n = 4;
	int at = place_nth(s->a[0]);

	if (at < 0 || world.dead)
		return;
	n = put32(b, n, 0x1000u + (uint32_t)(at & ~1));
	if (type == 200)
		for (int i = 0; i < 5; i++)
			n = put32(b, n, s->a[5] * 0x01010101u);
	for (unsigned i = 0; i < reports && type <= 201; i++) {
		n = put32(b, n, s->a[5] & 1 ? net.heard_ssrc : 7);
		for (int k = 0; k < 5; k++)
			n = put32(b, n, (uint32_t)s->a[6] << 24 | s->a[7] * 0x10101u);
	}
	if (type > 201)
		for (unsigned i = 0; i < reports; i++)
			n = put32(b, n, s->a[6] * 0x01020304u);
	b[0] = (uint8_t)(0x80 | reports);
	b[1] = type;
	b[2] = 0;
	b[3] = (uint8_t)(n / 4 - 1 + (s->a[4] & 0x80 ? s->a[4] & 7 : 0));
	deliver(at, s->a[1], b, n);
}

/* RFC 4733, or a signal the dialplan's way: [0] place, [1] from whom, [2] digit,
 * [3] payload type, [4] which of the packets are lost, [5] more digits follow */
void media_step_digit(const struct step *s)
{
	static const uint8_t pts[] = { 101, 97, 110, 96 };
	static const uint8_t codes[] = { 11, 10, 1, 2, 0, 5, 3, 4, 6, 7, 8, 9, 12, 15, 16, 255 };
	uint8_t b[16], more[4] = { s->a[2], s->a[5], s->a[6], s->a[7] };
	unsigned digits = s->a[8] % 4 + 1u;

	for (unsigned d = 0; d < digits; d++) {
		int at = place_nth(s->a[0]);
		uint32_t ts;

		if (at < 0 || world.dead)
			return;
		ts = net.ts[at] += 1600;
		for (unsigned i = 0; i < 6; i++) {
			unsigned ms = i < 4 ? (i + 1) * 20 : 80;
			size_t n = rtp_head(b, at, pts[s->a[3] % ARRAY_LEN(pts)], i == 0, ts);

			b[n++] = codes[more[d] % ARRAY_LEN(codes)];
			b[n++] = (uint8_t)(i >= 3 ? 0x8a : 0x0a);
			b[n++] = (uint8_t)(ms * 8 >> 8);
			b[n++] = (uint8_t)(ms * 8);
			if (!(s->a[4] >> i & 1))
				deliver(at, s->a[1], b, n);
		}
		world_pass(60, false);
	}
}

/* ---- pool threads ------------------------------------------------------- */

int __wrap_loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg);

static struct {
	loop_fn *work, *done;
	void *arg;
} works[WORKS];
static size_t works_n;

int __wrap_loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
	(void)l;
	if (works_n == WORKS)
		return ENOMEM;
	works[works_n].work = work;
	works[works_n].done = done;
	works[works_n++].arg = arg;
	return 0;
}

bool work_turn(void)
{
	size_t n = works_n;
	bool any = conn_turn();

	any |= secure_turn();
	if (!n)
		return any;
	hooks_library(true);
	for (size_t i = 0; i < n; i++) {
		works[i].work(works[i].arg);
		works[i].done(works[i].arg);
	}
	hooks_library(false);
	memmove(works, works + n, (works_n - n) * sizeof(works[0]));
	works_n -= n;
	return true;
}
