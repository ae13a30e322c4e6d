/* A new request from the stack to its method's room, once it is known whose it is. */
#define LOG_MODULE "dispatch"
#include "service/dispatch.h"
#include "service/call/session.h"
#include "service/event/subscription.h"
#include "service/message/message.h"
#include "service/place/registrar.h"
#include "base/log.h"
#include "service/trust/authenticate.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	enum sip_method method;
	method_fn *fn;
} methods[] = {
	{ SIP_REGISTER, register_request },
	{ SIP_INVITE, invite_request },
	{ SIP_OPTIONS, options_request },
	{ SIP_MESSAGE, message_request },
	{ SIP_SUBSCRIBE, subscribe_request },
	{ SIP_NOTIFY, notify_request },
	{ SIP_PUBLISH, publish_request },
	{ SIP_REFER, refer_request },
};

static method_fn *handler_of(enum sip_method m)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].method == m)
			return methods[i].fn;
	return NULL;
}

/* Extensions that somebody demands and we do not have (RFC 3261 8.2.2.3). */
static bool requires_known(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg)
{
	static const struct str known[] = { STR_INIT("100rel"), STR_INIT("timer"), STR_INIT("replaces"),
		STR_INIT("norefersub"), STR_INIT("path"), STR_INIT("outbound"), STR_INIT("eventlist"),
		STR_INIT("gruu"), STR_INIT("mediasec") };
	struct sip_each e = { 0 };
	struct buf b = BUF_INIT;
	struct str v;
	bool ok;

	while (sip_each(msg, SIP_H_REQUIRE, &e, &v)) {
		bool found = !v.n;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found |= str_ieq(v, known[i]);
		found |= msg->method == SIP_REFER && (str_ieq(v, STR("nosub")) || str_ieq(v, STR("explicitsub")));
		if (!found)
			buf_puts(&b, b.n ? STR(", ") : STR("Unsupported: "), v);
	}
	ok = !b.n;
	if (!ok) {
		buf_put(&b, STR("\r\n"));
		service_supported(svc->conf, &b);
		service_reply(svc, tx, 420, buf_view(&b));
	}
	buf_free(&b);
	return ok;
}

static uint64_t available_mb(void)
{
	char text[1024];
	struct str rest, line, name, word;
	uint64_t kb;
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;

	if (fd >= 0)
		close(fd);
	for (rest = str_mk(text, n > 0 ? (size_t)n : 0); str_line(&rest, &line); ) {
		name = str_cut_raw(&line, ':');
		line = str_trim(line);
		word = str_cut_raw(&line, ' ');
		if (str_eq(name, STR("MemAvailable")) && !str_u64(word, &kb))
			return kb / 1024;
	}
	return UINT64_MAX;
}

/* Once a second: the kernel's load is that slow too. */
static void look_at_load(struct service_load *l, uint64_t now_ms)
{
	if (l->seen_ms && now_ms - l->seen_ms <= 1000)
		return;
	l->seen_ms = now_ms;
	if (l->most > 0 && getloadavg(&l->now, 1) != 1)
		l->now = 0;
	if (l->least_mb)
		l->free_mb = l->available_mb ? l->available_mb() : available_mb();
}

/* maxcalls, maxload and minmemfree of asterisk.conf: new calls are refused, all else goes on. */
static const char *why_overloaded(struct service *svc)
{
	struct service_load *l = &svc->load;

	if (svc->pbx->calls_max && svc->calls.n >= svc->pbx->calls_max)
		return "maxcalls is reached";
	if (l->most <= 0 && !l->least_mb)
		return NULL;
	look_at_load(l, clock_ms(svc->clock));
	if (l->most > 0 && l->now > l->most)
		return "the load average is over maxload";
	return l->least_mb && l->free_mb < l->least_mb ? "less memory is available than minmemfree" : NULL;
}

static bool is_refused_for_load(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const char *why = msg->method == SIP_INVITE ? why_overloaded(svc) : NULL;

	if (!why)
		return false;
	reason_add(svc->reasons, REASON_OVERLOAD, REASON_REFUSED, 503, id->ep->name, &msg->from_path.peer, "%s", why);
	service_reply(svc, tx, 503, STR(SHARES_RETRY));
	return true;
}

/* Whoever it is: to find that out is work, too. */
static bool is_put_off(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const char *why = overload_why(svc);

	if (!why)
		return false;
	reason_add(svc->reasons, REASON_OVERLOAD, REASON_REFUSED, 503, STR_NULL, &msg->from_path.peer, "%s", why);
	sip_server_tx_respond_stateless(tx, 503, STR(SHARES_RETRY));
	return true;
}

/* RFC 5630 3.1: such a request has gone over TLS at every hop, or somebody has carried it in the open. */
static bool is_open_sips(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (net_is_secure(msg->from_path.proto) || !sip_uri_is_sips(&msg->ruri))
		return false;
	reason_add(svc->reasons, REASON_TRANSPORT, REASON_REFUSED, 403, id->ep->name, &msg->from_path.peer,
		   "a sips URI came over %s; it goes over TLS and nothing else (RFC 5630)", net_proto_name(msg->from_path.proto));
	service_reply(svc, tx, 403, STR_NULL);
	return true;
}

void dispatch_request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct service *svc = arg;
	struct identity *id = NULL;
	struct str old;
	method_fn *fn = handler_of(msg->method);

	if (svc->state == SERVICE_STARTING)
		return;         /* the sender repeats; by then we are up */
	old = log_context(msg->call_id);
	/* 12.2.2: of a dialog that is not there. Said to anybody: it opens nothing. A BYE is of one, even without a tag. */
	if (msg->method == SIP_BYE || (msg->to.tag.n && (msg->method == SIP_INVITE || msg->method == SIP_PRACK ||
			      msg->method == SIP_UPDATE || msg->method == SIP_INFO || msg->method == SIP_SUBSCRIBE ||
			      msg->method == SIP_NOTIFY))) {
		service_reply(svc, tx, 481, STR_NULL);
		goto out;
	}
	if (is_put_off(svc, tx, msg) || authenticate(svc, tx, msg, &id))
		goto out;
	/* While the last calls end, phones stay registered and are answered. */
	if (svc->state == SERVICE_STOPPING || (svc->pbx->stopping && msg->method == SIP_INVITE)) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		goto out;
	}
	if (!fn) {
		char line[256];
		struct buf b;

		buf_init(&b, line, sizeof(line), sizeof(line));
		buf_put(&b, service_allow(true));
		service_reply(svc, tx, msg->method == SIP_UNKNOWN ? 501 : 405, buf_view(&b));
		goto out;
	}
	if (!is_open_sips(svc, id, tx, msg) && !is_refused_for_load(svc, id, tx, msg) && shares_admit(svc, id, tx, msg) && requires_known(svc, tx, msg))
		fn(svc, id, tx, msg);
 out:
	obj_drop(id);
	log_context(old);
}
