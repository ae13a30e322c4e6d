/* extensions.conf: what is read, what is found, what is shown. */
#include "pbx/dialplan.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/timing.h"
#include "pbx/zone.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static const char plan[] =
	"[general]\n"
	"static=yes\n"
	"autofallthrough=no\n"
	"[globals]\n"
	"TRUNK=PJSIP/trunk\n"
	"DIAL=${TRUNK}/x\n"
	"NAME=bob\n"
	"[default]\n"
	"exten => 100,1,Answer()\n"
	"same => n(here),NoOp(a,(b),c)\n"
	"same => n+2(far),Dial(PJSIP/${EXTEN},20)\n"
	"same => n,Hangup\n"
	"exten => 100,hint,PJSIP/100&PJSIP/101,CustomPresence:100\n"
	"exten => 100/555,1,NoOp(for 555)\n"
	"exten => 100/_9X,1,NoOp(for 9x)\n"
	"exten => ${NAME},1,NoOp()\n"
	"exten => old,1,Dial,PJSIP/old,20\n"
	"exten => old,here+1,NoOp()\n"
	"exten => _1XX,1,NoOp(pattern)\n"
	"exten => _1XX,20,NoOp(pattern)\n"
	"exten => _1NX,1,NoOp(narrow)\n"
	"exten => _9.,1,NoOp(rest)\n"
	"exten => _8!,1,NoOp(rest)\n"
	"exten => 5-55,1,NoOp(dashes)\n"
	"include => other\n"
	"include => night,22:00-06:00,*,*,*\n"
	"include => loop\n"
	"ignorepat => 9\n"
	"switch => Realtime/default@x\n"
	"[other]\n"
	"exten => 200,1,NoOp()\n"
	"exten => 100,1,NoOp(hidden)\n"
	"exten => 100,30,NoOp(seen)\n"
	"[night]\n"
	"exten => 300,1,NoOp()\n"
	"[loop]\n"
	"include => default\n"
	"exten => 400,1,NoOp()\n"
	"[default]\n"
	"exten => late,1,NoOp(merged)\n";

struct world {
	struct pbx *p;
	struct buf faults;
};

static void fault(void *arg, struct str file, unsigned line, struct str text)
{
	struct world *w = arg;

	buf_printf(&w->faults, "%.*s:%u: %.*s\n", STR_ARG(file), line, STR_ARG(text));
}

static void load(struct world *w, struct str text)
{
	struct config_prm prm = { .dir = "/" };
	struct dialplan *d = NULL;
	struct vars globals = { 0 };
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("extensions.conf"), text, NULL), 0);
	assert_int_equal(dialplan_build(&d, cfg, &globals, fault, w), 0);
	config_free(cfg);
	dialplan_install(w->p, d, &globals);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct pbx_prm prm = { 0 };

	assert_int_equal(pbx_new(&w->p, &prm), 0);
	load(w, str_z(plan));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	pbx_free(w->p);
	buf_free(&w->faults);
	free(w);
	return 0;
}

static bool there(struct world *w, const char *exten, int priority, const char *caller)
{
	return dialplan_exists(w->p, STR("default"), str_z(exten), priority, str_z(caller));
}

static void found(void **state)
{
	struct world *w = *state;
	struct str dial;

	assert_true(there(w, "100", 1, ""));
	assert_true(there(w, "100", 2, ""));
	assert_false(there(w, "100", 3, ""));
	assert_true(there(w, "100", 5, ""));
	assert_true(there(w, "100", 6, ""));
	assert_true(there(w, "100", 20, ""));           /* only the pattern has it */
	assert_true(there(w, "100", 30, ""));           /* only the included one has it */
	assert_true(there(w, "bob", 1, ""));
	assert_true(there(w, "late", 1, ""));
	assert_true(there(w, "555", 1, ""));
	assert_true(there(w, "400", 1, ""));
	assert_true(there(w, "91", 1, ""));
	assert_false(there(w, "9", 1, ""));
	assert_true(there(w, "8", 1, ""));
	assert_false(there(w, "nobody", 1, ""));
	assert_false(dialplan_exists(w->p, STR("Default"), STR("100"), 1, STR_NULL));
	assert_true(dialplan_has_context(w->p, STR("night")));
	assert_false(dialplan_has_context(w->p, STR("general")));
	assert_false(dialplan_autofallthrough(w->p->plan));
	assert_true(vars_get(&w->p->globals, STR("DIAL"), &dial));
	assert_true(str_eq(dial, STR("PJSIP/trunk/x")));
}

static void labels(void **state)
{
	struct world *w = *state;

	assert_int_equal(dialplan_label(w->p, STR("default"), STR("100"), STR("here"), STR_NULL), 2);
	assert_int_equal(dialplan_label(w->p, STR("default"), STR("100"), STR("far"), STR_NULL), 5);
	assert_int_equal(dialplan_label(w->p, STR("default"), STR("100"), STR("no"), STR_NULL), 0);
}

static void more_digits(void **state)
{
	struct world *w = *state;
	struct str d = STR("default");

	assert_int_equal(dialplan_match(w->p, d, STR("10"), STR_NULL), MATCH_PARTIAL);
	assert_int_equal(dialplan_match(w->p, d, STR("100"), STR_NULL), MATCH_EXACT);
	assert_int_equal(dialplan_match(w->p, d, STR("77"), STR_NULL), MATCH_NONE);
	assert_int_equal(dialplan_match(w->p, d, STR("2"), STR_NULL), MATCH_PARTIAL);  /* by an include */
	assert_false(dialplan_can_grow(w->p, d, STR("100"), STR_NULL));
	assert_true(dialplan_can_grow(w->p, d, STR("91"), STR_NULL));
	assert_false(dialplan_can_grow(w->p, d, STR("8"), STR_NULL));                  /* ! wants no more */
	assert_true(dialplan_can_grow(w->p, d, STR(""), STR_NULL));
}

static bool shows(struct world *w, const char *what, const char *line)
{
	struct buf b = BUF_INIT;
	bool yes;

	dialplan_show(w->p, str_z(what), &b);
	yes = str_find(buf_view(&b), str_z(line)) < b.n;
	if (!yes)
		print_message("%.*s", STR_ARG(buf_view(&b)));
	buf_free(&b);
	return yes;
}

static void shown(void **state)
{
	struct world *w = *state;

	assert_true(shows(w, "", "[ Context 'default' created by 'pbx_config' ]\n"));
	assert_true(shows(w, "default",
		"  '100' =>          hint: PJSIP/100&PJSIP/101,CustomPresence:100  [extensions.conf:13]\n"
		"                    1. Answer()                                   [extensions.conf:9]\n"
		"     [here]         2. NoOp(a,(b),c)                              [extensions.conf:10]\n"
		"     [far]          5. Dial(PJSIP/${EXTEN},20)                    [extensions.conf:11]\n"
		"                    6. Hangup()                                   [extensions.conf:12]\n"));
	assert_true(shows(w, "default", "  '100' (CID match '555') =>  1. NoOp(for 555)"));
	assert_true(shows(w, "default", "1. Dial(PJSIP/old,20)"));
	assert_true(shows(w, "default", "  Include =>        'other'                                       [pbx_config]\n"));
	assert_true(shows(w, "default", "  Include =>        'night,22:00-06:00,*,*,*'"));
	assert_true(shows(w, "default", "  Ignore pattern => '9'"));
	assert_true(shows(w, "default", "  Alt. Switch =>    'Realtime/default@x'"));
	assert_true(shows(w, "200@other", "-= 1 extension (1 priority) in 1 context. =-\n"));
	assert_true(shows(w, "200@default", "[ Included context 'other' created by 'pbx_config' ]"));
	assert_true(shows(w, "x@default", "There is no existence of x@default extension\n"));
	assert_true(shows(w, "nowhere", "There is no existence of 'nowhere' context\n"));
}

struct steps {
	struct buf out;
};

static void note(void *arg, const struct dialplan_row *r)
{
	struct steps *s = arg;

	if (r->type == ROW_STEP && r->first)
		buf_puts(&s->out, r->exten, r->has_cid ? STR("/") : STR_NULL, r->cid, STR(" "));
}

static void ordered(void **state)
{
	struct world *w = *state;
	struct dialplan_count n;
	struct steps s = { 0 };

	dialplan_each(w->p, STR("default"), STR_NULL, &n, note, &s);
	assert_string_equal(buf_z(&s.out), "100/555 100/_9X 100 5-55 bob late old _1NX _1XX _8! _9. ");
	buf_free(&s.out);
}

static void faults(void **state)
{
	static const char bad[] =
		"[c]\n"
		"same => n,NoOp()\n"                            /* 2 */
		"exten => 1,n,NoOp()\n"
		"exten => 1,1,NoOp()\n"
		"exten => 1,1,Again()\n"                        /* 5 */
		"exten => 1,x,NoOp()\n"                         /* 6 */
		"exten => 1,2,NoOp(unclosed\n"                  /* 7 */
		"exten => 1,3(label,NoOp()\n"                   /* 8 */
		"exten => 1,4\n"                                /* 9 */
		"rubbish => 1\n"                                /* 10 */
		"include => nowhere\n"                          /* 11 */
		"exten => _.,1,NoOp()\n"                        /* 12 */
		"switch => DUNDi/x\n"                           /* 13 */
		"exten =>\n"                                    /* 14 */
		"exten => 2,0,NoOp()\n"                         /* 15 */
		"exten => good,1,NoOp()\n";
	static const unsigned lines[] = { 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15 };
	struct world *w = *state;
	char want[40];

	buf_reset(&w->faults);
	load(w, str_z(bad));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		snprintf(want, sizeof(want), "extensions.conf:%u: ", lines[i]);
		if (str_find(buf_view(&w->faults), str_z(want)) == w->faults.n)
			fail_msg("no fault at line %u in:\n%s", lines[i], buf_z(&w->faults));
	}
	assert_true(str_find(buf_view(&w->faults), STR("extensions.conf:16: ")) == w->faults.n);
	assert_true(dialplan_exists(w->p, STR("c"), STR("good"), 1, STR_NULL));
	assert_true(dialplan_exists(w->p, STR("c"), STR("1"), 1, STR_NULL));
}

/* Extensions that come and go stay over a reload. */
static void running(void **state)
{
	struct world *w = *state;
	struct str regs = STR("regs");

	assert_int_equal(dialplan_remove(w->p, regs, STR("alice"), 0), ENOENT);
	assert_int_equal(dialplan_add(w->p, regs, STR("alice"), 1, STR("NoOp"), STR("alice")), 0);
	assert_int_equal(dialplan_add(w->p, regs, STR("alice"), 1, STR("NoOp"), STR("again")), EEXIST);
	assert_int_equal(dialplan_add(w->p, regs, STR("_2XX"), 1, STR("NoOp"), STR("")), 0);
	assert_int_equal(dialplan_add(w->p, STR("default"), STR("_10[0-9]"), 7, STR("NoOp"), STR("")), 0);
	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", (i * 37) % 200);
		assert_int_equal(dialplan_add(w->p, regs, str_z(name), 1, STR("NoOp"), STR("")), 0);
	}
	assert_true(dialplan_exists(w->p, regs, STR("alice"), 1, STR_NULL));
	assert_true(dialplan_exists(w->p, regs, STR("250"), 1, STR_NULL));
	assert_true(there(w, "100", 7, ""));
	load(w, str_z(plan));
	assert_true(dialplan_exists(w->p, regs, STR("alice"), 1, STR_NULL));
	assert_true(shows(w, "alice@regs", "'alice' =>"));
	for (int i = 0; i < 200; i += 2) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(dialplan_remove(w->p, regs, str_z(name), 0), 0);
	}
	assert_true(dialplan_exists(w->p, regs, STR("199"), 1, STR_NULL));
	assert_false(dialplan_exists(w->p, regs, STR("198"), 1, STR_NULL));
	assert_int_equal(dialplan_remove(w->p, regs, STR("_2XX"), 1), 0);
	assert_false(dialplan_exists(w->p, regs, STR("250"), 1, STR_NULL));
}

/* What commands take out of extensions.conf, and what they put beside it. */
static void edited(void **state)
{
	struct world *w = *state;
	struct str def = STR("default"), other = STR("other");

	assert_true(shows(w, "default", "1. Answer()"));
	assert_int_equal(dialplan_add(w->p, def, STR("100"), 1, STR("NoOp"), STR("")), EEXIST);
	assert_int_equal(dialplan_remove(w->p, def, STR("_1XX"), 0), 0);
	assert_int_equal(dialplan_remove(w->p, def, STR("_1XX"), 0), ENOENT);
	assert_int_equal(dialplan_remove(w->p, def, STR("100"), 1), 0);
	assert_false(shows(w, "default", "1. Answer()"));
	assert_int_equal(dialplan_add_include(w->p, def, other), EEXIST);
	assert_int_equal(dialplan_remove_include(w->p, def, other), 0);
	assert_int_equal(dialplan_remove_include(w->p, def, other), ENOENT);
	assert_true(shows(w, "default", "Include =>        'loop'"));
	assert_false(shows(w, "default", "Include =>        'other'"));
	assert_int_equal(dialplan_add_include(w->p, def, other), 0);
	assert_int_equal(dialplan_add_include(w->p, def, other), EEXIST);
	assert_true(shows(w, "default", "Include =>        'other' "));
	assert_int_equal(dialplan_add_ignorepat(w->p, def, STR("9")), EEXIST);
	assert_int_equal(dialplan_remove_ignorepat(w->p, def, STR("9")), 0);
	assert_int_equal(dialplan_remove_ignorepat(w->p, def, STR("9")), ENOENT);
	assert_int_equal(dialplan_add_ignorepat(w->p, def, STR("_7X")), 0);
	assert_int_equal(dialplan_add_ignorepat(w->p, def, STR("_7X")), EEXIST);
	assert_int_equal(dialplan_add_ignorepat(w->p, def, STR("")), EINVAL);
	assert_true(shows(w, "default", "Ignore pattern => '_7X' "));
	assert_false(shows(w, "default", "Ignore pattern => '9'"));
	assert_true(dialplan_has(w->p, def));
	assert_int_equal(dialplan_remove_context(w->p, def), 0);
	assert_int_equal(dialplan_remove_context(w->p, def), ENOENT);
	assert_false(dialplan_has(w->p, def));
	/* A reload brings back what the file says. */
	load(w, str_z(plan));
	assert_true(shows(w, "default", "1. Answer()"));
	assert_true(dialplan_has(w->p, STR("100@default")));
	assert_false(dialplan_has(w->p, STR("nobody@nowhere")));
}

static void many(void **state)
{
	struct world *w = *state;
	struct buf text = { .max = 64u << 20 };
	uint64_t before;

	buf_put(&text, STR("[big]\n"));
	for (unsigned i = 0; i < 50000; i++)
		buf_printf(&text, "exten => %u,1,Dial(PJSIP/%u,20)\n same => n,Hangup()\n", 100000 + i * 7919 % 50000, i);
	before = clock_us(clock_real());
	load(w, buf_view(&text));
	assert_true(clock_us(clock_real()) - before < 5000000);        /* sanitizers and a slow machine included */
	before = clock_us(clock_real());
	for (unsigned i = 0; i < 50000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", 100000 + i);
		assert_true(dialplan_exists(w->p, STR("big"), str_z(name), 2, STR_NULL));
	}
	assert_true(clock_us(clock_real()) - before < 2000000);
	assert_true(dialplan_can_grow(w->p, STR("big"), STR("10"), STR_NULL));
	buf_free(&text);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute };

	return (int64_t)timegm(&tm);
}

static bool holds(const char *text, int64_t when)
{
	struct timing t;

	assert_int_equal(timing_parse(&t, str_z(text)), 0);
	return timing_holds(&t, when);
}

static void times(void **state)
{
	int64_t wed = at(2024, 7, 3, 12, 30);   /* a Wednesday */
	struct timing t;
	struct tm tm;

	(void)state;
	assert_true(holds("*,*,*,*,UTC", wed));
	assert_true(holds("09:00-12:30,mon-fri,*,*,UTC", wed));
	assert_false(holds("09:00-12:29,mon-fri,*,*,UTC", wed));
	assert_true(holds("22:00-12:30,*,*,*,UTC", wed));
	assert_true(holds("*,fri-wed,*,*,UTC", wed));
	assert_false(holds("*,thu-tue,*,*,UTC", wed));
	assert_true(holds("*,mon&wed,1-3,jul,UTC", wed));
	assert_false(holds("*,*,4-31,*,UTC", wed));
	assert_true(holds("*,*,*,nov-jul,UTC", wed));
	assert_true(holds("14:30,*,*,*,Europe/Berlin", wed));
	assert_true(holds("21:30,*,*,*,Asia/Tokyo", wed));
	assert_true(holds("08:30,*,*,*,America/New_York", wed));
	assert_true(holds("07:30,*,*,*,America/New_York", at(2040, 1, 4, 12, 30)));     /* by the rule, not the table */
	assert_true(holds("23:30,*,*,*,Australia/Sydney", at(2040, 1, 4, 12, 30)));
	assert_int_equal(timing_parse(&t, STR("25:00-26:00,*,*,*")), EINVAL);
	assert_int_equal(timing_parse(&t, STR("*,someday,*,*")), EINVAL);
	assert_int_equal(zone_civil(STR("../../etc/passwd"), 0, &tm), ENOENT);
	assert_int_equal(zone_civil(STR("No/Where"), 0, &tm), ENOENT);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(found), WITH_WORLD(labels), WITH_WORLD(more_digits), WITH_WORLD(shown), WITH_WORLD(ordered),
		WITH_WORLD(faults), WITH_WORLD(running), WITH_WORLD(edited), WITH_WORLD(many), cmocka_unit_test(times),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
