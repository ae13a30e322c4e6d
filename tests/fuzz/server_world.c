/* The server in this process: started with a configuration, moved by a clock of
 * our own, ended without a trace. */
#include "server_world.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "pbx/moh.h"
#include "server_conf.h"
#include "server_conn.h"
#include "server_media.h"
#include "server_secure.h"
#include "server_stir.h"
#include "server_wire.h"
#include "service/place/location.h"
#include "service/message/notify.h"
#include "service/outbound/outbound.h"
#include "service/event/private.h"
#include "store/astdb.h"
#include "store/contact.h"
#include "store/publication.h"
#include "store/subscription.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 24       /* turns until all that answers at once has answered */
#define STEPS 120       /* timers that fire one by one in a span; then it ends with a leap */

struct world world;

/* Read once: they do not change. */
static struct {
	struct snapshot *conf[CONF_PJSIP];
	struct dialplan *plan[CONF_PLANS];
	struct vars globals;
	struct config *features, *music, *notify;
	struct notify_conf *kinds;
	struct manager_conf *manager;
	struct asterisk_conf *asterisk;
	struct contact_store *contacts;
	struct subscription_store *kept;
	struct publication_store *publications;
} shared;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_server: %s\n", what);
	abort();
}

/* ---- once --------------------------------------------------------------- */

static struct config *config_of(const char *name, const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *c = NULL;

	must(!config_parse(&c, &prm, str_z(name), str_z(text), NULL), name);
	return c;
}

/* The same texts as files: what a reload reads. */
static void put_files(unsigned i)
{
	char name[64];

	snprintf(name, sizeof(name), "conf%u", i);
	media_net_folder(name);
	snprintf(name, sizeof(name), "conf%u/pjsip.conf", i);
	media_net_file(name, conf_pjsip[i], strlen(conf_pjsip[i]), 0);
	snprintf(name, sizeof(name), "conf%u/acl.conf", i);
	media_net_file(name, conf_acl, strlen(conf_acl), 0);
	snprintf(name, sizeof(name), "conf%u/pjsip_wizard.conf", i);
	media_net_file(name, conf_wizard, strlen(conf_wizard), 0);
}

static void read_plan(unsigned i)
{
	struct config_prm prm = { .dir = "/" };
	struct config *c = NULL;
	struct vars other = { 0 };

	if (config_parse(&c, &prm, STR("extensions.conf"), str_z(conf_plan[i]), NULL))
		must(!config_parse(&c, &prm, STR("extensions.conf"), STR_NULL, NULL), "extensions.conf");
	must(!dialplan_build(&shared.plan[i], c, i ? &other : &shared.globals, NULL, NULL), "dialplan");
	config_free(c);
	vars_free(&other);
}

void world_once(void)
{
	log_set_mask(0);
	media_net_sounds();
	secure_once();
	stir_world_once();
	conn_once();
	for (unsigned i = 0; i < CONF_PJSIP; i++) {
		put_files(i);
		must(!snapshot_parse(&shared.conf[i], str_z(conf_pjsip[i]), str_z(conf_acl), NULL, NULL), "pjsip.conf");
	}
	for (unsigned i = 0; i < CONF_PLANS; i++)
		read_plan(i);
	shared.features = config_of("features.conf", conf_features);
	shared.music = config_of("musiconhold.conf", conf_music);
	shared.notify = config_of("pjsip_notify.conf", conf_notify);
	must(!notify_conf_build(&shared.kinds, shared.notify), "pjsip_notify.conf");
	must(!manager_conf_parse(&shared.manager, str_z(conf_manager), NULL, NULL), "manager.conf");
	must(!asterisk_conf_load(&shared.asterisk, "/nowhere/asterisk.conf", NULL), "asterisk.conf");
	must(!contact_store_new(&shared.contacts, disk_open(NULL)), "contacts");
	must(!subscription_store_new(&shared.kept, disk_open(NULL)), "subscriptions");
	must(!publication_store_new(&shared.publications, disk_open(NULL)), "publications");
}

/* ---- begin -------------------------------------------------------------- */

static int reload_hook(void *arg, struct str module, struct report *r)
{
	(void)arg, (void)r;
	if (str_eq(module, STR("dialplan")))
		world_dialplan(hooks_random() % CONF_PLANS, true);
	else if (str_eq(module, STR("pjsip")))
		world_reload(hooks_random() % CONF_PJSIP, 2);
	else
		return ENOENT;
	return 0;
}

static void stop_hook(void *arg, enum manage_stop how, bool restart)
{
	(void)arg, (void)how, (void)restart;
}

static int start_service(unsigned conf)
{
	struct service_prm prm = { .loop = world.loop, .pbx = world.pbx, .media = world.media,
		.contacts = shared.contacts, .kept = shared.kept, .kept_publications = shared.publications, .dns = names_open(), .conf = shared.conf[conf % CONF_PJSIP],
		.send = wire_sent };
	struct manage_prm mp = { .loop = world.loop, .conf = shared.asterisk, .version = "1", .socket = "/nowhere/ctl",
		.hooks = { .stop = stop_hook, .reload = reload_hook } };
	int err = service_new(&world.svc, &prm, NULL);

	err = err ? err : secure_attach(world.svc);
	err = err ? err : stir_world_attach(world.svc);
	if (err)
		return err;
	notify_set_conf(world.svc, shared.kinds);
	err = manage_start(&world.manage, &mp, NULL);
	if (err)
		return err;
	manage_attach(world.manage, world.pbx, world.svc, world.db);
	err = manage_set_manager(world.manage, shared.manager, NULL);
	manage_booted(world.manage);
	return err;
}

/* The first configuration has no music: its directories would be read for each program. */
static int start_pbx(unsigned conf)
{
	struct pbx_prm prm = { .loop = world.loop };
	int err = astdb_new(&world.db, disk_open(world.loop));

	world.media = err ? NULL : media_net_open(world.loop);
	prm.db = world.db;
	prm.media = world.media;
	prm.sounds_dir = media_net_dir();
	if (!err)
		err = world.media ? pbx_new(&world.pbx, &prm) : ENOMEM;

	if (err)
		return err;
	/* What main/ does before anybody calls; a failure here is the harness's. */
	features_load(world.pbx, shared.features);
	if (conf % CONF_PJSIP)
		moh_load(world.pbx, shared.music, media_net_dir());
	world_dialplan(0, false);
	return 0;
}

void world_begin(unsigned conf)
{
	world = (struct world){ .objects = obj_live(), .blocks = hooks_blocks() };
	hooks_reset();
	clock_fake_init(&world.clock, 1700000000);
	world.loop = loop_new(&world.clock.c);
	must(world.loop && !start_pbx(conf) && !start_service(conf), "cannot start");
	disk_begin();
	world_turn();
}

/* ---- time --------------------------------------------------------------- */

static void run_loop(void)
{
	hooks_library(true);
	uv_run(loop_uv(world.loop), UV_RUN_NOWAIT);
	hooks_library(false);
}

static bool disk_turn(void)
{
	if (world.disk_by_hand || !disk_waiting())
		return false;
	disk_tell(SIZE_MAX);
	disk_commit(SIZE_MAX, 0);
	return true;
}

void world_turn(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool more;

		run_loop();
		more = disk_turn();
		more |= names_answer();
		more |= stir_world_turn();
		more |= work_turn();
		more |= wire_answer();
		if (!more && !fiber_ready())
			break;
	}
	run_loop();
}

void world_pass(uint64_t ms, bool leap)
{
	for (unsigned i = 0; ms && i < STEPS && !leap; i++) {
		uint64_t next = wheel_next_ms(loop_wheel(world.loop));

		next = next < 1 ? 1 : next < ms ? next : ms;
		clock_fake_add(&world.clock, next * 1000);
		ms -= next;
		run_loop();
		if (disk_waiting() || wire_waiting())
			world_turn();
	}
	clock_fake_add(&world.clock, ms * 1000);
	world_turn();
}

/* ---- changes ------------------------------------------------------------ */

static struct snapshot *read_conf(unsigned conf, unsigned how)
{
	char dir[256];
	struct snapshot_prm prm = { .dir = dir, .previous = world.svc->conf };
	struct snapshot *s = NULL;
	int err;

	snprintf(dir, sizeof(dir), "%s/conf%u", media_net_dir().p, conf);
	if (how & 2)
		err = snapshot_build(&s, &prm, NULL);
	else
		err = snapshot_parse(&s, str_z(conf_pjsip[conf]), str_z(conf_acl), world.svc->conf, NULL);
	return err ? NULL : s;
}

void world_reload(unsigned conf, unsigned how)
{
	struct snapshot *s;
	bool before;

	if (world.dead)
		return;
	before = hooks_library(true);
	conf %= CONF_PJSIP;
	s = how & 3 ? read_conf(conf, how) : obj_hold(shared.conf[conf]);
	if (s)
		service_set_conf(world.svc, s, NULL);
	obj_drop(s);
	hooks_library(before);
}

static void read_dialplan(unsigned plan)
{
	struct config_prm prm = { .dir = "/" };
	struct vars globals = { 0 };
	struct dialplan *d = NULL;
	struct config *c = NULL;

	hooks_library(true);
	if (!config_parse(&c, &prm, STR("extensions.conf"), str_z(conf_plan[plan]), NULL) &&
	    !dialplan_build(&d, c, &globals, NULL, NULL))
		dialplan_install(world.pbx, d, &globals);
	vars_free(&globals);
	config_free(c);
	hooks_library(false);
}

void world_dialplan(unsigned plan, bool fresh)
{
	struct vars globals = { 0 };
	bool before = hooks_library(false);

	if (fresh) {
		read_dialplan(plan % CONF_PLANS);
		hooks_library(before);
		return;
	}
	list_each(l, &shared.globals.head) {
		const struct var *v = container_of(l, struct var, link);

		vars_set(&globals, v->name, v->value);
	}
	hooks_library(before);
	dialplan_install(world.pbx, obj_hold(shared.plan[plan % CONF_PLANS]), &globals);
}

void world_receive(const struct net_path *from, struct str bytes, bool datagram)
{
	/* A copy of its own size: then ASan sees one byte too many read. */
	struct sip_msg *m = NULL;
	char *copy = malloc(bytes.n ? bytes.n : 1);

	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	hooks_library(true);
	if (!world.dead && !sip_msg_parse(&m, str_mk(copy, bytes.n), datagram)) {
		m->from_path = *from;
		service_inject(world.svc, m);
	}
	hooks_library(false);
	free(copy);
}

/* ---- end ---------------------------------------------------------------- */

static void stop_service(bool killed)
{
	hooks_fail(0, 0);
	if (!world.dead)
		pbx_stop(world.pbx);
	/* Who looks only now and then whether he was hung up (Pickup) ends by it; the program's own fibers end with it. */
	world_pass(25, false);
	for (size_t i = 0; i < ARRAY_LEN(world.peer); i++) {
		if (world.peer[i])
			streams_hangup(world.peer[i]);
		world.peer[i] = NULL;
	}
	manage_stop(world.manage);
	world.manage = NULL;
	run_loop();
	for (int i = 0; i < 4 && disk_waiting(); i++) {
		disk_commit(SIZE_MAX, killed ? EIO : 0);
		disk_tell(SIZE_MAX);
	}
	service_free(world.svc);
	world.svc = NULL;
	run_loop();
	if (world.pbx)
		pbx_free(world.pbx);
	world.pbx = NULL;
	run_loop();
	work_turn();
	if (world.media)
		media_net_close(world.media);
	world.media = NULL;
	run_loop();
	/* The database writes behind: what nobody waits for. */
	while (disk_waiting()) {
		disk_commit(SIZE_MAX, 0);
		disk_tell(SIZE_MAX);
	}
	disk_close();
	if (world.db)
		astdb_free(world.db);
	world.db = NULL;
	wire_forget();
	names_forget();
	stir_world_forget();
}

void world_restart(bool killed, unsigned conf)
{
	int err;

	stop_service(killed);
	disk_refuse(false);     /* nothing waits before a new process, so its disk takes something */
	hooks_library(true);
	err = start_pbx(conf);
	if (!err)
		err = start_service(conf);
	hooks_library(false);
	world.dead = err != 0;
	must(!err || hooks_failed(), "cannot start again");
	world_turn();
}

/* Over, and yet there: what expires while the disk takes nothing, or there is no
 * memory to tell it, is removed later. */
static bool may_linger(int64_t expires_s)
{
	return (disk_was_faulty() || hooks_failed()) && expires_s <= clock_wall_s(&world.clock.c);
}

static void contact_of_row(void *arg, uint64_t id, struct str aor, struct str uri, int64_t expires_s)
{
	struct location *l = location_get(world.svc, aor, false);

	if (may_linger(expires_s))
		return;
	++*(size_t *)arg;
	for (struct list *p = l ? l->contacts.next : NULL; p && p != &l->contacts; p = p->next) {
		const struct contact *c = container_of(p, struct contact, link);

		if (c->row == id && !c->is_static && str_eq(c->uri, uri))
			return;
	}
	must(false, "a contact is on the disk and not in memory");
}

/* What was answered 200 is on the disk, and nothing else. */
static void check_contacts(void)
{
	size_t rows = 0, contacts = 0, it = 0;
	struct location *l;

	disk_contacts(contact_of_row, &rows);
	while ((l = location_next(world.svc, &it))) {
		list_each(p, &l->contacts) {
			const struct contact *c = container_of(p, struct contact, link);

			contacts += !c->is_static && !may_linger(contact_end_s(c));
		}
	}
	must(rows == contacts, "a contact is in memory and not on the disk");
}

/* The same of subscriptions; a row that could not be deleted goes with the next one. */
static void check_subscriptions(void)
{
	const struct subscriptions *all = world.svc->subscriptions;
	size_t kept = 0;

	for (const struct subscription *s = NULL; (s = subscription_after(all, s));)
		kept += s->kept.row != 0;
	must(disk_subscriptions() == kept || disk_was_faulty() || hooks_failed(), "subscriptions are on the disk and not in memory, or the reverse");
}

void world_check(void)
{
	if (world.dead || disk_waiting() || !disk_changed())
		return;
	check_contacts();
	check_subscriptions();
}

/* After the longest of their timers. */
static void check_stack(void)
{
	struct subscription_walk walk = { 0 };
	struct subscription_row row;
	struct sip_counters c;
	size_t subscriptions = 0;

	world_pass(100000, true);
	world_pass(100000, true);
	sip_stack_count(world.svc->sip, &c);
	while (subscription_next(world.svc, &walk, &row))
		subscriptions++;
	subscription_walk_end(&walk);
	must(!c.server_tx || hooks_failed(), "a server transaction is left");
	must(c.dialogs <= subscriptions, "a dialog is left");
}

static void calm_down(void)
{
	hooks_fail(0, 0);
	disk_refuse(false);
	names_mode(NAMES_NONE);
	world.disk_by_hand = world.deaf = false;
	wire_quiet();
	pbx_hangup_all(world.pbx, CAUSE_NORMAL);
	world_turn();
	for (int i = 0; i < 20 && !(list_empty(&world.svc->calls.all) && list_empty(&world.svc->ua.invites) &&
				    list_empty(&world.pbx->channels)); i++) {
		/* Texts go through the dialplan one after the other: the next one has a channel of its own. */
		pbx_hangup_all(world.pbx, CAUSE_NORMAL);
		world_pass(10000, false);
	}
	must(list_empty(&world.pbx->channels), "a channel is left");
	must(list_empty(&world.svc->calls.all), "a session is left");
	must(list_empty(&world.svc->ua.invites), "a session never ends");
	must(!world.svc->calls.n, "a call is counted and not there");
	must(!media_net_places(), "an RTP port is left");
	check_stack();
	check_contacts();
	check_subscriptions();
}

void world_end(void)
{
	if (!world.dead)
		calm_down();
	stop_service(false);
	must(!fiber_count(), "a fiber is left");
	must(!streams_alive(), "a manager is left");
	loop_free(world.loop);
	world.loop = NULL;
	disk_clean();
	if (obj_live() != world.objects)
		fprintf(stderr, "fuzz_server: %zu objects are left\n", obj_live() - world.objects);
	else if (hooks_blocks() != world.blocks)
		fprintf(stderr, "fuzz_server: %ld blocks of memory are left\n", hooks_blocks() - world.blocks);
	else
		return;
	abort();
}
