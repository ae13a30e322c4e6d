/* Local channels: two halves that pass everything on, and get out of the way when they may. */
#define LOG_MODULE "local"
#include "pbx/local.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/devstate.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

struct local {                  /* obj; each half holds it */
	struct pbx *pbx;
	struct channel *half[2];        /* views; NULL: gone */
	struct text exten, context;
	bool optimize;
	bool called;
	bool optimizing;                /* soon */
	bool passes_hold;               /* /m: whoever is behind makes the music, or is told */
};

static void local_free(void *o)
{
	struct local *l = o;

	text_free(&l->exten);
	text_free(&l->context);
}

static int side(const struct local *l, const struct channel *ch)
{
	return l->half[1] == ch;
}

struct channel *local_twin(const struct channel *ch)
{
	struct local *l;

	if (ch->tech != &local_tech || ch->dead)
		return NULL;
	l = ch->pvt;
	return l->half[!side(l, ch)];
}

/* ---- making */

static int make_half(struct local *l, int i, const struct channel_request *rq, struct str name,
		     struct str uniqueid)
{
	struct channel_new_prm prm = {
		.pbx = rq->pbx, .tech = &local_tech, .pvt = obj_hold(l), .name = name,
		.state = i ? CHAN_RING : CHAN_DOWN,
		.context = text_view(&l->context), .exten = text_view(&l->exten),
		.uniqueid = uniqueid, .outgoing = !i,
		.linked = rq->requestor ? rq->requestor : i ? l->half[0] : NULL,
	};
	int err;

	if (rq->requestor) {
		prm.language = text_view(&rq->requestor->language);
		prm.accountcode = text_view(&rq->requestor->accountcode);
	}
	err = channel_new(&l->half[i], &prm);
	if (err)
		obj_drop(l);
	return err;
}

/* "exten@context/opts" */
static int parse(struct local *l, struct str dest)
{
	struct str opts = STR_NULL, exten;
	size_t slash = str_rchr(dest, '/');
	int err;

	if (slash < dest.n) {
		opts = str_skip(dest, slash + 1);
		dest = str_sub(dest, 0, slash);
	}
	exten = str_cut_raw(&dest, '@');
	l->optimize = str_chr(opts, 'n') == opts.n;
	l->passes_hold = str_chr(opts, 'm') < opts.n;
	err = text_set(&l->exten, exten.n ? exten : STR("s"));
	return err ? err : text_set(&l->context, dest.n ? dest : STR("default"));
}

static int make_halves(struct local *l, const struct channel_request *rq)
{
	struct text name = { 0 }, second = { 0 };
	uint32_t n = rq->pbx->next_local++;
	int err = 0;

	if (rq->other_uniqueid.n)
		err = text_set(&second, rq->other_uniqueid);
	else if (rq->uniqueid.n)
		err = text_printf(&second, "%.*s;2", STR_ARG(rq->uniqueid));
	for (int i = 0; i < 2 && !err; i++) {
		err = text_printf(&name, "Local/%s@%s-%08x;%d", text_z(&l->exten), text_z(&l->context), n, i + 1);
		err = err ? err : make_half(l, i, rq, text_view(&name), i ? text_view(&second) : rq->uniqueid);
	}
	text_free(&name);
	text_free(&second);
	return err;
}

static int local_request(const struct channel_request *rq, struct channel **out, int *cause)
{
	struct local *l = obj_new(sizeof(*l), local_free);
	int err;

	*cause = CAUSE_NO_CIRCUIT;
	if (!l)
		return ENOMEM;
	l->pbx = rq->pbx;
	err = parse(l, rq->dest);
	err = err ? err : make_halves(l, rq);
	if (err) {
		if (l->half[0])
			channel_destroy(l->half[0]);
	} else {
		*out = l->half[0];
	}
	obj_drop(l);
	return err;
}

/* ---- calling */

static void put_two(struct local *l, struct event *e)
{
	event_channel(e, "LocalOne", l->half[0]);
	event_channel(e, "LocalTwo", l->half[1]);
}

static void tell_bridge(struct local *l)
{
	struct event *e = l->pbx->events ? event_new(l->pbx->events, "LocalBridge", EV_CALL) : NULL;

	if (!e)
		return;
	put_two(l, e);
	event_put(e, "Context", text_view(&l->context));
	event_put(e, "Exten", text_view(&l->exten));
	event_put(e, "LocalOptimization", l->optimize ? STR("Yes") : STR("No"));
	event_send(l->pbx->events, e);
}

/* ;2 is the call as ;1's caller made it. */
static int dress(struct channel *two, struct channel *one)
{
	bool caller = !party_same(&two->caller, &one->connected), connected = !party_same(&two->connected, &one->caller);
	int err = party_copy(&two->dialed, &one->dialed);

	channel_inherit_forwards(two, one);
	err = err ? err : redirecting_copy(&two->redirecting, &one->redirecting);
	err = err ? err : party_copy(&two->caller, &one->connected);
	err = err ? err : party_copy(&two->connected, &one->caller);
	if (!err && caller)
		channel_tell_caller(two);
	if (!err && connected)
		channel_tell(two, "NewConnectedLine", EV_CALL);
	err = err ? err : text_set(&two->language, text_view(&one->language));
	err = err ? err : text_set(&two->accountcode, text_view(&one->accountcode));
	err = err ? err : text_set(&two->musicclass, text_view(&one->musicclass));
	err = err ? err : text_set(&two->parkinglot, text_view(&one->parkinglot));
	for (struct list *v = one->vars.head.prev; !err && v != &one->vars.head; v = v->prev) {
		struct var *var = container_of(v, struct var, link);

		err = pbx_setvar(two->pbx, two, var->name, var->value);
	}
	return err ? err : channel_inherit_notes(two, one);
}

static int local_call(struct channel *ch, uint32_t timeout_ms)
{
	struct local *l = ch->pvt;
	struct channel *two = l->half[1];
	struct str number;
	int err;

	(void)timeout_ms;
	if (!two || ch != l->half[0])
		return ECANCELED;
	err = dress(two, ch);
	if (err)
		return err;
	number = two->caller.number_valid ? text_view(&two->caller.number) : STR_NULL;
	if (!dialplan_exists(l->pbx, text_view(&l->context), text_view(&l->exten), 1, number)) {
		log_notice("No such extension %s@%s for %s", text_z(&l->exten), text_z(&l->context),
			   text_z(&ch->name));
		return ENOENT;
	}
	tell_bridge(l);
	l->called = true;
	return pbx_start(two);
}

/* ---- what one half is told, the other says */

static int pass(struct channel *ch, struct chan_event *e)
{
	struct channel *twin = local_twin(ch);

	if (!e)
		return ENOMEM;
	if (!twin) {
		chan_event_free(e);
		return ECANCELED;
	}
	channel_event(twin, e);
	return 0;
}

static int local_answer(struct channel *ch)
{
	struct local *l = ch->pvt;

	/* ;1 is answered by ;2, never the other way. */
	return side(l, ch) ? pass(ch, chan_event_new(CE_ANSWER)) : 0;
}

static int pass_connected(struct channel *ch)
{
	struct channel *twin = local_twin(ch);
	struct chan_event *e;

	if (!twin)
		return ECANCELED;
	channel_set_caller_party(twin, &ch->connected);
	e = chan_event_new(CE_CONNECTED_LINE);
	if (!e)
		return ENOMEM;
	e->party = calloc(1, sizeof(*e->party));
	if (!e->party || party_copy(e->party, &ch->connected)) {
		chan_event_free(e);
		return ENOMEM;
	}
	channel_event(twin, e);
	return 0;
}

static int pass_redirecting(struct channel *ch)
{
	struct channel *twin = local_twin(ch);
	struct chan_event *e;

	if (!twin)
		return ECANCELED;
	e = chan_event_new(CE_REDIRECTING);
	if (!e)
		return ENOMEM;
	e->redirecting = calloc(1, sizeof(*e->redirecting));
	if (!e->redirecting || redirecting_copy(e->redirecting, &ch->redirecting) ||
	    redirecting_copy(&twin->redirecting, &ch->redirecting)) {
		chan_event_free(e);
		return ENOMEM;
	}
	channel_event(twin, e);
	return 0;
}

static int pass_with(struct channel *ch, enum chan_event_type t, enum indication ind, const void *data)
{
	struct chan_event *e = chan_event_new(t);

	if (!e)
		return ENOMEM;
	if (ind == IND_HOLD && data)
		text_set(&e->text, *(const struct str *)data);
	else if (ind == IND_T38 || ind == IND_AOC)
		e->data = obj_hold((void *)(uintptr_t)data);
	return pass(ch, e);
}

static int local_indicate(struct channel *ch, enum indication ind, const void *data)
{
	static const struct {
		enum indication ind;
		enum chan_event_type event;
	} rows[] = {
		{ IND_RINGING, CE_RINGING }, { IND_PROGRESS, CE_PROGRESS }, { IND_PROCEEDING, CE_PROCEEDING },
		{ IND_BUSY, CE_BUSY }, { IND_CONGESTION, CE_CONGESTION }, { IND_INCOMPLETE, CE_INCOMPLETE },
		{ IND_HOLD, CE_HOLD }, { IND_UNHOLD, CE_UNHOLD }, { IND_FLASH, CE_FLASH }, { IND_T38, CE_T38 },
		{ IND_AOC, CE_AOC }, { IND_VIDUPDATE, CE_VIDUPDATE },
	};

	if ((ind == IND_HOLD || ind == IND_UNHOLD) && !((struct local *)ch->pvt)->passes_hold)
		return ENOSYS;          /* music from here */
	if (ind == IND_CONNECTED_LINE)
		return pass_connected(ch);
	if (ind == IND_REDIRECTING)
		return pass_redirecting(ch);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].ind == ind)
			return pass_with(ch, rows[i].event, ind, data);
	return 0;
}

static int local_digit(struct channel *ch, char digit, unsigned ms)
{
	struct chan_event *e = chan_event_new(CE_DTMF_END);

	if (!e)
		return ENOMEM;
	e->digit = digit;
	e->ms = ms;
	return pass(ch, e);
}

static int local_text(struct channel *ch, struct str body, struct str content_type)
{
	struct chan_event *e = chan_event_new(CE_TEXT);

	if (!e || text_set(&e->text, body) || text_set(&e->text2, content_type)) {
		chan_event_free(e);
		return ENOMEM;
	}
	return pass(ch, e);
}

/* How a Dial() of the half in the dialplan went is the other's to know. */
static void tell_status(struct channel *from, struct channel *to)
{
	struct str status;

	if (vars_get(&from->vars, STR("DIALSTATUS"), &status))
		(void)pbx_setvar(to->pbx, to, STR("CHANLOCALSTATUS"), status);
}

static void local_hangup(struct channel *ch)
{
	struct local *l = ch->pvt;
	int i = side(l, ch);
	struct channel *twin = l->half[!i];

	l->half[i] = NULL;
	if (twin && !twin->dead) {
		if (i)
			tell_status(ch, twin);
		channel_path_update(twin, false);
		if (!i && !l->called)
			channel_destroy(twin);
		else
			channel_event_hangup(twin, ch->cause);
	}
	obj_drop(l);
}

/* What was in `from` is in `to` now. The twin is never the other one of the two: exchange.c refuses that. */
static void local_moved(struct channel *from, struct channel *to)
{
	struct local *l = to->pvt;

	l->half[side(l, from)] = to;
}

/* ---- getting out of the way */

static bool may_optimize(const struct local *l)
{
	const struct channel *a = l->half[0], *b = l->half[1];
	const struct str basic = STR("basic");

	return l->optimize && a && b && !a->dead && !b->dead && bridge_peer(a) && bridge_peer(b) &&
	       a->bridge != b->bridge && str_eq(text_view(&a->bridge->type), basic) &&
	       str_eq(text_view(&b->bridge->type), basic) && !bridge_member(a)->busy && !bridge_member(b)->busy &&
	       !bridge_member(bridge_peer(a))->busy && !bridge_member(bridge_peer(b))->busy;
}

static void tell_optimize(struct local *l, bool begin, struct channel *source, struct str dest)
{
	struct event *e = l->pbx->events ? event_new(l->pbx->events, begin ? "LocalOptimizationBegin" :
						     "LocalOptimizationEnd", EV_CALL) : NULL;

	if (!e)
		return;
	put_two(l, e);
	if (begin) {
		event_channel(e, "Source", source);
		event_put(e, "DestUniqueId", dest);
	} else {
		event_put(e, "Success", STR("Yes"));
	}
	event_printf(e, "Id", "%u", (unsigned)l->pbx->next_play);
	event_send(l->pbx->events, e);
}

static void optimize(void *arg)
{
	struct local *l = arg;
	struct channel *one, *two, *in;

	l->optimizing = false;
	if (!may_optimize(l)) {
		obj_drop(l);
		return;
	}
	one = obj_hold(l->half[0]);
	two = obj_hold(l->half[1]);
	in = obj_hold(bridge_peer(two));
	l->pbx->next_play++;
	tell_optimize(l, true, in, text_view(&one->uniqueid));
	if (!bridge_swap(in, one)) {
		tell_optimize(l, false, NULL, STR_NULL);
		/* Each half ends by itself: a fiber leaves its application, the other goes at once. */
		channel_event_hangup(one, CAUSE_NORMAL);
		channel_event_hangup(two, CAUSE_NORMAL);
	}
	obj_drop(in);
	obj_drop(two);
	obj_drop(one);
	obj_drop(l);
}

/* Both halves are in bridges of two: the two others are put into one bridge and the
 * halves end, unless /n forbids. From the loop, soon. */
static void optimize_soon(struct channel *half)
{
	struct local *l = half->tech == &local_tech ? half->pvt : NULL;

	if (!l || l->optimizing || !may_optimize(l))
		return;
	l->optimizing = !loop_defer(l->pbx->loop, optimize, obj_hold(l));
	if (!l->optimizing)
		obj_drop(l);
}

static void local_bridged(struct channel *ch, struct channel *peer)
{
	if (peer)
		optimize_soon(ch);
}

int local_allow_optimize(struct channel *half)
{
	struct local *l = half->tech == &local_tech ? half->pvt : NULL;

	if (!l)
		return ENOENT;
	l->optimize = true;
	optimize_soon(half);
	return 0;
}

static int local_device_state(struct pbx *pbx, struct str name)
{
	struct str exten = str_cut_raw(&name, '@');
	struct str context = name.n ? name : STR("default");

	context = str_cut_raw(&context, '/');
	if (!dialplan_exists(pbx, context, exten, 1, STR_NULL))
		return DEV_INVALID;
	list_each(l, &pbx->channels) {
		const struct channel *ch = container_of(l, struct channel, link);
		const struct local *lo = ch->pvt;

		if (ch->tech == &local_tech && ch->outgoing && str_eq(text_view(&lo->exten), exten) &&
		    str_eq(text_view(&lo->context), context))
			return DEV_INUSE;
	}
	return DEV_NOT_INUSE;
}

/* It carries what its ends speak; to whoever asks that is plain sound. */
static int local_read(struct channel *ch, struct str item, struct buf *out)
{
	(void)ch;
	if (str_ieq(item, STR("audionativeformat")))
		buf_put(out, STR("(slin)"));
	else if (str_ieq(item, STR("audioreadformat")) || str_ieq(item, STR("audiowriteformat")))
		buf_put(out, STR("slin"));
	else
		return ENOENT;
	return 0;
}

const struct channel_tech local_tech = {
	.type = "Local",
	.description = "Local Proxy Channel Driver",
	.request = local_request,
	.call = local_call,
	.answer = local_answer,
	.indicate = local_indicate,
	.digit = local_digit,
	.text = local_text,
	.hangup = local_hangup,
	.twin = local_twin,
	.moved = local_moved,
	.bridged = local_bridged,
	.read = local_read,
	.device_state = local_device_state,
};
