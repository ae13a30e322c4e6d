/* The load generator's command line, loop and report. `load --help` tells how. */
#include "secure.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SETUP_LIMIT_NS 60000000000ull   /* media calls must all be up by then, or all connections */
#define SETTLE_NS 500000000ull          /* from the last call up to the first packet counted */
#define TAIL_NS 300000000ull            /* packets under way when sending ends */
#define PROGRESS_NS 100000000ull
#define BURST 2000                      /* units started in one turn of the loop at most */

enum work { WORK_REGISTER = 1, WORK_CALL = 2, WORK_RTP = 4 };

/* Figures at one moment; two of them make a window. */
struct sample {
	uint64_t at, cpu, registered, called, relayed;
};

struct run {
	struct load l;
	unsigned work;
	struct registrar_load *reg;
	struct call_load *call;
	struct rtp_load *rtp;
	uint64_t memory_before, memory_loaded;
	struct sample from, to;
	uint64_t next_progress;
	int signals;
	bool quit;
};

uint64_t pace_due(struct pace *p, const struct load *l, double rate, uint64_t inflight)
{
	uint64_t want, due;

	if (l->stopping)
		return 0;
	if (rate <= 0)
		return inflight < l->opt.concurrency ? l->opt.concurrency - inflight : 0;
	if (!p->t0)
		p->t0 = l->now;
	want = (uint64_t)((double)(l->now - p->t0) / 1e9 * rate);
	due = want > p->started ? want - p->started : 0;
	if (due > BURST)
		due = BURST;
	p->started += due;
	return due;
}

void load_watch(struct load *l, int fd, void *data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = data };

	epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
}

void tally_status(struct tally *t, int status)
{
	if (status > 0 && status < STATUS_LIMIT)
		t->status[status]++;
}

/* --- report ------------------------------------------------------------- */

void report_hist(FILE *out, const char *name, const struct hist *h)
{
	fprintf(out, "    \"%s\": {\"n\": %llu, \"p50\": %llu, \"p90\": %llu, \"p99\": %llu, \"max\": %llu}", name,
		(unsigned long long)h->count, (unsigned long long)hist_at(h, 0.5), (unsigned long long)hist_at(h, 0.9),
		(unsigned long long)hist_at(h, 0.99), (unsigned long long)h->max);
}

void report_tally(FILE *out, const char *name, const struct tally *t, double rate)
{
	const char *comma = "";

	fprintf(out, "  \"%s\": {\n    \"started\": %llu, \"done\": %llu, \"failed\": %llu, \"busy\": %llu, \"rate\": %.1f,\n",
		name, (unsigned long long)t->started, (unsigned long long)t->done, (unsigned long long)t->failed,
		(unsigned long long)t->busy, rate);
	fprintf(out, "    \"refusals\": {");
	for (int i = 0; i < STATUS_LIMIT; i++) {
		if (!t->status[i])
			continue;
		fprintf(out, "%s\"%d\": %llu", comma, i, (unsigned long long)t->status[i]);
		comma = ", ";
	}
	fprintf(out, "},\n");
	report_hist(out, "delay_us", &t->delay);
}

static double per_second(uint64_t units, const struct run *r)
{
	return r->to.at > r->from.at ? (double)units * 1e9 / (double)(r->to.at - r->from.at) : 0;
}

static double cpu_us(uint64_t units, const struct run *r)
{
	return units ? (double)(r->to.cpu - r->from.cpu) / 1e3 / (double)units : 0;
}

static void report(const struct run *r, FILE *out)
{
	uint64_t registered = r->to.registered - r->from.registered, called = r->to.called - r->from.called;
	uint64_t relayed = r->to.relayed - r->from.relayed;
	uint64_t units = r->work & WORK_RTP ? relayed : r->work & WORK_CALL ? called : registered;

	fprintf(out, "{\n");
	if (r->reg) {
		report_tally(out, "register", register_tally(r->reg), per_second(registered, r));
		fprintf(out, "\n  },\n");
		register_report(r->reg, out);
	}
	if (r->call) {
		report_tally(out, "call", call_tally(r->call), per_second(called, r));
		fprintf(out, ",\n");
		call_report(r->call, out);
		fprintf(out, "    \"legs_left\": %llu\n  },\n", (unsigned long long)call_legs(r->call));
	}
	if (r->rtp) {
		fprintf(out, "  \"rtp\": {\n    \"rate\": %.1f,\n", per_second(relayed, r));
		rtp_report(r->rtp, out);
		fprintf(out, "  },\n");
	}
	fprintf(out, "  \"wire\": {\"sent\": %llu, \"received\": %llu, \"retransmits\": %llu, \"timeouts\": %llu},\n",
		(unsigned long long)(r->l.uac.sent + r->l.uas.sent),
		(unsigned long long)(r->l.uac.received + r->l.uas.received),
		(unsigned long long)(r->l.timers_uac.retransmits + r->l.timers_uas.retransmits),
		(unsigned long long)(r->l.timers_uac.timeouts + r->l.timers_uas.timeouts));
	fprintf(out, "  \"server\": {\"window_s\": %.3f, \"cpu_s\": %.6f, \"cpu_us_per_unit\": %.3f, "
		"\"memory_before\": %llu, \"memory_loaded\": %llu}\n}\n",
		(double)(r->to.at - r->from.at) / 1e9, (double)(r->to.cpu - r->from.cpu) / 1e9, cpu_us(units, r),
		(unsigned long long)r->memory_before, (unsigned long long)r->memory_loaded);
}

/* --- loop --------------------------------------------------------------- */

static void on_uac(void *arg, const struct sockaddr_in *from, struct str datagram)
{
	struct run *r = arg;
	struct msg m;

	(void)from;
	if (!msg_scan(&m, datagram))
		return;
	if (!m.status) {
		/* A server may send a request (BYE, OPTIONS) towards the caller. */
		if (r->call)
			call_request(r->call, from, &m);
	} else if (m.call_id.p[0] == 'r' && r->reg) {
		register_answer(r->reg, &m);
	} else if (m.call_id.p[0] == 'c' && r->call) {
		call_answer(r->call, &m);
	}
}

static void on_uas(void *arg, const struct sockaddr_in *from, struct str datagram)
{
	struct run *r = arg;
	struct msg m;

	if (r->call && msg_scan(&m, datagram) && !m.status)
		call_request(r->call, from, &m);
}

static void on_timeout(void *arg, struct tx *tx)
{
	struct run *r = arg;

	if (!(r->reg && register_timeout(r->reg, tx)) && r->call)
		call_timeout(r->call, tx);
}

static void on_uas_timeout(void *arg, struct tx *tx)
{
	call_uas_timeout(((struct run *)arg)->call, tx);
}

static void progress(struct run *r)
{
	const struct tally *g = r->reg ? register_tally(r->reg) : NULL, *c = r->call ? call_tally(r->call) : NULL;

	if (!r->l.opt.progress || r->l.now < r->next_progress)
		return;
	r->next_progress = r->l.now + PROGRESS_NS;
	fprintf(stderr, "progress %.1f registered %llu failed %llu called %llu failed %llu up %llu\n",
		(double)(r->l.now - r->l.start) / 1e9, (unsigned long long)(g ? g->done : 0),
		(unsigned long long)(g ? g->failed : 0), (unsigned long long)(c ? c->done : 0),
		(unsigned long long)(c ? c->failed : 0), (unsigned long long)(r->call ? call_up(r->call) : 0));
}

/* The first signal ends the starting of work, the second one the waiting for it. */
static void on_signal(struct run *r)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	r->quit = r->l.stopping;
	r->l.stopping = true;
}

/* One turn: start what is due, send, wait at most a millisecond, read. */
static void turn(struct run *r, bool streaming)
{
	struct epoll_event ev[512];
	struct load *l = &r->l;
	int n;

	l->now = wire_now();
	if (r->reg)
		register_tick(r->reg);
	if (r->call)
		call_tick(r->call);
	if (r->rtp)
		rtp_tick(r->rtp, streaming);
	timers_run(&l->timers_uac, l->now, &l->uac, &l->opt.server, on_timeout, r);
	timers_run(&l->timers_uas, l->now, &l->uas, &l->opt.server, on_uas_timeout, r);
	sock_flush(&l->uac);
	sock_flush(&l->uas);
	progress(r);
	n = epoll_wait(l->epoll, ev, (int)ARRAY_LEN(ev), 1);
	l->now = wire_now();
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &l->uac)
			sock_read(&l->uac, on_uac, r);
		else if (ev[i].data.ptr == &l->uas)
			sock_read(&l->uas, on_uas, r);
		else if (rtp_owns(r->rtp, ev[i].data.ptr))
			rtp_read(r->rtp, ev[i].data.ptr);
		else if (register_owns(r->reg, ev[i].data.ptr))
			register_read(r->reg, ev[i].data.ptr);
		else if (call_owns(r->call, ev[i].data.ptr))
			call_read(r->call, ev[i].data.ptr);
		else
			on_signal(r);
	}
}

static void sample(const struct run *r, struct sample *s)
{
	*s = (struct sample){
		.at = wire_now(), .cpu = meter_cpu(&r->l.meter),
		.registered = r->reg ? register_tally(r->reg)->done : 0,
		.called = r->call ? call_tally(r->call)->done : 0,
		.relayed = r->rtp ? rtp_relayed(r->rtp) : 0,
	};
}

static uint64_t inflight(const struct run *r)
{
	return (r->reg ? register_inflight(r->reg) : 0) + (r->call ? call_inflight(r->call) : 0);
}

static bool count_reached(const struct run *r)
{
	uint64_t count = r->l.opt.count;

	return count && (!r->reg || register_tally(r->reg)->started >= count) &&
		(!r->call || call_tally(r->call)->started >= count) && !inflight(r);
}

/* The media of a call goes on although all calls have been started. */
static bool over(const struct run *r, bool streaming)
{
	return r->l.stopping || (!streaming && !r->rtp && count_reached(r));
}

static void turns(struct run *r, uint64_t ns, bool streaming)
{
	for (uint64_t end = wire_now() + ns; !r->quit && r->l.now < end && !over(r, streaming); )
		turn(r, streaming);
}

static void drain(struct run *r)
{
	uint64_t end = wire_now() + (uint64_t)(r->l.opt.drain * 1e9);

	r->l.stopping = true;
	while (!r->quit && r->l.now < end && (inflight(r) || (r->call && call_legs(r->call))))
		turn(r, false);
}

static void run_plain(struct run *r)
{
	uint64_t limit = wire_now() + SETUP_LIMIT_NS;

	while (r->reg && !r->l.stopping && r->l.now < limit && !register_ready(r->reg))
		turn(r, false);
	if (r->l.opt.carrier != CARRIER_UDP)
		r->memory_loaded = meter_memory(&r->l.meter);
	turns(r, (uint64_t)(r->l.opt.warmup * 1e9), false);
	sample(r, &r->from);
	if (r->reg)
		register_mark(r->reg);
	if (r->call)
		call_mark(r->call);
	turns(r, (uint64_t)(r->l.opt.seconds * 1e9), false);
	sample(r, &r->to);
	if (r->l.opt.carrier == CARRIER_UDP)
		r->memory_loaded = meter_memory(&r->l.meter);
	drain(r);
}

static void run_media(struct run *r)
{
	uint64_t limit = wire_now() + SETUP_LIMIT_NS;

	while (!r->l.stopping && r->l.now < limit && call_up(r->call) + call_tally(r->call)->failed < r->l.opt.calls)
		turn(r, false);
	turns(r, SETTLE_NS, false);
	r->memory_loaded = meter_memory(&r->l.meter);
	rtp_start(r->rtp);
	turns(r, (uint64_t)(r->l.opt.warmup * 1e9), true);
	rtp_mark(r->rtp);
	sample(r, &r->from);
	turns(r, (uint64_t)(r->l.opt.seconds * 1e9), true);
	sample(r, &r->to);
	turns(r, TAIL_NS, false);
	call_hang_up_all(r->call);
	drain(r);
}

/* --- command line ------------------------------------------------------- */

static const char usage[] =
	"usage: load MODE [options]\n"
	"  register   REGISTER, 401, REGISTER with digest MD5, 200\n"
	"  call       INVITE to the server, which calls this process back; ACK, hold, BYE\n"
	"  rtp        --calls calls with G.711 both ways\n"
	"  mixed      registrations at --rate and calls at --call-rate\n"
	"options:\n"
	"  --server HOST:PORT     127.0.0.1:5060\n"
	"  --local HOST           address of this side, 127.0.0.1\n"
	"  --domain NAME          of From, To and request URIs; the server's host\n"
	"  --pid PID[,PID...]     processes of the server, for CPU and memory\n"
	"  --rate N, --call-rate N   per second; 0: --concurrency outstanding, 32\n"
	"  --seconds S            measured time, 5; --warmup S before it, 1; --drain S after it, 33\n"
	"  --count N              stop after N units instead\n"
	"  --users N, --first I   users PREFIX<I> and on, 1000 and 0\n"
	"  --user-prefix P, --password-prefix P   u and secret-\n"
	"  --tag T                marks the user part of each Contact\n"
	"  --contacts FILE        a line 'user uri' for each registration answered 200\n"
	"  --caller USER          From of calls, caller; --exten E called, callee\n"
	"  --calls N              calls at a time at most, 2000; rtp: how many\n"
	"  --hold MS              from ACK to BYE, 0\n"
	"  --uac-port PORT, --uas-port PORT   of the caller and of the callee; any free ones\n"
	"  --payload N            bytes of audio a packet, 160\n"
	"  --carrier C            of registrations: udp, tcp, tls, ws or wss; connections are kept\n"
	"  --arrivals N           new connections a second besides, each of a further user that registers\n"
	"  --srtp SUITE           rtp: AES_CM_128_HMAC_SHA1_80 or AEAD_AES_128_GCM on both legs, by SDES\n"
	"  --dtls                 call: the caller offers DTLS-SRTP, and hangs up when the handshake is done\n"
	"  --progress             a line on stderr each 100 ms\n"
	"The report is one JSON object on stdout. Exit: 0 all work done, 1 some failed, 2 usage.\n";

static const char letters[] = "s:l:D:p:r:R:c:S:w:d:n:u:f:U:P:t:C:a:e:k:h:i:o:b:T:A:y:zgH";
static const struct option names[] = {
	{ "server", 1, NULL, 's' }, { "local", 1, NULL, 'l' }, { "domain", 1, NULL, 'D' }, { "pid", 1, NULL, 'p' },
	{ "rate", 1, NULL, 'r' }, { "call-rate", 1, NULL, 'R' }, { "concurrency", 1, NULL, 'c' },
	{ "seconds", 1, NULL, 'S' }, { "warmup", 1, NULL, 'w' }, { "drain", 1, NULL, 'd' }, { "count", 1, NULL, 'n' },
	{ "users", 1, NULL, 'u' }, { "first", 1, NULL, 'f' }, { "user-prefix", 1, NULL, 'U' },
	{ "password-prefix", 1, NULL, 'P' }, { "tag", 1, NULL, 't' }, { "contacts", 1, NULL, 'C' },
	{ "caller", 1, NULL, 'a' }, { "exten", 1, NULL, 'e' }, { "calls", 1, NULL, 'k' }, { "hold", 1, NULL, 'h' },
	{ "uac-port", 1, NULL, 'i' }, { "uas-port", 1, NULL, 'o' }, { "payload", 1, NULL, 'b' },
	{ "carrier", 1, NULL, 'T' }, { "arrivals", 1, NULL, 'A' }, { "srtp", 1, NULL, 'y' }, { "dtls", 0, NULL, 'z' },
	{ "progress", 0, NULL, 'g' }, { "help", 0, NULL, 'H' }, { 0 },
};

static int parse_server(struct options *o, struct str s)
{
	char ip[INET_ADDRSTRLEN];
	struct str host = str_cut_raw(&s, ':');
	uint32_t port = 5060;

	if (s.n && (str_u32(s, &port) || port > 65535))
		return EINVAL;
	o->server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (!o->domain.n)
		o->domain = host;
	return inet_pton(AF_INET, str_copy(ip, sizeof(ip), host), &o->server.sin_addr) == 1 ? 0 : EINVAL;
}

static int parse_port(uint16_t *port, struct str s)
{
	uint32_t n;

	if (str_u32(s, &n) || n > 65535)
		return EINVAL;
	*port = (uint16_t)n;
	return 0;
}

static int parse_local(struct options *o, struct str s)
{
	char ip[INET_ADDRSTRLEN];

	o->local_text = s;
	return inet_pton(AF_INET, str_copy(ip, sizeof(ip), s), &o->local) == 1 ? 0 : EINVAL;
}

static int parse_carrier(struct options *o, struct str s)
{
	static const struct str known[] = { [CARRIER_UDP] = STR_INIT("udp"), [CARRIER_TCP] = STR_INIT("tcp"),
		[CARRIER_TLS] = STR_INIT("tls"), [CARRIER_WS] = STR_INIT("ws"), [CARRIER_WSS] = STR_INIT("wss") };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		o->carrier = (enum carrier)i;
		if (str_eq(s, known[i]))
			return 0;
	}
	return EINVAL;
}

static int set(struct run *r, int letter, struct str v)
{
	struct options *o = &r->l.opt;

	switch (letter) {
	case 's': return parse_server(o, v);
	case 'l': return parse_local(o, v);
	case 'D': o->domain = v; return 0;
	case 'p': return meter_parse(&r->l.meter, v);
	case 'r': return str_double(v, &o->rate);
	case 'R': return str_double(v, &o->call_rate);
	case 'c': return str_u32(v, &o->concurrency);
	case 'S': return str_double(v, &o->seconds);
	case 'w': return str_double(v, &o->warmup);
	case 'd': return str_double(v, &o->drain);
	case 'n': return str_u64(v, &o->count);
	case 'u': return str_u32(v, &o->users);
	case 'f': return str_u32(v, &o->first);
	case 'U': o->user_prefix = v; return 0;
	case 'P': o->password_prefix = v; return 0;
	case 't': o->tag = v; return 0;
	case 'C': o->contacts = v.p; return 0;
	case 'a': o->caller = v; return 0;
	case 'e': o->exten = v; return 0;
	case 'k': return str_u32(v, &o->calls);
	case 'h': return str_u32(v, &o->hold_ms);
	case 'i': return parse_port(&o->uac_port, v);
	case 'o': return parse_port(&o->uas_port, v);
	case 'b': return str_u32(v, &o->payload) || o->payload < 16 || o->payload > 1400 ? EINVAL : 0;
	case 'T': return parse_carrier(o, v);
	case 'A': return str_double(v, &o->arrivals);
	case 'y': o->srtp = (int)srtp_suite_of(v); return o->srtp == SRTP_NONE ? EINVAL : 0;
	case 'z': o->dtls = true; return 0;
	case 'g': o->progress = true; return 0;
	}
	return EINVAL;
}

static int parse(struct run *r, int argc, char **argv)
{
	static const struct { struct str name; unsigned work; } modes[] = {
		{ STR_INIT("register"), WORK_REGISTER }, { STR_INIT("call"), WORK_CALL },
		{ STR_INIT("rtp"), WORK_CALL | WORK_RTP }, { STR_INIT("mixed"), WORK_REGISTER | WORK_CALL },
	};
	struct options *o = &r->l.opt;

	*o = (struct options){ .user_prefix = STR("u"), .password_prefix = STR("secret-"), .caller = STR("caller"),
		.exten = STR("callee"), .users = 1000, .concurrency = 32, .calls = 2000, .seconds = 5, .warmup = 1,
		.drain = 33, .payload = 160 };
	parse_local(o, STR("127.0.0.1"));
	for (int c; (c = getopt_long(argc, argv, letters, names, NULL)) != -1; ) {
		if (c == 'H' || set(r, c, str_z(optarg)))
			return EINVAL;
	}
	if (!o->server.sin_family)
		parse_server(o, STR("127.0.0.1:5060"));
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (optind == argc - 1 && str_eq(str_z(argv[optind]), modes[i].name))
			r->work = modes[i].work;
	if (r->work & WORK_RTP)
		o->count = o->calls;
	return r->work && o->users && o->calls ? 0 : EINVAL;
}

static int open_all(struct run *r)
{
	struct rlimit files = { 1 << 20, 1 << 20 };
	struct load *l = &r->l;
	sigset_t set_;
	int err;

	if (setrlimit(RLIMIT_NOFILE, &files) && !getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	l->start = l->now = wire_now();
	l->run_id = (uint32_t)(l->now / 1000) ^ (uint32_t)getpid() << 16;
	timers_init(&l->timers_uac);
	timers_init(&l->timers_uas);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = sock_open(&l->uac, l->opt.local, l->opt.uac_port);
	if (!err)
		err = sock_open(&l->uas, l->opt.local, l->opt.uas_port);
	if (err)
		return err;
	sigemptyset(&set_);
	sigaddset(&set_, SIGINT);
	sigaddset(&set_, SIGTERM);
	sigprocmask(SIG_BLOCK, &set_, NULL);
	r->signals = signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
	load_watch(l, r->signals, r);
	load_watch(l, l->uac.fd, &l->uac);
	load_watch(l, l->uas.fd, &l->uas);
	if (r->work & WORK_REGISTER && !(r->reg = register_new(l)))
		return ENOMEM;
	if (r->work & WORK_RTP && !(r->rtp = rtp_new(l, l->opt.calls)))
		return ENOMEM;
	if (r->work & WORK_CALL && !(r->call = call_new(l, r->rtp)))
		return ENOMEM;
	return 0;
}

int main(int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	uint64_t failed = 0;
	int err;

	if (!r)
		return 1;
	if (parse(r, argc, argv)) {
		fputs(usage, stderr);
		free(r);
		return 2;
	}
	err = open_all(r);
	if (err) {
		fprintf(stderr, "load: %s\n", strerror(err));
		return 1;
	}
	r->memory_before = meter_memory(&r->l.meter);
	if (r->work & WORK_RTP)
		run_media(r);
	else
		run_plain(r);
	report(r, stdout);
	failed += r->reg ? register_tally(r->reg)->failed + register_inflight(r->reg) + register_lost(r->reg) : 0;
	failed += r->call ? call_tally(r->call)->failed + call_inflight(r->call) + call_legs(r->call) : 0;
	register_free(r->reg);
	call_free(r->call);
	rtp_free(r->rtp);
	sock_close(&r->l.uac);
	sock_close(&r->l.uas);
	close(r->signals);
	close(r->l.epoll);
	free(r);
	return failed ? 1 : 0;
}
