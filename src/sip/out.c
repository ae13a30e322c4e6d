/* A request of ours as parts, and the bytes that it becomes. */
#include "sip/out.h"
#include "base/obj.h"
#include "sip/stack_private.h"

static void out_free(void *arg)
{
	struct sip_out *o = arg;

	buf_free(&o->headers);
	arena_free(o->arena);
}

struct sip_out *sip_out_new(enum sip_method m)
{
	struct sip_out *o = obj_new(sizeof(*o), out_free);

	if (!o)
		return NULL;
	o->arena = arena_new(960);      /* with its head below 1032 bytes, up to which malloc keeps freed pieces at hand */
	if (!o->arena)
		return obj_drop(o);
	o->method = m;
	o->method_name = sip_method_name(m);
	o->max_forwards = 70;
	return o;
}

struct str sip_out_dup(struct sip_out *o, struct str s)
{
	return arena_dup(o->arena, s);
}

void sip_out_header(struct sip_out *o, struct str name, struct str value)
{
	sip_write_hdr(&o->headers, name, value);
}

void sip_out_body(struct sip_out *o, struct str type, struct str body)
{
	o->body_type = sip_out_dup(o, type);
	o->body = sip_out_dup(o, body);
}

static void write_via(struct buf *b, const struct sip_out *o, const struct net_path *path, struct str branch)
{
	buf_puts(b, STR("Via: SIP/2.0/"), str_z(net_proto_name(path->proto)), STR(" "));
	if (o->via_host.n)
		buf_put(b, o->via_host);
	else
		sa_write(b, &path->local);
	if (!o->no_rport)
		buf_put(b, STR(";rport"));
	buf_puts(b, STR(";branch="), branch);
	/* RFC 5923: let the peer use this connection back to us. */
	if (path->proto == NET_TCP || path->proto == NET_TLS)
		buf_put(b, STR(";alias"));
	buf_put(b, STR("\r\n"));
}

/* A line each: some elements look at the first line only. */
static void write_routes(struct buf *b, struct str route)
{
	while (route.n) {
		struct str one = str_trim(str_cut_addr(&route, ','));

		if (one.n)
			sip_write_hdr(b, STR("Route"), one);
	}
}

struct net_bytes *sip_out_encode(const struct sip_out *o, const struct sip_stack *s, const struct net_path *path,
				 struct str branch)
{
	char room[4096];
	struct net_bytes *bytes = NULL;
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	buf_puts(&b, o->method_name, STR(" "), o->ruri, STR(" SIP/2.0\r\n"));
	write_via(&b, o, path, branch);
	sip_write_hdr(&b, STR("From"), o->from);
	sip_write_hdr(&b, STR("To"), o->to);
	if (o->contact.n)
		sip_write_hdr(&b, STR("Contact"), o->contact);
	sip_write_hdr(&b, STR("Call-ID"), o->call_id);
	buf_put(&b, STR("CSeq: "));
	buf_u64(&b, o->cseq);
	buf_puts(&b, STR(" "), o->method_name, STR("\r\n"));
	write_routes(&b, o->route);
	buf_put(&b, buf_view(&o->headers));
	buf_put(&b, o->auth);
	buf_put(&b, o->agree);
	buf_put(&b, STR("Max-Forwards: "));
	buf_u64(&b, (uint64_t)o->max_forwards);
	buf_put(&b, STR("\r\n"));
	if (o->user_agent.n)
		sip_write_hdr(&b, STR("User-Agent"), o->user_agent);
	sip_write_body(&b, o->body_type, o->body);
	if (s)
		sip_stack_shorten(s, &b, 0, false);
	/* A part that is missing for want of memory: no request is better than another one. */
	if (!buf_err(&b) && !buf_err(&o->headers) && !arena_failed(o->arena))
		bytes = net_bytes_new(buf_view(&b));
	buf_free(&b);
	return bytes;
}

struct str sip_out_next_hop(const struct sip_out *o)
{
	struct str rest = o->route;
	struct sip_addr a;

	if (o->strict_route || !rest.n || sip_addr_parse(&a, str_trim(str_cut_addr(&rest, ','))))
		return o->ruri;
	/* A strict router (12.2.1.1) already stands in the R-URI. */
	return sip_uri_param(&a.uri, STR("lr"), NULL) ? a.uri_text : o->ruri;
}
