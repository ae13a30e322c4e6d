/* Methods, header names with their compact forms, and reason phrases. */
#include "sip/names.h"
#include "sip/chars.h"

/* Length, first and last letter tell all our headers apart: the index of
 * by_hash. Two rows on one index do not compile (-Woverride-init). */
#define HASH(n, first, last) (((n) + (first) * 7 + (last) * 21) & 255)

/* id, name, first and last letter (folded), compact form or 0, shape */
#define HEADERS(X) \
	X(VIA, "Via", 'v', 'a', 'v', LIST) \
	X(FROM, "From", 'f', 'm', 'f', SINGLE) \
	X(TO, "To", 't', 'o', 't', SINGLE) \
	X(CALL_ID, "Call-ID", 'c', 'd', 'i', SINGLE) \
	X(CSEQ, "CSeq", 'c', 'q', 0, SINGLE) \
	X(MAX_FORWARDS, "Max-Forwards", 'm', 's', 0, SINGLE) \
	X(CONTACT, "Contact", 'c', 't', 'm', LIST) \
	X(ROUTE, "Route", 'r', 'e', 0, LIST) \
	X(RECORD_ROUTE, "Record-Route", 'r', 'e', 0, LIST) \
	X(CONTENT_LENGTH, "Content-Length", 'c', 'h', 'l', SINGLE) \
	X(CONTENT_TYPE, "Content-Type", 'c', 'e', 'c', SINGLE) \
	X(EXPIRES, "Expires", 'e', 's', 0, SINGLE) \
	X(MIN_EXPIRES, "Min-Expires", 'm', 's', 0, SINGLE) \
	X(AUTHORIZATION, "Authorization", 'a', 'n', 0, LINES) \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 'w', 'e', 0, LINES) \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 'p', 'n', 0, LINES) \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 'p', 'e', 0, LINES) \
	X(ALLOW, "Allow", 'a', 'w', 0, LIST) \
	X(SUPPORTED, "Supported", 's', 'd', 'k', LIST) \
	X(REQUIRE, "Require", 'r', 'e', 0, LIST) \
	X(UNSUPPORTED, "Unsupported", 'u', 'd', 0, LIST) \
	X(USER_AGENT, "User-Agent", 'u', 't', 0, LINES) \
	X(SERVER, "Server", 's', 'r', 0, LINES) \
	X(PATH, "Path", 'p', 'h', 0, LIST) \
	X(SERVICE_ROUTE, "Service-Route", 's', 'e', 0, LIST) \
	X(EVENT, "Event", 'e', 't', 'o', SINGLE) \
	X(ACCEPT, "Accept", 'a', 't', 0, LIST) \
	X(ALLOW_EVENTS, "Allow-Events", 'a', 's', 'u', LIST) \
	X(SUBSCRIPTION_STATE, "Subscription-State", 's', 'e', 0, SINGLE) \
	X(REFER_TO, "Refer-To", 'r', 'o', 'r', SINGLE) \
	X(REFERRED_BY, "Referred-By", 'r', 'y', 'b', SINGLE) \
	X(REPLACES, "Replaces", 'r', 's', 0, SINGLE) \
	X(RSEQ, "RSeq", 'r', 'q', 0, SINGLE) \
	X(RACK, "RAck", 'r', 'k', 0, SINGLE) \
	X(SESSION_EXPIRES, "Session-Expires", 's', 's', 'x', SINGLE) \
	X(MIN_SE, "Min-SE", 'm', 'e', 0, SINGLE) \
	X(DATE, "Date", 'd', 'e', 0, SINGLE) \
	X(WARNING, "Warning", 'w', 'g', 0, LIST) \
	X(REASON, "Reason", 'r', 'n', 0, LIST) \
	X(RETRY_AFTER, "Retry-After", 'r', 'r', 0, SINGLE) \
	X(DIVERSION, "Diversion", 'd', 'n', 0, LIST) \
	X(HISTORY_INFO, "History-Info", 'h', 'o', 0, LIST) \
	X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 'p', 'y', 0, LIST) \
	X(REMOTE_PARTY_ID, "Remote-Party-ID", 'r', 'd', 0, LIST) \
	X(PRIVACY, "Privacy", 'p', 'y', 0, LINES) \
	X(SIP_ETAG, "SIP-ETag", 's', 'g', 0, SINGLE) \
	X(SIP_IF_MATCH, "SIP-If-Match", 's', 'h', 0, SINGLE) \
	X(PROXY_REQUIRE, "Proxy-Require", 'p', 'e', 0, LIST) \
	X(TIMESTAMP, "Timestamp", 't', 'p', 0, LINES) \
	X(IN_REPLY_TO, "In-Reply-To", 'i', 'o', 0, LIST) \
	X(CONTENT_ENCODING, "Content-Encoding", 'c', 'g', 'e', LIST) \
	X(CONTENT_DISPOSITION, "Content-Disposition", 'c', 'n', 0, SINGLE) \
	X(MIME_VERSION, "MIME-Version", 'm', 'n', 0, LINES) \
	X(SUBJECT, "Subject", 's', 't', 's', LINES)

#define COUNT(...) + 1
_Static_assert(HEADERS(COUNT) + 1 == SIP_H_IDS, "a header id has no row");

struct row {
	struct str name;
	char compact;
	uint8_t shape;
};

#define ROW(id, name, first, last, compact, shape) [SIP_H_##id] = { STR_INIT(name), compact, HDR_##shape },
static const struct row rows[SIP_H_IDS] = { [SIP_H_OTHER] = { STR_INIT(""), 0, HDR_LINES }, HEADERS(ROW) };

#define SLOT(id, name, first, last, compact, shape) [HASH(sizeof(name) - 1, first, last)] = SIP_H_##id,
static const uint8_t by_hash[256] = { HEADERS(SLOT) };

static const uint8_t by_letter[26] = {
	['v' - 'a'] = SIP_H_VIA, ['f' - 'a'] = SIP_H_FROM, ['t' - 'a'] = SIP_H_TO, ['i' - 'a'] = SIP_H_CALL_ID,
	['m' - 'a'] = SIP_H_CONTACT, ['l' - 'a'] = SIP_H_CONTENT_LENGTH, ['c' - 'a'] = SIP_H_CONTENT_TYPE,
	['k' - 'a'] = SIP_H_SUPPORTED, ['o' - 'a'] = SIP_H_EVENT, ['u' - 'a'] = SIP_H_ALLOW_EVENTS,
	['r' - 'a'] = SIP_H_REFER_TO, ['b' - 'a'] = SIP_H_REFERRED_BY, ['x' - 'a'] = SIP_H_SESSION_EXPIRES,
	['e' - 'a'] = SIP_H_CONTENT_ENCODING, ['s' - 'a'] = SIP_H_SUBJECT,
};

enum sip_hdr_id sip_hdr_id_of(struct str name)
{
	unsigned char first, last;
	enum sip_hdr_id id;

	if (!name.n)
		return SIP_H_OTHER;
	first = char_fold(name.p[0]);
	if (name.n == 1)
		return first >= 'a' && first <= 'z' ? by_letter[first - 'a'] : SIP_H_OTHER;
	last = char_fold(name.p[name.n - 1]);
	id = by_hash[HASH(name.n, (size_t)first, (size_t)last)];
	if (id && (str_eq(rows[id].name, name) || str_ieq(rows[id].name, name)))
		return id;
	return SIP_H_OTHER;
}

struct str sip_hdr_name(enum sip_hdr_id id)
{
	return (unsigned)id < SIP_H_IDS ? rows[id].name : STR_NULL;
}

enum hdr_shape hdr_shape_of(enum sip_hdr_id id)
{
	return (unsigned)id < SIP_H_IDS ? rows[id].shape : HDR_LINES;
}

char hdr_letter_of(struct str name)
{
	return rows[sip_hdr_id_of(name)].compact;
}

static const struct str methods[SIP_METHODS] = {
	STR_INIT(""), STR_INIT("INVITE"), STR_INIT("ACK"), STR_INIT("BYE"), STR_INIT("CANCEL"),
	STR_INIT("REGISTER"), STR_INIT("OPTIONS"), STR_INIT("PRACK"), STR_INIT("UPDATE"), STR_INIT("INFO"),
	STR_INIT("SUBSCRIBE"), STR_INIT("NOTIFY"), STR_INIT("PUBLISH"), STR_INIT("MESSAGE"), STR_INIT("REFER"),
};

enum sip_method sip_method_of(struct str name)
{
	for (unsigned i = 1; i < SIP_METHODS; i++)
		if (methods[i].n == name.n && methods[i].p[0] == name.p[0] && str_eq(methods[i], name))
			return i;
	return SIP_UNKNOWN;
}

struct str sip_method_name(enum sip_method m)
{
	return (unsigned)m < SIP_METHODS ? methods[m] : STR_NULL;
}

const char *sip_reason(unsigned status)
{
	static const struct {
		uint16_t status;
		const char *text;
	} reasons[] = {
		{ 100, "Trying" }, { 180, "Ringing" }, { 181, "Call Is Being Forwarded" }, { 182, "Queued" },
		{ 183, "Session Progress" }, { 199, "Early Dialog Terminated" },
		{ 200, "OK" }, { 202, "Accepted" }, { 204, "No Notification" },
		{ 300, "Multiple Choices" }, { 301, "Moved Permanently" }, { 302, "Moved Temporarily" },
		{ 305, "Use Proxy" }, { 380, "Alternative Service" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 407, "Proxy Authentication Required" }, { 408, "Request Timeout" }, { 409, "Conflict" },
		{ 410, "Gone" }, { 411, "Length Required" }, { 412, "Conditional Request Failed" },
		{ 413, "Request Entity Too Large" }, { 414, "Request-URI Too Long" },
		{ 415, "Unsupported Media Type" }, { 416, "Unsupported URI Scheme" },
		{ 417, "Unknown Resource-Priority" }, { 420, "Bad Extension" }, { 421, "Extension Required" },
		{ 422, "Session Interval Too Small" }, { 423, "Interval Too Brief" },
		{ 424, "Bad Location Information" }, { 425, "Bad Alert Message" },
		{ 428, "Use Identity Header" }, { 429, "Provide Referrer Identity" }, { 430, "Flow Failed" },
		{ 433, "Anonymity Disallowed" }, { 436, "Bad Identity Info" }, { 437, "Unsupported Credential" },
		{ 438, "Invalid Identity Header" }, { 439, "First Hop Lacks Outbound Support" },
		{ 440, "Max-Breadth Exceeded" }, { 469, "Bad Info Package" }, { 470, "Consent Needed" },
		{ 480, "Temporarily Unavailable" }, { 481, "Call/Transaction Does Not Exist" },
		{ 482, "Loop Detected" }, { 483, "Too Many Hops" }, { 484, "Address Incomplete" },
		{ 485, "Ambiguous" }, { 486, "Busy Here" }, { 487, "Request Terminated" },
		{ 488, "Not Acceptable Here" }, { 489, "Bad Event" }, { 491, "Request Pending" },
		{ 493, "Undecipherable" }, { 494, "Security Agreement Required" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Server Time-out" }, { 505, "Version Not Supported" },
		{ 513, "Message Too Large" }, { 555, "Push Notification Service Not Supported" },
		{ 580, "Precondition Failure" },
		{ 600, "Busy Everywhere" }, { 603, "Decline" }, { 604, "Does Not Exist Anywhere" },
		{ 606, "Not Acceptable" }, { 607, "Unwanted" }, { 608, "Rejected" },
	};
	size_t lo = 0, hi = ARRAY_LEN(reasons);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (reasons[mid].status == status)
			return reasons[mid].text;
		if (reasons[mid].status < status)
			lo = mid + 1;
		else
			hi = mid;
	}
	return "";
}
