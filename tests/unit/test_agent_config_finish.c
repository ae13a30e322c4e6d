/* What follows from the parameters of the user agent at its start, and what is drawn at random. */
#include "agent/config.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define INVALID(json, name) "Invalid value " json " for parameter \"" name "\""

static int set(struct agent_config *c, const char *name, const char *json, struct text *why)
{
	return agent_config_set_json(c, str_z(name), str_z(json), why);
}

static void expect(const struct agent_config *c, const char *name, const char *json)
{
	struct text out = { 0 };

	assert_int_equal(agent_config_get_json(c, str_z(name), &out), 0);
	if (strcmp(text_z(&out), json))
		fail_msg("%s is %s, not %s", name, text_z(&out), json);
	text_free(&out);
}

/* Counts up, so that everything drawn differs. */
static void count_up(void *arg, void *p, size_t n)
{
	uint8_t *next = arg;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (*next)++;
}

static int finish(struct agent_config *c, struct text *why)
{
	uint8_t next = 0;

	return agent_config_finish(c, count_up, &next, why);
}

static void drawn(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "uri", "\"sip:anonymous.012345@anonymous.invalid\"");
	expect(&c, "registrarServer", "\"sip:anonymous.invalid\"");
	expect(&c, "authorizationUser", "\"anonymous.012345\"");
	expect(&c, "instanceId", "\"06070809-0a0b-4c0d-8e0f-101112131415\"");
	expect(&c, "contactName", "\"mnopqrst\"");
	expect(&c, "contactTransport", "\"ws\"");
	assert_string_equal(text_z(&c.user), "anonymous.012345");
	assert_string_equal(text_z(&c.host), "anonymous.invalid");
	assert_string_equal(text_z(&c.via_host), "uv0123456789.invalid");

	/* Once more: the same agent. */
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "uri", "\"sip:anonymous.012345@anonymous.invalid\"");
	expect(&c, "contactName", "\"mnopqrst\"");
	assert_string_equal(text_z(&c.via_host), "uv0123456789.invalid");
	agent_config_free(&c);
}

static void derived(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "uri", "\"a%20b@h:5070;x=y\"", NULL), 0);
	assert_int_equal(set(&c, "wsServers", "[\"ws://a\",\"tcp://b\"]", NULL), 0);
	assert_int_equal(set(&c, "hackIpInContact", "true", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "registrarServer", "\"sip:h:5070;x=y\"");
	expect(&c, "authorizationUser", "\"a b\"");
	expect(&c, "contactTransport", "null");
	assert_string_equal(text_z(&c.user), "a%20b");
	assert_string_equal(text_z(&c.host), "h");
	assert_true(str_starts(text_view(&c.via_host), STR("192.0.2.")));

	/* What was found follows a change; what was given stays. */
	assert_int_equal(set(&c, "uri", "\"carol@i\"", NULL), 0);
	assert_int_equal(set(&c, "hackIpInContact", "\"me.example\"", NULL), 0);
	assert_int_equal(set(&c, "authorizationUser", "\"boss\"", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "registrarServer", "\"sip:i\"");
	expect(&c, "authorizationUser", "\"boss\"");
	assert_string_equal(text_z(&c.via_host), "me.example");
	assert_int_equal(set(&c, "authorizationUser", "null", NULL), 0);
	assert_int_equal(set(&c, "registrarServer", "\"r\"", NULL), 0);
	assert_int_equal(set(&c, "contactTransport", "\"tls\"", NULL), 0);
	assert_int_equal(set(&c, "wsServers", "\"ws://a\"", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "registrarServer", "\"sip:r\"");
	expect(&c, "authorizationUser", "\"carol\"");
	expect(&c, "contactTransport", "\"tls\"");

	/* What was given, and is the default again, is found anew. */
	assert_int_equal(set(&c, "registrarServer", "null", NULL), 0);
	assert_int_equal(set(&c, "contactTransport", "\"\"", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	expect(&c, "registrarServer", "\"sip:i\"");
	expect(&c, "contactTransport", "\"ws\"");
	agent_config_free(&c);
}

static void option_tags(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "extraSupported", "[\"timer\",\"x-own\",\"timer\",\"histinfo\"]", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	assert_string_equal(text_z(&c.option_tags), "timer, histinfo");
	assert_int_equal(set(&c, "hackAllowUnregisteredOptionTags", "true", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	assert_string_equal(text_z(&c.option_tags), "timer, x-own, histinfo");
	agent_config_free(&c);
}

static void recovery_intervals(void **state)
{
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "connectionRecoveryMinInterval", "31", NULL), 0);
	assert_int_equal(finish(&c, &why), EINVAL);
	assert_string_equal(text_z(&why), INVALID("30", "connectionRecoveryMaxInterval"));
	assert_int_equal(set(&c, "connectionRecoveryMaxInterval", "31", NULL), 0);
	assert_int_equal(finish(&c, NULL), 0);
	text_free(&why);
	agent_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drawn),
		cmocka_unit_test(derived),
		cmocka_unit_test(option_tags),
		cmocka_unit_test(recovery_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
