/* The handshake of a WebSocket (RFC 6455 4) with the subprotocol of SIP (RFC 7118): requests are judged
 * and answers made. Bytes come and go in ws.c. */
#include "net/ws_private.h"
#include "base/obj.h"
#include "base/text.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define ACCEPT 28       /* bytes of Sec-WebSocket-Accept */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct ws_rules {
	struct text path, origins;
};

static void rules_free(void *arg)
{
	struct ws_rules *r = arg;

	text_free(&r->path);
	text_free(&r->origins);
}

struct ws_rules *ws_rules_new(struct str path, struct str origins)
{
	struct ws_rules *r = obj_new(sizeof(*r), rules_free);

	if (r && (text_set(&r->path, path) || text_set(&r->origins, origins)))
		r = obj_drop(r);
	return r;
}

/* base64(SHA-1(key GUID)), 4.2.2 */
static int accept_of(struct str key, char out[ACCEPT + 1])
{
	unsigned char sum[20];
	struct buf b = BUF_INIT;
	int ok;

	buf_puts(&b, key, STR(GUID));
	ok = !buf_err(&b) && EVP_Q_digest(NULL, "SHA1", NULL, b.p, b.n, sum, NULL);
	buf_free(&b);
	if (!ok)
		return ENOMEM;
	EVP_EncodeBlock((unsigned char *)out, sum, sizeof(sum));
	return 0;
}

/* Sixteen bytes in base64: 22 digits and two '='. */
static bool is_key(struct str key)
{
	for (size_t i = 0; i < 22 && i < key.n; i++) {
		char c = key.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return false;
	}
	return key.n == WS_KEY && str_ends(key, STR("=="));
}

static void refuse(struct buf *out, const char *status, const char *header, const char *why)
{
	buf_printf(out, "HTTP/1.1 %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		   "Connection: close\r\n\r\n%s\n", status, header, strlen(why) + 1, why);
}

static bool origin_fits(const struct ws_rules *rules, const struct http_head *h)
{
	struct str rest = text_view(&rules->origins), origin;
	size_t n = http_field(h, STR("Origin"), &origin);

	/* Programs send none: what they do no page of a stranger makes them do. */
	if (!rest.n || !n)
		return true;
	while (n == 1 && rest.n)
		if (str_ieq(str_trim(str_cut_raw(&rest, ',')), origin))
			return true;
	return false;
}

/* What is wrong with it; false: nothing. */
static bool refuse_request(struct buf *out, const struct ws_rules *rules, const struct http_head *h)
{
	struct str value;

	if (!h->minor)
		refuse(out, "505 HTTP Version Not Supported", "", "HTTP/1.1 is spoken here.");
	else if (http_field(h, STR("Host"), &value) != 1 || !value.n)
		refuse(out, "400 Bad Request", "", "One Host is needed.");
	else if (rules && rules->path.n && !str_eq(h->path, text_view(&rules->path)))
		refuse(out, "404 Not Found", "", "There is nothing here.");
	else if (!str_eq(h->method, STR("GET")))
		refuse(out, "405 Method Not Allowed", "Allow: GET\r\n", "A WebSocket begins with GET.");
	else if (!http_has_token(h, STR("Upgrade"), STR("websocket")) ||
		 !http_has_token(h, STR("Connection"), STR("Upgrade")))
		refuse(out, "426 Upgrade Required", "Upgrade: websocket\r\n", "This is the address of a WebSocket.");
	else if (http_field(h, STR("Sec-WebSocket-Version"), &value) != 1 || !str_eq(value, STR("13")))
		refuse(out, "426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
		       "Version 13 of WebSocket is spoken here.");
	else if (http_field(h, STR("Sec-WebSocket-Key"), &value) != 1 || !is_key(value))
		refuse(out, "400 Bad Request", "", "Sec-WebSocket-Key must be 16 bytes in base64.");
	else if (!http_has_token(h, STR("Sec-WebSocket-Protocol"), STR("sip")))
		refuse(out, "400 Bad Request", "", "Sec-WebSocket-Protocol must offer sip.");
	else if (http_field(h, STR("Transfer-Encoding"), &value) ||
		 (http_field(h, STR("Content-Length"), &value) && !str_eq(value, STR("0"))))
		refuse(out, "400 Bad Request", "", "A WebSocket's request has no body.");
	else if (rules && !origin_fits(rules, h))
		refuse(out, "403 Forbidden", "", "Pages of this Origin may not connect.");
	else
		return false;
	return true;
}

int ws_answer(struct buf *out, const struct ws_rules *rules, const struct http_head *h)
{
	char accept[ACCEPT + 1];
	struct str key;

	if (refuse_request(out, rules, h))
		return EACCES;
	http_field(h, STR("Sec-WebSocket-Key"), &key);
	if (accept_of(key, accept)) {
		refuse(out, "500 Internal Server Error", "", "Out of memory.");
		return EACCES;
	}
	buf_printf(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n", accept);
	return buf_err(out);
}

void ws_answer_unreadable(struct buf *out, int err)
{
	if (err == EMSGSIZE)
		refuse(out, "431 Request Header Fields Too Large", "", "The request is too long.");
	else if (err == ENOTSUP)
		refuse(out, "505 HTTP Version Not Supported", "", "HTTP/1.1 is spoken here.");
	else
		refuse(out, "400 Bad Request", "", "This is not HTTP.");
}

/* ---- as client ------------------------------------------------------------------------------ */

int ws_new_key(char key[WS_KEY + 1])
{
	unsigned char random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return EIO;
	EVP_EncodeBlock((unsigned char *)key, random, sizeof(random));
	return 0;
}

void ws_request(struct buf *out, const char key[WS_KEY + 1], struct str host, struct str target)
{
	buf_printf(out, "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n", STR_ARG(target),
		   STR_ARG(host), key);
}

int ws_check_answer(const struct http_head *h, const char key[WS_KEY + 1], const char **why)
{
	char accept[ACCEPT + 1];
	struct str value;

	if (accept_of(str_z(key), accept))
		return ENOMEM;
	if (h->status != 101)
		*why = "its answer is not 101";
	else if (!http_has_token(h, STR("Upgrade"), STR("websocket")) || !http_has_token(h, STR("Connection"), STR("Upgrade")))
		*why = "its answer does not upgrade";
	else if (http_field(h, STR("Sec-WebSocket-Accept"), &value) != 1 || !str_eq(value, str_z(accept)))
		*why = "its answer is to another key";
	else if (http_field(h, STR("Sec-WebSocket-Protocol"), &value) != 1 || !str_ieq(value, STR("sip")))
		*why = "it does not speak the subprotocol sip";
	else if (http_field(h, STR("Sec-WebSocket-Extensions"), &value))
		*why = "it uses an extension that was not offered";
	else
		return 0;
	return EPROTO;
}
