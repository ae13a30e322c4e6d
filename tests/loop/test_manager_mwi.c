/* Mailboxes of an outside voicemail by the manager (MWIGet, MWIUpdate, MWIDelete), how the database
 * keeps them, and what is listed of subscriptions. */
#include "manager_stage.h"
#include "base/obj.h"
#include "store/astdb.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct {
	struct store *store;
	struct astdb *db;
} disk;

static int up(void **state)
{
	struct store_prm prm = { 0 };
	struct text why = { 0 };
	char path[128];

	manager_up(state);
	snprintf(path, sizeof(path), "%s/db", t.dir);
	prm.path = str_z(path);
	oom_pause(true);
	assert_int_equal(store_open(&disk.store, t.w.loop, &prm, &why), 0);
	assert_int_equal(astdb_new(&disk.db, disk.store), 0);
	oom_pause(false);
	t.w.pbx->db = disk.db;
	return 0;
}

static int down(void **state)
{
	static const char *const files[] = { "db", "db-wal", "db-shm" };
	char path[128];

	t.w.pbx->db = NULL;
	store_close(disk.store);
	astdb_free(disk.db);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", t.dir, files[i]);
		unlink(path);
	}
	return manager_down(state);
}

static void assert_kept(const char *name, const char *want)
{
	struct str v = STR_NULL;

	assert_int_equal(astdb_get(disk.db, STR("mwi_external/mailboxes"), str_z(name), &v), want != NULL);
	if (want)
		assert_true(str_eq(v, str_z(want)));
}

static void updates(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nOldMessages: 2\r\nNewMessages: 3");
	HAS(&p, "Response: Success\r\nActionID: 9\r\n\r\n");
	assert_kept("1@default", "{\"msgs_new\":\"3\",\"msgs_old\":\"2\"}");
	assert_int_equal(world_events(&t.w, "MessageWaiting", "New: 3"), 1);
	/* What is not said is none. */
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nNewMessages: 4 of them");
	assert_kept("1@default", "{\"msgs_new\":\"4\",\"msgs_old\":\"0\"}");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default");
	assert_kept("1@default", "{\"msgs_new\":\"0\",\"msgs_old\":\"0\"}");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nOldMessages: some");
	HAS(&p, "Response: Error\r\nActionID: 9\r\nMessage: Invalid OldMessages: some\r\n\r\n");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nNewMessages: -");
	HAS(&p, "Message: Invalid NewMessages: -\r\n");
	ask(&p, "Action: MWIUpdate\r\nNewMessages: 1");
	HAS(&p, "Message: Missing mailbox parameter in request\r\n");
	hang_up(&p);
	/* Of its class "call". */
	p = login("report");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 2@default");
	HAS(&p, "Response: Success\r\n");
	hang_up(&p);
}

static void gets(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: MWIGet\r\nMailbox: 1@default");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nEventList: start\r\nMessage: Mailboxes will follow\r\n\r\n"
	    "Event: MWIGetComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 0\r\n\r\n");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nOldMessages: 2\r\nNewMessages: 3");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 12@default\r\nNewMessages: 1");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 2@other\r\nNewMessages: 5");
	ask(&p, "Action: MWIGet\r\nMailbox: 1@default");
	HAS(&p, "Event: MWIGet\r\nMailbox: 1@default\r\nOldMessages: 2\r\nNewMessages: 3\r\nActionID: 9\r\n\r\n"
	    "Event: MWIGetComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 1\r\n\r\n");
	ask(&p, "Action: MWIGet\r\nMailbox: /^1/");
	HAS(&p, "Mailbox: 12@default\r\n");
	HAS(&p, "ListItems: 2\r\n");
	ask(&p, "Action: MWIGet\r\nMailbox: //");
	HAS(&p, "ListItems: 3\r\n");
	ask(&p, "Action: MWIGet\r\nMailbox: /1");
	HAS(&p, "Message: Mailbox regex format invalid in: /1\r\n");
	ask(&p, "Action: MWIGet");
	HAS(&p, "Message: Missing mailbox parameter in request\r\n");
	hang_up(&p);
}

static void deletes(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: MWIDelete\r\nMailbox: nobody@default");
	HAS(&p, "Response: Success\r\nActionID: 9\r\n\r\n");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 1@default\r\nNewMessages: 3");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 2@default");
	ask(&p, "Action: MWIUpdate\r\nMailbox: 3@default\r\nOldMessages: 1");
	world_forget_events(&t.w);
	ask(&p, "Action: MWIDelete\r\nMailbox: /^[12]/");
	HAS(&p, "Response: Success\r\nActionID: 9\r\n\r\n");
	assert_kept("1@default", NULL);
	assert_kept("2@default", NULL);
	assert_kept("3@default", "{\"msgs_new\":\"0\",\"msgs_old\":\"1\"}");
	assert_int_equal(world_events(&t.w, "MessageWaiting", "Mailbox: 1@default"), 1);
	assert_int_equal(world_events(&t.w, "MessageWaiting", "Mailbox: 2@default"), 0);
	ask(&p, "Action: MWIDelete\r\nMailbox: 3@default");
	assert_kept("3@default", NULL);
	hang_up(&p);
}

/* ---- subscriptions of ours ------------------------------------------------------------------- */

static void outbound(void **state)
{
	struct peer p = login("admin");
	struct snapshot *s = NULL;
	struct buf conf = BUF_INIT;

	(void)state;
	ask(&p, "Action: PJSIPShowSubscriptionsOutbound");
	HAS(&p, "EventList: start\r\nMessage: Following are Events for each outbound Subscription\r\n\r\n"
	    "Event: OutboundSubscriptionDetailComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 0\r\n\r\n");
	buf_puts(&conf, str_z(manager_pjsip), STR("[far]\ntype=outbound-subscription\nserver_uri=sip:100@127.0.0.1:5071\n"
						  "mailbox=100@default\n"));
	assert_int_equal(snapshot_parse(&s, buf_view(&conf), STR_NULL, t.svc->conf, NULL), 0);
	service_set_conf(t.svc, s, NULL);
	obj_drop(s);
	buf_free(&conf);
	ask(&p, "Action: PJSIPShowSubscriptionsOutbound");
	HAS(&p, "Event: OutboundSubscriptionDetail\r\nActionID: 9\r\nRole: Subscriber\r\nEndpoint: far\r\nCallid: <unknown>\r\n"
	    "State: NULL\r\nCallerid: Unknown\r\nSubscriptionType: mwi\r\nMailboxes: 100@default\r\n\r\n");
	ask(&p, "Action: Command\r\nCommand: pjsip show subscriptions outbound");
	HAS(&p, "Output: Endpoint: far/<none>\r\nOutput: Resource: sip:100@127.0.0.1:5071/message-summary\r\n"
	    "Output:   Expiry:        0  <unknown>\r\n");
	HAS(&p, "Output: 1 active subscriptions\r\n");
	ask(&p, "Action: Command\r\nCommand: pjsip list subscriptions outbound like nothing");
	HAS(&p, "Output: Endpoint/CLI                   Resource/Event                 Expiry Call-id\r\n");
	HAS(&p, "Output: 0 active subscriptions matched \"nothing\"\r\n");
	ask(&p, "Action: Command\r\nCommand: pjsip list subscriptions outbound");
	HAS(&p, "Output: far/<none>                     sip:100@127.0.0.1:5071/message      0 <unknown>\r\n");
	ask(&p, "Action: Command\r\nCommand: pjsip show subscription outbound <unknown>");
	HAS(&p, "Output: Resource            : sip:100@127.0.0.1:5071\r\nOutput: Event               : message-summary\r\n");
	HAS(&p, "Output: SubscriptionType    : mwi\r\n");
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(updates), T(gets), T(deletes), T(outbound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
