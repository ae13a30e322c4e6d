/* States of devices and mailboxes, shared between servers in JSON as Asterisk's res_pjsip_publish_asterisk
 * writes it: ours for others, theirs beside ours, and the question for all that the other side has. */
#define LOG_MODULE "publish"
#include "service/event/states.h"
#include "base/entity.h"
#include "base/log.h"
#include "service/event/keep_publication.h"
#include "service/event/publish_private.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define TYPE STR("application/json")
#define REFRESH STR("refresh")  /* a key that no device has: they have a / or a : */

/* ---- ours, for others ------------------------------------------------------------------------ */

static void say(struct publication *u, struct str key, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	int err = text ? publication_say(u, STR_NULL, key, TYPE, str_z(text)) : ENOMEM;

	if (err)
		log_error("outbound-publish '%s': the state of %.*s is not said: %s", text_z(&u->name), STR_ARG(key), strerror(err));
	free(text);
	json_decref(j);
}

static struct str eid_of(const struct publication *u)
{
	return u->all->svc->pbx->entityid;
}

static void say_device(struct publication *u, struct str device, enum device_state own)
{
	struct str eid = eid_of(u);

	if (publication_is_about(u, device))
		say(u, device, json_pack("{s:s, s:s%, s:s, s:i, s:s%}", "type", "devicestate", "device", device.p, device.n,
					 "state", device_state_name(own), "cachable", !str_istarts(device, STR("Local/")),
					 "eid", eid.p, eid.n));
}

static void say_mailbox(struct publication *u, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	struct str eid = eid_of(u);

	if (publication_is_about(u, name))
		say(u, name, json_pack("{s:s, s:s%, s:I, s:I, s:s%}", "type", "mailboxstate", "uniqueid", name.p, name.n,
				       "old", (json_int_t)old_msgs, "new", (json_int_t)new_msgs, "eid", eid.p, eid.n));
}

static void say_all_devices(struct publication *u)
{
	struct device_walk w = { .name = BUF_INIT };
	struct device_row row;

	while (device_next(u->all->svc->pbx, &w, &row))
		if (!row.again && row.own != DEV_INVALID && row.own != DEV_UNKNOWN)
			say_device(u, row.name, row.own);
	device_walk_end(&w);
}

static void say_all_mailboxes(struct publication *u)
{
	struct map_walk w = { 0 };
	struct mailbox_row row;

	while (mailbox_next(u->all->svc, &w, &row))
		say_mailbox(u, row.name, row.new_msgs, row.old_msgs);
	map_walk_end(&w);
}

/* Whoever has an asterisk-publication for it wants to hear what the other side has. */
static void ask(struct publication *u)
{
	struct str name = text_view(&u->name), eid = eid_of(u);

	snapshot_each(asterisk_publication, OBJECT_ASTERISK_PUBLICATION, a, u->conf)
		if (str_eq(u->kind == PUBLISH_DEVICES ? a->devicestate_publish : a->mailboxstate_publish, name)) {
			say(u, REFRESH, json_pack("{s:s, s:s%}", "type", "refresh", "eid", eid.p, eid.n));
			return;
		}
}

void states_say_all(struct publication *u)
{
	if (u->kind == PUBLISH_DEVICES)
		say_all_devices(u);
	else
		say_all_mailboxes(u);
	if (!u->told_all)
		ask(u);
}

static void on_device(void *arg, struct str device, enum device_state own)
{
	struct publications *all = arg;
	struct publication *u;

	for (size_t it = 0; !all->stopped && (u = map_next(all->by_name, &it)); )
		if (u->kind == PUBLISH_DEVICES && u->told_all)
			say_device(u, device, own);
}

static void on_mailbox(void *arg, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	struct publications *all = arg;
	struct publication *u;

	for (size_t it = 0; !all->stopped && (u = map_next(all->by_name, &it)); )
		if (u->kind == PUBLISH_MAILBOXES && u->told_all)
			say_mailbox(u, name, new_msgs, old_msgs);
}

void states_listen(struct publications *all)
{
	all->devices = (struct device_listener){ .changed = on_device, .arg = all };
	device_listen(all->svc->pbx, &all->devices);
	all->mailboxes = (struct mailbox_listener){ .changed = on_mailbox, .arg = all };
	mailbox_listen(all->svc, &all->mailboxes);
}

/* ---- theirs ------------------------------------------------------------------------------------ */

static struct str text_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return json_is_string(v) ? str_mk(json_string_value(v), json_string_length(v)) : STR_NULL;
}

static uint32_t count_of(const json_t *j, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* The configuration has judged it already. No memory to compile it: nothing passes. */
static bool passes(struct str filter, struct str name)
{
	char room[300];
	regex_t re;
	bool ok;

	if (!filter.n)
		return true;
	if (regcomp(&re, filter.p, REG_EXTENDED | REG_ICASE | REG_NOSUB))
		return false;
	ok = !regexec(&re, str_copy(room, sizeof(room), name), 0, NULL, 0);
	regfree(&re);
	return ok;
}

static int take_device(struct service *svc, const struct asterisk_publication *a, struct str eid, const json_t *j)
{
	struct str device = text_of(j, "device"), state = text_of(j, "state");
	enum device_state s;

	if (!a->device_state)
		return 0;
	if (!device.n || device.n > 255 || device_state_of(state, &s))
		return EBADMSG;
	/* What is not to be kept is no part of what all servers say together. */
	if (!json_integer_value(json_object_get(j, "cachable")) || !passes(a->device_state_filter, device))
		return 0;
	return device_set_remote(svc->pbx, device, eid, s);
}

static int take_mailbox(struct service *svc, const struct asterisk_publication *a, struct str eid, const json_t *j)
{
	struct str name = text_of(j, "uniqueid");

	if (!a->mailbox_state)
		return 0;
	if (!name.n || name.n > 255)
		return EBADMSG;
	if (!passes(a->mailbox_state_filter, name))
		return 0;
	return mailbox_set_remote(svc, name, eid, count_of(j, "new"), count_of(j, "old"));
}

static void say_again(struct service *svc, struct str publish)
{
	struct publications *all = publications_of(svc);
	struct publication *u = all && !all->stopped ? map_get(all->by_name, publish) : NULL;

	if (u && u->kind != PUBLISH_EXTENS && u->told_all)
		states_say_all(u);
}

static int take(struct service *svc, const struct asterisk_publication *a, bool mailboxes, const json_t *j)
{
	struct str eid = text_of(j, "eid"), type = text_of(j, "type");

	if (!entity_id_is(eid))
		return EBADMSG;
	if (str_eq(type, STR("refresh"))) {
		say_again(svc, mailboxes ? a->mailboxstate_publish : a->devicestate_publish);
		return 0;
	}
	/* Our own, by way of somebody who sends on what it hears. */
	if (str_ieq(eid, svc->pbx->entityid))
		return 0;
	if (!mailboxes && str_eq(type, STR("devicestate")))
		return take_device(svc, a, eid, j);
	return mailboxes && str_eq(type, STR("mailboxstate")) ? take_mailbox(svc, a, eid, j) : EBADMSG;
}

int states_take(struct service *svc, struct str section, bool mailboxes, struct str type, struct str body)
{
	const struct asterisk_publication *a = snapshot_asterisk_publication(svc->conf, section);
	struct str name;
	json_t *j;
	int err;

	if (!a)
		return ENOENT;
	if (!body.n)
		return 0;
	if (!str_ieq(type, TYPE))
		return EBADMSG;
	j = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	err = json_is_object(j) ? take(svc, a, mailboxes, j) : EBADMSG;
	name = text_of(j, mailboxes ? "uniqueid" : "device");
	if (!err && name.n)
		taken_keep_state(svc, section, mailboxes, text_of(j, "eid"), name, body);
	json_decref(j);
	return err;
}
