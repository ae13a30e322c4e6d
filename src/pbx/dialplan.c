/* The contexts, extensions and steps themselves. */
#include "base/obj.h"
#include "base/text.h"
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"
#include <errno.h>
#include <stdlib.h>

void exten_free(struct exten *e)
{
	for (size_t i = 0; i < e->steps; i++)
		free(e->step[i]);
	free(e->step);
	free(e);
}

static void list_free(struct exten_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		exten_free(l->v[i]);
	free(l->v);
}

void context_free(struct context *c)
{
	list_free(&c->plain);
	list_free(&c->patterns);
	for (size_t i = 0; i < c->includes; i++)
		free(c->include[i].text);
	for (size_t i = 0; i < c->ignorepats; i++)
		free(c->ignorepat[i]);
	for (size_t i = 0; i < c->switches; i++)
		free(c->swtch[i]);
	free(c->include);
	free(c->ignorepat);
	free(c->swtch);
	map_free(c->index);
	free(c->text);
	free(c);
}

static void dialplan_free(void *o)
{
	struct dialplan *d = o;

	for (size_t i = 0; i < d->n; i++)
		context_free(d->order[i]);
	free(d->order);
	map_free(d->contexts);
}

struct dialplan *dialplan_new(void)
{
	struct dialplan *d = obj_new(sizeof(*d), dialplan_free);

	if (!d)
		return NULL;
	d->autofallthrough = true;
	d->contexts = map_new(false);
	return d->contexts ? d : obj_drop(d);
}

/* Room for one more in an array that grows by doubling. */
static int grow(void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 4;
	void *p;

	if (n < *cap)
		return 0;
	p = reallocarray(*v, want, size);
	if (!p)
		return ENOMEM;
	*v = p;
	*cap = want;
	return 0;
}

struct context *dialplan_context(const struct dialplan *d, struct str name)
{
	return d ? map_get(d->contexts, name) : NULL;
}

int dialplan_context_make(struct dialplan *d, struct str name, const char *registrar, struct context **out)
{
	struct context *c = dialplan_context(d, name);
	int err = ENOMEM;

	if (c) {
		*out = c;
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return ENOMEM;
	c->text = str_dup(name);
	c->registrar = registrar;
	c->index = d->changing ? NULL : map_new(false);
	if (!c->text || (!c->index && !d->changing))
		goto out;
	c->name = str_mk(c->text, name.n);
	err = grow((void **)&d->order, d->n, &d->cap, sizeof(struct context *));
	err = err ? err : map_add(d->contexts, c->name, c);
 out:
	if (err) {
		context_free(c);
		return err;
	}
	d->order[d->n++] = c;
	*out = c;
	return 0;
}

int context_include(struct context *c, char *text)
{
	struct include in = { .text = text }, *grown;
	struct str times = str_z(text);
	int err = 0, res = EINVAL;

	in.name = str_trim(str_cut_raw(&times, str_chr(times, ',') < times.n ? ',' : '|'));
	in.timed = str_trim(times).n > 0;
	if (in.timed && timing_parse(&in.timing, times))
		err = EBADMSG;
	if (!in.name.n || c->includes >= LIST_MAX)
		goto refuse;
	res = EEXIST;
	for (size_t i = 0; i < c->includes; i++)
		if (str_ieq(c->include[i].name, in.name) && !c->include[i].timed && !in.timed)
			goto refuse;
	res = ENOMEM;
	grown = reallocarray(c->include, c->includes + 1, sizeof(*grown));
	if (!grown)
		goto refuse;
	c->include = grown;
	c->include[c->includes++] = in;
	return err;
 refuse:
	free(text);
	return res;
}

/* Without blanks, and for the key without dashes; both stay inside [] of a pattern. */
static size_t strip(char *out, struct str s, bool dashes_too)
{
	bool pattern = pattern_is(s), inside = false;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '[')
			inside = pattern;
		else if (c == ']')
			inside = false;
		if (!inside && (c == ' ' || (c == '-' && dashes_too)))
			continue;
		out[n++] = c;
	}
	return n;
}

/* "_NXX/_555X": the name, the caller's pattern, and both together as a key. */
struct parts {
	struct str name, key, cid, whole;
	bool has_cid;
	char bytes[1024];
};

static int split(struct parts *p, struct str exten)
{
	struct str name = str_cut_raw(&exten, '/');
	char *at = p->bytes;

	p->has_cid = exten.p && exten.p > name.p + name.n;
	if (name.n > 255 || exten.n > 255)
		return ENAMETOOLONG;
	if (!name.n)
		return EINVAL;
	p->name = str_mk(at, strip(at, name, false));
	at += p->name.n;
	p->whole.p = at;
	p->key = str_mk(at, strip(at, name, true));
	at += p->key.n;
	p->cid = STR_NULL;
	if (p->has_cid) {
		*at++ = '/';
		p->cid = str_mk(at, strip(at, exten, true));
		at += p->cid.n;
	}
	p->whole.n = (size_t)(at - p->whole.p);
	return 0;
}

static int exten_cmp(const struct exten *a, const struct exten *b)
{
	int d = pattern_cmp(a->key, b->key);

	if (d)
		return d;
	if (a->has_cid != b->has_cid)
		return a->has_cid ? -1 : 1;
	d = a->has_cid ? pattern_cmp(a->cid, b->cid) : 0;
	if (d)
		return d;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int by_order(const void *a, const void *b)
{
	return exten_cmp(*(const struct exten *const *)a, *(const struct exten *const *)b);
}

void dialplan_sort(struct dialplan *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct context *c = d->order[i];

		if (c->plain.n)
			qsort(c->plain.v, c->plain.n, sizeof(struct exten *), by_order);
		if (c->patterns.n)
			qsort(c->patterns.v, c->patterns.n, sizeof(struct exten *), by_order);
		map_free(c->index);
		c->index = NULL;
	}
}

size_t exten_list_find(const struct exten_list *l, struct str key)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(l->v[mid]->key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Where `e` belongs among those already sorted. */
static size_t place(const struct exten_list *l, const struct exten *e)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (exten_cmp(l->v[mid], e) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct exten *lookup(const struct context *c, const struct parts *p)
{
	const struct exten_list *l = pattern_is(p->key) ? &c->patterns : &c->plain;
	struct exten probe = { .key = p->key, .cid = p->cid, .has_cid = p->has_cid };
	size_t i;

	if (c->index)
		return map_get(c->index, p->whole);
	i = place(l, &probe);
	if (i < l->n && l->v[i]->has_cid == p->has_cid && pattern_cmp(l->v[i]->key, p->key) == 0 &&
	    (!p->has_cid || pattern_cmp(l->v[i]->cid, p->cid) == 0))
		return l->v[i];
	return NULL;
}

struct exten *dialplan_exten(const struct context *c, struct str exten)
{
	struct parts p;

	return split(&p, exten) ? NULL : lookup(c, &p);
}

static int make_exten(struct dialplan *d, struct context *c, const struct parts *p, struct exten **out)
{
	struct exten_list *l = pattern_is(p->key) ? &c->patterns : &c->plain;
	struct exten *e = calloc(1, sizeof(*e) + p->name.n + p->whole.n + 1);
	size_t at;
	int err;

	if (!e)
		return ENOMEM;
	memcpy(e->bytes, p->name.p, p->name.n);
	memcpy(e->bytes + p->name.n, p->whole.p, p->whole.n);
	e->name = str_mk(e->bytes, p->name.n);
	e->key = str_mk(e->bytes + p->name.n, p->key.n);
	e->cid = str_mk(e->key.p + p->key.n + 1, p->cid.n);
	e->has_cid = p->has_cid;
	e->order = d->extens + 1;
	err = grow((void **)&l->v, l->n, &l->cap, sizeof(struct exten *));
	if (!err && c->index)
		err = map_add(c->index, str_mk(e->key.p, p->whole.n), e);
	if (err) {
		free(e);
		return err;
	}
	at = d->changing ? place(l, e) : l->n;
	memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof(struct exten *));
	l->v[at] = e;
	l->n++;
	d->extens++;
	*out = e;
	return 0;
}

static struct str put_bytes(char **at, struct str s)
{
	struct str v = str_mk(*at, s.n);

	if (s.n)
		memcpy(*at, s.p, s.n);
	(*at)[s.n] = 0;
	*at += s.n + 1;
	return v;
}

static struct step *make_step(const struct step_prm *prm)
{
	struct step *s = malloc(sizeof(*s) + prm->label.n + prm->app.n + prm->data.n + prm->file.n + 4);
	char *at;

	if (!s)
		return NULL;
	at = s->bytes;
	s->priority = prm->priority;
	s->line = prm->line;
	s->label = put_bytes(&at, prm->label);
	s->app = put_bytes(&at, prm->app);
	s->data = put_bytes(&at, prm->data);
	s->file = put_bytes(&at, prm->file);
	return s;
}

static size_t step_place(const struct exten *e, int priority)
{
	size_t lo = 0, hi = e->steps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->step[mid]->priority < priority)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct step *exten_step(const struct exten *e, int priority)
{
	size_t i = step_place(e, priority);

	return i < e->steps && e->step[i]->priority == priority ? e->step[i] : NULL;
}

int exten_label(const struct exten *e, struct str label)
{
	for (size_t i = 0; i < e->steps; i++)
		if (e->step[i]->label.n && str_eq(e->step[i]->label, label))
			return e->step[i]->priority;
	return 0;
}

int dialplan_put(struct dialplan *d, struct context *c, const struct step_prm *prm)
{
	struct parts p;
	struct exten *e;
	struct step *s;
	size_t at;
	int err = split(&p, prm->exten);

	if (err)
		return err;
	e = lookup(c, &p);
	if (e && exten_step(e, prm->priority))
		return EEXIST;
	s = make_step(prm);
	if (!s)
		return ENOMEM;
	err = e ? 0 : make_exten(d, c, &p, &e);
	err = err ? err : grow((void **)&e->step, e->steps, &e->cap, sizeof(struct step *));
	if (err) {
		free(s);
		return err;
	}
	at = step_place(e, s->priority);
	memmove(e->step + at + 1, e->step + at, (e->steps - at) * sizeof(struct step *));
	e->step[at] = s;
	e->steps++;
	if (s->priority == PRIORITY_HINT)
		d->hints++;
	return 0;
}

bool dialplan_autofallthrough(const struct dialplan *d)
{
	return !d || d->autofallthrough;
}
