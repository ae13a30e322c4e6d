/* The server that managers and consoles speak to in their tests, and how those peers speak. */
#include "manager_stage.h"
#include "base/obj.h"
#include "pbx/devstate_private.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

struct manager_stage t;

static const char plan[] =
	"[globals]\nG=7\n"
	"[default]\n"
	"exten => wait,1,Wait(60)\n"
	"exten => wait,n(later),Wait(60)\n"
	"exten => 7,1,Wait(600)\n"
	"exten => lamp,hint,Custom:lamp\n";

const char manager_pjsip[] =
	"[udp]\ntype=transport\nbind=127.0.0.1:0\nprotocol=udp\n"
	"[alice]\ntype=endpoint\ntransport=udp\naors=alice\nauth=alice\nallow=!all,ulaw,alaw\n"
	"[alice]\ntype=aor\nmax_contacts=3\ncontact=sip:alice@127.0.0.1:5062\n"
	"[alice]\ntype=auth\nauth_type=userpass\nusername=alice\npassword=s3cret\n"
	"[alice]\ntype=identify\nendpoint=alice\nmatch=127.0.0.9\n"
	"[bob]\ntype=endpoint\naors=bob\n[bob]\ntype=aor\n";

static const char manager_text[] =
	"[general]\nenabled=yes\nport=5038\nbindaddr=127.0.0.1\nauthtimeout=30\nauthlimit=3\n"
	"webenabled=yes\nallowed_origins=https://ours.example\n"
	"[admin]\nsecret=pw\nread=all\nwrite=all\n"
	"[mute]\nsecret=pw\nread=\nwrite=user\n"
	"[config]\nsecret=pw\nread=\nwrite=config\n"
	"[report]\nsecret=pw\nread=\nwrite=reporting,call,originate,command,config\n"
	"[few]\nsecret=pw\nread=user\nwrite=user\n"
	"[filter]\nsecret=pw\nread=all\nwrite=all\n"
	"eventfilter(name(UserEvent),header(UserEvent),method(exact))=yes\n"
	"[far]\nsecret=pw\nread=all\nwrite=all\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n"
	"[single]\nsecret=pw\nread=all\nwrite=all\nallowmultiplelogin=no\n";

/* ---- main's part ------------------------------------------------------ */

static void hook_stop(void *arg, enum manage_stop how, bool restart)
{
	(void)arg;
	(void)restart;
	t.stops++;
	t.how = how;
}

static int hook_reload(void *arg, struct str module, struct report *r)
{
	(void)arg;
	t.reloads++;
	if (t.on_reload)
		t.on_reload(t.reload_arg);
	text_set(&t.module, module);
	if (str_eq(module, STR("nothing")))
		return ENOENT;
	report_add(r, REPORT_WARNING, STR("x.conf"), 3, "odd");
	return 0;
}

static int no_wire(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	(void)arg;
	(void)path;
	(void)bytes;
	return 0;
}

void start_manage(void)
{
	struct manage_prm prm = { .loop = t.w.loop, .conf = t.conf, .version = "1.2.3", .socket = t.socket,
		.hooks = { .stop = hook_stop, .reload = hook_reload } };

	assert_int_equal(manage_start(&t.m, &prm, NULL), 0);
}

static void start_manager(void)
{
	assert_int_equal(manager_conf_parse(&t.mc, str_z(manager_text), NULL, NULL), 0);
	sa_set_port(&t.mc->listen, 0);
	assert_int_equal(manage_set_manager(t.m, t.mc, NULL), 0);
	t.port = 0;
	{
		struct sa bound = manager_bound(t.m->manager);

		t.port = sa_port(&bound);
	}
	assert_int_not_equal(t.port, 0);
}

int manager_up(void **state)
{
	struct snapshot *conf = NULL;
	struct service_prm sp = { 0 };
	char path[128];

	(void)state;
	signal(SIGPIPE, SIG_IGN);       /* as the program does: whoever is written to may have gone */
	memset(&t, 0, sizeof(t));
	memcpy(t.dir, "/tmp/manage-XXXXXX", 19);
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.socket, sizeof(t.socket), "%s/asterisk.ctl", t.dir);
	snprintf(path, sizeof(path), "%s/asterisk.conf", t.dir);
	world_open(&t.w, plan);
	assert_int_equal(asterisk_conf_load(&t.conf, path, NULL), 0);
	assert_int_equal(snapshot_parse(&conf, str_z(manager_pjsip), STR_NULL, NULL, NULL), 0);
	hints_changed(t.w.pbx);
	sp.loop = t.w.loop;
	sp.pbx = t.w.pbx;
	sp.conf = conf;
	sp.send = no_wire;
	assert_int_equal(service_new(&t.svc, &sp, NULL), 0);
	obj_drop(conf);
	start_manage();
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
	start_manager();
	manage_booted(t.m);
	return 0;
}

int manager_down(void **state)
{
	(void)state;
	manage_stop(t.m);
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_pass(&t.w, 100);
	service_free(t.svc);
	t.mc = obj_drop(t.mc);
	t.conf = obj_drop(t.conf);
	text_free(&t.module);
	world_close(&t.w);
	unlink(t.socket);
	rmdir(t.dir);
	return 0;
}

/* ---- a peer ----------------------------------------------------------- */

static struct peer peer_of(int fd)
{
	assert_true(fd >= 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return (struct peer){ .fd = fd };
}

struct peer dial(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(t.port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return peer_of(fd);
}

struct peer dial_console(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copy(un.sun_path, sizeof(un.sun_path), str_z(t.socket));
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return peer_of(fd);
}

void hang_up(struct peer *p)
{
	close(p->fd);
	buf_free(&p->in);
	world_turn(&t.w);
}

void take(struct peer *p)
{
	for (;;) {
		char *at = buf_room(&p->in, 65536);
		ssize_t n = recv(p->fd, at, 65536, 0);

		/* Reset: it went with something of ours unread. */
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			p->closed = true;
		if (n <= 0)
			return;
		p->in.n += (size_t)n;
	}
}

void say(struct peer *p, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(p->fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
	world_turn(&t.w);
}

bool hears(struct peer *p, const char *text)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		world_turn(&t.w);
		take(p);
		if (str_find(buf_view(&p->in), str_z(text)) < p->in.n)
			return true;
		if (p->closed)
			return false;
		poll(&pfd, 1, 10);
	}
	return false;
}

bool has(const struct peer *p, const char *text)
{
	return str_find(buf_view(&p->in), str_z(text)) < p->in.n;
}

unsigned count(const struct peer *p, const char *text)
{
	struct str s = buf_view(&p->in), want = str_z(text);
	unsigned n = 0;

	for (size_t at; (at = str_find(s, want)) < s.n; n++)
		s = str_skip(s, at + want.n);
	return n;
}

bool is_closed(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (int i = 0; i < 200 && !p->closed; i++) {
		world_turn(&t.w);
		take(p);
		poll(&pfd, 1, 10);
	}
	return p->closed;
}

void ask(struct peer *p, const char *action)
{
	struct buf b = BUF_INIT;

	buf_reset(&p->in);
	buf_printf(&b, "%s\r\nActionID: 9\r\n\r\nAction: Ping\r\nActionID: end\r\n\r\n", action);
	say(p, buf_z(&b));
	buf_free(&b);
	if (!hears(p, "ActionID: end\r\nPing: Pong\r\n"))
		fail_msg("no answer to: %s, but: %s", action, buf_z(&p->in));
}

struct peer login(const char *user)
{
	struct peer p = dial();
	char text[256];

	snprintf(text, sizeof(text), "action: login\r\nusername: %s\r\nsecret: pw\r\nactionid: 127.0.0.1-0x1-1\r\n\r\n",
		 user);
	say(&p, text);
	if (!hears(&p, "Response: Success\r\nActionID: 127.0.0.1-0x1-1\r\nMessage: Authentication accepted\r\n\r\n"))
		fail_msg("login: %s", buf_z(&p.in));
	world_turn(&t.w);
	take(&p);
	return p;
}

size_t stream_peers(void)
{
	size_t n = 0;

	list_each(l, &t.m->manager->sessions)
		n++;
	return n;
}
