/* What answers copy from their request, and header lines that nobody can break out of. */
#include "sip/message.h"
#include "sip/chars.h"
#include "sip/names.h"

/* A line end in a value would start a header of the sender's choosing. */
static void value_write(struct buf *b, struct str value)
{
	while (value.n) {
		size_t i = 0;

		if (!memchr(value.p, '\n', value.n) && !memchr(value.p, '\r', value.n))
			i = value.n;
		while (i < value.n && value.p[i] != '\n' && value.p[i] != '\r')
			i++;
		buf_put(b, from_to(value, 0, i));
		if (i < value.n)
			buf_char(b, ' ');
		value = str_skip(value, i + 1);
	}
}

void sip_write_hdr(struct buf *b, struct str name, struct str value)
{
	buf_puts(b, name, STR(": "));
	value_write(b, value);
	buf_put(b, STR("\r\n"));
}

/* RFC 3261 18.2.1, RFC 3581 section 4: the topmost Via says where the answer
 * goes. What the client itself wrote into received and rport is not kept. */
static void top_via_write(struct buf *b, const struct sip_msg *req)
{
	const struct sip_via *v = &req->via;
	const struct sa *peer = &req->from_path.peer;
	struct str name, params = v->params, value;

	buf_puts(b, STR("Via: SIP/2.0/"), v->protocol, STR(" "), v->host);
	if (v->port) {
		buf_char(b, ':');
		buf_u64(b, v->port);
	}
	/* Before what stood there, as Asterisk has it: some put a branch of their own together by writing on at the end. */
	if (v->has_rport) {
		buf_put(b, STR(";rport="));
		buf_u64(b, sa_port(peer));
	}
	/* Also where the host says the same, as Asterisk does: a proxy before us may have the name differently. */
	buf_put(b, STR(";received="));
	sa_write_bare(b, peer);
	while (params.n) {
		struct str one = params;

		param_next(&params, &name, &value);
		one.n -= params.n;
		if (one.n && one.p[one.n - 1] == ';')
			one.n--;
		one = trim(one);
		if (!one.n || str_ieq(name, STR("received")) || str_ieq(name, STR("rport")))
			continue;
		buf_char(b, ';');
		value_write(b, one);
	}
	buf_put(b, STR("\r\n"));
}

static void vias_write(struct buf *b, const struct sip_msg *req)
{
	bool top = req->via.host.n && sa_is_set(&req->from_path.peer);

	for (size_t i = 0; i < req->hdrs; i++) {
		struct str value = req->hdr[i].value;

		if (req->hdr[i].id != SIP_H_VIA)
			continue;
		if (top) {
			top_via_write(b, req);
			str_cut(&value, ',');
			value = trim(value);
			top = false;
		}
		if (value.n)
			sip_write_hdr(b, STR("Via"), value);
	}
}

static void copy_all(struct buf *b, const struct sip_msg *req, enum sip_hdr_id id)
{
	for (size_t i = 0; i < req->hdrs; i++)
		if (req->hdr[i].id == id)
			sip_write_hdr(b, sip_hdr_name(id), req->hdr[i].value);
}

static void copy_one(struct buf *b, const struct sip_msg *req, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_hdr(req, id);

	if (h)
		sip_write_hdr(b, sip_hdr_name(id), h->value);
}

static void to_write(struct buf *b, const struct sip_msg *req, struct str tag)
{
	const struct sip_hdr *h = sip_hdr(req, SIP_H_TO);

	if (!h)
		return;
	buf_put(b, STR("To: "));
	value_write(b, h->value);
	if (tag.n && !req->to.tag.n)
		buf_puts(b, STR(";tag="), tag);
	buf_put(b, STR("\r\n"));
}

/* RFC 3261 12.1.1, RFC 6665 4.4.1: those that make a dialog. */
static bool makes_dialog(const struct sip_msg *req, unsigned status)
{
	return status > 100 && status < 300 &&
	       (req->method == SIP_INVITE || req->method == SIP_SUBSCRIBE || req->method == SIP_REFER ||
		req->method == SIP_NOTIFY);
}

void sip_write_response(struct buf *b, const struct sip_msg *req, unsigned status, struct str reason,
			struct str to_tag)
{
	buf_put(b, STR("SIP/2.0 "));
	buf_u64(b, status);
	buf_char(b, ' ');
	value_write(b, reason.n ? reason : str_z(sip_reason(status)));
	buf_put(b, STR("\r\n"));
	vias_write(b, req);
	if (makes_dialog(req, status))
		copy_all(b, req, SIP_H_RECORD_ROUTE);
	copy_one(b, req, SIP_H_FROM);
	to_write(b, req, to_tag);
	copy_one(b, req, SIP_H_CALL_ID);
	copy_one(b, req, SIP_H_CSEQ);
	if (status == 100)
		copy_one(b, req, SIP_H_TIMESTAMP);      /* RFC 3261 8.2.6.1 */
}

void sip_write_body(struct buf *b, struct str type, struct str body)
{
	if (type.n)
		sip_write_hdr(b, STR("Content-Type"), type);
	buf_put(b, STR("Content-Length: "));
	buf_u64(b, body.n);
	buf_put(b, STR("\r\n\r\n"));
	buf_put(b, body);
}

/* In a response pjproject leaves Supported long, and so what is compared with it is the same. */
void sip_write_compact(struct buf *b, size_t from, bool response)
{
	size_t at = from, to = from;

	while (!buf_err(b) && at < b->n && b->p[at] != '\r') {
		struct str line = str_skip(buf_view(b), at);
		struct str name;
		char letter;

		line = str_sub(line, 0, str_chr(line, '\n') + 1);
		name = str_sub(line, 0, str_chr(line, ':'));
		letter = name.n > 1 ? hdr_letter_of(name) : 0;
		if (response && letter == 'k')
			letter = 0;
		at += line.n;
		if (letter) {
			b->p[to++] = letter;
			line = str_skip(line, name.n);
		}
		memmove(b->p + to, line.p, line.n);
		to += line.n;
	}
	if (to == at)
		return;
	memmove(b->p + to, b->p + at, b->n - at);
	b->n -= at - to;
}
