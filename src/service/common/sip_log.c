/* service/common/sip_log.c -- which SIP messages are shown; what a file of them looks like stands in sip_pcap.c. */
#define LOG_MODULE "pjsip"
#include "service/common/sip_log.h"
#include "base/log.h"
#include "net/dns.h"
#include "service/common/sip_pcap.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct sip_log_name {
	struct list link;               /* in sip_log.names */
	struct sip_log *log;
	struct dns *dns;
	struct text host;
	struct dns_query *query;
	enum dns_type type;             /* asked for now: A, then AAAA */
	bool found;
};

void sip_log_start(struct sip_log *l)
{
	*l = (struct sip_log){ .fd = -1 };
	list_init(&l->names);
}

static void name_free(struct sip_log_name *n)
{
	if (n->query)
		dns_cancel(n->query);
	list_remove(&n->link);
	text_free(&n->host);
	free(n);
}

static void forget_hosts(struct sip_log *l)
{
	list_each_safe(x, next, &l->names)
		name_free(container_of(x, struct sip_log_name, link));
	l->hosts = 0;
}

static void forget_methods(struct sip_log *l)
{
	while (l->methods)
		text_free(&l->method[--l->methods]);
}

static void reset(struct sip_log *l)
{
	l->on = l->all = l->quiet = false;
	forget_hosts(l);
	forget_methods(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void sip_log_stop(struct sip_log *l)
{
	reset(l);
}

/* ---- names ------------------------------------------------------------------------------- */

static int add_mask(struct sip_log *l, const struct netmask *m)
{
	if (l->hosts == SIP_LOG_HOSTS)
		return ENOSPC;
	l->host[l->hosts++] = *m;
	return 0;
}

static int name_ask(struct sip_log_name *n, enum dns_type type);

static void on_answer(void *arg, int err, const struct dns_record *v, size_t count)
{
	struct sip_log_name *n = arg;

	n->query = NULL;
	for (size_t i = 0; i < count; i++) {
		struct netmask m = { .base = v[i].u.addr, .bits = sa_is_v6(&v[i].u.addr) ? 128 : 32 };

		n->found = true;
		if (add_mask(n->log, &m))
			log_warning("messages of '%s' are not all shown: at most %d addresses are", text_z(&n->host), SIP_LOG_HOSTS);
	}
	if (n->type == DNS_A && !name_ask(n, DNS_AAAA))
		return;
	if (!n->found)
		log_warning("Could not resolve host %s for debug logging%s%s", text_z(&n->host), err ? ": " : "",
			    err ? strerror(err) : "");
	name_free(n);
}

static int name_ask(struct sip_log_name *n, enum dns_type type)
{
	n->type = type;
	return dns_lookup(n->dns, text_view(&n->host), type, on_answer, n, &n->query);
}

static int add_name(struct sip_log *l, struct dns *dns, struct str host)
{
	struct sip_log_name *n = dns ? calloc(1, sizeof(*n)) : NULL;
	int err;

	if (!n)
		return dns ? ENOMEM : EINVAL;
	n->log = l;
	n->dns = dns;
	list_append(&l->names, &n->link);
	err = text_set(&n->host, host);
	err = err ? err : name_ask(n, DNS_A);
	if (err)
		name_free(n);
	return err;
}

static int add_host(struct sip_log *l, struct dns *dns, struct str host)
{
	struct netmask m;

	if (!netmask_parse(&m, host))
		return m.invert ? EINVAL : add_mask(l, &m);
	return str_chr(host, '/') < host.n ? EINVAL : add_name(l, dns, host);
}

/* ---- who decides --------------------------------------------------------------------------- */

void sip_log_configure(struct sip_log *l, struct dns *dns, struct str debug)
{
	bool on = false, is_bool = !str_bool(debug, &on);

	if (l->by_console)
		return;
	reset(l);
	if (is_bool || !debug.n) {
		l->on = l->all = on;
		return;
	}
	l->on = true;
	if (add_host(l, dns, debug))
		log_warning("[global] debug: '%.*s' is neither yes, no, an address, a network nor a host name", STR_ARG(debug));
}

void sip_log_all(struct sip_log *l)
{
	l->by_console = l->on = l->all = true;
}

void sip_log_off(struct sip_log *l)
{
	reset(l);
	l->by_console = true;
}

int sip_log_host(struct sip_log *l, struct dns *dns, struct str host, bool add)
{
	l->by_console = l->on = true;
	if (!add)
		forget_hosts(l);
	return add_host(l, dns, host);
}

int sip_log_method(struct sip_log *l, struct str method, bool add)
{
	int err;

	l->by_console = l->on = true;
	if (!add)
		forget_methods(l);
	for (size_t i = 0; i < l->methods; i++)
		if (str_ieq(text_view(&l->method[i]), method))
			return EEXIST;
	if (l->methods == SIP_LOG_METHODS)
		return ENOSPC;
	err = text_set(&l->method[l->methods], method);
	l->methods += !err;
	return err;
}

int sip_log_pcap(struct sip_log *l, const char *path)
{
	int fd, err = sip_pcap_open(&fd, path);

	if (err)
		return err;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	l->by_console = true;
	return 0;
}

void sip_log_verbose(struct sip_log *l, bool on)
{
	l->quiet = !on;
	l->by_console = true;
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool is_response(struct str bytes)
{
	return str_istarts(bytes, STR("SIP/2.0 "));
}

/* Of the first line, or of CSeq in a response: it belongs to its request. */
static struct str method_of(struct str bytes)
{
	struct str line, name;

	if (!is_response(bytes))
		return str_cut_raw(&bytes, ' ');
	while (str_line(&bytes, &line) && line.n) {
		name = str_trim(str_cut_raw(&line, ':'));
		if (str_ieq(name, STR("CSeq"))) {
			line = str_trim(line);
			return str_trim(str_skip(line, str_chr(line, ' ')));
		}
	}
	return STR_NULL;
}

/* With methods and hosts a message must fit one of each. */
static bool wants(const struct sip_log *l, const struct sa *peer, struct str bytes)
{
	size_t i = 0;

	if (!l->on || l->all)
		return l->on;
	if (l->methods) {
		struct str m = method_of(bytes);

		while (i < l->methods && !str_ieq(text_view(&l->method[i]), m))
			i++;
		if (i == l->methods)
			return false;
	}
	if (!l->hosts)
		return l->methods > 0 && list_empty(&l->names);
	for (i = 0; i < l->hosts; i++)
		if (netmask_has(&l->host[i], peer))
			return true;
	return false;
}

/* Line by line, so that control bytes of a body cannot forge lines of their own. */
static void show(bool sent, const struct net_path *path, struct str bytes)
{
	char peer[SA_TEXT];
	struct str line;

	log_write(LOG_VERBOSE, LOG_MODULE, 0, "<--- %s SIP %s (%zu bytes) %s %s:%s --->", sent ? "Transmitting" : "Received",
		  is_response(bytes) ? "response" : "request", bytes.n, sent ? "to" : "from", net_proto_name(path->proto),
		  sa_text(&path->peer, peer));
	while (str_line(&bytes, &line))
		log_write(LOG_VERBOSE, LOG_MODULE, 0, "%.*s", STR_ARG(line));
}

void sip_log_message(struct sip_log *l, bool sent, const struct net_path *path, struct str bytes)
{
	if (!wants(l, &path->peer, bytes))
		return;
	if (!l->quiet)
		show(sent, path, bytes);
	if (l->fd >= 0 && sip_pcap_write(l->fd, sent, path, bytes)) {
		log_error("the file of SIP messages cannot be written: %s; it ends here", strerror(errno));
		close(l->fd);
		l->fd = -1;
	}
}
