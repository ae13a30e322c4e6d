/* media/trace_rule.c -- which packets the threads shall show: said on the core. */
#include "media/core.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

static int post_rule(struct media *m, struct core_thread *t, const struct media_trace_rule *rule)
{
	struct trace_job *j = malloc(sizeof(*j));
	int err;

	if (!j)
		return ENOMEM;
	*j = (struct trace_job){ .tr = t->tracer, .rule = *rule };
	err = core_post_thread(m, t, &(struct cmd){ .type = CMD_TRACE, .p = j });
	if (err)
		free(j);
	return err;
}

int media_trace(struct media *m, const struct media_trace_rule *rule, media_trace_fn *fn, void *arg)
{
	int err = 0;

	for (size_t i = 0; i < m->nt; i++) {
		if (!m->t[i]->tracer)
			m->t[i]->tracer = tracer_new();
		if (!m->t[i]->tracer)
			return ENOMEM;
	}
	m->trace_fn = fn;
	m->trace_arg = arg;
	for (size_t i = 0; i < m->nt && !err; i++)
		err = post_rule(m, m->t[i], rule);
	return err;
}
