/* extensions.conf: lines to steps. */
#include "base/buf.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"
#include "pbx/substitute.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define REGISTRAR "pbx_config"

struct build {
	struct dialplan *d;
	const struct config *cfg;
	struct vars *globals;
	report_fn *report;
	void *arg;
	struct context *c;      /* being filled */
	int last;               /* priority before; 0: none in this context yet */
	char name[512];         /* extension of the line before, for same => */
	size_t name_n;
	int err;                /* ENOMEM ends the build */
};

static void fault(const struct build *b, const struct config_var *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(const struct build *b, const struct config_var *v, const char *fmt, ...)
{
	struct buf t = BUF_INIT;
	va_list ap;

	if (!b->report)
		return;
	va_start(ap, fmt);
	buf_vprintf(&t, fmt, ap);
	va_end(ap);
	b->report(b->arg, config_file_name(b->cfg, v->file), v->line, buf_view(&t));
	buf_free(&t);
}

/* Up to the next comma that stands neither in [] nor after a backslash. */
static struct str cut_name(struct str *s)
{
	bool square = false;
	size_t i;
	struct str head;

	for (i = 0; i < s->n; i++) {
		if (square)
			square = s->p[i] != ']';
		else if (s->p[i] == '[')
			square = true;
		else if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == ',')
			break;
	}
	head = str_sub(*s, 0, i);
	*s = str_skip(*s, i + 1);
	return head;
}

/* "n+2(label)", "n(label)", "10", "hint", "label+1". False: reported. */
static bool priority(struct build *b, const struct config_var *v, struct str text, struct str exten,
		     struct step_prm *prm)
{
	struct str pri = str_cut_raw(&text, '('), plus;
	struct exten *e;
	uint32_t n, add = 0;

	if (text.p && text.n && str_chr(text, ')') == text.n) {
		fault(b, v, "the label '%.*s' has no closing ')'", STR_ARG(text));
		return false;
	}
	prm->label = str_trim(str_cut_raw(&text, ')'));
	plus = str_trim(text);
	pri = str_trim(pri);
	if (str_chr(pri, '+') < pri.n) {
		plus = pri;
		pri = str_trim(str_cut_raw(&plus, '+'));
	} else {
		plus = str_skip(plus, str_starts(plus, STR("+")));
	}
	plus = str_trim(plus);
	if (plus.n && (str_u32(plus, &add) || add > 100000)) {
		fault(b, v, "'+%.*s' is no number to add to a priority", STR_ARG(plus));
		return false;
	}
	if (str_eq(pri, STR("hint"))) {
		prm->priority = PRIORITY_HINT;
		return true;
	}
	if (str_eq(pri, STR("n")) || str_eq(pri, STR("next"))) {
		prm->priority = b->last + 1;
	} else if (str_eq(pri, STR("s")) || str_eq(pri, STR("same"))) {
		prm->priority = b->last;
	} else if (!str_u32(pri, &n)) {
		prm->priority = n <= INT_MAX / 2 ? (int)n : 0;
	} else {
		e = dialplan_exten(b->c, exten);
		prm->priority = e ? exten_label(e, pri) : 0;
	}
	if (prm->priority < 1 || (b->last < 1 && !b->name_n)) {
		fault(b, v, "'%.*s' is no priority here", STR_ARG(pri));
		return false;
	}
	prm->priority += (int)add;
	return true;
}

/* "Dial(PJSIP/1,20)", "Answer", and the old "Dial,PJSIP/1,20". */
static void application(struct build *b, const struct config_var *v, struct str text, struct step_prm *prm)
{
	size_t open, comma, close;
	struct str app;

	text = str_ltrim(text);
	open = str_chr(text, '(');
	comma = str_chr(text, ',');
	app = str_sub(text, 0, open);
	if (prm->priority == PRIORITY_HINT || str_find(app, STR("${")) < app.n || str_find(app, STR("$[")) < app.n) {
		prm->app = str_rtrim(text);
		return;
	}
	if (comma < open) {
		prm->app = str_trim(str_cut_raw(&text, ','));
		prm->data = str_trim(text);
		return;
	}
	prm->app = str_trim(app);
	if (open == text.n)
		return;
	text = str_skip(text, open + 1);
	close = str_rchr(text, ')');
	prm->data = str_sub(text, 0, close);
	if (close == text.n)
		fault(b, v, "no closing ')' after '%.*s('", STR_ARG(prm->app));
}

static void add_step(struct build *b, const struct config_var *v, struct str exten, struct str rest)
{
	struct step_prm prm = { .exten = exten, .file = config_file_name(b->cfg, v->file), .line = v->line };
	size_t slash = str_rchr(prm.file, '/');
	struct str pri = str_cut_raw(&rest, ',');
	int err;

	if (slash < prm.file.n)
		prm.file = str_skip(prm.file, slash + 1);
	if (!priority(b, v, pri, exten, &prm))
		return;
	application(b, v, rest, &prm);
	if (!prm.app.n && prm.priority != PRIORITY_HINT) {
		fault(b, v, "no application at priority %d of '%.*s'", prm.priority, STR_ARG(exten));
		return;
	}
	if (str_eq(exten, STR("_.")) || str_eq(exten, STR("_!")))
		fault(b, v, "'%.*s' also takes i, h, t and their like; '_X%c' is better", STR_ARG(exten), exten.p[1]);
	if (prm.priority > 0)
		b->last = prm.priority;
	err = dialplan_put(b->d, b->c, &prm);
	if (err == EEXIST)
		fault(b, v, "priority %d of '%.*s' in '%.*s' is there already; this line is left out", prm.priority,
		      STR_ARG(exten), STR_ARG(b->c->name));
	else if (err == ENOMEM)
		b->err = err;
	else if (err)
		fault(b, v, "'%.*s' is no extension name", STR_ARG(exten));
}

static void exten_line(struct build *b, const struct config_var *v)
{
	struct str rest = v->value, name = cut_name(&rest);
	struct buf out = BUF_INIT;

	pbx_substitute_vars(b->globals, str_trim(name), &out);
	if (out.n > sizeof(b->name) || buf_err(&out)) {
		fault(b, v, "the extension's name is too long");
		b->name_n = 0;
	} else {
		b->name_n = out.n;
		if (out.n)
			memcpy(b->name, out.p, out.n);
		add_step(b, v, str_mk(b->name, b->name_n), rest);
	}
	buf_free(&out);
}

static void same_line(struct build *b, const struct config_var *v)
{
	if (!b->name_n) {
		fault(b, v, "'same' before any extension of this context");
		return;
	}
	add_step(b, v, str_mk(b->name, b->name_n), v->value);
}

static char *substituted(struct build *b, struct str text)
{
	struct buf out = BUF_INIT;
	char *z;

	pbx_substitute_vars(b->globals, text, &out);
	if (!out.n)
		buf_put(&out, STR(""));
	z = buf_take(&out);
	if (!z)
		z = str_dup(STR(""));
	if (!z)
		b->err = ENOMEM;
	return z;
}

static void include_line(struct build *b, const struct config_var *v)
{
	char *text = substituted(b, v->value);
	int err = text ? context_include(b->c, text) : 0;

	if (err == ENOMEM)
		b->err = ENOMEM;
	else if (err == EEXIST)
		fault(b, v, "'%.*s' is included already", STR_ARG(v->value));
	else if (err == EBADMSG)
		fault(b, v, "some of the times of '%.*s' is not understood", STR_ARG(v->value));
}

static void list_line(struct build *b, char ***list, size_t *n, struct str text)
{
	char *z = substituted(b, text), **grown;

	if (!z)
		return;
	grown = *n < LIST_MAX ? reallocarray(*list, *n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(z);
		return;
	}
	*list = grown;
	(*list)[(*n)++] = z;
}

static void line(struct build *b, const struct config_var *v)
{
	if (str_istarts(v->name, STR("same"))) {
		same_line(b, v);
	} else if (str_ieq(v->name, STR("exten"))) {
		exten_line(b, v);
	} else if (str_ieq(v->name, STR("include"))) {
		include_line(b, v);
	} else if (str_ieq(v->name, STR("ignorepat"))) {
		list_line(b, &b->c->ignorepat, &b->c->ignorepats, v->value);
	} else if (str_ieq(v->name, STR("switch")) || str_ieq(v->name, STR("lswitch")) ||
		   str_ieq(v->name, STR("eswitch"))) {
		list_line(b, &b->c->swtch, &b->c->switches, v->value);
		fault(b, v, "no switch can be asked; '%.*s' is kept and passed over", STR_ARG(v->value));
	} else if (str_ieq(v->name, STR("autohints"))) {
		(void)str_bool(v->value, &b->c->autohints);
	} else {
		fault(b, v, "'%.*s' is nothing a context may hold (exten, same, include, ignorepat, switch, autohints)",
		      STR_ARG(v->name));
	}
}

static void general(struct dialplan *d, const struct config_section *s)
{
	for (const struct config_var *v = s->first; v; v = v->next) {
		if (str_ieq(v->name, STR("static")))
			(void)str_bool(v->value, &d->fixed);
		else if (str_ieq(v->name, STR("writeprotect")))
			(void)str_bool(v->value, &d->writeprotect);
		else if (str_ieq(v->name, STR("autofallthrough")))
			(void)str_bool(v->value, &d->autofallthrough);
		else if (str_ieq(v->name, STR("clearglobalvars")))
			(void)str_bool(v->value, &d->clearglobals);
	}
}

static void globals(struct build *b, const struct config_section *s)
{
	for (const struct config_var *v = s->first; v && !b->err; v = v->next) {
		char *value = substituted(b, v->value);
		int err = value ? vars_set(b->globals, v->name, str_z(value)) : ENOMEM;

		if (err == ENOMEM)
			b->err = err;
		free(value);
	}
}

static void contexts(struct build *b)
{
	for (const struct config_section *s = config_first(b->cfg); s && !b->err; s = config_next(s)) {
		if (str_ieq(s->name, STR("general")) || str_ieq(s->name, STR("globals")))
			continue;
		b->err = dialplan_context_make(b->d, s->name, REGISTRAR, &b->c);
		b->last = 0;
		b->name_n = 0;
		for (const struct config_var *v = s->first; v && !b->err; v = v->next)
			line(b, v);
	}
}

static void check_includes(struct build *b)
{
	for (const struct config_section *s = config_first(b->cfg); s; s = config_next(s))
		for (const struct config_var *v = s->first; v; v = v->next) {
			struct str name = v->value;

			if (!str_ieq(v->name, STR("include")) || str_ieq(s->name, STR("general")) ||
			    str_find(name, STR("${")) < name.n)
				continue;
			name = str_trim(str_cut_raw(&name, str_chr(name, ',') < name.n ? ',' : '|'));
			if (!dialplan_context(b->d, name))
				fault(b, v, "context '%.*s' includes '%.*s', which does not exist", STR_ARG(s->name),
				      STR_ARG(name));
		}
}

int dialplan_build(struct dialplan **out, const struct config *cfg, struct vars *vars, report_fn *report, void *arg)
{
	struct vars own = { 0 };
	struct build b = { .cfg = cfg, .globals = vars ? vars : &own, .report = report, .arg = arg };

	b.d = dialplan_new();
	if (!b.d)
		return ENOMEM;
	for (const struct config_section *s = config_first(cfg); s; s = config_next(s)) {
		if (str_ieq(s->name, STR("general")))
			general(b.d, s);
		else if (str_ieq(s->name, STR("globals")))
			globals(&b, s);
	}
	contexts(&b);
	check_includes(&b);
	dialplan_sort(b.d);
	vars_free(&own);
	if (b.err)
		obj_drop(b.d);
	else
		*out = b.d;
	return b.err;
}
