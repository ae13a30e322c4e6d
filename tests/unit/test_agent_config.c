/* The parameters of the user agent: good and bad values of each, defaults, errors. */
#include "agent/config.h"
#include "agent/json.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define INVALID(json, name) "Invalid value " json " for parameter \"" name "\""
#define MISSING(name) "Missing parameter: " name
#define WSS_DEFAULT "[{\"ws_uri\":\"wss://edge.sip.onsip.com\",\"sip_uri\":\"<sip:edge.sip.onsip.com;transport=ws;lr>\"," \
	"\"weight\":0,\"status\":0,\"scheme\":\"WSS\"}]"
#define SERVER(uri, sip, weight, scheme) "{\"ws_uri\":\"" uri "\",\"sip_uri\":\"<sip:" sip ";lr>\",\"weight\":" weight \
	",\"status\":0,\"scheme\":\"" scheme "\"}"

/* What a value becomes; bad: what is said. */
static const struct vector {
	const char *name, *in, *out, *bad;
} vectors[] = {
	/* null, "" and [] are the default, whatever the parameter is */
	{ "uri", "null", "null", NULL },
	{ "uri", "\"\"", "null", NULL },
	{ "register", "[]", "true", NULL },
	{ "registerExpires", " null ", "600", NULL },
	{ "wsServers", "\"\"", WSS_DEFAULT, NULL },
	{ "wsServers", "[]", WSS_DEFAULT, NULL },
	{ "log", "null", "{\"builtinEnabled\":true,\"level\":2}", NULL },

	{ "uri", "\"alice@example.com\"", "\"sip:alice@example.com\"", NULL },
	{ "uri", "\"SIP:alice@example.com:5070;transport=ws\"", "\"sip:alice@example.com:5070;transport=ws\"", NULL },
	{ "uri", "\"sip:a%20b@[2001:db8::1]\"", "\"sip:a%20b@[2001:db8::1]\"", NULL },
	{ "uri", "\"bob\"", NULL, INVALID("\"bob\"", "uri") },
	{ "uri", "\"sip:example.com\"", NULL, INVALID("\"sip:example.com\"", "uri") },
	{ "uri", "\"sips:a@b\"", NULL, INVALID("\"sips:a@b\"", "uri") },
	{ "uri", "\"sip:a:secret@b\"", NULL, INVALID("\"sip:a:secret@b\"", "uri") },
	{ "uri", "\"sip:a@b?X=y\"", NULL, INVALID("\"sip:a@b?X=y\"", "uri") },
	{ "uri", "\"sip:a@b@c\"", NULL, INVALID("\"sip:a@b@c\"", "uri") },
	{ "uri", "\"sip:a b@c\"", NULL, INVALID("\"sip:a b@c\"", "uri") },
	{ "uri", "\"sip:a%0d%0ab@c\"", NULL, INVALID("\"sip:a%0d%0ab@c\"", "uri") },
	{ "uri", "\"sip:a%2@c\"", NULL, INVALID("\"sip:a%2@c\"", "uri") },
	{ "uri", "\"sip:a@c\\r\\nX: y\"", NULL, INVALID("\"sip:a@c\\r\\nX: y\"", "uri") },
	{ "uri", "\"sip:\\u00e9@c\"", NULL, INVALID("\"sip:\303\251@c\"", "uri") },
	{ "uri", "\"sip:a@c:0\"", NULL, INVALID("\"sip:a@c:0\"", "uri") },
	{ "uri", "\"sip:a@-b\"", NULL, INVALID("\"sip:a@-b\"", "uri") },
	{ "uri", "\"sip:a@1.2.3\"", NULL, INVALID("\"sip:a@1.2.3\"", "uri") },
	{ "uri", "17", NULL, INVALID("17", "uri") },
	{ "uri", "0", NULL, MISSING("uri") },
	{ "uri", "false", NULL, MISSING("uri") },
	{ "uri", "{ \"a\" : [ 1, \"x\" ] }", NULL, INVALID("{\"a\":[1,\"x\"]}", "uri") },
	{ "uri", "sip:a@b", NULL, INVALID("sip:a@b", "uri") },
	{ "uri", "\"a@b", NULL, INVALID("\"a@b", "uri") },

	{ "wsServers", "\"ws://sip-ws.example.com\"", "[" SERVER("ws://sip-ws.example.com", "sip-ws.example.com;transport=ws", "0", "WS") "]", NULL },
	{ "wsServers", "\"ws://sip-ws.example.com:8443/sip?KEY=1234\"",
	  "[" SERVER("ws://sip-ws.example.com:8443/sip?KEY=1234", "sip-ws.example.com:8443;transport=ws", "0", "WS") "]", NULL },
	{ "wsServers", "\"wss://h?a\"", "[" SERVER("wss://h?a", "h;transport=ws", "0", "WSS") "]", NULL },
	{ "wsServers", "\"WSS://[::1]:1/\"", "[" SERVER("WSS://[::1]:1/", "[::1]:1;transport=ws", "0", "WSS") "]", NULL },
	{ "wsServers", "\"wss://me:key@h/\"", "[" SERVER("wss://me:key@h/", "h;transport=ws", "0", "WSS") "]", NULL },
	{ "wsServers", "\"udp://h:5070\"", "[" SERVER("udp://h:5070", "h:5070;transport=udp", "0", "UDP") "]", NULL },
	{ "wsServers", "\"tcp://h\"", "[" SERVER("tcp://h", "h;transport=tcp", "0", "TCP") "]", NULL },
	{ "wsServers", "\"tls://h\"", "[" SERVER("tls://h", "h;transport=tls", "0", "TLS") "]", NULL },
	{ "wsServers", "[\"ws://a\",{\"ws_uri\":\"wss://b\",\"weight\":10},{\"wsUri\":\"ws://c\",\"weight\":\"1.5\"},{\"ws_uri\":\"ws://d\",\"weight\":null}]",
	  "[" SERVER("ws://a", "a;transport=ws", "0", "WS") "," SERVER("wss://b", "b;transport=ws", "10", "WSS") ","
	  SERVER("ws://c", "c;transport=ws", "1.5", "WS") "," SERVER("ws://d", "d;transport=ws", "0", "WS") "]", NULL },
	{ "wsServers", "{\"ws_uri\":\"ws://a\",\"weight\":-1}", "[" SERVER("ws://a", "a;transport=ws", "-1", "WS") "]", NULL },
	{ "wsServers", "\"http://h\"", NULL, INVALID("\"http://h\"", "wsServers") },
	{ "wsServers", "\"h\"", NULL, INVALID("\"h\"", "wsServers") },
	{ "wsServers", "\"ws:h\"", NULL, INVALID("\"ws:h\"", "wsServers") },
	{ "wsServers", "\"ws://\"", NULL, INVALID("\"ws://\"", "wsServers") },
	{ "wsServers", "\"ws:///sip\"", NULL, INVALID("\"ws:///sip\"", "wsServers") },
	{ "wsServers", "\"ws://h:99999\"", NULL, INVALID("\"ws://h:99999\"", "wsServers") },
	{ "wsServers", "\"ws://a..b\"", NULL, INVALID("\"ws://a..b\"", "wsServers") },
	{ "wsServers", "\"ws://h/a b\"", NULL, INVALID("\"ws://h/a b\"", "wsServers") },
	{ "wsServers", "\"ws://h/%zz\"", NULL, INVALID("\"ws://h/%zz\"", "wsServers") },
	{ "wsServers", "\"ws://h/#x\"", NULL, INVALID("\"ws://h/#x\"", "wsServers") },
	{ "wsServers", "\"ws://h;x=y\"", NULL, INVALID("\"ws://h;x=y\"", "wsServers") },
	{ "wsServers", "\"udp://h/path\"", NULL, INVALID("\"udp://h/path\"", "wsServers") },
	{ "wsServers", "\"udp://u@h\"", NULL, INVALID("\"udp://u@h\"", "wsServers") },
	{ "wsServers", "[\"ws://a\",{\"weight\":1}]", NULL, INVALID("[\"ws://a\",{\"weight\":1}]", "wsServers") },
	{ "wsServers", "[{\"ws_uri\":\"ws://a\",\"weight\":\"heavy\"}]", NULL, INVALID("[{\"ws_uri\":\"ws://a\",\"weight\":\"heavy\"}]", "wsServers") },
	{ "wsServers", "[{\"ws_uri\":\"ws://a\",\"weight\":true}]", NULL, INVALID("[{\"ws_uri\":\"ws://a\",\"weight\":true}]", "wsServers") },
	{ "wsServers", "[null]", NULL, INVALID("[null]", "wsServers") },
	{ "wsServers", "[[\"ws://a\"]]", NULL, INVALID("[[\"ws://a\"]]", "wsServers") },
	{ "wsServers", "17", NULL, INVALID("17", "wsServers") },
	{ "wsServers", "false", NULL, MISSING("wsServers") },

	{ "authorizationUser", "\"alice123\"", "\"alice123\"", NULL },
	{ "authorizationUser", "17", "\"17\"", NULL },
	{ "authorizationUser", "\"a\\\"b\"", NULL, INVALID("\"a\\\"b\"", "authorizationUser") },
	{ "displayName", "\"Alice \\u00b6\\u20acĸøĸø\"", "\"Alice ¶€ĸøĸø\"", NULL },
	{ "displayName", "\"\"", "\"\"", NULL },
	{ "displayName", "0", "\"0\"", NULL },
	{ "displayName", "true", "\"true\"", NULL },
	{ "displayName", "false", "\"\"", NULL },
	{ "displayName", "\"a\\\\b\\\\\\\\\"", "\"a\\\\b\\\\\\\\\"", NULL },
	{ "displayName", "\"a\\\\\"", NULL, INVALID("\"a\\\\\"", "displayName") },
	{ "displayName", "\"a\\\\\\\\\\\\\"", NULL, INVALID("\"a\\\\\\\\\\\\\"", "displayName") },
	{ "displayName", "\"Al \\\"x\\\"\"", NULL, INVALID("\"Al \\\"x\\\"\"", "displayName") },
	{ "displayName", "\"a\\nb\"", NULL, INVALID("\"a\\nb\"", "displayName") },
	{ "displayName", "\"a\\u0000b\"", NULL, INVALID("\"a\\u0000b\"", "displayName") },
	{ "displayName", "[1]", NULL, INVALID("[1]", "displayName") },
	{ "displayName", "\"\xff\"", NULL, INVALID("\"\xff\"", "displayName") },

	{ "password", "\"1234\"", "\"1234\"", NULL },
	{ "password", "1234", "\"1234\"", NULL },
	{ "password", "0", "\"0\"", NULL },
	{ "password", "false", "\"false\"", NULL },
	{ "password", "\"a\\nb\\\"\"", "\"a\\nb\\\"\"", NULL },
	{ "password", "null", "null", NULL },
	{ "password", "[\"geheim\"]", NULL, INVALID("\"***\"", "password") },
	{ "password", "geheim", NULL, INVALID("***", "password") },

	{ "userAgentString", "\"myAwesomeApp\"", "\"myAwesomeApp\"", NULL },
	{ "userAgentString", "null", "\"" AGENT_USER_AGENT "\"", NULL },
	{ "userAgentString", "17", NULL, INVALID("17", "userAgentString") },
	{ "userAgentString", "\"a\\r\\nX: y\"", NULL, INVALID("\"a\\r\\nX: y\"", "userAgentString") },

	{ "registrarServer", "\"sip:registrar.mydomain.com\"", "\"sip:registrar.mydomain.com\"", NULL },
	{ "registrarServer", "\"r:5070;x=y\"", "\"sip:r:5070;x=y\"", NULL },
	{ "registrarServer", "\"sip:a@b\"", NULL, INVALID("\"sip:a@b\"", "registrarServer") },
	{ "registrarServer", "\"sips:b\"", NULL, INVALID("\"sips:b\"", "registrarServer") },
	{ "registrarServer", "\"60\"", NULL, INVALID("\"60\"", "registrarServer") },
	{ "registrarServer", "\"sips:5061\"", NULL, INVALID("\"sips:5061\"", "registrarServer") },
	{ "registrarServer", "17", NULL, INVALID("17", "registrarServer") },

	{ "instanceId", "\"uuid:8f1fa16a-1165-4a96-8341-785b1ef24f12\"", "\"8f1fa16a-1165-4a96-8341-785b1ef24f12\"", NULL },
	{ "instanceId", "\"UUID:8F1FA16A-1165-4A96-8341-785B1EF24F12\"", "\"8F1FA16A-1165-4A96-8341-785B1EF24F12\"", NULL },
	{ "instanceId", "\"8f1fa16a-1165-4a96-8341-785b1ef24f12\"", "\"8f1fa16a-1165-4a96-8341-785b1ef24f12\"", NULL },
	{ "instanceId", "\"8f1fa16a-1165-4a96-8341-785b1ef24f1\"", NULL, INVALID("\"8f1fa16a-1165-4a96-8341-785b1ef24f1\"", "instanceId") },
	{ "instanceId", "\"8f1fa16a11654a968341785b1ef24f12\"", NULL, INVALID("\"8f1fa16a11654a968341785b1ef24f12\"", "instanceId") },
	{ "instanceId", "\"8f1fa16a-1165-4a96-8341-785b1ef24f123\"", NULL, INVALID("\"8f1fa16a-1165-4a96-8341-785b1ef24f123\"", "instanceId") },
	{ "instanceId", "\"8f1fa16a-1165x4a96-8341-785b1ef24f12\"", NULL, INVALID("\"8f1fa16a-1165x4a96-8341-785b1ef24f12\"", "instanceId") },
	{ "instanceId", "1", NULL, INVALID("1", "instanceId") },

	{ "hackIpInContact", "true", "true", NULL },
	{ "hackIpInContact", "false", "false", NULL },
	{ "hackIpInContact", "\"host.example\"", "\"host.example\"", NULL },
	{ "hackIpInContact", "\"[::1]\"", "\"[::1]\"", NULL },
	{ "hackIpInContact", "\"192.0.2.7\"", "\"192.0.2.7\"", NULL },
	{ "hackIpInContact", "\"my_host.example.\"", "\"my_host.example.\"", NULL },
	{ "hackIpInContact", "\"60\"", NULL, INVALID("\"60\"", "hackIpInContact") },
	{ "hackIpInContact", "\"1.2.3\"", NULL, INVALID("\"1.2.3\"", "hackIpInContact") },
	{ "hackIpInContact", "\"256.1.1.1\"", NULL, INVALID("\"256.1.1.1\"", "hackIpInContact") },
	{ "hackIpInContact", "\"-a.b\"", NULL, INVALID("\"-a.b\"", "hackIpInContact") },
	{ "hackIpInContact", "\"a-.b\"", NULL, INVALID("\"a-.b\"", "hackIpInContact") },
	{ "hackIpInContact", "\"a..b\"", NULL, INVALID("\"a..b\"", "hackIpInContact") },
	{ "hackIpInContact", "\".\"", NULL, INVALID("\".\"", "hackIpInContact") },
	{ "hackIpInContact", "\"a.-b\"", NULL, INVALID("\"a.-b\"", "hackIpInContact") },
	{ "hackIpInContact", "\"[1]\"", NULL, INVALID("\"[1]\"", "hackIpInContact") },
	{ "hackIpInContact", "\"[::1\"", NULL, INVALID("\"[::1\"", "hackIpInContact") },
	{ "hackIpInContact", "\"[::1]:5060\"", NULL, INVALID("\"[::1]:5060\"", "hackIpInContact") },
	{ "hackIpInContact", "\"a.1b\"", NULL, INVALID("\"a.1b\"", "hackIpInContact") },
	{ "hackIpInContact", "\"h:5060\"", NULL, INVALID("\"h:5060\"", "hackIpInContact") },
	{ "hackIpInContact", "\"a b\"", NULL, INVALID("\"a b\"", "hackIpInContact") },
	{ "hackIpInContact", "\"u@h\"", NULL, INVALID("\"u@h\"", "hackIpInContact") },
	{ "hackIpInContact", "1", NULL, INVALID("1", "hackIpInContact") },
	{ "hackIpInContact", "0", NULL, MISSING("hackIpInContact") },

	{ "contactName", "\"alice\"", "\"alice\"", NULL },
	{ "contactName", "\"a b@%40\"", "\"a%20b%40%40\"", NULL },
	{ "contactName", "\"a\\nb\"", NULL, INVALID("\"a\\nb\"", "contactName") },
	{ "contactName", "17", NULL, INVALID("17", "contactName") },
	{ "contactTransport", "\"tcp\"", "\"tcp\"", NULL },
	{ "contactTransport", "\"a;b\"", NULL, INVALID("\"a;b\"", "contactTransport") },
	{ "contactTransport", "true", NULL, INVALID("true", "contactTransport") },

	{ "extraSupported", "[\"timer\", \"x-own\"]", "[\"timer\",\"x-own\"]", NULL },
	{ "extraSupported", "[]", "[]", NULL },
	{ "extraSupported", "\"timer\"", NULL, INVALID("\"timer\"", "extraSupported") },
	{ "extraSupported", "[\"timer\",1]", NULL, INVALID("[\"timer\",1]", "extraSupported") },
	{ "extraSupported", "[\"a, b\"]", NULL, INVALID("[\"a, b\"]", "extraSupported") },

	{ "rel100", "\"required\"", "\"required\"", NULL },
	{ "rel100", "\"supported\"", "\"supported\"", NULL },
	{ "rel100", "\"none\"", "\"none\"", NULL },
	{ "rel100", "\"Required\"", "\"none\"", NULL },
	{ "rel100", "17", "\"none\"", NULL },
	{ "rel100", "false", "\"none\"", NULL },
	{ "replaces", "\"supported\"", "\"supported\"", NULL },
	{ "replaces", "\"required\"", "\"required\"", NULL },
	{ "replaces", "{}", "\"none\"", NULL },
	{ "dtmfType", "\"rtp\"", "\"rtp\"", NULL },
	{ "dtmfType", "\"info\"", "\"info\"", NULL },
	{ "dtmfType", "\"RTP\"", "\"info\"", NULL },
	{ "dtmfType", "1", "\"info\"", NULL },

	{ "log", "{\"builtinEnabled\":false,\"level\":\"debug\"}", "{\"builtinEnabled\":false,\"level\":3}", NULL },
	{ "log", "{\"level\":0}", "{\"builtinEnabled\":true,\"level\":0}", NULL },
	{ "log", "{\"level\":\"1\"}", "{\"builtinEnabled\":true,\"level\":1}", NULL },
	{ "log", "{\"level\":17}", "{\"builtinEnabled\":true,\"level\":3}", NULL },
	{ "log", "{\"level\":-1}", "{\"builtinEnabled\":true,\"level\":2}", NULL },
	{ "log", "{\"level\":\"loud\",\"builtinEnabled\":1}", "{\"builtinEnabled\":true,\"level\":2}", NULL },
	{ "log", "17", "{\"builtinEnabled\":true,\"level\":2}", NULL },

	{ "keepAliveInterval", "0", "0", NULL },
	{ "keepAliveInterval", "-0", "0", NULL },
	{ "keepAliveInterval", "-1", NULL, INVALID("-1", "keepAliveInterval") },
	{ "transportOptions", "{\"wsServers\":\"ws://a\",\"maxReconnectionAttempts\":7,\"reconnectionTimeout\":\"8\",\"keepAliveInterval\":9,\"traceSip\":true,\"more\":1}",
	  "{\"wsServers\":[" SERVER("ws://a", "a;transport=ws", "0", "WS") "],\"keepAliveInterval\":9,\"traceSip\":true,"
	  "\"maxReconnectionAttempts\":7,\"reconnectionTimeout\":8}", NULL },
	{ "transportOptions", "{\"traceSip\":true,\"maxReconnectionAttempts\":1.5}", NULL, INVALID("1.5", "maxReconnectionAttempts") },
	{ "transportOptions", "{\"traceSip\":0}", NULL, MISSING("traceSip") },
	{ "transportOptions", "\"ws://a\"", NULL, INVALID("\"ws://a\"", "transportOptions") },
	{ "transportOptions", "false", NULL, MISSING("transportOptions") },
};

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

static void one_vector(const struct vector *v)
{
	struct text out = { 0 };
	int err = agent_config_check_json(str_z(v->name), str_z(v->in), &out);

	if (err == ENOMEM)
		fail();
	if (err != (v->bad ? EINVAL : 0) || strcmp(text_z(&out), v->bad ? v->bad : v->out))
		fail_msg("%s: %s gives %d, %s\n, not %s", v->name, v->in, err, text_z(&out), v->bad ? v->bad : v->out);
	text_free(&out);
}

static void values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
		one_vector(&vectors[i]);
}

/* Every row that takes true and false, or whole numbers, takes these and no others. */
static void kinds(void **state)
{
	static const struct { const char *in, *out, *bad; } bools[] = {
		{ "true", "true", NULL }, { "false", "false", NULL }, { "0", NULL, "Missing parameter: %s" },
		{ "1", NULL, "Invalid value 1 for parameter \"%s\"" },
		{ "\"true\"", NULL, "Invalid value \"true\" for parameter \"%s\"" },
		{ "{}", NULL, "Invalid value {} for parameter \"%s\"" },
	}, wholes[] = {
		{ "1", "1", NULL }, { "60", "60", NULL }, { "\"60\"", "60", NULL }, { "\" 60 \"", "60", NULL },
		{ "60.0", "60", NULL }, { "6e1", "60", NULL }, { "4294967295", "4294967295", NULL },
		{ "4294967296", NULL, "Invalid value 4294967296 for parameter \"%s\"" },
		{ "1.5", NULL, "Invalid value 1.5 for parameter \"%s\"" }, { "-1", NULL, "Invalid value -1 for parameter \"%s\"" },
		{ "\"6e1\"", NULL, "Invalid value \"6e1\" for parameter \"%s\"" },
		{ "\"60s\"", NULL, "Invalid value \"60s\" for parameter \"%s\"" },
		{ "\"-0.5\"", NULL, "Invalid value \"-0.5\" for parameter \"%s\"" },
		{ "true", NULL, "Invalid value true for parameter \"%s\"" }, { "false", NULL, "Missing parameter: %s" },
		{ "1e999", NULL, "Invalid value 1e999 for parameter \"%s\"" },
		{ "01", NULL, "Invalid value 01 for parameter \"%s\"" },
	};
	const struct agent_param *p;
	size_t n_bools = 0, n_wholes = 0;
	struct text bad = { 0 };

	(void)state;
	for (size_t i = 0; (p = agent_param(i)); i++) {
		bool is_bool = !strcmp(p->ts, "boolean"), is_whole = !strcmp(p->ts, "number");

		n_bools += is_bool;
		n_wholes += is_whole;
		for (size_t k = 0; k < (is_bool ? ARRAY_LEN(bools) : is_whole ? ARRAY_LEN(wholes) : 0); k++) {
			const char *how = is_bool ? bools[k].bad : wholes[k].bad;
			struct vector v = { p->name, is_bool ? bools[k].in : wholes[k].in, is_bool ? bools[k].out : wholes[k].out, NULL };
			const char *at = how ? strstr(how, "%s") : NULL;

			if (at) {
				assert_int_equal(text_cat(&bad, str_mk(how, (size_t)(at - how)), str_z(p->name), str_z(at + 2)), 0);
				v.bad = text_z(&bad);
			}
			one_vector(&v);
		}
	}
	text_free(&bad);
	assert_int_equal(n_bools, 11);
	assert_int_equal(n_wholes, 7);
}

/* Zero is a number of seconds for keepAliveInterval alone. */
static void zero(void **state)
{
	const struct agent_param *p;
	char missing[80];

	(void)state;
	for (size_t i = 0; (p = agent_param(i)); i++) {
		if (strcmp(p->ts, "number") || !strcmp(p->name, "keepAliveInterval"))
			continue;
		(void)snprintf(missing, sizeof(missing), MISSING("%s"), p->name);
		one_vector(&(struct vector){ p->name, "0", NULL, missing });
	}
}

/* What the table says is the default is what is there at first, and what comes back. */
static void defaults(void **state)
{
	static const struct { const char *name, *json; } tv[] = {
		{ "uri", "null" }, { "wsServers", WSS_DEFAULT }, { "allowLegacyNotifications", "false" },
		{ "allowOutOfDialogRefers", "false" }, { "authorizationUser", "null" }, { "autostart", "true" },
		{ "autostop", "true" }, { "connectionRecoveryMaxInterval", "30" }, { "connectionRecoveryMinInterval", "2" },
		{ "contactName", "null" }, { "contactTransport", "\"ws\"" }, { "displayName", "\"\"" }, { "dtmfType", "\"info\"" },
		{ "extraSupported", "[]" }, { "forceRport", "false" }, { "hackAllowUnregisteredOptionTags", "false" },
		{ "hackIpInContact", "false" }, { "hackViaTcp", "false" }, { "hackWssInTransport", "false" },
		{ "instanceId", "null" }, { "keepAliveInterval", "0" }, { "log", "{\"builtinEnabled\":true,\"level\":2}" },
		{ "noAnswerTimeout", "60" }, { "password", "null" }, { "register", "true" }, { "registerExpires", "600" },
		{ "registrarServer", "null" }, { "rel100", "\"none\"" }, { "replaces", "\"none\"" }, { "traceSip", "false" },
		{ "transportOptions", "{\"wsServers\":" WSS_DEFAULT ",\"keepAliveInterval\":0,\"traceSip\":false,"
		  "\"maxReconnectionAttempts\":3,\"reconnectionTimeout\":4}" },
		{ "usePreloadedRoute", "false" }, { "userAgentString", "\"" AGENT_USER_AGENT "\"" },
		{ "wsServerMaxReconnection", "3" }, { "wsServerReconnectionTimeout", "4" },
	};
	struct agent_config c;
	const struct agent_param *p;
	size_t known = 0;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		expect(&c, tv[i].name, tv[i].json);
		assert_int_equal(set(&c, tv[i].name, tv[i].json, NULL), 0);
		expect(&c, tv[i].name, tv[i].json);
		assert_int_equal(set(&c, tv[i].name, "null", NULL), 0);
		expect(&c, tv[i].name, tv[i].json);
	}
	for (size_t i = 0; (p = agent_param(i)); i++)
		known += !p->script_only;
	assert_int_equal(known, ARRAY_LEN(tv));
	agent_config_free(&c);
}

static void names(void **state)
{
	static const char *const none[] = { "custom", "authenticationFactory", "sessionDescriptionHandlerFactory",
		"sessionDescriptionHandlerFactoryOptions", "nosuch", "URI", "", "ws_servers_", "ws__servers", "wsservers", "ws_Servers" };
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_int_equal(set(&c, none[i], "true", &why), ENOENT);
		assert_int_equal(agent_config_get_json(&c, str_z(none[i]), &why), ENOENT);
	}
	assert_int_equal(set(&c, "registerExpire", "1", &why), ENOENT);
	assert_string_equal(text_z(&why), "Unknown parameter: registerExpire (registerExpires?)");

	assert_int_equal(set(&c, "register_expires", "100", &why), 0);
	assert_string_equal(text_z(&why), "\"register_expires\" is an old name of \"registerExpires\"");
	assert_int_equal(set(&c, "register_expires", "101", NULL), 0);
	assert_int_equal(c.register_expires, 101);
	assert_int_equal(set(&c, "register_expires", "false", &why), EINVAL);
	assert_string_equal(text_z(&why), "Missing parameter: registerExpires");
	assert_int_equal(set(&c, "registerExpires", "102", &why), 0);
	assert_int_equal(why.n, 0);
	assert_int_equal(set(&c, "register_expires", "103", &why), 0);
	assert_string_equal(text_z(&why), "\"register_expires\" has no effect beside \"registerExpires\"");
	assert_int_equal(c.register_expires, 102);
	assert_int_equal(set(&c, "hack_ip_in_contact", "true", &why), 0);
	expect(&c, "hack_ip_in_contact", "true");
	text_free(&why);
	agent_config_free(&c);
}

/* The parameters' own places win over transportOptions, in whatever order they come. */
static void transport_options(void **state)
{
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "wsServerMaxReconnection", "5", NULL), 0);
	assert_int_equal(set(&c, "transportOptions", "{\"maxReconnectionAttempts\":6,\"reconnectionTimeout\":6}", NULL), 0);
	assert_int_equal(set(&c, "wsServerReconnectionTimeout", "7", NULL), 0);
	expect(&c, "wsServerMaxReconnection", "5");
	expect(&c, "wsServerReconnectionTimeout", "7");

	/* A wrong one leaves the others as they were. */
	assert_int_equal(set(&c, "transportOptions", "{\"traceSip\":true,\"keepAliveInterval\":\"x\"}", &why), EINVAL);
	assert_string_equal(text_z(&why), INVALID("\"x\"", "keepAliveInterval"));
	assert_false(c.trace_sip);
	text_free(&why);
	agent_config_free(&c);
}

static void an_error_changes_nothing(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "wsServers", "[\"ws://a\",\"ws://b\"]", NULL), 0);
	assert_int_equal(set(&c, "wsServers", "[\"ws://c\",\"http://d\"]", NULL), EINVAL);
	assert_int_equal(c.n_servers, 2);
	assert_string_equal(text_z(&c.servers[1].ws_uri), "ws://b");
	assert_int_equal(set(&c, "uri", "\"a@b\"", NULL), 0);
	assert_int_equal(set(&c, "uri", "\"c\"", NULL), EINVAL);
	expect(&c, "uri", "\"sip:a@b\"");
	agent_config_free(&c);
}

static void log_warns(void **state)
{
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	assert_int_equal(set(&c, "log", "{\"level\":\"loud\"}", &why), 0);
	assert_string_equal(text_z(&why), "invalid \"level\" parameter value: \"loud\"");
	assert_int_equal(set(&c, "log", "{\"level\":3,\"builtinEnabled\":1}", &why), 0);
	assert_string_equal(text_z(&why), "invalid \"builtinEnabled\" parameter value: 1");
	assert_int_equal(c.log.level, 3);
	assert_int_equal(set(&c, "log", "17", &why), 0);
	assert_string_equal(text_z(&why), "invalid \"log\" parameter value: 17");
	text_free(&why);
	agent_config_free(&c);
}

/* At most so many servers, and bytes. */
static void bounds(void **state)
{
	struct buf b = BUF_INIT;
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	for (size_t i = 0; i < AGENT_MAX_SERVERS; i++)
		buf_puts(&b, i ? STR(",") : STR("["), STR("\"ws://h\""));
	buf_put(&b, STR("]"));
	assert_int_equal(set(&c, "wsServers", buf_z(&b), NULL), 0);
	assert_int_equal(c.n_servers, AGENT_MAX_SERVERS);
	b.n--;
	buf_put(&b, STR(",\"ws://h\"]"));
	assert_int_equal(set(&c, "wsServers", buf_z(&b), NULL), EINVAL);

	buf_reset(&b);
	for (size_t i = 0; i < AGENT_JSON_BYTES; i++)
		buf_char(&b, ' ');
	buf_put(&b, STR("1"));
	assert_int_equal(set(&c, "registerExpires", buf_z(&b), &why), EINVAL);
	assert_string_equal(text_z(&why), "Invalid value (65537 bytes, at most 65536) for parameter \"registerExpires\"");
	text_free(&why);
	buf_free(&b);
	agent_config_free(&c);
}

/* ---- words of people */

static void words(void **state)
{
	static const struct { const char *name, *word, *json; } tv[] = {
		{ "uri", "alice@example.com", "\"sip:alice@example.com\"" },
		{ "password", "0123", "\"0123\"" },
		{ "password", "null", "\"null\"" },
		{ "password", "\"x\"", "\"\\\"x\\\"\"" },
		{ "password", "1.50", "\"1.50\"" },
		{ "displayName", "Alice", "\"Alice\"" },
		{ "register", "false", "false" },
		{ "registerExpires", "300", "300" },
		{ "hackIpInContact", "true", "true" },
		{ "hackIpInContact", "192.0.2.7", "\"192.0.2.7\"" },
		{ "rel100", "required", "\"required\"" },
		{ "wsServers", "ws://a", "[" SERVER("ws://a", "a;transport=ws", "0", "WS") "]" },
		{ "wsServers", "[\"ws://a\"]", "[" SERVER("ws://a", "a;transport=ws", "0", "WS") "]" },
		{ "extraSupported", "[\"timer\"]", "[\"timer\"]" },
	};
	struct text why = { 0 };
	struct agent_config c;

	(void)state;
	assert_int_equal(agent_config_init(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(agent_config_set_word(&c, str_z(tv[i].name), str_z(tv[i].word), NULL), 0);
		expect(&c, tv[i].name, tv[i].json);
	}
	assert_int_equal(agent_config_set_word(&c, STR("register"), STR("perhaps"), &why), EINVAL);
	assert_string_equal(text_z(&why), INVALID("\"perhaps\"", "register"));
	assert_int_equal(agent_config_set_word(&c, STR("nosuch"), STR("1"), &why), ENOENT);
	text_free(&why);
	agent_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(kinds),
		cmocka_unit_test(zero),
		cmocka_unit_test(defaults),
		cmocka_unit_test(names),
		cmocka_unit_test(transport_options),
		cmocka_unit_test(an_error_changes_nothing),
		cmocka_unit_test(log_warns),
		cmocka_unit_test(bounds),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
