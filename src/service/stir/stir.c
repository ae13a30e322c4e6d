/* The configuration in force, and the thread behind it. */
#define LOG_MODULE "stir"
#include "service/stir/stir.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

static struct stir *stir_of(struct service *svc)
{
	if (!svc->stir) {
		svc->stir = calloc(1, sizeof(*svc->stir));
		if (!svc->stir)
			return NULL;
		list_init(&svc->stir->checks);
		list_init(&svc->stir->fetches);
	}
	return svc->stir;
}

int stir_set_conf(struct service *svc, struct stir_conf *c)
{
	struct stir *st = stir_of(svc);

	if (!st)
		return ENOMEM;
	obj_hold(c);
	obj_drop(st->conf);
	st->conf = c;
	return 0;
}

const struct stir_conf *stir_conf_of(const struct service *svc)
{
	return svc->stir ? svc->stir->conf : NULL;
}

void stir_set_submit(struct service *svc, stir_submit_fn *fn, void *arg)
{
	struct stir *st = stir_of(svc);

	if (!st)
		return;
	st->submit = fn;
	st->submit_arg = arg;
}

int stir_submit(struct service *svc, struct stir_job *j)
{
	struct stir *st = svc->stir;

	if (st->submit)
		return st->submit(st->submit_arg, j);
	if (!st->fetch)
		st->fetch = stir_fetch_new(svc->loop);
	return st->fetch ? stir_fetch_submit(st->fetch, j) : ENOMEM;
}

struct stir_section *stir_profile(const struct service *svc, struct str name, enum stir_behavior what, struct str endpoint)
{
	const struct stir_conf *c = stir_conf_of(svc);
	const struct stir_section *global = !c ? NULL : what == STIR_ATTEST ? c->attestation : c->verification;
	struct stir_section *p;

	if (!name.n || !global || global->global_disable)
		return NULL;
	p = stir_list_get(&c->eprofiles, name);
	if (!p)
		log_error("endpoint '%.*s': stir_shaken.conf has no profile '%.*s' without fault; its calls go on without it", STR_ARG(endpoint),
			  STR_ARG(name));
	return p && (p->endpoint_behavior & what) ? p : NULL;
}
