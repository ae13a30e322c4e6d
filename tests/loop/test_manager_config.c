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

static void file_is(const char *name, const char *want)
{
	char path[192], text[1024];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	assert_string_equal(text, want);
}

#define UPDATE(more) "Action: UpdateConfig\r\nSrcFilename: a.conf\r\nDstFilename: a.conf\r\n" more

/* Files are changed line by line, whole or not at all. */
static void changes(void **state)
{
	static const struct { const char *action, *answer; } refused[] = {
		{ "Action: UpdateConfig\r\nSrcFilename: a.conf", "Message: Filename not specified\r\n" },
		{ "Action: UpdateConfig\r\nSrcFilename: b.conf\r\nDstFilename: a.conf", "Message: Config file not found\r\n" },
		{ "Action: UpdateConfig\r\nSrcFilename: a.conf\r\nDstFilename: ../a.conf", "Message: File requires escalated privileges\r\n" },
		{ "Action: UpdateConfig\r\nSrcFilename: /etc/passwd\r\nDstFilename: a.conf", "Message: File requires escalated privileges\r\n" },
		{ UPDATE("Action-000000: append\r\nVar-000000: x"), "Message: Category not specified\r\n" },
		{ UPDATE("Action-000000: fly\r\nCat-000000: one"), "Message: Unknown action command\r\n" },
		{ UPDATE("Action-000000: append\r\nCat-000000: zwei\r\nVar-000000: x"), "Message: Given category does not exist\r\n" },
		{ UPDATE("Action-000000: append\r\nCat-000000: one"), "Message: Problem with category, value, or line (if required)\r\n" },
		{ UPDATE("Action-000000: append\r\nCat-000000: one\r\nVar-000000: #exec x"),
		  "Message: Problem with category, value, or line (if required)\r\n" },
		{ UPDATE("Action-000000: insert\r\nCat-000000: one\r\nVar-000000: x\r\nLine-000000: y"),
		  "Message: Problem with category, value, or line (if required)\r\n" },
		{ UPDATE("Action-000000: renamecat\r\nCat-000000: one"), "Message: Problem with category, value, or line (if required)\r\n" },
		{ UPDATE("Action-000000: newcat\r\nCat-000000: one"), "Message: Create category did not complete successfully\r\n" },
		{ UPDATE("Action-000000: newcat\r\nCat-000000: z\r\nOptions-000000: inherit=one"), "Message: Template category not found\r\n" },
		{ UPDATE("Action-000000: update\r\nCat-000000: one\r\nVar-000000: x"), "Message: Update did not complete successfully\r\n" },
		{ UPDATE("Action-000000: update\r\nCat-000000: one\r\nVar-000000: a\r\nValue-000000: 7\r\n"
			 "Action-000001: delete\r\nCat-000001: one\r\nVar-000001: x"), "Message: Update did not complete successfully\r\n" },
	};
	struct peer p = login("admin");

	(void)state;
	put_file("a.conf", "; head\n[one]\na=1\nb = 2 ; two\n");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		ask(&p, refused[i].action);
		HAS(&p, "Response: Error\r\n");
		HAS(&p, refused[i].answer);
		file_is("a.conf", "; head\n[one]\na=1\nb = 2 ; two\n");
	}
	ask(&p, UPDATE("Reload: yes\r\nAction-000000: update\r\nCat-000000: one\r\nVar-000000: b\r\nValue-000000: 3\r\nMatch-000000: 2\r\n"
		       "Action-000001: newcat\r\nCat-000001: two\r\n"
		       "Action-000002: append\r\nCat-000002: two\r\nVar-000002: c\r\nValue-000002: >4;5\r\n"
		       "Action-000003: delete\r\nCat-000003: one\r\nVar-000003: x\r\nOptions-000003: ignoreerror"));
	HAS(&p, "Response: Success\r\nActionID: 9\r\n\r\n");
	file_is("a.conf", "; head\n[one]\na=1\nb = 3 ; two\n\n[two]\nc => 4\\;5\n");
	assert_int_equal(t.reloads, 1);
	ask(&p, "Action: UpdateConfig\r\nSrcFilename: a.conf\r\nDstFilename: c.conf\r\nReload: no\r\nAction-000000: delcat\r\nCat-000000: one");
	HAS(&p, "Response: Success\r\n");
	file_is("c.conf", "\n[two]\nc => 4\\;5\n");
	ask(&p, "Action: UpdateConfig\r\nSrcFilename: a.conf\r\nDstFilename: c.conf\r\nReload: manager\r\nAction-000000: emptycat\r\nCat-000000: two");
	assert_int_equal(t.reloads, 2);
	assert_string_equal(text_z(&t.module), "manager");
	remove_file("a.conf");
	remove_file("c.conf");
	hang_up(&p);
}

static void new_files(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: CreateConfig");
	HAS(&p, "Message: Filename not specified\r\n");
	ask(&p, "Action: CreateConfig\r\nFilename: new.conf");
	HAS(&p, "Message: New configuration file created successfully\r\n");
	file_is("new.conf", "");
	ask(&p, "Action: CreateConfig\r\nFilename: new.conf");
	HAS(&p, "Message: File exists\r\n");
	ask(&p, "Action: CreateConfig\r\nFilename: ../new.conf");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: CreateConfig\r\nFilename: /tmp/new.conf");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	remove_file("new.conf");
	hang_up(&p);
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
		T(configuration), T(changes), T(new_files), T(configuration_without_secrets), T(configuration_stays_inside),
		T(objects_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
