/* What a REGISTER may do to an AOR, and what the answer says. */
#include "svc_wire.h"
#include "service/place/location.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PEER "127.0.0.1:5070"

/* One endpoint for each way an AOR may be set up. */
static const char conf[] =
	WIRE_UDP
	"[one](!)\ntype=endpoint\nallow=!all,ulaw\n"
	"[strict](one)\naors=strict\n[strict]\ntype=aor\nmax_contacts=2\n"
	"minimum_expiration=60\nmaximum_expiration=7200\ndefault_expiration=600\n"
	"[newest](one)\naors=newest\n[newest]\ntype=aor\nmax_contacts=2\nremove_existing=yes\n"
	"[alive](one)\naors=alive\n[alive]\ntype=aor\nmax_contacts=2\nremove_unavailable=yes\nqualify_frequency=60\n"
	"[path](one)\naors=path\n[path]\ntype=aor\nmax_contacts=2\nsupport_path=yes\n"
	"[fixed](one)\naors=fixed\n[fixed]\ntype=aor\nmax_contacts=1\ncontact=sip:desk@192.0.2.1\n"
	"[rewritten](one)\naors=rewritten\nrewrite_contact=yes\n[rewritten]\ntype=aor\nmax_contacts=2\n"
	"[fenced](one)\naors=fenced\ncontact_deny=0.0.0.0/0\ncontact_permit=192.0.2.0/24\n"
	"[fenced]\ntype=aor\nmax_contacts=4\n"
	"[closed](one)\naors=closed\n[closed]\ntype=aor\n";

static struct wire t;
static unsigned cseq;
/* How the next requests come; conn 0: in datagrams. */
static enum net_proto proto;
static uint64_t conn;

static int setup(void **state)
{
	(void)state;
	conn = 0;
	wire_open(&t, "", conf);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* The final answer to a REGISTER with these header lines. */
static struct sip_msg *ask(const char *user, const char *headers)
{
	char text[2048];

	wire_forget(&t);
	cseq++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER ";branch=z9hG4bKreg%u\r\n"
		 "From: <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: r\r\nCSeq: %u REGISTER\r\n"
		 "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n", cseq, user, user, cseq, headers);
	if (conn)
		wire_come_by(&t, proto, conn, PEER, text);
	else
		wire_come(&t, PEER, text);
	world_turn(&t.w);
	assert_true(t.n > 0);
	for (size_t i = t.n; i; i--)
		if (!t.sent[i - 1]->request)
			return t.sent[i - 1];
	fail();
	return NULL;
}

static unsigned status(const char *user, const char *headers)
{
	return ask(user, headers)->status;
}

/* All Contacts of the last answer, "uri;expires=n" with a space behind each. */
static const char *listed(const char *user)
{
	static char out[1024];
	struct sip_msg *m = ask(user, "");
	struct sip_each e = { 0 };
	struct str v;
	size_t at = 0;

	assert_int_equal(m->status, 200);
	out[0] = '\0';
	while (sip_each(m, SIP_H_CONTACT, &e, &v))
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%.*s ", STR_ARG(v));
	return out;
}

static void expirations(void **state)
{
	(void)state;
	assert_string_equal(wire_header(ask("strict", "Contact: <sip:a@192.0.2.1>\r\n"), "Expires"), "");
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=600 ");
	assert_string_equal(wire_header(ask("strict", "Contact: <sip:a@192.0.2.1>\r\nExpires: 5\r\n"), "Expires"), "60");
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=60 ");
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>;expires=99999\r\nExpires: 70\r\n"), 200);
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=7200 ");
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>\r\nExpires: 99999999999\r\n"), 200);
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=7200 ");
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>;expires=61\r\n"), 200);
	/* A second that ticks between the request and the answer is not lost. */
	world_pass(&t.w, 900);
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>;expires=61\r\n"), 200);
	world_pass(&t.w, 200);
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=61 ");
	world_pass(&t.w, 30000);
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=31 ");
	world_pass(&t.w, 32000);
	assert_string_equal(listed("strict"), "");
	assert_int_equal(world_events(&t.w, "ContactStatus", "ContactStatus: Removed"), 1);
}

static void no_more_than_max_contacts(void **state)
{
	(void)state;
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>\r\n"), 200);
	assert_int_equal(status("strict", "Contact: <sip:c@192.0.2.3>\r\n"), 403);
	assert_int_equal(status("strict", "Contact: <sip:b@192.0.2.2>\r\n"), 200);
	/* One out, one in: at no time are there three. */
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>;expires=0, <sip:c@192.0.2.3>\r\n"), 200);
	assert_string_equal(listed("strict"), "<sip:b@192.0.2.2>;expires=600 <sip:c@192.0.2.3>;expires=600 ");
	assert_int_equal(status("closed", "Contact: <sip:a@192.0.2.1>\r\n"), 403);
	assert_int_equal(status("fixed", "Contact: <sip:a@192.0.2.1>\r\n"), 200);
	assert_string_equal(listed("fixed"), "<sip:desk@192.0.2.1> <sip:a@192.0.2.1>;expires=3600 ");
}

static void remove_existing(void **state)
{
	(void)state;
	assert_int_equal(status("newest", "Contact: <sip:a@192.0.2.1>;expires=900\r\n"), 200);
	assert_int_equal(status("newest", "Contact: <sip:b@192.0.2.2>;expires=300\r\n"), 200);
	assert_int_equal(status("newest", "Contact: <sip:c@192.0.2.3>;expires=600\r\n"), 200);
	assert_string_equal(listed("newest"), "<sip:a@192.0.2.1>;expires=900 <sip:c@192.0.2.3>;expires=600 ");
	assert_int_equal(status("newest", "Contact: <sip:d@192.0.2.4>, <sip:e@192.0.2.5>, <sip:f@192.0.2.6>\r\n"), 403);
	/* The one that the request itself renews stays, though it ends first. */
	assert_int_equal(status("newest", "Contact: <sip:c@192.0.2.3>;expires=60, <sip:d@192.0.2.4>\r\n"), 200);
	assert_string_equal(listed("newest"), "<sip:c@192.0.2.3>;expires=60 <sip:d@192.0.2.4>;expires=3600 ");
}

static void remove_unavailable(void **state)
{
	struct location *l;

	(void)state;
	assert_int_equal(status("alive", "Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>\r\n"), 200);
	assert_int_equal(status("alive", "Contact: <sip:c@192.0.2.3>\r\n"), 403);
	l = location_get(t.svc, STR("alive"), false);
	contact_set_status(t.svc, container_of(l->contacts.next->next, struct contact, link), CONTACT_UNREACHABLE, 0);
	assert_int_equal(status("alive", "Contact: <sip:c@192.0.2.3>\r\n"), 200);
	assert_string_equal(listed("alive"), "<sip:a@192.0.2.1>;expires=3600 <sip:c@192.0.2.3>;expires=3600 ");
}

static void all_at_once(void **state)
{
	(void)state;
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>\r\n"), 200);
	assert_int_equal(status("strict", "Contact: *\r\nExpires: 60\r\n"), 400);
	assert_int_equal(status("strict", "Contact: *\r\n"), 400);
	assert_int_equal(status("strict", "Contact: *, <sip:a@192.0.2.1>\r\nExpires: 0\r\n"), 400);
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>\r\nContact: *\r\nExpires: 0\r\n"), 400);
	assert_int_equal(status("strict", "Contact: *, *\r\nExpires: 0\r\n"), 400);
	assert_string_not_equal(listed("strict"), "");
	assert_int_equal(status("strict", "Contact: *\r\nExpires: 0\r\n"), 200);
	assert_string_equal(listed("strict"), "");
	assert_int_equal(status("fixed", "Contact: *\r\nExpires: 0\r\n"), 200);
	assert_string_equal(listed("fixed"), "<sip:desk@192.0.2.1> ");
}

static void paths(void **state)
{
	const char *both = "Contact: <sip:a@192.0.2.1>\r\nSupported: path\r\n"
		"Path: <sip:p1;lr>\r\nPath: <sip:p2;lr>\r\n";
	struct contact *c;
	struct sip_msg *m;

	(void)state;
	assert_int_equal(status("path", "Contact: <sip:a@192.0.2.1>\r\nPath: <sip:p1;lr>\r\n"), 420);
	assert_string_equal(wire_header(wire_last(&t), "Unsupported"), "path");
	m = ask("path", both);
	assert_int_equal(m->status, 200);
	assert_string_equal(wire_header(m, "Path"), "<sip:p1;lr>,<sip:p2;lr>");
	c = container_of(location_get(t.svc, STR("path"), false)->contacts.next, struct contact, link);
	assert_string_equal(c->path.p, "<sip:p1;lr>,<sip:p2;lr>");
	m = ask("strict", both);
	assert_int_equal(m->status, 200);
	assert_string_equal(wire_header(m, "Path"), "");
}

static void rewritten(void **state)
{
	struct contact *c;

	(void)state;
	assert_int_equal(status("rewritten", "Contact: <sip:a@10.0.0.1:5099;ob>\r\n"), 200);
	c = container_of(location_get(t.svc, STR("rewritten"), false)->contacts.next, struct contact, link);
	assert_non_null(strstr(c->uri.p, "sip:a@127.0.0.1:5070"));
	/* The answer knows it by its own words, and they take it away again. */
	assert_string_equal(listed("rewritten"), "<sip:a@10.0.0.1:5099;ob>;expires=3600 ");
	assert_int_equal(status("rewritten", "Contact: <sip:a@10.0.0.1:5099;ob>;expires=0\r\n"), 200);
	assert_string_equal(listed("rewritten"), "");
}

/* Not where the request came from counts, but where the Contact leads. */
static void contact_acl(void **state)
{
	(void)state;
	assert_int_equal(status("fenced", "Contact: <sip:a@192.0.2.9>\r\n"), 200);
	assert_int_equal(status("fenced", "Contact: <sip:a@192.0.2.9>, <sip:b@198.51.100.1>\r\n"), 401);
	assert_int_equal(status("fenced", "Contact: <sip:a@inside.example>\r\n"), 401);
	assert_int_equal(status("fenced", "Contact: <sip:x@abc.invalid>\r\n"), 200);
	assert_int_equal(status("fenced", "Contact: *\r\nExpires: 0\r\n"), 200);
}

static void what_cannot_be_read(void **state)
{
	static const char *const bad[] = { "<sip:a@>", "<tel:+1234>", "<sip:a@192.0.2.1", "<>", "*;x" };
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof(line), "Contact: %s\r\n", bad[i]);
		assert_int_equal(status("strict", line), 400);
	}
	assert_int_equal(status("strict", "Contact: <sip:a@192.0.2.1>;expires=soon\r\n"), 200);
	assert_string_equal(listed("strict"), "<sip:a@192.0.2.1>;expires=600 ");
}

/* The same contact more than once in one request. `before`: what is registered; `listed`:
 * "uri seconds" of what is there then; `added` ...: how many contacts came, were renewed and went. */
#define A "<sip:a@192.0.2.1>"
#define B "<sip:b@192.0.2.2>"
static const struct twice {
	const char *user, *before, *request;
	unsigned status;
	const char *listed;
	unsigned added, refreshed, removed;
} twice_rows[] = {
	{ "strict", "", A ", " A, 200, A ";expires=600 ", 1, 0, 0 },
	{ "strict", "", A ";expires=100, " A ";expires=200", 200, A ";expires=200 ", 1, 0, 0 },
	{ "strict", "", A ";expires=200, " A ";expires=100, " A ";expires=150", 200, A ";expires=150 ", 1, 0, 0 },
	{ "strict", "", A ";expires=200, " A ";expires=0", 200, "", 0, 0, 0 },
	{ "strict", "", A ";expires=0, " A ";expires=200", 200, A ";expires=200 ", 1, 0, 0 },
	{ "strict", "", A ";expires=0, " A ";expires=0", 200, "", 0, 0, 0 },
	{ "strict", A, A ", " A ";expires=90", 200, A ";expires=90 ", 0, 1, 0 },
	{ "strict", A, A ";expires=90, " A ";expires=0", 200, "", 0, 0, 1 },
	{ "strict", A, A ";expires=0, " A ";expires=90", 200, A ";expires=90 ", 0, 1, 0 },
	{ "strict", A, A ";expires=0, " A ";expires=0, " A ";expires=0", 200, "", 0, 0, 1 },
	/* More deletions than there are contacts: nothing wraps, nothing is let in. */
	{ "strict", A, A ";expires=0, " A ";expires=0, " B ", <sip:c@192.0.2.3>", 200,
	  B ";expires=600 <sip:c@192.0.2.3>;expires=600 ", 2, 0, 1 },
	{ "strict", A, A ";expires=0, " A ";expires=0, " B ", <sip:c@192.0.2.3>, <sip:d@192.0.2.4>", 403,
	  A ";expires=600 ", 0, 0, 0 },
	/* Two doubled ones are two. */
	{ "strict", "", A ", " A ", " B ", " B, 200, A ";expires=600 " B ";expires=600 ", 2, 0, 0 },
	{ "strict", "", A ", " A ", " B ", " B ", <sip:c@192.0.2.3>", 403, "", 0, 0, 0 },
	/* Equal, not the same letters. */
	{ "strict", "", "<sip:%61@192.0.2.1>, " A, 200, A ";expires=600 ", 1, 0, 0 },
	{ "strict", A, "<sip:a@192.0.2.1;transport=udp>;expires=0, <SIP:a@192.0.2.1>;expires=0", 200, "", 0, 0, 1 },
	/* One equals two that do not equal each other. */
	{ "strict", "", "<sip:a@h;x=1>, <sip:a@h;x=2>", 200,
	  "<sip:a@h;x=1>;expires=600 <sip:a@h;x=2>;expires=600 ", 2, 0, 0 },
	{ "strict", "<sip:a@h>", "<sip:a@h;x=1>, <sip:a@h;x=2>", 200,
	  "<sip:a@h;x=1>;expires=600 <sip:a@h;x=2>;expires=600 ", 1, 1, 0 },
	{ "strict", "<sip:a@h;x=1>, <sip:a@h;x=2>", "<sip:a@h>, <sip:a@h;x=2>;expires=90", 200,
	  "<sip:a@h>;expires=600 <sip:a@h;x=2>;expires=90 ", 0, 2, 0 },
	{ "strict", "<sip:a@h;x=1>, <sip:a@h;x=2>", "<sip:a@h;x=2>, <sip:a@h>;expires=90", 200,
	  "<sip:a@h;x=1>;expires=600 <sip:a@h>;expires=90 ", 0, 1, 0 },
	/* rewrite_contact makes them equal. */
	{ "rewritten", "", "<sip:a@10.0.0.1:5099>, <sip:a@10.0.0.2:5098>;expires=90", 200,
	  "<sip:a@10.0.0.2:5098>;expires=90 ", 1, 0, 0 },
	{ "rewritten", "<sip:a@10.0.0.3>", "<sip:a@10.0.0.1:5099>, <sip:a@10.0.0.2:5098>;expires=0", 200, "", 0, 0, 1 },
	{ "rewritten", "", "<sip:a@10.0.0.1>, <sip:a@10.0.0.2>, <sip:b@10.0.0.1>, <sip:b@10.0.0.2>", 200,
	  "<sip:a@10.0.0.2>;expires=3600 <sip:b@10.0.0.2>;expires=3600 ", 2, 0, 0 },
	/* Who is pushed out is counted as rightly. */
	{ "newest", A ";expires=900, " B ";expires=300", "<sip:c@192.0.2.3>, <sip:c@192.0.2.3>", 200,
	  A ";expires=900 <sip:c@192.0.2.3>;expires=3600 ", 1, 0, 1 },
	{ "newest", A ";expires=900, " B ";expires=300", A ";expires=60, <sip:c@192.0.2.3>, " A ";expires=60", 200,
	  "<sip:c@192.0.2.3>;expires=3600 " A ";expires=60 ", 1, 1, 1 },
	{ "newest", A ";expires=900, " B ";expires=300", A ";expires=0, " A ";expires=0, <sip:c@192.0.2.3>", 200,
	  B ";expires=300 <sip:c@192.0.2.3>;expires=3600 ", 1, 0, 1 },
	{ "newest", A ", " B, A ", " A ", " B ", " B ", " A, 200, B ";expires=3600 " A ";expires=3600 ", 0, 2, 0 },
	/* A permanent one of the same URI is not the one that registers, nor in its way. */
	{ "fixed", "<sip:desk@192.0.2.1>", "<sip:desk@192.0.2.1>;expires=90", 200,
	  "<sip:desk@192.0.2.1> <sip:desk@192.0.2.1>;expires=90 ", 0, 1, 0 },
	{ "fixed", "<sip:desk@192.0.2.1>", "<sip:desk@192.0.2.1>;expires=0", 200, "<sip:desk@192.0.2.1> ", 0, 0, 1 },
};

#undef A
#undef B

/* The last one decides, and it counts once. */
static void register_twice(const struct twice *r)
{
	char line[512];
	unsigned got, added, refreshed, removed;

	if (r->before[0]) {
		snprintf(line, sizeof(line), "Contact: %s\r\n", r->before);
		assert_int_equal(status(r->user, line), 200);
	}
	world_forget_events(&t.w);
	snprintf(line, sizeof(line), "Contact: %s\r\n", r->request);
	got = status(r->user, line);
	added = world_events(&t.w, "TestEvent", "State: AOR_CONTACT_ADDED");
	refreshed = world_events(&t.w, "TestEvent", "State: AOR_CONTACT_REFRESHED");
	removed = world_events(&t.w, "TestEvent", "State: AOR_CONTACT_REMOVED");
	if (got != r->status || strcmp(listed(r->user), r->listed) != 0 || added != r->added ||
	    refreshed != r->refreshed || removed != r->removed)
		fail_msg("%s: %s over %s: %u %s, %u %u %u", r->user, r->request, r->before,
			 got, listed(r->user), added, refreshed, removed);
}

static void same_contact_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(twice_rows); i++) {
		struct location *l;

		setup(NULL);
		register_twice(&twice_rows[i]);
		/* By its id each is found: no two have one. */
		l = location_get(t.svc, str_z(twice_rows[i].user), false);
		if (l)
			list_each(p, &l->contacts)
				assert_ptr_equal(contact_by_id(t.svc, container_of(p, struct contact, link)->id),
						 container_of(p, struct contact, link));
		teardown(NULL);
	}
}

/* With remove_unavailable: dead ones give way for as many as come, counted once each. */
static void same_contact_twice_unavailable(void **state)
{
	struct location *l;

	(void)state;
	assert_int_equal(status("alive", "Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>\r\n"), 200);
	l = location_get(t.svc, STR("alive"), false);
	contact_set_status(t.svc, container_of(l->contacts.next->next, struct contact, link), CONTACT_UNREACHABLE, 0);
	assert_int_equal(status("alive", "Contact: <sip:c@192.0.2.3>, <sip:c@192.0.2.3>\r\n"), 200);
	assert_string_equal(listed("alive"), "<sip:a@192.0.2.1>;expires=3600 <sip:c@192.0.2.3>;expires=3600 ");
	assert_int_equal(status("alive", "Contact: <sip:d@192.0.2.4>, <sip:d@192.0.2.4>\r\n"), 403);
	assert_int_equal(status("alive", "Contact: <sip:a@192.0.2.1>;expires=0, <sip:a@192.0.2.1>;expires=0, "
				"<sip:d@192.0.2.4>, <sip:e@192.0.2.5>\r\n"), 403);
	assert_string_equal(listed("alive"), "<sip:a@192.0.2.1>;expires=3600 <sip:c@192.0.2.3>;expires=3600 ");
}

/* The connection is the only way to a page, and to a phone whose address is rewritten. */
static void gone_with_its_connection(void **state)
{
	(void)state;
	proto = NET_WSS;
	conn = 7;
	assert_int_equal(status("strict", "Contact: <sip:a@x.invalid;transport=ws>\r\n"), 200);
	assert_int_equal(status("newest", "Contact: <sip:b@y.invalid;transport=ws>\r\n"), 200);
	conn = 8;
	assert_int_equal(status("strict", "Contact: <sip:c@z.invalid;transport=ws>\r\n"), 200);
	proto = NET_TCP;
	conn = 9;
	assert_int_equal(status("rewritten", "Contact: <sip:d@192.0.2.4;transport=tcp>\r\n"), 200);
	assert_int_equal(status("path", "Contact: <sip:e@192.0.2.5;transport=tcp>\r\n"), 200);
	service_closed(t.svc, 7);
	service_closed(t.svc, 9);
	conn = 0;
	assert_string_equal(listed("strict"), "<sip:c@z.invalid;transport=ws>;expires=600 ");
	assert_string_equal(listed("newest"), "");
	assert_string_equal(listed("rewritten"), "");
	conn = 10;
	assert_int_equal(status("rewritten", "Contact: <sip:d@" PEER ";transport=tcp>\r\n"), 200);
	service_closed(t.svc, 10);
	conn = 0;
	assert_string_equal(listed("rewritten"), "");
	/* It said where it listens. */
	assert_string_equal(listed("path"), "<sip:e@192.0.2.5;transport=tcp>;expires=3600 ");
	assert_int_equal(world_events(&t.w, "ContactStatus", "ContactStatus: Removed"), 4);
}

/* A refresh by another connection leaves the first one. */
static void moved_to_another_connection(void **state)
{
	(void)state;
	proto = NET_WS;
	conn = 7;
	assert_int_equal(status("strict", "Contact: <sip:a@x.invalid;transport=ws>\r\n"), 200);
	conn = 8;
	assert_int_equal(status("strict", "Contact: <sip:a@x.invalid;transport=ws>\r\n"), 200);
	service_closed(t.svc, 7);
	assert_string_equal(listed("strict"), "<sip:a@x.invalid;transport=ws>;expires=600 ");
	conn = 0;
	service_closed(t.svc, 8);
	assert_string_equal(listed("strict"), "");
}

/* compact_headers: every header of an answer that has a short name has it. */
static void short_names_when_configured(void **state)
{
	static const struct str lines[] = { STR_INIT("\r\nv: SIP/2.0/UDP "), STR_INIT("\r\nf: <sip:strict@127.0.0.1>"),
		STR_INIT("\r\nm: <sip:a@192.0.2.7>;expires="), STR_INIT("\r\nCSeq: "), STR_INIT("\r\nl: 0\r\n\r\n") };
	char text[sizeof(conf) + 64];
	struct sip_msg *m;

	(void)state;
	snprintf(text, sizeof(text), "%s[names]\ntype=system\ncompact_headers=yes\n", conf);
	wire_open(&t, "", text);
	m = ask("strict", "Contact: <sip:a@192.0.2.7>\r\n");
	assert_int_equal(m->status, 200);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_true(str_find(m->bytes, lines[i]) < m->bytes.n);
	wire_close(&t);
	wire_open(&t, "", conf);
	m = ask("strict", "Contact: <sip:a@192.0.2.7>\r\n");
	assert_true(str_find(m->bytes, STR("\r\nVia: SIP/2.0/UDP ")) < m->bytes.n);
	wire_close(&t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(expirations), T(no_more_than_max_contacts), T(remove_existing), T(remove_unavailable),
		T(all_at_once), T(paths), T(rewritten), T(contact_acl), T(what_cannot_be_read),
		cmocka_unit_test(short_names_when_configured),
		T(gone_with_its_connection), T(moved_to_another_connection),
		cmocka_unit_test(same_contact_twice), T(same_contact_twice_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
