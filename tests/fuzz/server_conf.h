/* tests/fuzz/server_conf.h -- the configurations that a program starts with and
 * reloads between. */
#ifndef FUZZ_SERVER_CONF_H
#define FUZZ_SERVER_CONF_H

enum { CONF_PJSIP = 7, CONF_PLANS = 3 };
extern const char *const conf_pjsip[CONF_PJSIP];     /* pjsip.conf */
extern const char *const conf_plan[CONF_PLANS];      /* extensions.conf */
extern const char conf_wizard[];        /* pjsip_wizard.conf, beside the files of a reload */
extern const char conf_acl[], conf_manager[], conf_features[], conf_music[], conf_notify[];

/* Phones: 10.0.0.1 and so on, port 5060. The names of the endpoints, and what
 * they know. */
struct phone {
	const char *name, *password;
};
enum { PHONES = 10 };
extern const struct phone phone[PHONES];

/* Extensions worth calling. */
extern const char *const conf_exten[];
extern const unsigned conf_extens;

#endif
