/* A service without sockets: what it sends is kept, what comes is written by the test. */
#include "svc_wire.h"
#include "schema.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static int keep(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	struct wire *t = arg;

	if (t->deaf)
		return 0;
	assert_true(t->n < WIRE_KEEP);
	oom_pause(true);
	if (sip_msg_parse(&t->sent[t->n], str_mk(bytes->p, bytes->n), true))
		fail_msg("sent, and no message: %.*s", (int)bytes->n, bytes->p);
	schema_judge(t->sent[t->n]);
	oom_pause(false);
	t->path[t->n++] = *path;
	obj_drop(t->newest);
	t->newest = obj_hold(bytes);
	return 0;
}

static struct snapshot *snapshot_of(const char *pjsip)
{
	struct snapshot *s = NULL;

	assert_int_equal(snapshot_parse(&s, str_z(pjsip), STR_NULL, NULL, NULL), 0);
	return s;
}

/* What a service is made of beside its texts; zeroed: nothing. */
struct wire_prm {
	bool media;
	wire_disk_fn *disk;
	wire_kept_fn *kept;
	struct share_limits shares;
	statsd_send_fn *stats;
};

static void open_stats(struct wire *t, statsd_send_fn *fn)
{
	struct statsd_prm prm = { .enabled = true, .server = STR("192.0.2.1"), .meter_support = true };

	assert_int_equal(statsd_new(&t->stats, t->w.loop, NULL, fn, t), 0);
	assert_int_equal(statsd_configure(t->stats, &prm), 0);
	t->w.pbx->statsd = t->stats;
	t->w.pbx->channel_stats = t->w.pbx->endpoint_stats = true;
}

static void open_as(struct wire *t, const char *extensions, const char *pjsip, const struct wire_prm *as)
{
	struct service_prm prm = { .send = keep, .send_arg = t, .shares = as->shares };

	memset(t, 0, sizeof(*t));
	if (as->media)
		world_open_media(&t->w, extensions);
	else
		world_open(&t->w, extensions);
	if (as->stats)
		open_stats(t, as->stats);
	prm.media = t->w.media;
	prm.contacts = as->disk ? as->disk(t->w.loop) : NULL;
	if (as->kept)
		as->kept(&prm);
	prm.loop = t->w.loop;
	prm.pbx = t->w.pbx;
	prm.conf = snapshot_of(pjsip);
	assert_int_equal(service_new(&t->svc, &prm, NULL), 0);
	obj_drop(prm.conf);
}

void wire_open(struct wire *t, const char *extensions, const char *pjsip)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ 0 });
}

void wire_open_media(struct wire *t, const char *extensions, const char *pjsip)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ .media = true });
}

void wire_open_shares(struct wire *t, const char *extensions, const char *pjsip, const struct share_limits *shares)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ .shares = *shares });
}

void wire_open_disk(struct wire *t, const char *extensions, const char *pjsip, wire_disk_fn *disk)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ .disk = disk });
}

void wire_open_kept(struct wire *t, const char *extensions, const char *pjsip, wire_disk_fn *disk, wire_kept_fn *kept)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ .disk = disk, .kept = kept });
}

void wire_open_stats(struct wire *t, const char *extensions, const char *pjsip, statsd_send_fn *fn)
{
	open_as(t, extensions, pjsip, &(struct wire_prm){ .stats = fn, .media = true });
}

void wire_close(struct wire *t)
{
	wire_forget(t);
	service_free(t->svc);
	wire_forget(t);
	t->w.pbx->statsd = NULL;
	statsd_free(t->stats);
	world_close(&t->w);
}

void wire_reload(struct wire *t, const char *pjsip)
{
	struct snapshot *s = snapshot_of(pjsip);

	service_set_conf(t->svc, s, NULL);
	obj_drop(s);
}

struct sip_msg *wire_last(struct wire *t)
{
	return t->n ? t->sent[t->n - 1] : NULL;
}

void wire_forget(struct wire *t)
{
	while (t->n)
		obj_drop(t->sent[--t->n]);
	t->newest = obj_drop(t->newest);
}

static void come(struct wire *t, const struct net_path *from, struct str text)
{
	struct sip_msg *m = NULL;

	oom_pause(true);
	assert_int_equal(sip_msg_parse(&m, text, true), 0);
	oom_pause(false);
	m->from_path = *from;
	service_inject(t->svc, m);
	world_turn(&t->w);
}

void wire_answer(struct wire *t, size_t i, unsigned status, const char *headers)
{
	struct buf b = BUF_INIT;

	assert_true(i < t->n && t->sent[i]->request);
	sip_write_response(&b, t->sent[i], status, STR_NULL, STR("far"));
	buf_put(&b, str_z(headers));
	sip_write_body(&b, STR_NULL, STR_NULL);
	assert_int_equal(buf_err(&b), 0);
	come(t, &t->path[i], buf_view(&b));
	buf_free(&b);
}

void wire_reply(struct wire *t, enum sip_method m, unsigned status, const char *headers)
{
	struct net_path path;
	struct sip_msg *rq;

	assert_non_null(wire_last(t));
	assert_int_equal(wire_last(t)->method, m);
	rq = obj_hold(wire_last(t));
	path = t->path[t->n - 1];
	wire_forget(t);
	t->sent[0] = rq;
	t->path[0] = path;
	t->n = 1;
	wire_answer(t, 0, status, headers);
	/* What it made the service send stands alone now. */
	obj_drop(t->sent[0]);
	for (size_t i = 1; i < t->n; i++) {
		t->sent[i - 1] = t->sent[i];
		t->path[i - 1] = t->path[i];
	}
	t->sent[--t->n] = NULL;
}

void wire_come(struct wire *t, const char *peer, const char *text)
{
	wire_come_by(t, NET_UDP, 0, peer, text);
}

void wire_come_by(struct wire *t, enum net_proto proto, uint64_t conn, const char *peer, const char *text)
{
	struct net_path from = { .proto = proto, .conn = conn };

	assert_true(t->came_by < t->svc->transports.n || !t->came_by);
	from.transport = t->svc->transports.n ? t->svc->transports.v[t->came_by].id : 0;
	from.local = t->svc->transports.v[t->came_by].bound;
	assert_int_equal(sa_parse(&from.peer, str_z(peer)), 0);
	come(t, &from, str_z(text));
}

const char *wire_header(const struct sip_msg *m, const char *name)
{
	static char room[1024];
	const struct sip_hdr *h = m ? sip_hdr_named(m, str_z(name), 0) : NULL;

	return str_copy(room, sizeof(room), h ? h->value : STR_NULL);
}
