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
	struct list all;        /* struct group, one a category */
};

static void groups_free(void *o)
{
	struct groups *g = o;

	list_each_safe(l, tmp, &g->all) {
		struct group *one = container_of(l, struct group, link);

		list_remove(l);
		text_free(&one->category);
		text_free(&one->name);
		free(one);
	}
}

static struct group *find(struct channel *ch, struct str category)
{
	struct groups *g = channel_note(ch, group_key);

	if (g)
		list_each(l, &g->all) {
			struct group *one = container_of(l, struct group, link);

			if (str_ieq(text_view(&one->category), category))
				return one;
		}
	return NULL;
}

static struct group *make(struct channel *ch, struct str category)
{
	struct groups *g = channel_note(ch, group_key);
	struct group *one;

	if (!g) {
		g = obj_new(sizeof(*g), groups_free);
		if (!g)
			return NULL;
		list_init(&g->all);
		if (channel_note_set(ch, group_key, g))
			return NULL;
	}
	one = calloc(1, sizeof(*one));
	if (one && text_set(&one->category, category)) {
		free(one);
		return NULL;
	}
	if (one)
		list_append(&g->all, &one->link);
	return one;
}

static int read_group(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct group *g = ch ? find(ch, str_trim(args)) : NULL;

	(void)p;
	if (g)
		buf_put(out, text_view(&g->name));
	return 0;
}

/* GROUP([category])=name */
static int write_group(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str category = str_trim(args), name = str_trim(value);
	struct group *g;

	(void)p;
	if (!ch)
		return ENOENT;
	if (!category.n && str_chr(name, '@') < name.n) {
		category = name;
		name = str_cut_raw(&category, '@');
	}
	g = find(ch, category);
	g = g ? g : make(ch, category);
	return g ? text_set(&g->name, name) : ENOMEM;
}

/* Channels whose group of that category is `name`, or matches it. */
static uint64_t count(struct pbx *p, struct str name, struct str category, bool match)
{
	struct regex_match m;
	uint64_t n = 0;

	list_each(l, &p->channels) {
		const struct group *g = find(container_of(l, struct channel, link), category);

		if (!g || !g->name.n)
			continue;
		n += match ? !regex_match(name, text_view(&g->name), false, &m) : str_ieq(text_view(&g->name), name);
	}
	return n;
}

static int read_count(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str category = str_trim(args), name = str_trim(str_cut_raw(&category, '@'));
	const struct group *own = ch && !name.n ? find(ch, category) : NULL;

	if (own)
		name = text_view(&own->name);
	buf_u64(out, name.n ? count(p, name, category, false) : 0);
	return 0;
}

static int read_match_count(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str name = str_trim(args), category = STR("");
	size_t at = str_rchr(name, '@');

	(void)ch;
	if (at < name.n) {
		category = str_skip(name, at + 1);
		name = str_sub(name, 0, at);
	}
	buf_u64(out, name.n ? count(p, name, category, true) : 0);
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
