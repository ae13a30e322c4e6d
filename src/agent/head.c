/* What stands in the headers of our messages: Contact, Supported, Allow, and the lines that
 * the application adds. */
#include "agent/agent.h"
#include <errno.h>

const char AGENT_ALLOW[] = "ACK,CANCEL,INVITE,MESSAGE,BYE,OPTIONS,INFO,NOTIFY,REFER,PRACK,UPDATE";
const char AGENT_ACCEPT[] = "application/sdp,application/dtmf-relay";

void agent_put_allow(struct buf *b)
{
	buf_puts(b, STR("Allow: "), str_z(AGENT_ALLOW), STR("\r\n"));
}

/* Path and GRUUs are a registrar's to use; outbound we always can (RFC 5626). */
void agent_put_supported(const struct sidetone_ua *ua, struct buf *b, enum sip_method m)
{
	const struct agent_config *c = &ua->config;

	buf_put(b, STR("Supported: "));
	if (m == SIP_REGISTER)
		buf_put(b, STR("path, gruu, "));
	else if (m == SIP_INVITE && (ua->pub_gruu.n || ua->temp_gruu.n))
		buf_put(b, STR("gruu, "));
	if (m == SIP_INVITE && c->rel100 != AGENT_NONE)
		buf_put(b, STR("100rel, "));
	if (m == SIP_INVITE)
		buf_put(b, STR("timer, "));
	if (m == SIP_INVITE && c->replaces != AGENT_NONE)
		buf_put(b, STR("replaces, "));
	buf_put(b, STR("outbound"));
	if (c->option_tags.n)
		buf_puts(b, STR(", "), text_view(&c->option_tags));
	buf_put(b, STR("\r\n"));
}

void agent_put_contact(const struct sidetone_ua *ua, struct buf *b, bool ob, bool anonymous)
{
	const struct text *gruu = anonymous ? &ua->temp_gruu : &ua->pub_gruu;

	if (gruu->n)
		buf_puts(b, STR("<"), text_view(gruu), STR(">"));
	else if (anonymous)
		buf_puts(b, STR("<sip:anonymous@anonymous.invalid;transport=ws"), ob ? STR(";ob>") : STR(">"));
	else
		buf_puts(b, STR("<"), text_view(&ua->contact_uri), ob ? STR(";ob>") : STR(">"));
}

bool agent_is_token(const char *s)
{
	size_t n = s ? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") : 0;

	return n && !s[n];
}

int agent_put_lines(struct buf *b, struct str lines)
{
	struct str line;
	bool first = true;

	while (str_line(&lines, &line)) {
		size_t colon = str_chr(line, ':');

		if (!str_trim(line).n)
			continue;
		/* One that is folded belongs to the line before. */
		if ((line.p[0] == ' ' || line.p[0] == '\t') ? first : !colon || colon == line.n)
			return EINVAL;
		first = false;
		if (memchr(line.p, 0, line.n) || memchr(line.p, '\r', line.n))
			return EINVAL;
		buf_puts(b, line, STR("\r\n"));
	}
	return buf_err(b);
}

/* ---- who we are ------------------------------------------------------------------------------ */

/* As the connection is, unless another was asked for; "ws" is what a WebSocket's says, wss too (RFC 7118 5.2.4). */
static struct str contact_transport(const struct sidetone_ua *ua)
{
	struct str asked = text_view(&ua->config.contact_transport);
	bool websocket = net_is_websocket(ua->path.proto) || ua->config.hack_via_tcp;

	if (websocket && ua->config.hack_wss_in_transport)
		return STR("wss");
	if (asked.n && (websocket || !str_eq(asked, STR("ws"))))
		return asked;
	return websocket ? STR("ws") : ua->path.proto == NET_UDP ? STR_NULL : str_z(net_proto_lower(ua->path.proto));
}

int agent_identity(struct sidetone_ua *ua, struct str local)
{
	const struct agent_config *c = &ua->config;
	struct str transport = contact_transport(ua);
	bool by_name = !local.n || c->hack_ip_in_contact.n;     /* of a WebSocket nobody knows the address */
	struct buf b = BUF_INIT;
	int err = text_set(&ua->via_host, by_name ? text_view(&c->via_host) : local);

	buf_puts(&b, STR("sip:"), text_view(&c->contact_name), STR("@"), text_view(&ua->via_host));
	if (transport.n)
		buf_puts(&b, STR(";transport="), transport);
	err = err ? err : buf_err(&b);
	err = err ? err : text_set(&ua->contact_uri, buf_view(&b));
	buf_free(&b);
	return err;
}
