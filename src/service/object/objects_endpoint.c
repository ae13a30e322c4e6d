/* What an endpoint is made of once all its lines are read, and what they may not say together. */
#include "service/object/objects.h"
#include "base/list.h"
#include "base/obj.h"
#include "media/dtls.h"
#include <errno.h>

static const struct option_choice rel100[] = {
	{ "no", REL100_NO }, { "yes", REL100_YES }, { "required", REL100_REQUIRED },
	{ "peer_supported", REL100_PEER_SUPPORTED }, { NULL, 0 } };
static const struct option_choice timers[] = {
	{ "no", TIMERS_NO }, { "yes", TIMERS_YES }, { "required", TIMERS_REQUIRED },
	{ "always", TIMERS_ALWAYS }, { "forced", TIMERS_ALWAYS }, { NULL, 0 } };
static const struct option_choice dtmf_modes[] = {
	{ "rfc4733", DTMF_RFC4733 }, { "inband", DTMF_INBAND }, { "none", DTMF_NONE }, { "info", DTMF_INFO },
	{ "auto", DTMF_AUTO }, { "auto_info", DTMF_AUTO_INFO }, { NULL, 0 } };
static const struct option_choice refreshes[] = {
	{ "invite", REFRESH_INVITE }, { "reinvite", REFRESH_INVITE }, { "update", REFRESH_UPDATE }, { NULL, 0 } };
static const struct option_choice glares[] = {
	{ "none", GLARE_NONE }, { "outgoing", GLARE_OUTGOING }, { "incoming", GLARE_INCOMING }, { NULL, 0 } };
static const struct option_choice redirects[] = {
	{ "user", REDIRECT_USER }, { "uri_core", REDIRECT_URI_CORE }, { "uri_pjsip", REDIRECT_URI_PJSIP },
	{ NULL, 0 } };
static const struct option_choice encryptions[] = {
	{ "no", ENCRYPTION_NO }, { "sdes", ENCRYPTION_SDES }, { "dtls", ENCRYPTION_DTLS }, { NULL, 0 } };
static const struct option_choice t38_ecs[] = {
	{ "none", T38_EC_NONE }, { "fec", T38_EC_FEC }, { "redundancy", T38_EC_REDUNDANCY }, { NULL, 0 } };
static const struct option_choice dtls_verifies[] = {
	{ "No", DTLS_VERIFY_NO }, { "Fingerprint", DTLS_VERIFY_FINGERPRINT },
	{ "Certificate", DTLS_VERIFY_CERTIFICATE }, { "Yes", DTLS_VERIFY_YES }, { NULL, 0 } };
static const struct option_choice dtls_setups[] = {
	{ "active", DTLS_SETUP_ACTIVE }, { "passive", DTLS_SETUP_PASSIVE }, { "actpass", DTLS_SETUP_ACTPASS },
	{ "holdconn", DTLS_SETUP_HOLDCONN }, { NULL, 0 } };
static const struct option_choice dtls_hashes[] = {
	{ "SHA-256", DTLS_HASH_SHA256 }, { "SHA-1", DTLS_HASH_SHA1 }, { NULL, 0 } };
static const struct option_choice incoming_prefs[] = {
	{ "local", OFFER_PREF_LOCAL }, { "local_first", OFFER_PREF_LOCAL_FIRST },
	{ "remote", OFFER_PREF_REMOTE }, { "remote_first", OFFER_PREF_REMOTE_FIRST }, { NULL, 0 } };
static const struct option_choice outgoing_prefs[] = {
	{ "local", OFFER_PREF_LOCAL }, { "local_merge", OFFER_PREF_LOCAL_MERGE },
	{ "local_first", OFFER_PREF_LOCAL_FIRST }, { "remote", OFFER_PREF_REMOTE },
	{ "remote_merge", OFFER_PREF_REMOTE_MERGE }, { "remote_first", OFFER_PREF_REMOTE_FIRST }, { NULL, 0 } };
static const struct option_choice securities[] = {
	{ "no", SECURITY_NO }, { "mediasec", SECURITY_MEDIASEC }, { NULL, 0 } };
static const struct option_choice presentations[] = {
	{ "allowed_not_screened", PRES_ALLOWED_NOT_SCREENED }, { "allowed_passed_screen", PRES_ALLOWED_PASSED_SCREEN },
	{ "allowed_failed_screen", PRES_ALLOWED_FAILED_SCREEN }, { "allowed", PRES_ALLOWED },
	{ "prohib_not_screened", PRES_PROHIB_NOT_SCREENED }, { "prohib_passed_screen", PRES_PROHIB_PASSED_SCREEN },
	{ "prohib_failed_screen", PRES_PROHIB_FAILED_SCREEN }, { "prohib", PRES_PROHIB },
	{ "unavailable", PRES_UNAVAILABLE }, { NULL, 0 } };

static const struct {
	const char *name;
	enum identify_method method;
} methods[] = {
	{ "username", IDENTIFY_USERNAME }, { "auth_username", IDENTIFY_AUTH_USERNAME }, { "ip", IDENTIFY_IP },
	{ "header", IDENTIFY_HEADER }, { "request_uri", IDENTIFY_REQUEST_URI },
};

static int parse_identify_by(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct identify_by by = { 0 };

	(void)o;
	while (value.n) {
		struct str word = str_trim(str_cut_raw(&value, ','));
		size_t i = 0;

		if (!word.n)
			continue;
		while (i < ARRAY_LEN(methods) && !str_ieq(word, str_z(methods[i].name)))
			i++;
		if (i == ARRAY_LEN(methods))
			return option_why(ctx, "'%.*s' is not username, auth_username, ip, header or request_uri",
					  STR_ARG(word));
		if (by.mask & methods[i].method)
			continue;
		by.mask |= (uint8_t)methods[i].method;
		by.v[by.n++] = (uint8_t)methods[i].method;
	}
	*(struct identify_by *)field = by;
	return 0;
}

static void write_identify_by(struct buf *b, const struct option *o, const void *field)
{
	const struct identify_by *by = field;

	(void)o;
	for (size_t k = 0; k < by->n; k++)
		for (size_t i = 0; i < ARRAY_LEN(methods); i++)
			if (by->v[k] == methods[i].method)
				buf_printf(b, "%s%s", k ? "," : "", methods[i].name);
}

/* (202) 555-0100 is the number 2025550100; inside [] a - is part of a pattern. */
static struct str shrink_number(struct str s, char *out, size_t size)
{
	size_t n = 0;
	int depth = 0;

	for (size_t i = 0; i < s.n && n + 1 < size; i++) {
		char c = s.p[i];

		depth += (c == '[') - (c == ']');
		if (c == '(' || c == ')' || c == ' ' || (c == '-' && depth <= 0) || (c == '.' && i + 1 < s.n))
			continue;
		out[n++] = c;
	}
	return str_mk(out, n);
}

static bool is_number(struct str s)
{
	static const struct str digits = STR_INIT("0123456789*#+");

	for (size_t i = 0; i < s.n; i++)
		if (str_chr(digits, s.p[i]) == digits.n)
			return false;
	return s.n > 0;
}

static struct str unescape_name(struct str s, char *out, size_t size)
{
	size_t n = 0;

	s = str_unquote(str_trim(s));
	for (size_t i = 0; i < s.n && n + 1 < size; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		out[n++] = s.p[i];
	}
	return str_mk(out, n);
}

/* "Name" <number>, Name <number>, number, or Name. */
static int parse_callerid(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct endpoint *e = container_of((struct str *)field, struct endpoint, callerid_name);
	char num_text[80], name_text[80];
	struct str num = STR_NULL, name = STR_NULL;
	size_t open = str_rchr(value, '<');
	int err = 0;

	(void)o;
	if (open < value.n) {
		struct str inner = str_skip(value, open + 1);

		num = shrink_number(str_sub(inner, 0, str_rchr(inner, '>')), num_text, sizeof(num_text));
		name = unescape_name(str_sub(value, 0, open), name_text, sizeof(name_text));
	} else {
		num = shrink_number(value, num_text, sizeof(num_text));
		if (!is_number(num)) {
			num = STR_NULL;
			name = unescape_name(value, name_text, sizeof(name_text));
		}
	}
	e->callerid_name = intern_str(ctx->intern, name, &err);
	e->callerid_num = intern_str(ctx->intern, num, &err);
	return err;
}

static void write_callerid(struct buf *b, const struct option *o, const void *field)
{
	const struct endpoint *e = container_of((const struct str *)field, const struct endpoint, callerid_name);

	(void)o;
	if (e->callerid_name.n && e->callerid_num.n)
		buf_puts(b, STR("\""), e->callerid_name, STR("\" <"), e->callerid_num, STR(">"));
	else if (e->callerid_name.n || e->callerid_num.n)
		buf_puts(b, e->callerid_name, e->callerid_num);
	else
		buf_put(b, STR("<unknown>"));
}

static int parse_redirect_methods(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o;
	*(bool *)field = false;
	while (value.n) {
		struct str word = str_trim(str_cut_raw(&value, ','));

		if (word.n && !str_ieq(word, STR("message")))
			return option_why(ctx, "'%.*s' is not message", STR_ARG(word));
		*(bool *)field |= word.n > 0;
	}
	return 0;
}

static void write_redirect_methods(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	if (*(const bool *)field)
		buf_put(b, STR("message"));
}

#define E struct endpoint
#define L OPT_LATER
#define BOOL(f, d, fl, h) OPT_BOOL(E, f, d, fl, h)
#define UINT(f, d, lo, hi, u, fl, h) OPT_UINT(E, f, d, lo, hi, u, fl, h)
#define TEXT(f, d, fl, h) OPT_STR(E, f, d, fl, h)
#define ENUM(f, c, d, fl, h) OPT_ENUM(E, f, c, d, fl, h)
#define LIST(f, d, fl, h) OPT_LIST(E, f, d, fl, h)
#define READABLE(f, fl, h) OPT_CUSTOM(E, f, struct str, parse_readable, write_str, "path", NULL, fl, h)
#define PREFS(f, d, fl, h) \
	OPT_CUSTOM(E, f, struct codec_prefs, parse_codec_prefs, write_codec_prefs, \
		   "prefer: pending|configured, operation: intersect|union|only_preferred|only_nonpreferred, " \
		   "keep: all|first, transcode: allow|prevent", d, fl, h)
#define ACLS(n, f, pf, wf, v, fl, h) \
	OPT_CUSTOM_AS(n, E, f, const struct acl_set *, pf, wf, v, NULL, fl, h)
#define MAX32 4294967295.0

static const struct option rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be endpoint."),
	TEXT(context, "default", 0, "The dialplan context in which calls from this endpoint begin."),
	OPT_CUSTOM_AS("disallow", E, allow, const struct codec_list *, parse_codecs_disallow, NULL,
		"codecs between commas, or all", NULL, OPT_HIDDEN,
		"Codecs to take off the list of allow; all empties it, so it must stand above allow."),
	OPT_CUSTOM(E, allow, const struct codec_list *, parse_codecs_allow, write_codecs,
		"codecs between commas, in order; name:ms sets the packet length, !name takes one away", NULL, 0,
		"Codecs this endpoint may use, the preferred first."),
	{ .name = "100rel", .kind = OPTION_ENUM, .offset = OPT_AT(E, rel100, uint8_t), .choices = rel100, .def = "yes",
	  .help = "Reliable provisional responses (RFC 3262): refuse, support, demand, or use when the peer can." },
	BOOL(aggregate_mwi, "yes", 0, "Send one message-waiting NOTIFY with the sum of all mailboxes."),
	PREFS(codec_prefs_incoming_offer, "prefer: pending, operation: intersect, keep: all, transcode: allow", OPT_VOID,
		"Read and checked only, as in Asterisk 22: incoming_call_offer_pref counts."),
	PREFS(codec_prefs_outgoing_offer, "prefer: pending, operation: union, keep: all, transcode: allow", OPT_VOID,
		"Read and checked only, as in Asterisk 22: outgoing_call_offer_pref counts."),
	PREFS(codec_prefs_incoming_answer, "prefer: pending, operation: intersect, keep: all", OPT_VOID,
		"Read and checked only, as in Asterisk 22: the offer that is answered counts."),
	PREFS(codec_prefs_outgoing_answer, "prefer: pending, operation: intersect, keep: all", OPT_VOID,
		"Read and checked only, as in Asterisk 22: the offer that is answered counts."),
	BOOL(allow_overlap, "yes", 0, "Answer 484 rather than 404 while a number could still become complete."),
	TEXT(overlap_context, NULL, 0, "Context in which partial numbers are looked up; empty: the usual one."),
	LIST(aors, NULL, 0, "Addresses of record under which this endpoint registers and is reached."),
	LIST(auth, NULL, 0, "Auth objects that may prove requests from this endpoint; none: it is not challenged."),
	OPT_CUSTOM_AS("callerid", E, callerid_name, struct str, parse_callerid, write_callerid,
		"\"Name\" <number>", NULL, 0, "Caller id of calls from this endpoint."),
	ENUM(callerid_privacy, presentations, "allowed_not_screened", 0,
		"Whether that caller id may be shown, and how far it is verified."),
	TEXT(callerid_tag, NULL, 0, "A tag that goes with the caller id inside the dialplan."),
	ENUM(direct_media_glare_mitigation, glares, "none", 0,
		"On calls of which direction the first direct-media re-INVITE is left out."),
	ENUM(direct_media_method, refreshes, "invite", 0, "The request that moves media to the direct path."),
	BOOL(trust_connected_line, "yes", OPT_YESNO, "Believe connected-line identities that this endpoint sends."),
	BOOL(send_connected_line, "yes", OPT_YESNO, "Tell this endpoint when the connected party changes."),
	ENUM(connected_line_method, refreshes, "invite", 0, "The request that carries connected-line changes."),
	BOOL(direct_media, "yes", 0, "Let media pass between the phones without this server when both allow it."),
	BOOL(disable_direct_media_on_nat, "no", 0, "Keep media here when the endpoint is behind a NAT."),
	ENUM(dtmf_mode, dtmf_modes, "rfc4733", 0, "How digits are sent and expected."),
	OPT_CUSTOM(E, media_address, struct str, parse_media_address, write_str, "address or host name", NULL, 0,
		"Address to put into SDP for this endpoint's media; a host name is looked up now and then."),
	BOOL(bind_rtp_to_media_address, "no", 0, "Bind the RTP socket to media_address instead of every address."),
	BOOL(force_rport, "yes", 0, "Answer to the port a request came from, as if it had asked so (RFC 3581)."),
	BOOL(ice_support, "no", 0, "Offer and accept ICE."),
	OPT_CUSTOM(E, identify_by, struct identify_by, parse_identify_by, write_identify_by,
		"username, auth_username, ip, header, request_uri between commas", "username,ip", 0,
		"By which signs a request may be taken for this endpoint's."),
	ENUM(redirect_method, redirects, "user", 0, "What happens on a 3xx: its user part is dialled, or its URI is."),
	OPT_CUSTOM_AS("follow_redirect_methods", E, follow_redirect_message, bool, parse_redirect_methods,
		write_redirect_methods, "message", NULL, 0, "Requests besides INVITE for which a 3xx is followed."),
	LIST(mailboxes, NULL, 0, "Mailboxes whose state is sent to this endpoint unasked."),
	BOOL(mwi_subscribe_replaces_unsolicited, "no", OPT_YESNO, "A subscription to a mailbox ends its unasked NOTIFYs."),
	TEXT(voicemail_extension, NULL, 0, "Extension put into Message-Account."),
	TEXT(moh_suggest, "default", 0, "Class of music this endpoint suggests to those it holds."),
	LIST(outbound_auth, NULL, 0, "Auth objects with which we answer challenges to requests we send."),
	TEXT(outbound_proxy, NULL, 0, "Full URI of the proxy that requests to this endpoint go through."),
	BOOL(rewrite_contact, "no", 0, "Replace the host and port of Contact by those the request came from."),
	BOOL(rtp_ipv6, "no", 0, "Use IPv6 for media also where signalling uses IPv4; media_address goes before it."),
	BOOL(rtp_symmetric, "no", 0, "Send media back to where the endpoint's media comes from."),
	BOOL(send_diversion, "yes", 0, "Send Diversion on calls that were forwarded (RFC 5806)."),
	BOOL(send_history_info, "no", 0, "Send History-Info on calls that were forwarded (RFC 7044)."),
	BOOL(send_pai, "no", 0, "Send P-Asserted-Identity (RFC 3325)."),
	BOOL(send_rpid, "no", 0, "Send Remote-Party-ID."),
	BOOL(rpid_immediate, "no", 0, "Send identity changes at once, also before the call is answered."),
	TEXT(tenantid, NULL, 0, "Tenant of this endpoint's channels."),
	UINT(timers_min_se, "90", 90, MAX32, "s", 0, "Shortest session interval accepted (RFC 4028 Min-SE)."),
	ENUM(timers, timers, "yes", 0, "Session timers (RFC 4028): off, supported, demanded, or always used."),
	UINT(timers_sess_expires, "1800", 90, MAX32, "s", 0, "Session interval asked for (RFC 4028)."),
	TEXT(transport, NULL, 0, "The transport object for requests to this endpoint; empty: by the target's URI."),
	BOOL(trust_id_inbound, "no", 0, "Believe P-Asserted-Identity and Remote-Party-ID from this endpoint."),
	BOOL(trust_id_outbound, "no", 0, "Show this endpoint identities that are marked private."),
	BOOL(use_ptime, "no", 0, "Send packets of the length the peer's ptime asks for."),
	BOOL(use_avpf, "no", 0, "Use RTP/AVPF, and insist on it."),
	BOOL(force_avp, "no", 0, "Say RTP/AVP although what is meant is another profile."),
	BOOL(media_use_received_transport, "no", 0, "Answer with the same profile the offer had."),
	ENUM(media_encryption, encryptions, "no", 0, "How media is encrypted."),
	BOOL(media_encryption_optimistic, "no", 0, "Encrypt when the peer can, go on in the clear when it cannot."),
	BOOL(g726_non_standard, "no", 0, "Take G726-32 in its AAL2 packing."),
	BOOL(inband_progress, "no", 0, "Send tones as early media instead of leaving them to the phone."),
	OPT_CUSTOM(E, call_group, uint64_t, parse_groups, write_groups, "0..63 and ranges, between commas", NULL, 0,
		"Pickup groups that calls to this endpoint belong to."),
	OPT_CUSTOM(E, pickup_group, uint64_t, parse_groups, write_groups, "0..63 and ranges, between commas", NULL, 0,
		"Groups whose calls this endpoint may pick up."),
	LIST(named_call_group, NULL, 0, "The same as call_group, by name."),
	LIST(named_pickup_group, NULL, 0, "The same as pickup_group, by name."),
	UINT(device_state_busy_at, "0", 0, MAX32, "calls", 0, "Number of calls from which on the device is busy; 0: never."),
	BOOL(t38_udptl, "no", 0, "Allow T.38 fax over UDPTL."),
	ENUM(t38_udptl_ec, t38_ecs, "none", 0, "Error correction of UDPTL."),
	UINT(t38_udptl_maxdatagram, "0", 0, 65535, "bytes", 0, "Largest UDPTL datagram to use, whatever the peer says; 0: the peer's."),
	BOOL(fax_detect, "no", 0, "Go to the fax extension on a fax tone."),
	UINT(fax_detect_timeout, "0", 0, MAX32, "s", 0, "How long to listen for fax tones after the answer; 0: always."),
	BOOL(t38_udptl_nat, "no", 0, "Send UDPTL back to where it comes from."),
	BOOL(t38_udptl_ipv6, "no", 0, "Use IPv6 for UDPTL."),
	BOOL(t38_bind_udptl_to_media_address, "no", 0, "Bind the UDPTL socket to media_address."),
	TEXT(tone_zone, NULL, 0, "Country whose tones are played."),
	TEXT(language, NULL, 0, "Language of the prompts."),
	BOOL(one_touch_recording, "no", 0, "Allow recording to be switched by INFO Record."),
	TEXT(record_on_feature, "automixmon", 0, "Feature that Record: on calls."),
	TEXT(record_off_feature, "automixmon", 0, "Feature that Record: off calls."),
	TEXT(rtp_engine, "asterisk", OPT_VOID, "The RTP engine: there is one."),
	BOOL(allow_transfer, "yes", 0, "Accept REFER from this endpoint."),
	BOOL(user_eq_phone, "no", 0, "Add user=phone to URIs whose user is a number."),
	BOOL(moh_passthrough, "no", 0, "Pass hold on by re-INVITE instead of playing music."),
	TEXT(sdp_owner, "-", 0, "User name in the SDP origin line."),
	TEXT(sdp_session, "Asterisk", 0, "The SDP session name."),
	OPT_CUSTOM(E, tos_audio, uint8_t, parse_tos, write_u8, "0..255, 0x.., or CS0..CS7, AF11..AF43, EF", "0", 0,
		"TOS octet of audio packets."),
	OPT_CUSTOM(E, tos_video, uint8_t, parse_tos, write_u8, "0..255, 0x.., or CS0..CS7, AF11..AF43, EF", "0", 0,
		"TOS octet of video packets."),
	UINT(cos_audio, "0", 0, 7, NULL, 0, "802.1p priority of audio packets."),
	UINT(cos_video, "0", 0, 7, NULL, 0, "802.1p priority of video packets."),
	BOOL(allow_subscribe, "yes", 0, "Accept SUBSCRIBE from this endpoint."),
	UINT(sub_min_expiry, "0", 0, MAX32, "s", 0, "Shortest subscription accepted."),
	OPT_CUSTOM(E, from_user, struct str, parse_user_part, write_str, "user part of a URI", NULL, 0,
		"User part of From in requests to this endpoint."),
	TEXT(mwi_from_user, NULL, 0, "User part of From in message-waiting NOTIFYs."),
	TEXT(from_domain, NULL, 0, "Host part of From in requests to this endpoint."),
	ENUM(dtls_verify, dtls_verifies, "No", 0, "What of the peer's certificate is checked."),
	UINT(dtls_rekey, "0", 0, MAX32, "s", 0, "Interval of new DTLS handshakes; 0: none."),
	BOOL(dtls_auto_generate_cert, "no", OPT_YESNO_CAP, "Make a certificate for DTLS instead of reading one."),
	READABLE(dtls_cert_file, 0, "Certificate for DTLS."),
	READABLE(dtls_private_key, 0, "Key of that certificate."),
	TEXT(dtls_cipher, NULL, 0, "Ciphers allowed in DTLS."),
	READABLE(dtls_ca_file, 0, "Certificates of authorities to check the peer against."),
	READABLE(dtls_ca_path, 0, "Folder of such certificates."),
	ENUM(dtls_setup, dtls_setups, "active", 0, "Which side begins the DTLS handshake (RFC 4145)."),
	ENUM(dtls_fingerprint, dtls_hashes, "SHA-256", 0, "Hash of the fingerprint in SDP."),
	BOOL(srtp_tag_32, "no", 0, "Use the 32-bit authentication tag."),
	OPT_CUSTOM(E, set_var, const struct conf_var_list *, parse_set_var, write_vars, "NAME=value; may be repeated", NULL, 0,
		"A variable set on every channel of this endpoint."),
	TEXT(message_context, NULL, 0, "Context of MESSAGE requests outside of calls; empty: context."),
	TEXT(accountcode, NULL, 0, "Account code of this endpoint's channels."),
	BOOL(preferred_codec_only, "no", 0, "Answer with one codec."),
	ENUM(incoming_call_offer_pref, incoming_prefs, "local", 0, "Whose order of codecs counts on incoming calls."),
	ENUM(outgoing_call_offer_pref, outgoing_prefs, "remote_merge", 0,
		"Whose order of codecs counts in offers to this endpoint: the caller is the remote; _merge adds the rest of allow."),
	UINT(rtp_keepalive, "0", 0, MAX32, "s", 0, "Send a comfort-noise packet after this much silence; 0: never."),
	UINT(rtp_timeout, "0", 0, MAX32, "s", 0, "Hang up when no media came for this long; 0: never."),
	UINT(rtp_timeout_hold, "0", 0, MAX32, "s", 0, "The same while on hold."),
	UINT(rtp_port_start, "0", 0, 65535, NULL, 0, "First RTP port for this endpoint; 0: rtp.conf's."),
	UINT(rtp_port_end, "0", 0, 65535, NULL, 0, "Last RTP port for this endpoint; 0: rtp.conf's."),
	ACLS("acl", acl, parse_acl, write_acl, "names from acl.conf between commas", 0,
		"Named lists that an address must pass to speak for this endpoint."),
	ACLS("deny", acl, parse_deny, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that may not speak for this endpoint."),
	ACLS("permit", acl, parse_permit, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that may, although a deny above fits."),
	ACLS("contact_acl", contact_acl, parse_contact_acl, write_acl, "names from acl.conf between commas", 0,
		"Named lists that the addresses in Contact must pass; names do not, but for .invalid."),
	ACLS("contact_deny", contact_acl, parse_contact_deny, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that may not be registered as Contact."),
	ACLS("contact_permit", contact_acl, parse_contact_permit, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that may, although a contact_deny above fits."),
	TEXT(subscribe_context, NULL, 0, "Context in which subscriptions find their hints; empty: context."),
	TEXT(contact_user, NULL, OPT_IF_SET, "User part of the Contact we send to this endpoint."),
	BOOL(asymmetric_rtp_codec, "no", 0, "Allow another codec in each direction."),
	BOOL(rtcp_mux, "no", 0, "RTP and RTCP on one port (RFC 5761)."),
	BOOL(refer_blind_progress, "yes", 0, "Report a blind transfer's progress by NOTIFY."),
	BOOL(notify_early_inuse_ringing, "no", 0, "Say early instead of confirmed when a busy phone is also ringing."),
	UINT(max_audio_streams, "1", 0, MAX32, "streams", 0, "Audio streams allowed in a call."),
	UINT(max_video_streams, "1", 0, MAX32, "streams", 0, "Video streams allowed in a call."),
	BOOL(bundle, "no", 0, "All media on one transport (RFC 8843)."),
	BOOL(webrtc, "no", OPT_YESNO, "Set everything a browser needs: DTLS, ICE, AVPF, rtcp_mux, bundle."),
	TEXT(incoming_mwi_mailbox, NULL, 0, "Mailbox that message-waiting NOTIFYs from this endpoint set."),
	BOOL(follow_early_media_fork, "yes", 0, "Follow early media to another fork; [system] must allow it too."),
	BOOL(accept_multiple_sdp_answers, "no", 0, "Take a second SDP answer from the same fork; [system] must allow it too."),
	BOOL(suppress_q850_reason_headers, "no", 0, "Leave out Reason: Q.850 (RFC 3326)."),
	BOOL(ignore_183_without_sdp, "no", 0, "Do not pass on a 183 that has no SDP."),
	OPT_NONE("stir_shaken", "no", OPT_VOID | OPT_SHOWN, "Kept for compatibility: has no effect any more; use stir_shaken_profile."),
	TEXT(stir_shaken_profile, NULL, 0, "Profile of stir_shaken.conf by which its calls are verified, and ours to it signed (RFC 8224)."),
	BOOL(allow_unauthenticated_options, "no", 0, "Answer OPTIONS from this endpoint without a challenge."),
	ENUM(security_negotiation, securities, "no", 0, "Agree on the protection of media (RFC 3329, mediasec)."),
	OPT_CUSTOM(E, security_mechanisms, struct str, parse_mechanisms, write_str, MECHANISM_VALUES, NULL, OPT_IF_SET, "Mechanisms to say in it."),
	TEXT(geoloc_incoming_call_profile, NULL, 0, "Geolocation profile for calls from this endpoint."),
	TEXT(geoloc_outgoing_call_profile, NULL, 0, "Geolocation profile for calls to this endpoint."),
	BOOL(send_aoc, "no", 0, "Tell it what a call costs (advice of charge): AOCMessage of the manager brings it."),
	BOOL(suppress_moh_on_sendonly, "no", 0, "Play no music when the peer only says sendonly."),
};

const struct option_set endpoint_options = {
	.type = "endpoint", .file = "pjsip.conf", .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct endpoint),
	.help = "A phone, a trunk or anything else that calls come from and go to.",
};

static int report_fault(struct object_build *b, const char *what)
{
	return build_fault(b, REPORT_ERROR, "endpoint '%.*s': %s", STR_ARG(b->s->name), what);
}

/* WebRTC's needs (RFC 8827, RFC 8834) over what the file said. */
static void imply_webrtc(struct endpoint *e)
{
	e->rtcp_mux |= e->bundle;
	if (!e->webrtc)
		return;
	e->bundle = e->rtcp_mux = e->use_avpf = e->ice_support = e->media_use_received_transport = true;
	e->media_encryption = ENCRYPTION_DTLS;
	e->dtls_setup = DTLS_SETUP_ACTPASS;
	e->dtls_verify = DTLS_VERIFY_FINGERPRINT;
	e->dtls_rekey = 0;
	if (!e->dtls_cert_file.n)
		e->dtls_auto_generate_cert = true;
}

static int check_ports(struct object_build *b, const struct endpoint *e)
{
	if (!e->rtp_port_start && !e->rtp_port_end)
		return 0;
	if (!e->rtp_port_start || !e->rtp_port_end)
		return report_fault(b, "rtp_port_start and rtp_port_end need each other");
	if (e->rtp_port_start < 1024 || e->rtp_port_end <= e->rtp_port_start)
		return report_fault(b, "rtp_port_start must be at least 1024 and below rtp_port_end");
	return 0;
}

/* RFC 8866 5.2, 5.3: neither line may be empty, the user name has no blanks. */
static void fix_sdp(struct object_build *b, struct endpoint *e)
{
	if (!str_trim(e->sdp_session).n) {
		build_fault(b, REPORT_WARNING, "endpoint '%.*s': sdp_session is empty; '-' is used", STR_ARG(e->name));
		e->sdp_session = STR("-");
	}
	if (!e->sdp_owner.n || str_chr(e->sdp_owner, ' ') < e->sdp_owner.n) {
		build_fault(b, REPORT_WARNING, "endpoint '%.*s': sdp_owner is empty or has blanks; '-' is used",
			    STR_ARG(e->name));
		e->sdp_owner = STR("-");
	}
}

/* A certificate that cannot serve is told when the file is read, not at the first call. */
static int check_dtls(struct object_build *b, const struct endpoint *e)
{
	struct dtls_identity_prm prm = { .cert_file = e->dtls_cert_file, .key_file = e->dtls_private_key,
		.cipher = e->dtls_cipher, .ca_file = e->dtls_ca_file, .ca_path = e->dtls_ca_path };
	struct dtls_identity *d = NULL;
	struct dtls_cert *own = NULL;
	char why[200] = "";
	int err = 0;

	if (e->media_encryption != ENCRYPTION_DTLS)
		return 0;
	/* One of our own is made for the look at the rest, and only where there is one. */
	if (e->dtls_auto_generate_cert && !e->dtls_cipher.n && !e->dtls_ca_file.n && !e->dtls_ca_path.n)
		return 0;
	if (e->dtls_auto_generate_cert)
		err = dtls_cert_new(&own);
	err = err ? err : dtls_identity_new(&d, &prm, own, why);
	obj_drop(d);
	obj_drop(own);
	return err == EINVAL ? report_fault(b, why) : err;
}

int finish_endpoint(struct object_build *b, struct endpoint *e)
{
	int err;

	if (e->timers_sess_expires < e->timers_min_se)
		return report_fault(b, "timers_sess_expires is shorter than timers_min_se");
	if (e->dtls_auto_generate_cert && e->dtls_cert_file.n)
		return report_fault(b, "dtls_auto_generate_cert and dtls_cert_file exclude each other");
	if (e->preferred_codec_only && e->incoming_call_offer_pref != OFFER_PREF_LOCAL)
		return report_fault(b, "preferred_codec_only and incoming_call_offer_pref exclude each other");
	err = check_ports(b, e);
	if (err)
		return err;
	fix_sdp(b, e);
	imply_webrtc(e);
	err = check_dtls(b, e);
	if (err)
		return err;
	err = build_vars(b, &e->set_var);
	if (!err)
		err = build_acl(b, &b->acl, &e->acl);
	if (!err)
		err = build_acl(b, &b->contact_acl, &e->contact_acl);
	return err;
}
