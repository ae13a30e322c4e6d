/* A service whose subscriptions are on a disk that survives it, and a phone that subscribes. */
#include "kept_stage.h"
#include "fake_disk.h"
#include "pbx/devstate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 100,hint,Custom:one\nexten => 101,hint,Custom:two\n"
	"exten => 102,hint,PJSIP/alice\n";
const char kept_conf[] = TRANSPORTS ALICE
	"[brief]\ntype=endpoint\ncontext=default\nsub_min_expiry=60\n"
	"[nat]\ntype=endpoint\ncontext=default\nrewrite_contact=yes\n"
	"[rooms]\ntype=resource_list\nevent=dialog\nlist_item=100\nlist_item=101\n";

struct wire t;
unsigned call;
static char tag[64];
static unsigned cseq;

static void open_it(const char *pjsip)
{
	wire_open_kept(&t, plan, pjsip, disk_open, disk_kept);
}

int kept_setup(void **state)
{
	(void)state;
	open_it(kept_conf);
	tag[0] = '\0';
	cseq = 0;
	call++;
	return 0;
}

int kept_teardown(void **state)
{
	(void)state;
	t.deaf = true;
	disk_lose();
	wire_close(&t);
	disk_close();
	return 0;
}

/* kill -9, and a new process with the same file. `sql` is done to it meanwhile. */
void restart_with(const char *pjsip, const char *sql)
{
	disk_lose();
	t.deaf = true;
	wire_close(&t);
	if (sql)
		disk_exec(sql);
	disk_leave();
	open_it(pjsip);
}

void restart(void)
{
	restart_with(kept_conf, NULL);
	world_pass(&t.w, 50);
}

struct sip_msg *kept(enum sip_method m, bool request)
{
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1]->method == m && t.sent[i - 1]->request == request)
			return t.sent[i - 1];
	return NULL;
}

/* The next SUBSCRIBE begins one. */
void another(void)
{
	call++;
	tag[0] = '\0';
}

void send_by(const struct how *h, const char *to, const char *headers)
{
	char text[2048];

	wire_forget(&t);
	cseq++;
	snprintf(text, sizeof(text),
		 "SUBSCRIBE sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s " PHONE ";branch=z9hG4bKs%u-%u\r\n"
		 "From: \"A\" <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>%s%s\r\nCall-ID: s%u\r\nCSeq: %u SUBSCRIBE\r\n"
		 "Max-Forwards: 70\r\n%s%sContent-Length: 0\r\n\r\n", to, net_proto_name(h->proto), call, cseq, h->user, to,
		 tag[0] ? ";tag=" : "", tag, call, cseq, h->contact, headers);
	wire_come_by(&t, h->proto, h->conn, PHONE, text);
	world_turn(&t.w);
}

const struct how udp = { "alice", NET_UDP, 0, "Contact: <sip:alice@" PHONE ">\r\n" };

/* 0: not answered yet. */
unsigned answered(void)
{
	struct sip_msg *m = kept(SIP_SUBSCRIBE, false);

	if (!m || m->cseq != cseq)
		return 0;
	if (m->status == 200)
		str_copy(tag, sizeof(tag), m->to.tag);
	return m->status;
}

unsigned subscribe_by(const struct how *h, const char *to, const char *headers)
{
	send_by(h, to, headers);
	disk_commit(9, 0);
	world_turn(&t.w);
	return answered();
}

unsigned subscribe(const char *to, const char *headers)
{
	return subscribe_by(&udp, to, headers);
}

/* The newest NOTIFY; it is answered, and its body holds `what`. Gives its CSeq. */
uint32_t notified(unsigned status, const char *state, const char *what)
{
	struct sip_msg *m = kept(SIP_NOTIFY, true);
	uint32_t n;

	assert_non_null(m);
	if (strncmp(wire_header(m, "Subscription-State"), state, strlen(state)))
		fail_msg("%s, not %s", wire_header(m, "Subscription-State"), state);
	if (str_find(m->body, str_z(what)) == m->body.n)
		fail_msg("no '%s' in:\n%.*s", what, STR_ARG(m->body));
	n = m->cseq;
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1] == m) {
			wire_answer(&t, i - 1, status, "");
			break;
		}
	world_turn(&t.w);
	return n;
}

unsigned version_of(const char *after)
{
	struct str body = kept(SIP_NOTIFY, true)->body, number;
	size_t at = str_find(body, str_z(after));
	uint32_t v = 0;

	assert_true(at < body.n);
	body = str_skip(body, at + strlen(after));
	number = str_cut(&body, '"');
	assert_int_equal(str_u32(number, &v), 0);
	return v;
}

size_t subscriptions(void)
{
	struct subscription_walk walk = { 0 };
	struct subscription_row row;
	size_t n = 0;

	while (subscription_next(t.svc, &walk, &row))
		n++;
	subscription_walk_end(&walk);
	return n;
}

void set_state(const char *device, enum device_state s)
{
	wire_forget(&t);
	device_set_custom(t.w.pbx, str_z(device), s);
	world_turn(&t.w);
}
