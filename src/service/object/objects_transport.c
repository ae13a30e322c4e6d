/* Options of type=transport, system and global. */
#include "service/object/objects.h"
#include "base/list.h"
#include <errno.h>

#define MAX32 4294967295.0
#define L OPT_LATER
#define S OPT_RESTART

static const struct option_choice protocols[] = {
	{ "udp", TRANSPORT_UDP }, { "tcp", TRANSPORT_TCP }, { "tls", TRANSPORT_TLS }, { "ws", TRANSPORT_WS },
	{ "wss", TRANSPORT_WSS }, { "flow", TRANSPORT_FLOW }, { NULL, 0 } };
static const struct option_choice tls_methods[] = {
	{ "unspecified", TLS_METHOD_UNSPECIFIED }, { "default", TLS_METHOD_UNSPECIFIED },
	{ "tlsv1", TLS_METHOD_TLSV1 }, { "tlsv1_1", TLS_METHOD_TLSV1_1 }, { "tlsv1_2", TLS_METHOD_TLSV1_2 },
	{ "tlsv1_3", TLS_METHOD_TLSV1_3 }, { "sslv2", TLS_METHOD_SSLV2 }, { "sslv3", TLS_METHOD_SSLV3 },
	{ "sslv23", TLS_METHOD_SSLV23 }, { NULL, 0 } };

static int parse_bind(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct transport_conf *t = container_of((struct sa *)field, struct transport_conf, bind);
	int err = 0;

	(void)o;
	if (sa_parse(&t->bind, value))
		return option_why(ctx, "'%.*s' is not an address (0.0.0.0:5060, [::]:5060)", STR_ARG(value));
	t->bind_text = intern_str(ctx->intern, value, &err);
	return err;
}

static void write_bind(struct buf *b, const struct option *o, const void *field)
{
	const struct sa *sa = field;

	(void)o;
	if (sa_is_set(sa))
		sa_write(b, sa);
}

/* Each word is tried as it comes; finish_transport() makes the array. */
static int parse_local_net(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct str_list *l = field;
	int err = 0;

	(void)o;
	if (ctx->first || !value.n)
		*l = (struct str_list){ 0 };
	while (!err && value.n) {
		struct str word = str_trim(str_cut_raw(&value, ','));
		struct netmask m;

		if (!word.n)
			continue;
		if (netmask_parse(&m, word))
			return option_why(ctx, "'%.*s' is not a network (192.168.0.0/16, fd00::/8)", STR_ARG(word));
		err = option_list_add(ctx, l, word);
	}
	return err;
}

static void write_local_net(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	str_list_write(b, field, ',');
}

#define T struct transport_conf
#define READABLE(f, h) OPT_CUSTOM(T, f, struct str, parse_readable, write_str, "path", NULL, 0, h)
static const struct option rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be transport."),
	OPT_ENUM(T, protocol, protocols, "udp", 0, "What it speaks."),
	OPT_CUSTOM(T, bind, struct sa, parse_bind, write_bind, "address or address:port", NULL, 0,
		"Address to listen on; the port is 5060, for TLS 5061, when not given. WebSocket without a port listens "
		"where http.conf says."),
	OPT_UINT(T, async_operations, "1", 0, MAX32, NULL, OPT_VOID, "How many reads wait at a time."),
	READABLE(ca_list_file, "Certificates of authorities to check peers against."),
	READABLE(ca_list_path, "Folder of such certificates."),
	READABLE(cert_file, "Certificate of this server, then those of its authorities, as PEM."),
	READABLE(priv_key_file, "Key of that certificate; not given: it stands in cert_file."),
	OPT_LIST(T, cipher, NULL, 0, "TLS ciphers allowed, by OpenSSL's names; TLS 1.3 only when some of it are named."),
	OPT_STR(T, domain, NULL, 0, "Domain that requests over this transport are looked up under."),
	OPT_CUSTOM(T, external_media_address, struct str, parse_media_address, write_str, "address or host name", NULL, 0,
		   "Address put into SDP for peers outside of local_net; a host name is looked up now and then."),
	OPT_STR(T, external_signaling_address, NULL, 0, "Address put into Contact and Via for peers outside of local_net."),
	OPT_UINT(T, external_signaling_port, "0", 0, 65535, NULL, 0, "Port put there; 0: the transport's own."),
	OPT_STR(T, external_signaling_hostname, NULL, OPT_IF_SET, "Host name put there instead of an address."),
	OPT_ENUM(T, method, tls_methods, "unspecified", 0, "Least version of TLS; never less than 1.2."),
	OPT_CUSTOM_AS("local_net", T, local_net_text, struct str_list, parse_local_net, write_local_net,
		"networks between commas; may be repeated", NULL, 0, "Networks on this side of the NAT."),
	OPT_SECRET(T, password, 0, "Password of the key file."),
	OPT_BOOL(T, require_client_cert, "no", OPT_YESNO_CAP, "Refuse TLS peers without a certificate."),
	OPT_BOOL(T, tcp_keepalive_enable, "no", 0, "Send TCP keep-alives."),
	OPT_INT(T, tcp_keepalive_idle_time, "30", 1, 32767, "s", 0, "Idle time before the first."),
	OPT_INT(T, tcp_keepalive_interval_time, "1", 1, 32767, "s", 0, "Time between them."),
	OPT_INT(T, tcp_keepalive_probe_count, "5", 1, 127, NULL, 0, "How many unanswered ones end the connection."),
	OPT_BOOL(T, verify_client, "no", OPT_YESNO_CAP, "Check certificates of peers that connect."),
	OPT_BOOL(T, verify_server, "no", OPT_YESNO_CAP, "Check certificates of peers connected to: signed, and for the name in the URI."),
	OPT_CUSTOM(T, tos, uint8_t, parse_dscp, write_u8, "0..255, 0x.., or CS0..CS7, AF11..AF43, EF", "0", 0,
		"TOS octet of signalling packets."),
	OPT_UINT(T, cos, "0", 0, 7, NULL, 0, "802.1p priority of signalling packets."),
	OPT_INT(T, websocket_write_timeout, "100", 1, 2147483647, "ms", 0, "How long a WebSocket write may stall; then the connection is cut."),
	OPT_LIST(T, websocket_origins, NULL, OPT_IF_SET, "Pages (https://example.com) whose scripts may open WebSockets; empty: any."),
	OPT_BOOL(T, allow_reload, "no", 0, "Let a reload apply changes to this transport; without it they need a restart."),
	OPT_BOOL(T, allow_wildcard_certs, "no", OPT_YESNO_CAP, "Accept *.example.com in peers' certificates."),
	OPT_BOOL(T, symmetric_transport, "no", 0, "UDP: who registered, called or subscribed over it is sent requests over it, "
		"where the endpoint has no transport= and the contact names an address."),
};
#undef T

const struct option_set transport_options = {
	.type = "transport", .file = "pjsip.conf", .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct transport_conf),
	.help = "A socket to listen on. A reload leaves it alone unless allow_reload is set.",
};

int finish_transport(struct object_build *b, struct transport_conf *t)
{
	bool websocket = t->protocol == TRANSPORT_WS || t->protocol == TRANSPORT_WSS;
	struct netmask *m;

	if (t->external_signaling_address.n && t->external_signaling_hostname.n)
		return build_fault(b, REPORT_ERROR, "transport '%.*s': external_signaling_address and "
				   "external_signaling_hostname exclude each other", STR_ARG(t->name));
	if (t->protocol != TRANSPORT_FLOW && !websocket && !sa_is_set(&t->bind))
		return build_fault(b, REPORT_ERROR, "transport '%.*s': needs bind=, for example bind=0.0.0.0",
				   STR_ARG(t->name));
	if (sa_is_set(&t->bind) && !sa_port(&t->bind) && !websocket)
		sa_set_port(&t->bind, t->protocol == TRANSPORT_TLS ? 5061 : 5060);
	if (!t->local_net_text.n)
		return 0;
	m = arena_alloc(b->ctx.arena, t->local_net_text.n * sizeof(*m));
	if (!m)
		return ENOMEM;
	t->local_net = m;
	t->local_net_n = t->local_net_text.n;
	for (size_t i = 0; i < t->local_net_n; i++)
		if (netmask_parse(&m[i], t->local_net_text.v[i]))
			return EINVAL;
	return 0;
}

#define Y struct system_conf
#define POOL(f, d) OPT_UINT(Y, f, d, 0, MAX32, NULL, OPT_VOID, "A pool of threads for SIP; here one thread does it, and `io_threads` of sidetone.conf may be beside it.")
static const struct option system_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be system."),
	OPT_UINT(Y, timer_t1, "500", 1, 60000, "ms", S, "Estimate of the round trip (RFC 3261 T1)."),
	OPT_UINT(Y, timer_b, "32000", 1, 3600000, "ms", S, "How long an INVITE waits for any answer (RFC 3261 timer B)."),
	OPT_BOOL(Y, compact_headers, "no", S, "Write the short names of headers."),
	POOL(taskpool_minimum_size, "4"), POOL(taskpool_initial_size, "4"), POOL(taskpool_auto_increment, "1"),
	POOL(taskpool_idle_timeout, "60"), POOL(taskpool_max_size, "50"), POOL(threadpool_initial_size, "4"),
	POOL(threadpool_auto_increment, "1"), POOL(threadpool_idle_timeout, "60"), POOL(threadpool_max_size, "50"),
	OPT_BOOL(Y, disable_tcp_switch, "yes", S, "no: requests of 1300 bytes and more go by TCP, and by UDP when that fails (RFC 3261 18.1.1); "
		"not with transport=."),
	OPT_BOOL(Y, follow_early_media_fork, "yes", 0, "Allow endpoints to follow early media to another fork."),
	OPT_BOOL(Y, accept_multiple_sdp_answers, "no", 0, "Allow endpoints to take a second SDP answer."),
	OPT_BOOL(Y, disable_rport, "no", 0, "Do not ask for rport in requests we send (RFC 3581)."),
};
#undef Y

const struct option_set system_options = {
	.type = "system", .file = "pjsip.conf", .rows = system_rows, .n = ARRAY_LEN(system_rows),
	.size = sizeof(struct system_conf),
	.help = "Settings of the SIP stack, read at the start. One section; [system] needs no type=.",
};

static const struct option_choice overloads[] = {
	{ "global", OVERLOAD_GLOBAL }, { "pjsip_only", OVERLOAD_PJSIP_ONLY }, { "none", OVERLOAD_NONE }, { NULL, 0 } };

/* Asterisk cuts this list at commas and keeps the blanks, so "ip, username" has a
 * method " username" that none is called. We trim: nobody can have meant that. */
#define G struct global_conf
#define ALGS(f, h) \
	OPT_CUSTOM(G, f, struct algorithm_list, parse_algorithms, write_algorithms, \
		   "MD5, SHA-256, SHA-512-256 between commas", "MD5", 0, h)
static const struct option global_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be global."),
	OPT_UINT(G, max_forwards, "70", 1, 255, "hops", 0, "Max-Forwards of requests we send."),
	OPT_UINT(G, keep_alive_interval, "90", 0, MAX32, "s", 0, "Interval of keep-alives on connections; 0: none."),
	OPT_UINT(G, contact_expiration_check_interval, "30", 0, MAX32, "s", OPT_VOID, "How often ended contacts are looked for; here each ends at its own time."),
	OPT_BOOL(G, disable_multi_domain, "no", 0, "Look endpoints up by user name alone."),
	OPT_UINT(G, max_initial_qualify_time, "0", 0, MAX32, "s", 0, "Spread of the first OPTIONS after the start; 0: by each AOR's interval."),
	OPT_UINT(G, unidentified_request_period, "5", 0, MAX32, "s", 0,
		"Time in which requests without credentials from one address are counted."),
	OPT_UINT(G, unidentified_request_count, "5", 0, MAX32, NULL, 0,
		"So many of them in that time are logged, and make a security event."),
	OPT_UINT(G, unidentified_request_prune_interval, "30", 0, MAX32, "s", OPT_VOID, "How often those counts are cleaned up; here they take no memory that grows."),
	OPT_STR(G, user_agent, GLOBAL_USER_AGENT, 0, "User-Agent and Server; given and empty: neither is sent."),
	OPT_STR(G, regcontext, NULL, 0, "Context in which reachable endpoints appear as extensions."),
	OPT_STR(G, default_outbound_endpoint, "default_outbound_endpoint", 0, "Endpoint used for requests that have none."),
	OPT_STR(G, default_voicemail_extension, NULL, 0, "Message-Account where neither AOR nor endpoint says one."),
	OPT_STR(G, debug, "no", 0, "Log SIP messages: yes, no, or those of one address."),
	OPT_LIST(G, endpoint_identifier_order, "ip,username,anonymous", 0, "In which order senders are identified; methods not named come after."),
	OPT_STR(G, default_from_user, "asterisk", 0, "User part of From where nothing else is known."),
	OPT_STR(G, default_realm, "asterisk", 0, "Realm of challenges where the auth object has none."),
	OPT_UINT(G, mwi_tps_queue_high, "500", 0, MAX32, NULL, OPT_VOID, "So many changes of mailboxes that wait count as overload; here none waits in a queue."),
	OPT_INT(G, mwi_tps_queue_low, "-1", -1, 2147483647, NULL, OPT_VOID, "So few no longer do."),
	OPT_BOOL(G, mwi_disable_initial_unsolicited, "no", 0, "Send no message-waiting NOTIFY at the start."),
	OPT_BOOL(G, ignore_uri_user_options, "no", 0, "Cut the user part of URIs at ';'."),
	OPT_BOOL(G, use_callerid_contact, "no", OPT_YESNO, "Put the caller's number into Contact."),
	OPT_BOOL(G, send_contact_status_on_update_registration, "no", OPT_YESNO, "Send ContactStatus also when a registration is only renewed."),
	OPT_ENUM(G, taskprocessor_overload_trigger, overloads, "global", 0, "When new requests are answered 503: global: timers of the "
		"main loop come 500 ms late, or a media thread is at one thing so long; pjsip_only: the first alone; none: never."),
	OPT_BOOL(G, norefersub, "yes", OPT_YESNO, "Allow REFER without a subscription (RFC 4488)."),
	OPT_BOOL(G, allow_sending_180_after_183, "no", 0, "Pass on 180 after a 183 was sent."),
	OPT_BOOL(G, all_codecs_on_empty_reinvite, "no", 0, "Offer every codec on a re-INVITE without SDP."),
	ALGS(default_auth_algorithms_uas, "Algorithms of auth objects that name none, for challenges."),
	ALGS(default_auth_algorithms_uac, "Algorithms of auth objects that name none, for answers."),
};
#undef G

const struct option_set global_options = {
	.type = "global", .file = "pjsip.conf", .rows = global_rows, .n = ARRAY_LEN(global_rows),
	.size = sizeof(struct global_conf),
	.help = "Settings of the whole SIP service. One section; [global] needs no type=.",
};
