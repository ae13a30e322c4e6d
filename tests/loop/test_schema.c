/* That the judge of XML bodies judges: one valid body of each type, and what is wrong with others. */
#include "schema.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define PIDF(more) "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:a@b\">" more "</presence>"
#define TUPLE "<tuple id=\"t\"><status><basic>open</basic></status></tuple>"
#define DIALOG(more) "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:a@b\">" \
	more "</dialog-info>"
#define REG(more) "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" state=\"full\">" more "</reginfo>"
#define WINFO(status) "<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"0\" state=\"full\"><watcher-list " \
	"resource=\"sip:a@b\" package=\"presence\"><watcher status=\"" status "\" id=\"1\" event=\"subscribe\">sip:c@d</watcher>" \
	"</watcher-list></watcherinfo>"
#define CONF(state) "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:1@b\" state=\"" state "\" version=\"1\"/>"
#define DIFF(more) "<p:pidf-diff xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\" entity=\"sip:a@b\" " \
	"version=\"1\">" more "</p:pidf-diff>"
#define RLMI(state) "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:l@b\" version=\"0\" fullState=\"true\"><resource uri=\"sip:a@b\">" \
	"<instance id=\"1\" state=\"" state "\"/></resource></list>"

static const struct {
	const char *type;
	bool valid;
	const char *body;
} tv[] = {
	{ "application/pidf+xml", true, PIDF(TUPLE) },
	{ "application/pidf+xml;charset=utf-8", true, PIDF("<note>first, as Asterisk has it</note>" TUPLE) },
	{ "application/pidf+xml", false, PIDF("<tuple id=\"t\"><status><basic>ajar</basic></status></tuple>") },
	{ "application/pidf+xml", false, PIDF("<tuple id=\"t\"/>") },
	{ "application/pidf+xml", false, PIDF(TUPLE) "<" },
	{ "application/dialog-info+xml", true, DIALOG("<dialog id=\"1\"><state>early</state></dialog>") },
	{ "application/dialog-info+xml", false, DIALOG("<dialog id=\"1\"><state>late</state></dialog>") },
	{ "application/dialog-info+xml", false, DIALOG("<dialog><state>early</state></dialog>") },
	{ "application/reginfo+xml", true, REG("<registration aor=\"sip:a@b\" id=\"1\" state=\"init\"/>") },
	{ "application/reginfo+xml", false, REG("<registration aor=\"sip:a@b\" id=\"1\" state=\"done\"/>") },
	{ "application/watcherinfo+xml", true, WINFO("active") },
	{ "application/watcherinfo+xml", false, WINFO("asleep") },
	{ "application/conference-info+xml", true, CONF("full") },
	{ "application/conference-info+xml", false, CONF("half") },
	{ "application/pidf-diff+xml", true, DIFF("<p:remove sel=\"*/note\"/>") },
	{ "application/pidf-diff+xml", false, DIFF("<p:remove/>") },
	{ "application/rlmi+xml", true, RLMI("active") },
	{ "application/rlmi+xml", false, RLMI("happy") },
	{ "application/xpidf+xml", true, "no schema, no judgement" },
};

static void bodies_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		const char *why = schema_fault(str_z(tv[i].type), str_z(tv[i].body));

		if (tv[i].valid && why)
			fail_msg("%s: %s", tv[i].body, why);
		if (!tv[i].valid && !why)
			fail_msg("taken as valid: %s", tv[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bodies_are_judged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
