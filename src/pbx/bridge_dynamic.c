/* What DYNAMIC_FEATURES gives a member of a bridge: digits that run applications. bridge_features.c acts on them. */
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/dialplan.h"
#include <errno.h>
#include <stdlib.h>

int bridge_features_begin(struct member *m)
{
	struct features_choice v[FEATURES_CHOICES];
	struct pbx *p = m->bridge->pbx;
	struct buf names = BUF_INIT;
	int err = 0;

	if (p->features->map && pbx_getvar(p, m->ch, STR("DYNAMIC_FEATURES"), &names))
		m->dynamic.n = features_choose(p->features->map, buf_view(&names), text_view(&m->ch->name), v);
	if (m->dynamic.n) {
		m->dynamic.map = obj_hold(p->features->map);
		m->dynamic.v = calloc(m->dynamic.n, sizeof(*v));
		if (m->dynamic.v)
			memcpy(m->dynamic.v, v, m->dynamic.n * sizeof(*v));
		else
			err = ENOMEM;
	}
	buf_free(&names);
	return err;
}
