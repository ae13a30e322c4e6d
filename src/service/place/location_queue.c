/* service/place/location_queue.c -- the one queue of an AOR: changes have their turns one after
 * the other, and are on disk before they are made. */
#define LOG_MODULE "location"
#include "base/log.h"
#include "service/place/location_private.h"
#include <errno.h>
#include <stdlib.h>

/* ---- changes ------------------------------------------------------------- */

int contact_change_add(struct list *changes, enum contact_op op, struct str aor, struct contact *old, struct contact *now)
{
	struct contact_change *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return ENOMEM;
	if (text_set(&ch->aor, aor)) {
		free(ch);
		return ENOMEM;
	}
	ch->op = op;
	ch->why = CONTACT_UNREGISTERED;
	ch->old = obj_hold(old);
	ch->now = obj_hold(now);
	list_append(changes, &ch->link);
	return 0;
}

void contact_change_why(struct list *changes, enum contact_why why)
{
	container_of(changes->prev, struct contact_change, link)->why = why;
}

/* The same, said in one. */
static int remove_for(struct list *changes, struct contact *c, enum contact_why why)
{
	int err = contact_change_add(changes, CONTACT_DELETE, text_view(&c->loc->aor), c, NULL);

	if (!err)
		contact_change_why(changes, why);
	return err;
}

void contact_changes_free(struct list *changes)
{
	list_each_safe(p, next, changes) {
		struct contact_change *ch = container_of(p, struct contact_change, link);

		list_remove(&ch->link);
		obj_drop(ch->old);
		obj_drop(ch->now);
		text_free(&ch->aor);
		free(ch);
	}
}

/* ---- the queue --------------------------------------------------------------- */

struct commit {
	struct service *svc;            /* NULL: the program ended meanwhile */
	struct location *l;
	struct location_job *job;
	struct list changes;
};

static void run_jobs(struct service *svc, struct location *l);

/* It is on disk, or failed: the only place where contacts change. */
static void commit_over(struct commit *k, int err)
{
	struct location_job *j = k->job;

	k->l->commit = NULL;
	if (!err || j->despite_disk)
		list_each(p, &k->changes)
			location_apply(k->svc, k->l, container_of(p, struct contact_change, link));
	contact_changes_free(&k->changes);
	free(k);
	j->done(j, err);
}

static void on_written(void *arg, int err)
{
	struct commit *k = arg;
	struct service *svc = k->svc;
	struct location *l = k->l;

	if (!svc) {
		contact_changes_free(&k->changes);
		free(k);
		return;
	}
	/* What is told of a change may submit another one: it waits until this one is made. */
	l->running = true;
	commit_over(k, err);
	l->running = false;
	run_jobs(svc, l);
}

static void move_list(struct list *to, struct list *from)
{
	list_init(to);
	list_each_safe(p, next, from) {
		list_remove(p);
		list_append(to, p);
	}
}

static void commit_changes(struct service *svc, struct location *l, struct location_job *j, struct list *changes)
{
	struct commit *k = calloc(1, sizeof(*k));
	int err;

	if (!k) {
		contact_changes_free(changes);
		j->done(j, ENOMEM);
		return;
	}
	*k = (struct commit){ .svc = svc, .l = l, .job = j };
	move_list(&k->changes, changes);
	l->commit = k;
	err = svc->contacts ? location_store_write(svc, &k->changes, on_written, k) : ENOENT;
	if (err)                /* none of it concerns the disk, or it was not taken */
		commit_over(k, err == ENOENT ? 0 : err);
}

static void run_jobs(struct service *svc, struct location *l)
{
	if (l->running)
		return;
	l->running = true;
	while (!l->commit && !list_empty(&l->jobs)) {
		struct location_job *j = container_of(l->jobs.next, struct location_job, link);
		struct list changes;
		int err;

		list_remove(&j->link);
		l->waits--;
		list_init(&changes);
		err = j->plan(j, l, &changes);
		if (!err && !list_empty(&changes)) {
			commit_changes(svc, l, j, &changes);
			continue;
		}
		contact_changes_free(&changes);
		j->done(j, err);
	}
	l->running = false;
	location_maybe_free(svc, l);
}

void location_submit(struct service *svc, struct str aor, struct location_job *j)
{
	struct location *l = location_get(svc, aor, true);

	if (!l) {
		j->done(j, ENOMEM);
		return;
	}
	list_append(&l->jobs, &j->link);
	l->waits++;
	run_jobs(svc, l);
}

void location_drop_jobs(struct location *l)
{
	struct commit *k = l->commit;

	l->running = true;
	if (k) {
		k->svc = NULL;
		k->l = NULL;
		l->commit = NULL;
		k->job->done(k->job, ECANCELED);
	}
	while (!list_empty(&l->jobs)) {
		struct location_job *j = container_of(l->jobs.next, struct location_job, link);

		list_remove(&j->link);
		l->waits--;
		j->done(j, ECANCELED);
	}
}

/* ---- expiry ----------------------------------------------------------------- */

#define EXPIRE_AGAIN_MS 1000    /* no memory to remove it: try again */

struct expiry {
	struct location_job job;
	struct contact *c;              /* held */
};

/* A refresh or a removal may have had its turn before. */
static int expiry_plan(struct location_job *j, struct location *l, struct list *changes)
{
	struct contact *c = container_of(j, struct expiry, job)->c;

	if (c->loc != l || c->expires_us > clock_wall_us(c->svc->clock))
		return ENOENT;
	log_verbose(3, "Removed contact '%s' from AOR '%s' due to expiration", c->uri.p, text_z(&l->aor));
	return remove_for(changes, c, CONTACT_EXPIRED);
}

static void on_expire(void *arg);

static void expiry_done(struct location_job *j, int err)
{
	struct expiry *x = container_of(j, struct expiry, job);

	if (err && err != ENOENT && err != ECANCELED)
		log_error("expired contact '%s' could not be removed from the disk: %s", x->c->uri.p, strerror(err));
	if (err && x->c->loc && err != ECANCELED && !timer_running(&x->c->expire))
		timer_start(x->c->svc->wheel, &x->c->expire, EXPIRE_AGAIN_MS, on_expire, x->c);
	obj_drop(x->c);
	free(x);
}

static void on_expire(void *arg)
{
	struct contact *c = arg;
	struct expiry *x = c->loc ? malloc(sizeof(*x)) : NULL;

	if (x) {
		*x = (struct expiry){ .job = { .plan = expiry_plan, .done = expiry_done, .despite_disk = true },
			.c = obj_hold(c) };
		location_submit(c->svc, text_view(&c->loc->aor), &x->job);
	} else if (c->loc) {
		timer_start(c->svc->wheel, &c->expire, EXPIRE_AGAIN_MS, on_expire, c);
	}
}

void contact_start_expiry(struct service *svc, struct contact *c)
{
	int64_t left = c->expires_us - clock_wall_us(svc->clock);

	/* The wheel counts in ms: never before its end, which would be asked again. */
	if (c->expires_us)
		timer_start(svc->wheel, &c->expire, left > 0 ? ((uint64_t)left + 999) / 1000 : 0, on_expire, c);
}

/* ---- a change, made --------------------------------------------------------- */

/* ---- one whose connection is gone ----------------------------------------- */

struct cut_off {
	struct location_job job;
	struct contact *c;              /* held */
};

/* It may be there by another connection now: then this one is in no location any more. */
static int cut_off_plan(struct location_job *j, struct location *l, struct list *changes)
{
	struct contact *c = container_of(j, struct cut_off, job)->c;

	if (c->loc != l)
		return ENOENT;
	log_verbose(3, "Removed contact '%s' from AOR '%s': its connection is closed", c->uri.p, text_z(&l->aor));
	return remove_for(changes, c, CONTACT_DEACTIVATED);
}

static void cut_off_done(struct location_job *j, int err)
{
	struct cut_off *x = container_of(j, struct cut_off, job);

	if (err && err != ENOENT && err != ECANCELED) {
		log_error("contact '%s' has lost its connection and could not be removed: %s; it stays until it expires",
			  x->c->uri.p, strerror(err));
		if (x->c->loc)
			contact_set_status(x->c->svc, x->c, CONTACT_UNREACHABLE, 0);
	}
	obj_drop(x->c);
	free(x);
}

void contact_cut_off(struct contact *c)
{
	struct cut_off *x = malloc(sizeof(*x));

	if (!x) {
		contact_set_status(c->svc, c, CONTACT_UNREACHABLE, 0);
		return;
	}
	*x = (struct cut_off){ .job = { .plan = cut_off_plan, .done = cut_off_done }, .c = obj_hold(c) };
	location_submit(c->svc, text_view(&c->loc->aor), &x->job);
}

void locations_closed(struct service *svc, uint64_t conn)
{
	struct flow_member *m;

	while (svc->locations && (m = flow_first(svc->locations->flows, conn))) {
		flow_leave(svc->locations->flows, m);
		contact_cut_off(container_of(m, struct contact, on_flow));
	}
}
