/* The options of sidetone-ua: one row each, from which come the parser, --help and the completion. */
#include "phone/options.h"
#include "phone/outcome.h"
#include "net/address.h"
#include <errno.h>
#include <stddef.h>

static int set_text(struct phone_options *o, const struct phone_option *row, struct str value)
{
	return value.n ? text_set((struct text *)(void *)((char *)o + row->offset), value) : EINVAL;
}

static int set_number(struct phone_options *o, const struct phone_option *row, struct str value)
{
	double v;

	if (str_double(value, &v) || !(v >= row->least && v <= row->most))
		return EINVAL;
	*(double *)(void *)((char *)o + row->offset) = v;
	return 0;
}

static int set_flag(struct phone_options *o, const struct phone_option *row, struct str value)
{
	bool v = true;

	if (value.n && str_bool(value, &v))
		return EINVAL;
	*(bool *)(void *)((char *)o + row->offset) = v;
	return 0;
}

static int set_task(struct phone_options *o, const struct phone_option *row, struct str value)
{
	if (o->task != TASK_INTERACTIVE && o->task != row->task)
		return EEXIST;
	o->task = row->task;
	return row->arg ? set_text(o, row, value) : 0;
}

static int set_colour(struct phone_options *o, const struct phone_option *row, struct str value)
{
	static const char *const words[] = { "auto", "always", "never" };

	(void)row;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(value, str_z(words[i]))) {
			o->colour = (enum phone_colour)i;
			return 0;
		}
	return EINVAL;
}

/* A line of a header each time; what would end it belongs to nobody. */
static int set_header(struct phone_options *o, const struct phone_option *row, struct str value)
{
	size_t colon = str_chr(value, ':');

	(void)row;
	if (!colon || colon == value.n || str_chr(value, '\r') < value.n || str_chr(value, '\n') < value.n)
		return EINVAL;
	return text_cat(&o->headers, text_view(&o->headers), value, STR("\r\n"));
}

static int set_expect(struct phone_options *o, const struct phone_option *row, struct str value)
{
	return outcome_is_known(value) ? set_text(o, row, value) : EINVAL;
}

static int set_encryption(struct phone_options *o, const struct phone_option *row, struct str value)
{
	static const char *const words[] = { "none", "sdes", "dtls" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(value, str_z(words[i])))
			return set_text(o, row, str_z(words[i]));
	return EINVAL;
}

static int set_reject(struct phone_options *o, const struct phone_option *row, struct str value)
{
	uint32_t v;

	return !str_u32(value, &v) && v >= 300 && v < 700 ? set_text(o, row, value) : EINVAL;
}

static int set_dtmf(struct phone_options *o, const struct phone_option *row, struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!strchr("0123456789*#ABCDabcd,", value.p[i]))
			return EINVAL;
	return set_text(o, row, value);
}

static int set_address(struct phone_options *o, const struct phone_option *row, struct str value)
{
	struct sa a;

	return sa_parse_host(&a, value, 0) ? EINVAL : set_text(o, row, value);
}

#define ROW(n, a, f, h, ...) { .name = n, .arg = a, .offset = offsetof(struct phone_options, f), .help = h, __VA_ARGS__ }
#define TASK(n, a, f, t, h) ROW(n, a, f, h, .set = set_task, .task = t)
#define TEXT(n, a, f, h) ROW(n, a, f, h, .set = set_text)
#define FLAG(n, f, h) ROW(n, NULL, f, h, .set = set_flag)
#define NUMBER(n, a, f, lo, hi, h) ROW(n, a, f, h, .set = set_number, .least = lo, .most = hi)

static const struct phone_option rows[] = {
	TASK("call", "TARGET", target, TASK_CALL, "call, and leave when the call is over"),
	TASK("answer", NULL, target, TASK_ANSWER, "register, answer one call, and leave when it is over"),
	TASK("register", NULL, target, TASK_REGISTER, "register, stay for --seconds (0), unregister and leave"),
	TASK("message", "TEXT", text, TASK_MESSAGE, "send it to --to"),
	TASK("subscribe", "EVENT", event, TASK_SUBSCRIBE, "to the event of --to; leave after the first NOTIFY, or --seconds later"),
	TASK("publish", "EVENT", event, TASK_PUBLISH, "publish --body as the state of --uri, or of --to"),
	TASK("options", NULL, target, TASK_OPTIONS, "ask --to, or the server, what it can"),
	TEXT("to", "TARGET", target, "whom: 600, bob@example.com, sip:bob@example.com"),
	FLAG("auto", auto_answer, "with --answer: every call, until interrupted; alone: answer by itself"),
	ROW("reject", "STATUS", reject, "with --answer: reject calls with it, 486 for instance", .set = set_reject),
	NUMBER("ring", "S", ring, 0, 3600, "with --answer: let it ring for so long (0)"),
	NUMBER("seconds", "S", seconds, 0, 1e9, "hang up so long after the answer, or leave"),
	NUMBER("timeout", "S", timeout, 0.1, 1e9, "give up when there is no answer for so long (60)"),
	ROW("dtmf", "DIGITS", dtmf, "send them after the answer; a comma waits a second", .set = set_dtmf),
	TEXT("transfer", "TARGET", transfer, "after the answer and the digits: transfer the other side there"),
	FLAG("hold", hold, "after the answer: hold, and resume when half of --seconds has passed"),
	TEXT("play", "FILE", play, "send the sound of this WAV file"),
	NUMBER("tone", "HZ", tone, 20, 20000, "send a tone"),
	TEXT("record", "FILE", record, "write a WAV file: left what is heard, right what is said"),
	TEXT("codecs", "LIST", codecs, "of sound, the best first (opus,g722,alaw,ulaw)"),
	ROW("encryption", "HOW", encryption, "of the media: none, sdes, dtls", .set = set_encryption),
	FLAG("optional-encryption", optional_encryption, "take the other side also when it has none"),
	FLAG("ice", ice, "look for a way for the media (RFC 8445), as pages do"),
	TEXT("stun", "SERVER", stun, "HOST or HOST:PORT: tells us how we are seen from outside; with --ice"),
	TEXT("turn", "SERVER", turn, "turn:HOST:PORT?transport=tcp: relays the media; with --ice"),
	TEXT("turn-user", "NAME", turn_user, "at that server"),
	TEXT("turn-password", "TEXT", turn_password, "at that server"),
	TEXT("public-address", "ADDRESS", public_address, "of a router that passes our ports on: what peers are told"),
	TEXT("microphone", "NAME", microphone, "a part of its name; the system's"),
	TEXT("loudspeaker", "NAME", loudspeaker, "a part of its name; the system's"),
	TASK("devices", NULL, target, TASK_DEVICES, "list microphones and loudspeakers"),
	ROW("header", "LINE", headers, "add \"Name: value\" to the request; may be given again", .set = set_header),
	TEXT("body", "TEXT", body, "of --publish"),
	TEXT("content-type", "TYPE", content_type, "of --message and --publish (text/plain)"),
	NUMBER("expires", "S", expires, 0, 4294967295.0, "of --subscribe and --publish (3600)"),
	FLAG("no-follow", no_follow, "do not call whom a transfer names"),
	ROW("expect", "OUTCOME", expect, "exit with 0 when it ends so, with 20 otherwise: a word of the list below, or a status",
	    .set = set_expect),
	FLAG("json", json, "one JSON object for each event, a line each"),
	FLAG("trace", trace, "show SIP messages as a ladder; with --json whole"),
	ROW("colour", "WHEN", colour, "auto, always or never", .set = set_colour),
	FLAG("verbose", verbose, "also say what sockets, TLS and DNS do"),
	TEXT("file", "PATH", file, "read options and parameters from there; ~/.config/sidetone-ua.conf when it is there"),
	TEXT("ca-list-file", "PATH", ca_list_file, "PEM: authorities whose signature makes a server's certificate good"),
	TEXT("ca-list-path", "PATH", ca_list_path, "a folder of such"),
	TEXT("cert-file", "PATH", cert_file, "PEM: our own certificate"),
	TEXT("priv-key-file", "PATH", priv_key_file, "PEM: its key"),
	FLAG("no-verify", no_verify, "take any certificate"),
	ROW("from-address", "ADDRESS", from, "connect from there", .set = set_address),
	TEXT("nameserver", "ADDRESS", nameserver, "ask this one, 192.0.2.53 or 192.0.2.53@5353"),
	TASK("completion", NULL, target, TASK_COMPLETION, "print completion for bash"),
	TASK("help", NULL, target, TASK_HELP, "print this"),
	TASK("version", NULL, target, TASK_VERSION, "print the version"),
};

const struct phone_option *phone_option(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}
