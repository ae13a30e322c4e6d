/* Phones by TCP, TLS, WebSocket and both: the bytes of handshakes and frames go through net/. */
#include "server_conn.h"
#include "net/private.h"
#include "net/ws_frame.h"
#include "server_hooks.h"
#include "server_media.h"
#include "server_secure.h"
#include "server_wire.h"
#include "server_world.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS = 4, TRANSPORT = 3, SAID_MAX = 20000 };

static const enum net_proto kinds[] = { NET_WSS, NET_WS, NET_TLS, NET_TCP };

struct far {
	bool open, upgraded, shaken;
	int fd;
	uint8_t phone;
	struct net_path path;
	SSL *ssl;
};

static struct {
	struct far v[CONNS];
	struct net *net;
	unsigned masks;
} far_end;

/* Of all programs. */
static struct {
	struct tls_context *context;
	struct ws_rules *rules;
	SSL_CTX *client;
} shared;

/* ---- once --------------------------------------------------------------- */

static void put_pem(const char *name, void (*write)(FILE *f, const struct secure_own *own), const struct secure_own *own)
{
	char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	write(f, own);
	fflush(f);
	media_net_file(name, text, (size_t)ftell(f), 0);
	fclose(f);
}

static void write_cert(FILE *f, const struct secure_own *own)
{
	PEM_write_X509(f, own->cert);
}

static void write_key(FILE *f, const struct secure_own *own)
{
	PEM_write_PrivateKey(f, own->key, NULL, NULL, 0, NULL, NULL);
}

void conn_once(void)
{
	char cert[256], key[256];
	struct tls_prm prm = { .name = STR("fuzz") };
	struct buf why = BUF_INIT;

	signal(SIGPIPE, SIG_IGN);       /* as the program does */
	put_pem("tls.pem", write_cert, secure_own(0));
	put_pem("tls.key", write_key, secure_own(0));
	snprintf(cert, sizeof(cert), "%s/tls.pem", media_net_dir().p);
	snprintf(key, sizeof(key), "%s/tls.key", media_net_dir().p);
	prm.cert_file = str_z(cert);
	prm.priv_key_file = str_z(key);
	shared.client = SSL_CTX_new(TLS_method());
	shared.rules = ws_rules_new(STR("/ws"), STR("https://good.example"));
	if (tls_context_new(&shared.context, &prm, &why) || !shared.client || !shared.rules) {
		fprintf(stderr, "fuzz_server: no TLS: %s\n", buf_z(&why));
		abort();
	}
	buf_free(&why);
}

/* ---- the server's side ---------------------------------------------------- */

static int net_frame(void *arg, struct str data, size_t *len)
{
	(void)arg;
	return sip_msg_frame(data, len);
}

static void *net_parse(void *arg, const struct net_path *from, struct str bytes)
{
	struct sip_msg *m = NULL;

	(void)arg;
	if (sip_msg_parse(&m, bytes, net_keeps_bounds(from->proto)))
		return NULL;
	m->from_path = *from;
	return m;
}

static void net_recv(void *arg, const struct net_path *from, void *msg)
{
	(void)arg, (void)from;
	if (world.svc)
		service_inject(world.svc, msg);
	else
		obj_drop(msg);
}

static void net_closed(void *arg, const struct net_path *path, int err)
{
	(void)arg, (void)err;
	if (world.svc)
		service_closed(world.svc, path->conn);
}

static void net_failed(void *arg, const struct net_path *path, struct net_bytes *bytes, int err)
{
	(void)arg;
	if (world.svc)
		sip_stack_send_failed(world.svc->sip, path, bytes, err);
}

/* As a listener takes one, but for the socket's own options. */
static int take(struct far *f, int fd)
{
	struct sock_prm prm = { .tos = -1, .cos = -1, .write_ms = 100 };
	struct io *io = far_end.net->io[0];
	struct conn *c = NULL;
	int err;

	f->path.conn = io_conn_id(io);
	if (f->path.proto == NET_TLS || f->path.proto == NET_WSS)
		prm.tls = shared.context;
	if (net_is_websocket(f->path.proto))
		prm.ws = shared.rules;
	err = conn_new(&c, io, fd, &f->path, &prm, true);
	if (err)
		return err;
	err = gate_enter(io->gate, &f->path.peer, false, &c->slot);
	if (!err) {
		io_emit(io, &(struct env){ .type = ENV_OPENED, .path = f->path });
		err = conn_start(c);
	}
	if (!err)
		return 0;
	if (c->slot) {
		gate_leave(io->gate, c->slot, false);
		io_emit(io, &(struct env){ .type = ENV_CLOSED, .err = err, .path = f->path });
	}
	c->fd = -1;
	obj_drop(c);
	return err;
}

static bool begin_net(void)
{
	static const struct net_handlers h = { .frame = net_frame, .parse = net_parse, .recv = net_recv, .closed = net_closed,
		.failed = net_failed };
	static const struct net_limits limits = { .max_conns = 3, .max_conns_per_address = 2, .max_message = 16000 };

	if (!far_end.net) {
		hooks_library(true);
		far_end.net = net_new(world.loop, 0, &h, &limits);
		hooks_library(false);
	}
	return far_end.net != NULL;
}

/* ---- the phone's side ------------------------------------------------------- */

static void hang_up(struct far *f)
{
	if (!f->open)
		return;
	SSL_free(f->ssl);
	close(f->fd);
	*f = (struct far){ 0 };
}

static void put_raw(struct far *f, const void *p, size_t n)
{
	if (n && send(f->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
		shutdown(f->fd, SHUT_RDWR);
}

/* Through TLS where there is some. */
static void put_bytes(struct far *f, const void *p, size_t n)
{
	if (!f->ssl) {
		put_raw(f, p, n);
	} else if (f->shaken && n) {
		ERR_clear_error();
		SSL_write(f->ssl, p, (int)n);
	}
}

static void put_frame(struct far *f, uint8_t first, bool masked, const void *p, size_t n)
{
	static uint8_t room[SAID_MAX + WS_HEAD_MAX];
	const uint8_t mask[4] = { (uint8_t)++far_end.masks, 0x5a, 3, 0x77 };
	size_t head;

	if (n > SAID_MAX)
		return;
	head = ws_frame_head(room, WS_TEXT, n, masked ? mask : NULL);
	room[0] = first;
	if (n)
		memcpy(room + head, p, n);
	if (masked)
		ws_mask((char *)room + head, n, mask);
	put_bytes(f, room, head + n);
}

/* Some turns until both have said all. */
static void settle(void)
{
	/* A handshake has three flights; else it is over when nothing more comes. */
	for (int i = 0; i < 6; i++) {
		hooks_library(true);
		uv_run(loop_uv(world.loop), UV_RUN_NOWAIT);
		hooks_library(false);
		if (!conn_turn() && i >= 3)
			return;
	}
}

static void put_upgrade(struct far *f, unsigned how)
{
	static const char *const requests[] = {
		"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nOrigin: https://good.example\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, sip\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://evil.example\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		"GET /no HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: short\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET /ws HTTP/1.0\r\nHost: x\r\n\r\n", "GET /ws HTTP/2.0\r\n\r\n",
		"GET / HTTP/1.1\r\n folded: x\r\n\r\n", "OPTIONS sip:x SIP/2.0\r\n\r\n", "\x16\x03\x01\x02\x00", "", "\r\n\r\n",
	};
	const char *text = requests[how % ARRAY_LEN(requests)];
	size_t n = strlen(text);

	/* In one piece, or in two. */
	if (how & 0x80)
		n /= 2;
	put_bytes(f, text, n);
	if (how & 0x80)
		settle();
	put_bytes(f, text + n, strlen(text) - n);
	f->upgraded = how % ARRAY_LEN(requests) < 2;
}

/* [0] which, [1] over what, [2] whose phone, [3] how the upgrade goes, [4] how far the handshake of TLS
 * comes: 0 to its end, else as many bytes */
void conn_step_open(const struct step *s)
{
	struct far *f = &far_end.v[s->a[0] % CONNS];
	int pair[2];

	hang_up(f);
	settle();
	if (world.dead || !begin_net() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return;
	*f = (struct far){ .open = true, .fd = pair[0], .phone = s->a[2] % 10 };
	path_of(&f->path, f->phone, 1);
	f->path.transport = TRANSPORT;
	f->path.proto = kinds[s->a[1] % ARRAY_LEN(kinds)];
	sa_set_port(&f->path.peer, (uint16_t)(40000 + s->a[0] % CONNS));
	hooks_library(true);
	if (take(f, pair[1]))
		close(pair[1]);
	hooks_library(false);
	if (f->path.proto == NET_TLS || f->path.proto == NET_WSS) {
		f->ssl = SSL_new(shared.client);
		SSL_set_fd(f->ssl, f->fd);
		SSL_set_connect_state(f->ssl);
		if (s->a[4]) {
			uint8_t part[256];

			for (size_t i = 0; i < s->a[4]; i++)
				part[i] = (uint8_t)(i == 0 ? 0x16 : i == 1 ? 3 : i == 2 ? 1 : i == 4 ? 200 : s->a[5] + i * s->a[6]);
			put_raw(f, part, s->a[4]);
		} else {
			settle();
		}
	}
	if (net_is_websocket(f->path.proto))
		put_upgrade(f, s->a[3]);
	settle();
}

bool conn_turn(void)
{
	static char in[65536];
	bool any = false;

	for (unsigned i = 0; i < CONNS; i++) {
		struct far *f = &far_end.v[i];
		ssize_t n;

		if (!f->open)
			continue;
		ERR_clear_error();
		if (f->ssl && !f->shaken) {
			int ret = SSL_do_handshake(f->ssl);

			f->shaken = ret == 1;
			any |= f->shaken;
			continue;
		}
		n = f->ssl ? SSL_read(f->ssl, in, sizeof(in)) : recv(f->fd, in, sizeof(in), MSG_DONTWAIT);
		any |= n > 0;
	}
	return any;
}

/* ---- messages ------------------------------------------------------------------ */

static struct far *far_of(uint64_t conn)
{
	for (unsigned i = 0; i < CONNS; i++)
		if (far_end.v[i].open && conn && far_end.v[i].path.conn == conn)
			return &far_end.v[i];
	return NULL;
}

bool conn_path(struct net_path *p, unsigned phone)
{
	for (unsigned i = 0; i < CONNS; i++) {
		const struct far *f = &far_end.v[i];

		if (f->open && f->phone == phone && (f->upgraded || !net_is_websocket(f->path.proto))) {
			*p = f->path;
			return true;
		}
	}
	return false;
}

bool conn_say(const struct net_path *p, struct str bytes)
{
	struct far *f = far_of(p->conn);

	if (!f)
		return false;
	if (net_is_websocket(f->path.proto))
		put_frame(f, 0x81, true, bytes.p, bytes.n);
	else
		put_bytes(f, bytes.p, bytes.n);
	settle();
	return true;
}

bool conn_sent(struct net_path *p, struct net_bytes *bytes)
{
	bool before;

	if (!far_end.net || !far_of(p->conn))
		return false;
	before = hooks_library(true);
	net_send(far_end.net, p, bytes);
	hooks_library(before);
	return true;
}

static void put_in_two(struct far *f, const char *text, size_t n, size_t cut, bool ping)
{
	put_frame(f, 0x01, true, text, cut);
	if (ping)
		put_frame(f, 0x89, true, "ping", 4);
	put_frame(f, 0x80, true, text + cut, n - cut);
}

/* Bytes that are no message: what they are is s->a[1], from 2 on. */
static void put_odd(struct far *f, const struct step *s, char *junk, size_t n)
{
	switch (s->a[1] % 12) {
	case 2:         /* any frame */
		put_frame(f, s->a[2], !(s->a[4] & 1), junk, n);
		break;
	case 3:         /* close, rightly and not */
		junk[0] = 3;
		junk[1] = (char)(0xe8 + s->a[2]);
		put_frame(f, 0x88, true, junk, n < 126 ? n : 2);
		break;
	case 4:         /* a length that is too much */
		put_bytes(f, (const uint8_t[]){ 0x81, 0xff, s->a[2], s->a[4], 0, 0, 0, s->a[5], 255, 255, 1, 2, 3, 4 }, 14);
		break;
	case 5:         /* bytes as they are */
		put_bytes(f, s->a + 2, sizeof(s->a) - 2);
		break;
	case 6:         /* ... below TLS */
		put_raw(f, s->a + 2, sizeof(s->a) - 2);
		break;
	default:
		put_bytes(f, junk, n);
		break;
	}
}

/* [0] which, [1] what, [2] first byte or how many, [3] size, [4] pieces, [5] bytes */
void conn_step_frame(const struct step *s)
{
	static const char options[] = "OPTIONS sip:10.0.0.100 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKf\r\nMax-Forwards: 70\r\n"
				      "From: <sip:bob@x>;tag=f\r\nTo: <sip:10.0.0.100>\r\nCall-ID: f\r\nCSeq: 1 OPTIONS\r\n\r\n";
	static const uint16_t sizes[] = { 0, 1, 2, 5, 125, 126, 127, 300, 4000, 15999, 16001, 20000 };
	static char junk[SAID_MAX];
	struct far *f = &far_end.v[s->a[0] % CONNS];
	size_t n = sizes[s->a[3] % ARRAY_LEN(sizes)];

	if (!f->open)
		return;
	memset(junk, s->a[5], n);
	switch (s->a[1] % 12) {
	case 0:         /* a message in one frame */
		put_frame(f, 0x81, true, options, sizeof(options) - 1);
		break;
	case 1:         /* ... in two, with something between them */
		put_in_two(f, options, sizeof(options) - 1, s->a[4] % sizeof(options), s->a[2] & 1);
		break;
	case 8:         /* as TCP has it: a message and a part of the next one */
		put_bytes(f, options, sizeof(options) - 1);
		put_bytes(f, options, s->a[4] % sizeof(options));
		break;
	case 9:
		if (f->ssl && f->shaken && s->a[2] & 1)
			SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED);
		else if (f->ssl)
			SSL_shutdown(f->ssl);
		else
			shutdown(f->fd, SHUT_WR);
		break;
	case 10:
		hang_up(f);
		break;
	case 11:
		put_upgrade(f, s->a[2]);
		break;
	default:
		put_odd(f, s, junk, n);
		break;
	}
	settle();
}

void conn_close_all(void)
{
	for (unsigned i = 0; i < CONNS; i++)
		hang_up(&far_end.v[i]);
	if (far_end.net)
		net_close(far_end.net);
	far_end.net = NULL;
}
