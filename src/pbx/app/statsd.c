/* StatsD(type,name,value[,rate]): a number of the dialplan's for a StatsD server. */
#define LOG_MODULE "dialplan"
#include "base/log.h"
#include "net/statsd.h"
#include "pbx/app/app.h"
#include "pbx/app/judge.h"
#include "pbx/channel.h"

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

/* Digits, with one point at most. */
static bool is_number(struct str s)
{
	size_t points = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.')
			points++;
		else if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return points < 2;
}

static bool is_between(struct str s, double least, double most)
{
	double v = 0;

	/* More digits than str_double() takes are beyond both ends. */
	return !str_double(s, &v) ? v >= least && v <= most : s.n < 20 && (str_eq(s, STR(".")) || str_eq(s, STR("+."))
		|| str_eq(s, STR("-.")));
}

static const char *judge_value(enum statsd_type t, struct str value)
{
	bool sign = value.n && (value.p[0] == '+' || value.p[0] == '-') && (t == STATSD_GAUGE || t == STATSD_COUNTER);

	if (!value.n)
		return "has no value";
	if (t == STATSD_SET)
		return str_chr(value, '|') < value.n ? "a set's value may hold no |" : NULL;
	if (sign && value.n == 1)
		return "the value is a sign and nothing else";
	if (!is_number(str_skip(value, sign)))
		return "the value is no number";
	if (!is_between(value, t == STATSD_TIMER ? 0 : -TWO_63, t == STATSD_TIMER ? TWO_64 : TWO_63))
		return "the value is out of range";
	return NULL;
}

struct told {
	enum statsd_type type;
	struct str name, value, rate;
	bool has_rate;
};

static const char *read_args(struct told *v, struct str data)
{
	struct str a[4] = { STR_NULL };
	size_t n = pbx_args(data, a, 4);

	*v = (struct told){ .name = a[1], .value = a[2], .rate = a[3], .has_rate = n > 3 };
	if (!data.n)
		return "needs a type, a name and a value";
	if (statsd_type_of(&v->type, a[0]))
		return "the type is none of g, c, ms, s";
	if (!v->name.n || str_chr(v->name, '|') < v->name.n)
		return "the name is missing or holds a |";
	if (v->has_rate && !is_number(v->rate))
		return "the rate is no number";
	return judge_value(v->type, v->value);
}

static bool is_fixed(struct str s)
{
	return str_find(s, STR("${")) == s.n && str_find(s, STR("$[")) == s.n;
}

bool app_judge_statsd(struct str data, struct buf *why)
{
	struct told v;
	const char *fault = is_fixed(data) ? read_args(&v, data) : NULL;

	if (fault)
		buf_put(why, str_z(fault));
	return !fault;
}

static int run_statsd(struct channel *ch, struct str data)
{
	const char *why;
	struct told v;
	double rate = 1;

	why = read_args(&v, data);
	if (why) {
		log_error("StatsD(%.*s): %s", STR_ARG(data), why);
		return -1;
	}
	if (v.has_rate && str_double(v.rate, &rate))
		rate = 0;
	statsd_send(ch->pbx->statsd, v.type, v.name, v.value, rate);
	return 0;
}

const struct app app_statsd = { .name = "StatsD", .synopsis = "Tell a StatsD server a number", .run = run_statsd };
