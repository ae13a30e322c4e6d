/* The lines of one configuration file: comments, sections, templates, variables, #include. */
#include "config/reader_internal.h"
#include <errno.h>
#include <regex.h>
#include <stdlib.h>

/* One file being cut up. Everything happens in place: a comment is closed up by
 * moving the rest of its line to the left. */
struct parse {
	struct load *l;
	struct config *c;
	struct config_section *cat;
	uint16_t file;
	uint32_t line;
	unsigned nest;                          /* ;-- still open */
	uint32_t nest_line[CONFIG_NEST_MAX];    /* where each began */
};

static void add_fault(struct parse *p, enum report_level level, const char *what, struct str about)
{
	report_add(p->l->r, level, config_file_name(p->c, p->file), p->line, "%s%s%.*s%s", what,
		   about.p ? " '" : "", STR_ARG(about), about.p ? "'" : "");
}

/* The reader's idea of a blank is every control byte, not only space and tab. */
static struct str strip_blanks(struct str s)
{
	while (s.n && (unsigned char)s.p[0] < 33)
		s = str_skip(s, 1);
	while (s.n && (unsigned char)s.p[s.n - 1] < 33)
		s.n--;
	return s;
}

static int append_var(struct parse *p, struct config_section *s, struct config_var v)
{
	struct config_var *e;

	if (p->c->vars >= VARS_MAX) {
		add_fault(p, REPORT_ERROR, "too many variables (templates that inherit each other?)", STR_NULL);
		return EBADMSG;
	}
	e = arena_alloc(p->c->arena, sizeof(*e));
	if (!e)
		return ENOMEM;
	v.next = NULL;
	*e = v;
	if (s->last)
		s->last->next = e;
	else
		s->first = e;
	s->last = e;
	p->c->vars++;
	return 0;
}

static bool regex_says(struct str re, struct str text)
{
	char *z = str_dup(re), *t = str_dup(text);
	regex_t r;
	bool yes = false;

	if (z && t && !regcomp(&r, z, REG_EXTENDED | REG_NOSUB)) {
		yes = !regexec(&r, t, 0, NULL, 0);
		regfree(&r);
	}
	free(z);
	free(t);
	return yes;
}

static bool has_matching_var(const struct config_section *s, struct str name_re, struct str value_re)
{
	for (const struct config_var *v = s->first; v; v = v->next)
		if (regex_says(name_re, v->name) && regex_says(value_re, v->value))
			return true;
	return false;
}

/* The filter of [x](+filter): NAME-RE=VALUE-RE terms joined by &, and
 * TEMPLATES=include|restrict. Without one, templates are passed over. */
static bool filter_fits(const struct config_section *s, struct str filter)
{
	bool template_ok = false;

	if (!filter.n)
		return !s->is_template;
	while (filter.n) {
		struct str term = strip_blanks(str_cut_raw(&filter, '&'));
		struct str name = strip_blanks(str_cut_raw(&term, '='));

		if (str_eq(name, STR("TEMPLATES"))) {
			if (str_ieq(strip_blanks(term), STR("restrict")) && !s->is_template)
				return false;
			template_ok = true;
		} else if (!has_matching_var(s, name, strip_blanks(term))) {
			return false;
		}
	}
	return !s->is_template || template_ok;
}

static int inherit_section(struct parse *p, struct config_section *to, struct str base_name)
{
	const struct config_section *base = find_section(p->c, base_name);
	size_t n = 0;

	if (!base) {
		add_fault(p, REPORT_ERROR, "inherits from a section that is not there (it must stand above):",
			  base_name);
		return EBADMSG;
	}
	for (const struct config_var *v = base->first; v; v = v->next)
		n++;
	/* Counted first: a section may inherit from itself by way of (+). */
	for (const struct config_var *v = base->first; n--; v = v->next) {
		struct config_var copy = *v;
		int err;

		copy.inherited = true;
		err = append_var(p, to, copy);
		if (err)
			return err;
	}
	return 0;
}

/* [x](+): go on in the section of that name that is already there. */
static int reopen_section(struct parse *p, struct config_section *fresh, struct str filter,
			  struct config_section **found)
{
	struct config_section *s = find_section(p->c, fresh->name);
	struct str base = STR_NULL;

	if (filter.n && str_chr(filter, '=') == filter.n) {
		base = filter;
		filter = STR_NULL;
	}
	while (s && !filter_fits(s, filter))
		s = s->same;
	if (!s) {
		add_fault(p, REPORT_ERROR, "(+) adds to a section that is not there (it must stand above):",
			  fresh->name);
		return EBADMSG;
	}
	if (fresh->first) {
		if (s->last)
			s->last->next = fresh->first;
		else
			s->first = fresh->first;
		s->last = fresh->last;
	}
	s->is_template |= fresh->is_template;
	p->c->current = s;
	*found = s;
	return base.n ? inherit_section(p, s, base) : 0;
}

static int parse_header(struct parse *p, struct str line)
{
	struct config_section *fresh = arena_alloc(p->c->arena, sizeof(*fresh)), *s = fresh;
	size_t end = str_chr(line, ']');
	struct str options = STR_NULL;
	int err = 0;

	if (!fresh)
		return ENOMEM;
	if (end == line.n) {
		add_fault(p, REPORT_ERROR, "a section header without ']'", STR_NULL);
		return EBADMSG;
	}
	fresh->name = str_sub(line, 1, end - 1);
	fresh->line = p->line;
	fresh->file = p->file;
	line = str_skip(line, end + 1);
	if (line.n && line.p[0] == '(') {
		end = str_chr(line, ')');
		if (end == line.n) {
			add_fault(p, REPORT_ERROR, "a section header without ')'", STR_NULL);
			return EBADMSG;
		}
		options = str_sub(line, 1, end - 1);
		line = str_skip(line, end + 1);
	}
	if (strip_blanks(line).n)
		add_fault(p, REPORT_WARNING, "text after a section header is ignored:", strip_blanks(line));
	while (!err && options.n) {
		struct str o = strip_blanks(str_cut_raw(&options, ','));

		if (str_eq(o, STR("!")))
			s->is_template = true;
		else if (o.n && o.p[0] == '+')
			err = reopen_section(p, fresh, str_skip(o, 1), &s);
		else if (o.n)
			err = inherit_section(p, s, o);
	}
	if (err)
		return err;
	p->cat = s;
	return s == fresh ? add_section(p->c, fresh) : 0;
}

/* `name += text`: onto the end of the last variable of that name, and only the end
 * of the whole is trimmed, so that "a += b" adds " b". */
static int extend_variable(struct parse *p, struct str name, struct str more, bool *done)
{
	struct config_var *last = NULL;
	struct str whole;

	for (struct config_var *v = p->cat->first; v; v = v->next)
		if (str_eq(v->name, name))
			last = v;
	*done = last != NULL;
	if (!last)
		return 0;
	if (last->value.n + more.n > VALUE_MAX) {
		add_fault(p, REPORT_ERROR, "+= makes a value too long:", name);
		return EBADMSG;
	}
	whole = arena_printf(p->c->arena, "%.*s%.*s", STR_ARG(last->value), STR_ARG(more));
	if (!whole.p)
		return ENOMEM;
	last->value = strip_blanks(whole);
	last->line = p->line;
	last->file = p->file;
	last->inherited = false;
	return 0;
}

/* What a report may show of a line: its first word. Behind that may stand a password. */
static struct str first_word(struct str line)
{
	size_t n = 0;

	while (n < line.n && n < 32 && line.p[n] != '=' && (unsigned char)line.p[n] > 32)
		n++;
	return str_sub(line, 0, n);
}

static int parse_var(struct parse *p, struct str line)
{
	struct config_var v = { .line = p->line, .file = p->file };
	bool escaped = line.p[0] == '\\';
	size_t eq;

	if (!p->cat) {
		add_fault(p, REPORT_ERROR, "a line before any [section]; put it under one:", first_word(line));
		return EBADMSG;
	}
	if (escaped) {
		line = str_skip(line, 1);
		if (!line.n || (unsigned char)line.p[0] < 33) {
			add_fault(p, REPORT_ERROR, "'\\' at the start of a line escapes nothing", STR_NULL);
			return EBADMSG;
		}
	}
	eq = escaped + str_chr(str_skip(line, escaped), '=');
	if (eq >= line.n) {
		add_fault(p, REPORT_WARNING, "no '=' in the line, so it is ignored:", first_word(line));
		return 0;
	}
	v.name = str_sub(line, 0, eq);
	v.value = str_skip(line, eq + 1);
	if (eq > escaped && line.p[eq - 1] == '+') {
		bool done = false;
		int err;

		v.name = strip_blanks(str_sub(line, 0, eq - 1));
		err = v.name.n ? extend_variable(p, v.name, v.value, &done) : 0;
		if (err || done)
			return err;
	} else if (v.value.n && v.value.p[0] == '>') {
		v.arrow = true;
		v.value = str_skip(v.value, 1);
	}
	v.name = strip_blanks(v.name);
	v.value = strip_blanks(v.value);
	if (!v.name.n) {
		add_fault(p, REPORT_WARNING, "no name before '=', so the line is ignored", STR_NULL);
		return 0;
	}
	return append_var(p, p->cat, v);
}

/* "x.conf", <x.conf> or bare. */
static struct str unwrap_name(struct str s)
{
	if (s.n >= 2 && ((s.p[0] == '"' && s.p[s.n - 1] == '"') || (s.p[0] == '<' && s.p[s.n - 1] == '>')))
		return str_sub(s, 1, s.n - 2);
	return s;
}

static int parse_directive(struct parse *p, struct str line)
{
	struct str word = str_skip(line, 1), arg;
	size_t n = 0;
	bool must, is_exec;
	int err;

	while (n < word.n && (unsigned char)word.p[n] > 32)
		n++;
	arg = unwrap_name(strip_blanks(str_skip(word, n)));
	word.n = n;
	is_exec = str_ieq(word, STR("exec"));
	must = is_exec || str_ieq(word, STR("include"));
	if (!must && !str_ieq(word, STR("tryinclude"))) {
		add_fault(p, REPORT_WARNING, "unknown directive, ignored: #", word);
		return 0;
	}
	if (!arg.n) {
		add_fault(p, REPORT_WARNING, "a directive that names no file, ignored: #", word);
		return 0;
	}
	if (is_exec && !p->l->prm->exec_includes) {
		add_fault(p, REPORT_WARNING,
			  "#exec is skipped; asterisk.conf [options] execincludes=yes allows it", STR_NULL);
		return 0;
	}
	if (p->l->depth >= CONFIG_INCLUDE_DEPTH) {
		add_fault(p, REPORT_ERROR, "files include each other too deep, at", arg);
		return EBADMSG;
	}
	/* A file that begins with variables goes on in the section that is open, but a
	 * section it opens ends with it. */
	struct config_section *inner = p->c->current;

	p->l->depth++;
	err = is_exec ? load_command(p->l, arg, &inner) : load_files(p->l, arg, &inner);
	p->l->depth--;
	if (err == 0 || err == EBADMSG || err == ENOMEM || err == E2BIG)
		return err == E2BIG ? EBADMSG : err;
	if (!must && err == ENOENT)
		return 0;
	add_fault(p, must ? REPORT_ERROR : REPORT_WARNING, err == ENOENT ?
		     "#include of a file that is not there (use #tryinclude where it may be missing):" :
		     "an included file cannot be read:", arg);
	return must ? EBADMSG : 0;
}

static void drop_bytes(struct str *line, char *at, size_t n)
{
	size_t off = (size_t)(at - line->p);

	memmove(at, at + n, line->n - off - n);
	line->n -= n;
}

/* Take comments out of `line` (bytes of the file's own text). What remains outside
 * of every comment is given back. `base` writes where line.p reads. */
static struct str strip_comments(struct parse *p, char *base, size_t n)
{
	struct str line = str_mk(base, n);
	char *live = p->nest ? NULL : base;     /* where text outside of comments begins */
	char *from = base;                      /* where to look for the next ';' */
	size_t keep = 0;                        /* bytes of live text, once a block began */

	for (;;) {
		char *end = base + line.n;
		char *c = end > from ? memchr(from, ';', (size_t)(end - from)) : NULL;
		bool opens, closes;

		if (!c)
			break;
		opens = end - c > 2 && c[1] == '-' && c[2] == '-' && (end - c == 3 || c[3] != '-');
		closes = p->nest && c - from >= 2 && c[-1] == '-' && c[-2] == '-';
		if (c > from && c[-1] == '\\') {
			drop_bytes(&line, c - 1, 1);
			from = c;
		} else if (opens && p->nest < CONFIG_NEST_MAX) {
			if (!p->nest && live)
				keep = (size_t)(c - live);
			p->nest_line[p->nest++] = p->line;
			from = c + 3;
		} else if (closes) {
			from = c + 1;
			if (--p->nest)
				continue;
			if (live) {
				drop_bytes(&line, live + keep, (size_t)(from - (live + keep)));
				from = live + keep;
			} else {
				live = from;
			}
		} else if (!p->nest) {
			line.n = (size_t)(c - base);
			break;
		} else {
			if (opens)
				add_fault(p, REPORT_WARNING, "comments inside comments too deep", STR_NULL);
			from = c + 1;
		}
	}
	if (!live)
		return STR_NULL;
	return str_mk(live, p->nest ? keep : (size_t)(base + line.n - live));
}

static int parse_line(struct parse *p, struct str line)
{
	line = strip_blanks(line);
	if (!line.n)
		return 0;
	if (line.p[0] == '[')
		return parse_header(p, line);
	if (line.p[0] == '#')
		return parse_directive(p, line);
	return parse_var(p, line);
}

int parse_file(struct load *l, uint16_t f, struct config_section **cat)
{
	struct parse p = { .l = l, .c = l->c, .cat = *cat, .file = f };
	char *at = l->c->file[f].text, *end = at + l->c->file[f].size;
	int err = 0;

	if (end - at >= 3 && !memcmp(at, "\xEF\xBB\xBF", 3))
		at += 3;
	while (!err && at < end) {
		char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl ? nl : end) - at);
		size_t nul = str_chr(str_mk(at, n), 0);

		p.line++;
		if (n >= CONFIG_LINE_MAX) {
			add_fault(&p, REPORT_WARNING, "a line of 8191 bytes or more is skipped; it begins with",
				     str_sub(str_mk(at, n), 0, 32));
		} else {
			if (nul < n)
				add_fault(&p, REPORT_WARNING, "a NUL byte ends the line", STR_NULL);
			err = parse_line(&p, strip_comments(&p, at, nul));
		}
		at = nl ? nl + 1 : end;
	}
	if (!err && p.nest) {
		p.line = p.nest_line[p.nest - 1];
		add_fault(&p, REPORT_WARNING, "a comment that ;-- begins is not ended by --;", STR_NULL);
	}
	*cat = p.cat;
	return err;
}
