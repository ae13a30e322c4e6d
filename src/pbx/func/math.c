/* MATH(), MIN(), MAX(), RAND() and their kin. */
#define LOG_MODULE "pbx"
#include "base/hash.h"
#include "base/log.h"
#include "pbx/func/text.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <openssl/rand.h>
#include <stdlib.h>

static int number(struct str s, double *out)
{
	char z[64], *end;

	s = str_trim(s);
	if (!s.n || s.n >= sizeof(z))
		return EINVAL;
	str_copy(z, sizeof(z), s);
	*out = strtod(z, &end);
	return end == z ? EINVAL : 0;
}

/* A double as a 64-bit number, clamped: a cast of more is undefined. */
static int64_t whole(double v)
{
	if (v != v)
		return 0;
	return v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : (int64_t)v;
}

static void put_number(struct buf *out, double v)
{
	if (v >= INT_MIN && v <= INT_MAX && v == (double)(int)v)
		buf_printf(out, "%d", (int)v);
	else
		buf_printf(out, "%f", v);
}

/* ---- MATH(a op b[,type]) */

static const struct {
	struct str op;
	char code;
} operators[] = {
	{ STR_INIT("<<"), 'l' }, { STR_INIT(">>"), 'r' }, { STR_INIT("<="), 'k' }, { STR_INIT(">="), 'g' },
	{ STR_INIT("=="), '=' }, { STR_INIT("AND"), '&' }, { STR_INIT("XOR"), 'x' }, { STR_INIT("OR"), '|' },
	{ STR_INIT("<"), '<' }, { STR_INIT(">"), '>' }, { STR_INIT("^"), '^' }, { STR_INIT("*"), '*' },
	{ STR_INIT("/"), '/' }, { STR_INIT("%"), '%' }, { STR_INIT("+"), '+' }, { STR_INIT("-"), '-' },
};

/* The first operator after the first number's sign. 0: none. */
static char cut_operator(struct str s, struct str *a, struct str *b)
{
	for (size_t i = 0; i < s.n; i++) {
		struct str rest = str_skip(s, i);

		if ((rest.p[0] == '-' || rest.p[0] == '+') && !str_trim(str_sub(s, 0, i)).n)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(operators); j++) {
			if (!str_starts(rest, operators[j].op))
				continue;
			*a = str_sub(s, 0, i);
			*b = str_skip(rest, operators[j].op.n);
			return operators[j].code;
		}
	}
	return 0;
}

static int64_t shifted(int64_t a, double by, bool left)
{
	unsigned n = by < 0 || by > 63 ? 64 : (unsigned)by;

	if (n > 63)
		return 0;
	return left ? (int64_t)((uint64_t)a << n) : a >> n;
}

static double compute(double a, char op, double b)
{
	switch (op) {
	case '+': return a + b;
	case '-': return a - b;
	case '*': return a * b;
	case '/': return b == 0 ? 0 : a / b;
	case '%': return whole(b) == 0 ? 0 : fmod((double)whole(a), (double)whole(b));
	case '^': return pow(a, b);
	case 'l': return (double)shifted(whole(a), b, true);
	case 'r': return (double)shifted(whole(a), b, false);
	case '&': return (double)(whole(a) & whole(b));
	case '|': return (double)(whole(a) | whole(b));
	case 'x': return (double)(whole(a) ^ whole(b));
	default: return 0;
	}
}

static bool compare(double a, char op, double b)
{
	switch (op) {
	case '<': return a < b;
	case '>': return a > b;
	case 'k': return a <= b;
	case 'g': return a >= b;
	default: return a == b;
	}
}

static bool is_type(struct str type, const char *shorter, const char *longer)
{
	return str_ieq(type, str_z(shorter)) || str_ieq(type, str_z(longer));
}

/* 0: unknown. */
static char type_of(struct str type)
{
	static const struct {
		const char *shorter, *longer;
	} types[] = { { "f", "float" }, { "i", "int" }, { "h", "hex" }, { "c", "char" } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (is_type(type, types[i].shorter, types[i].longer))
			return types[i].shorter[0];
	return 0;
}

static void put_typed(struct buf *out, double v, char type)
{
	int64_t n = whole(v);

	if (type == 'i')        /* what 32 bits cannot hold */
		buf_printf(out, "%d", n < INT_MIN || n > INT_MAX ? INT_MIN : (int)n);
	else if (type == 'h')
		buf_printf(out, "%llx", (unsigned long long)n & 0xffffffffu);
	else if (type == 'c')
		buf_char(out, (char)n);
	else
		buf_printf(out, "%f", v);
}

static int math(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2], a, b;
	double x, y;
	char op, type;

	(void)p;
	(void)ch;
	type = pbx_args(args, v, 2) < 2 ? 'f' : type_of(v[1]);
	op = cut_operator(v[0], &a, &b);
	if (!type || !op || number(a, &x) || number(b, &y)) {
		log_warning("MATH needs number operator number, not '%.*s'", STR_ARG(args));
		return EINVAL;
	}
	if (strchr("<>kg=", op))
		buf_put(out, compare(x, op, y) ? STR("TRUE") : STR("FALSE"));
	else
		put_typed(out, compute(x, op, y), type);
	return 0;
}

/* ---- INC(variable), DEC(variable) */

static int step(struct pbx *p, struct channel *ch, struct str name, struct buf *out, int by)
{
	struct str value;
	char text[24];
	int64_t v;

	if (!name.n || !ch)
		return EINVAL;
	if ((!vars_get(&ch->vars, name, &value) && !vars_get(&p->globals, name, &value)) ||
	    str_i64(str_ltrim(value), &v)) {
		log_warning("'%.*s' holds no whole number to count with", STR_ARG(name));
		return EINVAL;
	}
	/* 32 bits that go round */
	snprintf(text, sizeof(text), "%d", (int)(int32_t)((uint32_t)v + (uint32_t)by));
	buf_put(out, str_z(text));
	return pbx_setvar(p, ch, name, str_z(text));
}

static int inc(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	return step(p, ch, args, out, 1);
}

static int dec(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	return step(p, ch, args, out, -1);
}

/* ---- others */

static int two(struct str args, double *a, double *b)
{
	struct str v[2];
	bool first, second;

	*a = *b = 0;
	pbx_args(args, v, 2);
	first = v[0].n > 0;
	second = v[1].n > 0;
	if ((!first && !second) || (first && number(v[0], a)) || (second && number(v[1], b)))
		return EINVAL;
	if (!first)
		*a = *b;
	if (!second)
		*b = *a;
	return 0;
}

static int minimum(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	double a, b;

	(void)p;
	(void)ch;
	if (two(args, &a, &b))
		return EINVAL;
	put_number(out, a < b ? a : b);
	return 0;
}

static int maximum(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	double a, b;

	(void)p;
	(void)ch;
	if (two(args, &a, &b))
		return EINVAL;
	put_number(out, a > b ? a : b);
	return 0;
}

static int absolute(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	double a;

	(void)p;
	(void)ch;
	if (number(args, &a))
		return EINVAL;
	put_number(out, a < 0 ? -a : a);
	return 0;
}

static int digit_sum(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	unsigned sum = 0;

	(void)p;
	(void)ch;
	if (!args.n)
		return EINVAL;
	for (size_t i = 0; i < args.n; i++)
		if (args.p[i] >= '0' && args.p[i] <= '9')
			sum += (unsigned)(args.p[i] - '0');
	buf_printf(out, "%u", sum);
	return 0;
}

/* RAND([min[,max]]) */
static int random_number(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	int64_t min = 0, max = INT_MAX;
	struct str v[2];
	uint64_t r = 0;

	(void)p;
	(void)ch;
	pbx_args(args, v, 2);
	if (v[0].n && str_i64(str_trim(v[0]), &min))
		min = 0;
	if (v[1].n && str_i64(str_trim(v[1]), &max))
		max = INT_MAX;
	if (max < min) {
		int64_t swap = min;

		min = max;
		max = swap;
	}
	if (min < INT_MIN || max > UINT_MAX)
		return EINVAL;
	if (RAND_bytes((unsigned char *)&r, sizeof(r)) != 1)
		return EIO;
	buf_printf(out, "%lld", (long long)(min + (int64_t)(r % (uint64_t)(max - min + 1))));
	return 0;
}

const struct func func_math = { .name = "MATH", .synopsis = "Calculates", .read = math };
const struct func func_inc = { .name = "INC", .synopsis = "Adds one to a variable", .read = inc };
const struct func func_dec = { .name = "DEC", .synopsis = "Takes one from a variable", .read = dec };
const struct func func_min = { .name = "MIN", .synopsis = "The smaller of two numbers", .read = minimum };
const struct func func_max = { .name = "MAX", .synopsis = "The larger of two numbers", .read = maximum };
const struct func func_abs = { .name = "ABS", .synopsis = "A number without its sign", .read = absolute };
const struct func func_digit_sum = { .name = "DIGIT_SUM", .synopsis = "The sum of a number's digits",
	.read = digit_sum };
const struct func func_rand = { .name = "RAND", .synopsis = "A random number", .read = random_number };
