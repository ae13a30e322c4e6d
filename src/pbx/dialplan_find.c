/* Searching: contexts, what they include, and what was added while running. */
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"

struct search {
	struct pbx *p;
	const struct find *f;
	struct str exten;       /* what is looked for, without dashes */
	struct found *out;
	struct str seen[INCLUDE_DEPTH];
	size_t depth;
	bool final;             /* a ! said that no more digits are wanted */
};

static bool caller_fits(const struct exten *e, struct str caller)
{
	if (!e->has_cid)
		return true;
	return caller.n ? pattern_match(e->cid, caller, PATTERN_EXACT) != 0 : !e->cid.n;
}

static enum pattern_mode mode_of(enum find_action a)
{
	return a == FIND_CAN ? PATTERN_CAN : a == FIND_MORE ? PATTERN_MORE : PATTERN_EXACT;
}

/* Does this extension, which has the right name, have the step too? Otherwise
 * a less specific one may. */
static bool take(struct search *s, const struct context *c, const struct exten *e)
{
	const struct find *f = s->f;
	int priority = f->action == FIND_LABEL ? exten_label(e, f->label) : f->priority;
	const struct step *st;

	if (!priority || !caller_fits(e, f->caller))
		return false;
	st = exten_step(e, priority);
	if (!st)
		return false;
	*s->out = (struct found){ .context = c, .exten = e, .step = st };
	return true;
}

static bool try_one(struct search *s, const struct context *c, const struct exten *e)
{
	int m = pattern_match(e->key, s->exten, mode_of(s->f->action));

	if (!m || !caller_fits(e, s->f->caller))
		return false;
	if (m == 2 && s->f->action == FIND_MORE) {
		s->final = true;
		return false;
	}
	return take(s, c, e);
}

static bool try_plain(struct search *s, const struct context *c)
{
	bool longer = s->f->action == FIND_CAN || s->f->action == FIND_MORE;
	const struct exten_list *l = &c->plain;

	for (size_t i = exten_list_find(l, s->exten); i < l->n; i++) {
		if (longer ? !str_starts(l->v[i]->key, s->exten) : !str_eq(l->v[i]->key, s->exten))
			break;
		if (try_one(s, c, l->v[i]))
			return true;
	}
	return false;
}

/* The patterns of both layers, the more specific first. */
static bool try_patterns(struct search *s, const struct context *a, const struct context *b)
{
	size_t i = 0, j = 0, na = a ? a->patterns.n : 0, nb = b ? b->patterns.n : 0;

	while ((i < na || j < nb) && !s->final) {
		bool from_a = j >= nb || (i < na && pattern_cmp(a->patterns.v[i]->key, b->patterns.v[j]->key) <= 0);

		if (from_a ? try_one(s, a, a->patterns.v[i++]) : try_one(s, b, b->patterns.v[j++]))
			return true;
	}
	return false;
}

static bool search_context(struct search *s, struct str name);

static bool search_includes(struct search *s, const struct context *c)
{
	for (size_t i = 0; c && i < c->includes && !s->final; i++) {
		const struct include *in = &c->include[i];

		if (in->timed && !timing_holds(&in->timing, clock_wall_s(s->p->clock)))
			continue;
		if (search_context(s, in->name))
			return true;
	}
	return false;
}

static bool search_context(struct search *s, struct str name)
{
	const struct context *c = dialplan_context(s->p->plan, name), *added = dialplan_context(s->p->added, name);

	if ((!c && !added) || s->depth >= INCLUDE_DEPTH)
		return false;
	for (size_t i = 0; i < s->depth; i++)
		if (str_eq(s->seen[i], name))
			return false;
	s->seen[s->depth++] = name;
	if ((c && try_plain(s, c)) || (added && try_plain(s, added)) || try_patterns(s, c, added))
		return true;
	return !s->final && (search_includes(s, c) || search_includes(s, added));
}

bool dialplan_find(struct pbx *p, const struct find *f, struct found *out)
{
	struct search s = { .p = p, .f = f, .exten = f->exten, .out = out };
	char plain[256];
	size_t n = 0;

	/* A dash counts for nothing, but inside the [] of a pattern asked for by name. */
	if (!pattern_is(f->exten) && str_chr(f->exten, '-') < f->exten.n && f->exten.n <= sizeof(plain)) {
		for (size_t i = 0; i < f->exten.n; i++)
			if (f->exten.p[i] != '-')
				plain[n++] = f->exten.p[i];
		s.exten = str_mk(plain, n);
	}
	return search_context(&s, f->context);
}

static bool find_first(struct pbx *p, struct str context, struct str exten, struct str caller, int priority,
		       enum find_action action)
{
	struct find f = { .context = context, .exten = exten, .caller = caller, .priority = priority,
		.action = action };
	struct found out;

	return dialplan_find(p, &f, &out);
}

enum match dialplan_match(struct pbx *p, struct str context, struct str exten, struct str caller)
{
	if (find_first(p, context, exten, caller, 1, FIND_STEP))
		return MATCH_EXACT;
	return find_first(p, context, exten, caller, 1, FIND_CAN) ? MATCH_PARTIAL : MATCH_NONE;
}

bool dialplan_exists(struct pbx *p, struct str context, struct str exten, int priority, struct str caller)
{
	return find_first(p, context, exten, caller, priority, FIND_STEP);
}

bool dialplan_has_context(struct pbx *p, struct str context)
{
	return dialplan_context(p->plan, context) || dialplan_context(p->added, context);
}

bool dialplan_can_grow(struct pbx *p, struct str context, struct str exten, struct str caller)
{
	return find_first(p, context, exten, caller, 1, FIND_MORE);
}

int dialplan_label(struct pbx *p, struct str context, struct str exten, struct str label, struct str caller)
{
	struct find f = { .context = context, .exten = exten, .caller = caller, .label = label,
		.action = FIND_LABEL };
	struct found out;

	return dialplan_find(p, &f, &out) ? out.step->priority : 0;
}

static bool ignored_by(const struct context *c, struct str digits)
{
	for (size_t i = 0; c && i < c->ignorepats; i++)
		if (pattern_match(str_z(c->ignorepat[i]), digits, PATTERN_CAN))
			return true;
	return false;
}

bool dialplan_ignores(struct pbx *p, struct str context, struct str digits)
{
	return ignored_by(dialplan_context(p->plan, context), digits) || ignored_by(dialplan_context(p->added, context), digits);
}
