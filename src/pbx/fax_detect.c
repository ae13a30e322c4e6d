/* Channels that go to the extension fax when a fax machine is heard. */
#define LOG_MODULE "fax"
#include "pbx/fax_detect.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "pbx/hooks.h"
#include "pbx/t38.h"
#include <errno.h>

/* A note of the channel. */
static const char key[] = "fax-detect";
struct fax_detect {             /* obj */
	struct channel *ch;             /* view: it goes before it */
	struct detect_hook *hook;       /* held; NULL: not for CNG */
	struct timer over;
};

struct detect_hook {
	struct chan_hook h;
	struct fax_detect *of;          /* NULL: it has gone before */
};

static void go_to_fax(struct fax_detect *f, const char *what)
{
	struct channel *ch = obj_hold(f->ch);
	struct str context = text_view(&ch->context), caller = ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;

	fax_detect_detach(ch);
	if (!dialplan_exists(ch->pbx, context, STR("fax"), 1, caller)) {
		log_notice("FAX %s detected but no fax extension in context (%.*s)", what, STR_ARG(context));
	} else {
		log_verbose(2, "Redirecting '%s' to fax extension due to %s detection", text_z(&ch->name), what);
		pbx_setvar(ch->pbx, ch, STR("FAXEXTEN"), text_view(&ch->exten));
		if (pbx_async_goto(ch, context, STR("fax"), 1))
			log_notice("'%s' cannot go to the fax extension", text_z(&ch->name));
	}
	obj_drop(ch);
}

static int start_hook(struct chan_hook *h, struct media_session *s)
{
	return media_cng_listen_start(&h->on, s, h->tag);
}

static void told_hook(struct chan_hook *h, const struct media_event *e)
{
	struct fax_detect *f = ((struct detect_hook *)h)->of;

	(void)e;
	if (f)
		go_to_fax(f, "CNG");
}

static const struct chan_hook_kind hook_kind = { .name = "FAXOPT(faxdetect)", .start = start_hook, .told = told_hook };

static bool on_t38(void *arg, struct channel *ch, bool came, const struct t38_parameters *p)
{
	(void)ch;
	if (came && (p->what == T38_ASK_NEGOTIATE || p->what == T38_IS_NEGOTIATED))
		go_to_fax(arg, "T38");
	/* It waits for whoever has the channel next. */
	return false;
}

static void on_over(void *arg)
{
	struct fax_detect *f = arg;

	log_debug(1, "FAXOPT(faxdetect) timeout on %s", text_z(&f->ch->name));
	fax_detect_detach(f->ch);
}

static void unhook(struct fax_detect *f)
{
	if (!f->hook)
		return;
	f->hook->of = NULL;
	channel_hook_remove(f->hook);
	f->hook = obj_drop(f->hook);
}

static void detect_free(void *arg)
{
	struct fax_detect *f = arg;

	timer_stop(&f->over);
	unhook(f);
}

static int listen_for_cng(struct fax_detect *f)
{
	struct detect_hook *x = chan_hook_new(sizeof(*x), &hook_kind);
	int err;

	if (!x)
		return ENOMEM;
	x->of = f;
	f->hook = obj_hold(x);
	err = channel_hook_add(f->ch, x);
	if (err)
		f->hook = obj_drop(f->hook);
	return err;
}

int fax_detect_attach(struct channel *ch, unsigned what, uint64_t timeout_ms)
{
	struct fax_detect *f;
	int err = 0;

	if (fax_detect_is_on(ch))
		return EALREADY;
	f = obj_new(sizeof(*f), detect_free);
	if (!f)
		return ENOMEM;
	f->ch = ch;
	if (what & FAX_DETECT_CNG)
		err = listen_for_cng(f);
	if (!err && what & FAX_DETECT_T38)
		err = channel_t38_between(ch, on_t38, NULL, f);
	if (err) {
		obj_drop(f);
		return err;
	}
	err = channel_note_set(ch, key, f);
	if (err)
		channel_t38_between_clear(ch, f);
	else if (timeout_ms)
		timer_start(ch->pbx->wheel, &f->over, timeout_ms, on_over, f);
	return err;
}

void fax_detect_detach(struct channel *ch)
{
	struct fax_detect *f = obj_hold(channel_note(ch, key));

	if (!f)
		return;
	channel_t38_between_clear(ch, f);
	channel_note_set(ch, key, NULL);
	unhook(f);
	obj_drop(f);
}

bool fax_detect_is_on(struct channel *ch)
{
	return channel_note(ch, key) != NULL;
}
