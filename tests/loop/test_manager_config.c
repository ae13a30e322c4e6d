/* What managers see of the configuration: files, categories, objects, and none of the secrets. */
#include "manager_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static void configuration(void **state)
{
	struct peer p = login("admin");
	char path[128];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/a.conf", t.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[one]\na=1\nb=2 \"x\"\n[two]\n", f);
	fclose(f);
	ask(&p, "Action: GetConfig\r\nFilename: a.conf");
	HAS(&p, "Category-000000: one\r\nLine-000000-000000: a=1\r\nLine-000000-000001: b=2 \"x\"\r\n"
	    "Category-000001: two\r\n\r\n");
	ask(&p, "Action: GetConfigJSON\r\nFilename: a.conf\r\nCategory: one");
	HAS(&p, "JSON: {\"one\":{\"a\":\"1\",\"b\":\"2 \\\"x\\\"\"}}\r\n\r\n");
	ask(&p, "Action: ListCategories\r\nFilename: a.conf");
	HAS(&p, "Category-000000: one\r\nCategory-000001: two\r\n\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: ../../etc/passwd");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: /etc/passwd");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: b.conf");
	HAS(&p, "Message: Config file not found\r\n");
	unlink(path);
	hang_up(&p);
}

static void put_file(const char *name, const char *text)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	unlink(path);
}

/* Who may read configuration files is not yet who may read passwords. */
static void configuration_without_secrets(void **state)
{
	static const char *const files[] = { "pjsip.conf", "manager.conf", "pjsip_wizard.conf", "other.conf" };
	static const char *const actions[] = { "GetConfig", "GetConfigJSON" };
	struct peer low = login("config"), high = login("admin");
	char text[200];

	(void)state;
	put_file("pjsip.conf", "[a]\ntype=auth\nusername=alice\npassword=hush\nmd5_cred=hush\npassword_digest=MD5:hush\n"
		 "oauth_secret=hush\nrefresh_token=hush\n");
	put_file("manager.conf", "[general]\nport=5038\n[joe]\nsecret=hush\nread=all\n");
	put_file("pjsip_wizard.conf", "[w]\ntype=wizard\ninbound_auth/username=w\ninbound_auth/password=hush\n");
	put_file("other.conf", "[x]\ndbpass=hush\nuri=pgsql://u:hush@h/d\nname=x\n");
	for (size_t i = 0; i < ARRAY_LEN(files) * ARRAY_LEN(actions); i++) {
		const char *file = files[i / ARRAY_LEN(actions)];

		snprintf(text, sizeof(text), "Action: %s\r\nFilename: %s", actions[i % ARRAY_LEN(actions)], file);
		ask(&low, text);
		HAS(&low, "Response: Success\r\n");
		HAS_NOT(&low, "hush");
		HAS(&low, "***");
		ask(&high, text);
		HAS(&high, "hush");
		remove_file(i % ARRAY_LEN(actions) ? file : "none");
	}
	hang_up(&low);
	hang_up(&high);
}

static void configuration_stays_inside(void **state)
{
	struct peer p = login("admin");
	char text[300], link_name[128];

	(void)state;
	put_file("a.conf", "[one]\na=1\n");
	snprintf(link_name, sizeof(link_name), "%s/link.conf", t.dir);
	assert_int_equal(symlink("/etc/passwd", link_name), 0);
	ask(&p, "Action: GetConfig\r\nFilename: link.conf");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	snprintf(text, sizeof(text), "Action: GetConfig\r\nFilename: ../%s/a.conf", t.dir + 5);
	ask(&p, text);
	HAS(&p, "Message: File requires escalated privileges\r\n");
	/* Nobody learns what exists outside. */
	ask(&p, "Action: ListCategories\r\nFilename: /etc/there-is-no-such-file");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfigJSON\r\nFilename: .");
	HAS(&p, "Response: Error\r\n");
	snprintf(text, sizeof(text), "Action: GetConfig\r\nFilename: %s/a.conf", t.dir);
	ask(&p, text);
	HAS(&p, "a=1\r\n");
	unlink(link_name);
	remove_file("a.conf");
	hang_up(&p);
}

/* Passwords of objects too. */
static void objects_without_secrets(void **state)
{
	static const char *const low_sees[] = { "Action: PJSIPShowRegistrationsOutbound",
		"Action: Getvar\r\nVariable: PJSIP_AUTH(alice,password)",
		"Action: Status\r\nVariables: PJSIP_AUTH(alice,password)",
		"Action: Command\r\nCommand: dialplan eval function ${PJSIP_AUTH(alice,password)}",
		"Action: Command\r\nCommand: pjsip show auth alice", "Action: Command\r\nCommand: pjsip show auths",
		"Action: Command\r\nCommand: manager show user admin", "Action: PJSIPShowAuths",
		"Action: PJSIPShowEndpoint\r\nEndpoint: alice" };
	static const char more[] = "[out]\ntype=registration\nserver_uri=sip:127.0.0.1:5999\nclient_uri=sip:a@127.0.0.1\n"
		"outbound_auth=alice\n";
	struct peer low = login("report"), high = login("admin");
	struct buf text = BUF_INIT;
	struct snapshot *conf = NULL;

	(void)state;
	buf_puts(&text, str_z(manager_pjsip), str_z(more));
	assert_int_equal(snapshot_parse(&conf, buf_view(&text), STR_NULL, NULL, NULL), 0);
	service_set_conf(t.svc, conf, NULL);
	obj_drop(conf);
	buf_free(&text);
	for (size_t i = 0; i < ARRAY_LEN(low_sees); i++) {
		ask(&low, low_sees[i]);
		HAS_NOT(&low, "s3cret");
	}
	ask(&high, "Action: PJSIPShowAuths");
	HAS(&high, "Password: s3cret\r\n");
	ask(&high, "Action: PJSIPShowRegistrationsOutbound");
	HAS(&high, "Password: s3cret\r\n");
	hang_up(&low);
	hang_up(&high);
}

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration), T(configuration_without_secrets), T(configuration_stays_inside),
		T(objects_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
