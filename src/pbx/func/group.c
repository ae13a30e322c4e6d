/* GROUP(): channels counted together. */
#include "base/obj.h"
#include "base/text.h"
#include "pbx/channel.h"
#include "pbx/expression.h"
#include "pbx/func/func.h"
#include <errno.h>
#include <stdlib.h>

static const char group_key[] = "groups";

struct group {
	struct list link;
	struct text category, name;
};

struct groups {         /* obj; a note of its channel */
	struct list all;        /* struct group, one a category, the newest last */
};

static void group_free(struct group *one)
{
	list_remove(&one->link);
	text_free(&one->category);
	text_free(&one->name);
	free(one);
}

static void groups_free(void *o)
{
	struct groups *g = o;

	list_each_safe(l, tmp, &g->all)
		group_free(container_of(l, struct group, link));
}

static struct groups *groups_of(struct channel *ch)
{
	struct groups *g = channel_note(ch, group_key);

	if (g)
		return g;
	g = obj_new(sizeof(*g), groups_free);
	if (!g)
		return NULL;
	list_init(&g->all);
	return channel_note_set(ch, group_key, g) ? NULL : g;
}

/* The one of that category, or the first of any. */
static struct group *find(struct channel *ch, struct str category)
{
	struct groups *g = channel_note(ch, group_key);

	if (g)
		list_each(l, &g->all) {
			struct group *one = container_of(l, struct group, link);

			if (!category.n || str_ieq(text_view(&one->category), category))
				return one;
		}
	return NULL;
}

static int read_group(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct group *g = ch ? find(ch, args) : NULL;

	(void)p;
	if (g)
		buf_put(out, text_view(&g->name));
	return 0;
}

static int append(struct groups *g, struct str name, struct str category)
{
	struct group *one = calloc(1, sizeof(*one));

	if (!one)
		return ENOMEM;
	list_append(&g->all, &one->link);
	if (text_set(&one->name, name) || text_set(&one->category, category)) {
		group_free(one);
		return ENOMEM;
	}
	return 0;
}

/* GROUP([category])=name[@category]: the last of its groups; an empty name takes it out of that category. */
static int write_group(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct buf both = BUF_INIT;
	struct groups *g = ch ? groups_of(ch) : NULL;
	struct str category, name;
	int err;

	(void)p;
	if (!g)
		return ch ? ENOMEM : ENOENT;
	buf_puts(&both, value, args.n ? STR("@") : STR_NULL, args);
	category = buf_view(&both);
	name = str_cut_raw(&category, '@');
	list_each(l, &g->all) {
		struct group *one = container_of(l, struct group, link);

		if (!str_ieq(text_view(&one->category), category))
			continue;
		group_free(one);
		break;
	}
	err = name.n ? append(g, name, category) : buf_err(&both);
	buf_free(&both);
	return err;
}

static bool same(struct str pattern, const struct text *t, bool match)
{
	struct regex_match m;

	return match ? !regex_match(pattern, text_view(t), false, &m) : str_ieq(text_view(t), pattern);
}

/* How often channels are in the group `name`, or in one that it matches, of that category or of any. */
static uint64_t count(struct pbx *p, struct str name, struct str category, bool match)
{
	uint64_t n = 0;

	list_each(l, &p->channels) {
		const struct groups *g = channel_note(container_of(l, struct channel, link), group_key);

		if (!g)
			continue;
		list_each(m, &g->all) {
			const struct group *one = container_of(m, struct group, link);

			n += same(name, &one->name, match) &&
				(!category.n || (one->category.n && same(category, &one->category, match)));
		}
	}
	return n;
}

static int read_count(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str category = args, name = str_cut_raw(&category, '@');
	const struct group *own = ch && !name.n ? find(ch, category) : NULL;

	if (!ch)
		return EINVAL;
	if (own) {
		name = text_view(&own->name);
		category = own->category.n ? text_view(&own->category) : category;
	}
	buf_u64(out, name.n ? count(p, name, category, false) : 0);
	return 0;
}

static int read_match_count(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str category = args, name = str_cut_raw(&category, '@');

	(void)ch;
	if (!name.n)
		return EINVAL;
	buf_u64(out, count(p, name, category, true));
	return 0;
}

static int read_list(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct groups *g = ch ? channel_note(ch, group_key) : NULL;
	bool any = false;

	(void)p;
	(void)args;
	if (!g)
		return 0;
	list_each(l, &g->all) {
		const struct group *one = container_of(l, struct group, link);

		buf_printf(out, "%s%s%s%s", any ? " " : "", text_z(&one->name), one->category.n ? "@" : "",
			   text_z(&one->category));
		any = true;
	}
	return 0;
}

const struct func func_group = { .name = "GROUP", .synopsis = "The group a channel counts in", .read = read_group,
	.write = write_group };
const struct func func_group_count = { .name = "GROUP_COUNT", .synopsis = "How many channels are in a group",
	.read = read_count };
const struct func func_group_match_count = { .name = "GROUP_MATCH_COUNT",
	.synopsis = "How many channels are in groups that match", .read = read_match_count };
const struct func func_group_list = { .name = "GROUP_LIST", .synopsis = "All groups of the channel",
	.read = read_list };
