/* HANGUPCAUSE() and HANGUPCAUSE_KEYS(): why each dialled leg ended. */
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include "pbx/hangup_cause.h"
#include <errno.h>
#include <stdlib.h>

static const char cause_key[] = "hangup causes";

struct ended {
	struct list link;
	struct text name, tech;
	int cause;
};

struct causes {         /* obj; a note of the channel that called */
	struct list all;        /* struct ended */
};

static void causes_free(void *o)
{
	struct causes *c = o;

	list_each_safe(l, tmp, &c->all) {
		struct ended *e = container_of(l, struct ended, link);

		list_remove(l);
		text_free(&e->name);
		text_free(&e->tech);
		free(e);
	}
}

static struct ended *find(struct channel *ch, struct str name)
{
	struct causes *c = channel_note(ch, cause_key);

	if (c)
		list_each(l, &c->all) {
			struct ended *e = container_of(l, struct ended, link);

			if (str_ieq(text_view(&e->name), name))
				return e;
		}
	return NULL;
}

static struct ended *make(struct channel *ch, struct str name)
{
	struct causes *c = channel_note(ch, cause_key);
	struct ended *e;

	if (!c) {
		c = obj_new(sizeof(*c), causes_free);
		if (!c)
			return NULL;
		list_init(&c->all);
		if (channel_note_set(ch, cause_key, c))
			return NULL;
	}
	e = calloc(1, sizeof(*e));
	if (e && text_set(&e->name, name)) {
		free(e);
		return NULL;
	}
	if (e)
		list_append(&c->all, &e->link);
	return e;
}

int hangup_cause_note(struct channel *on, struct str name, int cause, struct str tech)
{
	struct ended *e = find(on, name);

	e = e ? e : make(on, name);
	if (!e)
		return ENOMEM;
	e->cause = cause;
	return text_set(&e->tech, tech);
}

void hangup_cause_clear(struct channel *on)
{
	(void)channel_note_set(on, cause_key, NULL);
}

static int read_cause(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct ended *e;
	struct str v[2];

	(void)p;
	if (!ch || pbx_args(args, v, 2) < 1)
		return EINVAL;
	e = find(ch, str_trim(v[0]));
	if (!e)
		return ENOENT;
	if (str_ieq(str_trim(v[1]), STR("tech")))
		buf_put(out, text_view(&e->tech));
	else
		buf_put(out, str_z(cause_text(e->cause)));
	return 0;
}

static int read_keys(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct causes *c = ch ? channel_note(ch, cause_key) : NULL;
	bool any = false;

	(void)p;
	(void)args;
	if (!c)
		return 0;
	list_each(l, &c->all) {
		if (any)
			buf_char(out, ',');
		buf_put(out, text_view(&container_of(l, struct ended, link)->name));
		any = true;
	}
	return 0;
}

const struct func func_hangupcause = { .name = "HANGUPCAUSE", .synopsis = "Why a called channel ended",
	.read = read_cause };
const struct func func_hangupcause_keys = { .name = "HANGUPCAUSE_KEYS", .synopsis = "Which called channels ended",
	.read = read_keys };
