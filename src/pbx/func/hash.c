/* HASH(name,key): many variables under one name. ARRAY(a,b): several at once. */
#include "pbx/app/app.h"
#include "pbx/channel.h"
#include "pbx/func/text.h"
#include <errno.h>

static void put_name(struct buf *b, struct str under, struct str hash, struct str key)
{
	buf_puts(b, under, STR("~HASH~"), hash, STR("~"), key, STR("~"));
}

static void variable_name(struct buf *b, struct str hash, struct str key)
{
	struct str under = STR("");

	if (str_starts(hash, STR("__")))
		under = STR("__");
	else if (str_starts(hash, STR("_")))
		under = STR("_");
	put_name(b, under, str_skip(hash, under.n), key);
}

static int each_key(struct channel *ch, struct str hash, void (*fn)(void *, struct str), void *arg)
{
	struct buf prefix = BUF_INIT;

	if (!ch)
		return ENOENT;
	buf_puts(&prefix, STR("~HASH~"), hash, STR("~"));
	if (ch->vars.head.next)
		list_each_safe(l, tmp, &ch->vars.head) {
			struct str name = container_of(l, struct var, link)->name;

			while (str_starts(name, STR("_")))
				name = str_skip(name, 1);
			if (str_starts(name, buf_view(&prefix)) && str_ends(name, STR("~")) && name.n > prefix.n + 1)
				fn(arg, str_sub(name, prefix.n, name.n - prefix.n - 1));
		}
	buf_free(&prefix);
	return 0;
}

static void put_key(void *arg, struct str key)
{
	struct buf *out = arg;

	if (out->n)
		buf_char(out, ',');
	buf_put(out, key);
}

static int read_keys(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf keys = BUF_INIT;
	int err = each_key(ch, args, put_key, &keys);

	(void)p;
	buf_put(out, buf_view(&keys));
	buf_free(&keys);
	return err;
}

/* The keys that HASH(name) gave last, in its order, so that HASH(other)=values goes by them. */
static const struct str fields = STR_INIT("~ODBCFIELDS~");

static void put_values(struct channel *ch, struct str hash, struct str keys, struct buf *out)
{
	struct str value;

	for (bool first = true, more = keys.n > 0; more; first = false) {
		struct buf name = BUF_INIT;

		more = str_chr(keys, ',') < keys.n;
		put_name(&name, STR(""), hash, str_cut_raw(&keys, ','));
		if (!first)
			buf_char(out, ',');
		if (vars_get(&ch->vars, buf_view(&name), &value))
			buf_put(out, value);
		buf_free(&name);
	}
}

/* HASH(name): all its values. */
static int read_all(struct pbx *p, struct channel *ch, struct str hash, struct buf *out)
{
	struct buf keys = BUF_INIT;
	int err;

	if (!ch || !hash.n)
		return EINVAL;
	err = read_keys(p, ch, hash, &keys);
	err = err ? err : pbx_setvar(p, ch, fields, keys.n ? buf_view(&keys) : STR(""));
	if (!err)
		put_values(ch, hash, buf_view(&keys), out);
	buf_free(&keys);
	return err;
}

/* HASH(name)=values, in the order of the keys that were read last. */
static int write_all(struct pbx *p, struct channel *ch, struct str hash, struct str value)
{
	struct args keys = { 0 }, values = { 0 };
	struct str known;
	int err;

	if (!ch || !hash.n || !vars_get(&ch->vars, fields, &known))
		return EINVAL;
	err = args_split(&keys, known, ',', ARGS_MAX);
	err = err ? err : args_split(&values, value, ',', ARGS_MAX);
	for (size_t i = 0; !err && i < keys.n; i++) {
		struct buf name = BUF_INIT;

		variable_name(&name, hash, keys.v[i]);
		err = pbx_setvar(p, ch, buf_view(&name), values.v[i]);
		buf_free(&name);
	}
	args_free(&values);
	args_free(&keys);
	return err;
}

static int read_hash(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf name = BUF_INIT;
	struct str v[2];

	if (pbx_args(args, v, 2) < 2)
		return read_all(p, ch, args, out);
	put_name(&name, STR(""), v[0], v[1]);
	(void)pbx_getvar(p, ch, buf_view(&name), out);
	buf_free(&name);
	return 0;
}

static int write_hash(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct buf name = BUF_INIT;
	struct str v[2];
	int err;

	if (pbx_args(args, v, 2) < 2)
		return write_all(p, ch, args, value);
	variable_name(&name, v[0], v[1]);
	err = pbx_setvar(p, ch, buf_view(&name), value.p ? value : STR(""));
	buf_free(&name);
	return err;
}

static int write_array(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct args names, values;
	int err = args_split(&names, args, ',', ARGS_MAX);

	if (err)
		return err;
	err = args_split(&values, value, ',', ARGS_MAX);
	for (size_t i = 0; !err && i < names.n; i++)
		if (names.v[i].n)
			err = pbx_setvar(p, ch, names.v[i], values.v[i]);
	args_free(&values);
	args_free(&names);
	return err;
}

struct clear {
	struct channel *ch;
	struct str hash;
};

static void clear_key(void *arg, struct str key)
{
	struct clear *c = arg;
	struct buf name = BUF_INIT;

	variable_name(&name, c->hash, key);
	(void)vars_set(&c->ch->vars, buf_view(&name), STR_NULL);
	buf_free(&name);
}

static int run_clear(struct channel *ch, struct str data)
{
	struct clear c = { ch, str_trim(data) };

	(void)each_key(ch, c.hash, clear_key, &c);
	return 0;
}

const struct func func_hash = { .name = "HASH", .synopsis = "Variables by name and key", .read = read_hash,
	.write = write_hash };
const struct func func_hashkeys = { .name = "HASHKEYS", .synopsis = "The keys of a HASH()", .read = read_keys };
const struct func func_array = { .name = "ARRAY", .synopsis = "Sets several variables", .write = write_array };
const struct app app_clear_hash = { .name = "ClearHash", .synopsis = "Forget all keys of a HASH()",
	.run = run_clear };
