/* Filters of events: read from manager.conf and the action Filter, and matched step by step. */
#include "manage/manager_filter.h"
#include "manage/pattern.h"
#include <errno.h>
#include <stdlib.h>

enum method { BY_REGEX, BY_EXACT, BY_START, BY_END, BY_CONTENT, BY_NONE };

struct ami_filter {
	struct list link;
	enum method method;
	bool exclude, has_re;
	regex_t re;
	char *event, *header, *pattern;         /* owned; NULL: not asked for */
};

void ami_filters_init(struct ami_filters *f)
{
	list_init(&f->include);
	list_init(&f->exclude);
	f->n = 0;
}

static void filter_free(struct ami_filter *e)
{
	if (!e)
		return;
	list_remove(&e->link);
	if (e->has_re)
		regfree(&e->re);
	free(e->event);
	free(e->header);
	free(e->pattern);
	free(e);
}

void ami_filters_free(struct ami_filters *f)
{
	list_each_safe(l, tmp, &f->include)
		filter_free(container_of(l, struct ami_filter, link));
	list_each_safe(l, tmp, &f->exclude)
		filter_free(container_of(l, struct ami_filter, link));
	f->n = 0;
}

static int method_of(struct str s, enum method *m)
{
	static const struct str names[] = { STR_INIT("regex"), STR_INIT("exact"), STR_INIT("starts_with"),
		STR_INIT("ends_with"), STR_INIT("contains"), STR_INIT("none") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(s, names[i])) {
			*m = (enum method)i;
			return 0;
		}
	}
	return EBADMSG;
}

static int keep_text(char **z, struct str s)
{
	if (!s.n)
		return EBADMSG;
	free(*z);
	*z = str_dup(s);
	return *z ? 0 : ENOMEM;
}

/* One "key(value)" off the front of *s. */
static int cut_option(struct str *s, struct str *key, struct str *value)
{
	size_t open = str_chr(*s, '('), close = str_chr(*s, ')');

	if (open == s->n || close == s->n || close < open)
		return EBADMSG;
	*key = str_trim(str_sub(*s, 0, open));
	*value = str_trim(str_sub(*s, open + 1, close - open - 1));
	*s = str_ltrim(str_skip(*s, close + 1));
	if (s->n && s->p[0] == ',')
		*s = str_ltrim(str_skip(*s, 1));
	return 0;
}

static int parse_criteria(struct ami_filter *e, struct str s, bool *any)
{
	int err = 0;

	e->method = BY_NONE;
	for (s = str_trim(s); s.n && !err; *any = true) {
		struct str key, value;

		err = cut_option(&s, &key, &value);
		if (err)
			break;
		if (str_eq(key, STR("action"))) {
			e->exclude = str_eq(value, STR("exclude"));
			err = e->exclude || str_eq(value, STR("include")) ? 0 : EBADMSG;
		} else if (str_eq(key, STR("name"))) {
			err = keep_text(&e->event, value);
		} else if (str_eq(key, STR("header"))) {
			err = keep_text(&e->header, str_ends(value, STR(":")) ? str_sub(value, 0, value.n - 1) : value);
		} else if (str_eq(key, STR("method"))) {
			err = method_of(value, &e->method);
		} else {
			err = EBADMSG;
		}
	}
	return err;
}

static int parse_filter(struct ami_filter *e, bool advanced, struct str criteria, struct str pattern)
{
	bool any = false;
	int err = 0;

	if (pattern.n && pattern.p[0] == '!') {
		e->exclude = true;
		pattern = str_skip(pattern, 1);
	}
	if (advanced)
		err = parse_criteria(e, criteria, &any);
	if (err)
		return err;
	/* A pattern and a way to compare belong together, and there must be a condition. */
	if (advanced ? !any || (pattern.n != 0) != (e->method != BY_NONE) || (!e->event && !e->header && !pattern.n)
		     : !pattern.n)
		return EBADMSG;
	if (!pattern.n)
		return 0;
	err = keep_text(&e->pattern, pattern);
	if (!err && e->method == BY_REGEX) {
		err = pattern_compile(&e->re, pattern);
		e->has_re = !err;
	}
	return err;
}

int ami_filters_add(struct ami_filters *f, bool advanced, struct str criteria, struct str pattern)
{
	struct ami_filter *e;
	int err;

	if (f->n >= AMI_FILTERS_MAX)
		return ENOBUFS;
	e = calloc(1, sizeof(*e));
	if (!e)
		return ENOMEM;
	list_init(&e->link);
	err = parse_filter(e, advanced, criteria, pattern);
	if (err) {
		filter_free(e);
		return err;
	}
	list_append(e->exclude ? &f->exclude : &f->include, &e->link);
	f->n++;
	return 0;
}

/* ---- matching --------------------------------------------------------- */

static bool has_text(const struct ami_filter *e, struct str s)
{
	struct str p = str_z(e->pattern);

	switch (e->method) {
	case BY_REGEX:
		return pattern_has(&e->re, s);
	case BY_EXACT:
		return str_eq(s, p);
	case BY_START:
		return str_starts(s, p);
	case BY_END:
		return str_ends(s, p);
	case BY_CONTENT:
		return str_find(s, p) < s.n;
	case BY_NONE:
		break;
	}
	return true;
}

static bool matches_event(const struct ami_filter *e, struct str event, struct str text)
{
	struct str line;

	if (e->event && !str_eq(str_z(e->event), event))
		return false;
	if (!e->header)
		return has_text(e, text);
	while (str_line(&text, &line)) {
		struct str name = str_cut_raw(&line, ':');

		line = str_ltrim(line);
		if (str_eq(name, str_z(e->header)) && line.n && has_text(e, line))
			return true;
	}
	return false;
}

/* Goes on behind m->at. 1: one matched, 0: none does, -1: not yet known. */
static int step_filter(const struct list *head, struct ami_match *m, struct str event, struct str text, size_t *left)
{
	const struct list *l = m->at ? m->at->next : head->next;

	for (; l != head; l = l->next) {
		if (!*left)
			return -1;
		*left -= text.n < *left ? text.n : *left;
		m->at = l;
		if (matches_event(container_of((struct list *)(size_t)l, struct ami_filter, link), event, text))
			return 1;
	}
	return 0;
}

enum ami_verdict ami_filters_step(const struct ami_filters *f, struct ami_match *m, struct str event, struct str text)
{
	size_t left = AMI_MATCH_BYTES;
	int got;

	if (!m->included && !list_empty(&f->include)) {
		got = step_filter(&f->include, m, event, text, &left);
		if (got <= 0)
			return got ? AMI_NOT_YET : AMI_FILTERED;
		m->at = NULL;
	}
	m->included = true;
	got = step_filter(&f->exclude, m, event, text, &left);
	return got < 0 ? AMI_NOT_YET : got ? AMI_FILTERED : AMI_PASSES;
}

bool ami_filters_pass(const struct ami_filters *f, struct str event, struct str text)
{
	struct ami_match m = { 0 };
	enum ami_verdict v;

	do
		v = ami_filters_step(f, &m, event, text);
	while (v == AMI_NOT_YET);
	return v == AMI_PASSES;
}
