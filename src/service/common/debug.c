/* service/common/debug.c -- which packets the media threads shall show, and their lines in the log. */
#define LOG_MODULE "rtp"
#include "service/common/debug.h"
#include "media/trace.h"
#include "pbx/event.h"
#include "pbx/pbx.h"
#include "service/common/service.h"
#include <errno.h>

static const struct str names[DEBUG_CATEGORIES] = {
	[DEBUG_RTP] = STR_INIT("rtp"), [DEBUG_RTP_PACKET] = STR_INIT("rtp_packet"), [DEBUG_RTCP] = STR_INIT("rtcp"),
	[DEBUG_RTCP_PACKET] = STR_INIT("rtcp_packet"), [DEBUG_DTLS] = STR_INIT("dtls"),
	[DEBUG_DTLS_PACKET] = STR_INIT("dtls_packet"), [DEBUG_ICE] = STR_INIT("ice"), [DEBUG_STUN] = STR_INIT("stun"),
	[DEBUG_STUN_PACKET] = STR_INIT("stun_packet"),
};

struct str debug_category_name(enum debug_category c)
{
	return names[c];
}

enum debug_category debug_category_of(struct str name)
{
	unsigned c = 0;

	while (c < DEBUG_CATEGORIES && !str_ieq(name, names[c]))
		c++;
	return (enum debug_category)c;
}

/* Line by line, because a line of the log has no line ends. */
static void on_trace(void *arg, const struct media_trace *t, uint64_t lost)
{
	struct buf b = BUF_INIT;
	struct str all, line;

	(void)arg;
	if (!t) {
		log_write(LOG_VERBOSE, LOG_MODULE, 0, "%llu packets are not shown here: at most %d a second are",
			  (unsigned long long)lost, MEDIA_TRACE_RATE);
		return;
	}
	media_trace_write(&b, t);
	for (all = buf_view(&b); str_line(&all, &line); )
		if (line.n)
			log_write(LOG_VERBOSE, LOG_MODULE, 0, "%.*s", STR_ARG(line));
	buf_free(&b);
}

int service_debug_apply(struct service *svc)
{
	static const struct { enum debug_category c; enum media_trace_kind k; } rows[] = {
		{ DEBUG_RTP_PACKET, MEDIA_TRACE_RTP }, { DEBUG_RTCP_PACKET, MEDIA_TRACE_RTCP },
		{ DEBUG_STUN_PACKET, MEDIA_TRACE_STUN }, { DEBUG_DTLS_PACKET, MEDIA_TRACE_DTLS },
	};
	const struct service_debug *d = &svc->debug;
	struct media_trace_rule r = { .rtp = d->rtp, .rtcp = d->rtcp, .udptl = d->udptl,
		.reports = d->reports || d->stats || d->level[DEBUG_RTCP] };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (d->level[rows[i].c])
			r.kinds |= MEDIA_TRACE_BIT(rows[i].k);
	if (d->udptl_packets)
		r.kinds |= MEDIA_TRACE_BIT(MEDIA_TRACE_UDPTL);
	return svc->media ? media_trace(svc->media, &r, on_trace, svc) : 0;
}

static void on_wanted(void *arg, unsigned wanted)
{
	struct service *svc = arg;
	bool reports = wanted & EV_REPORTING;

	if (reports == svc->debug.reports)
		return;
	svc->debug.reports = reports;
	if (service_debug_apply(svc))
		log_error("out of memory: managers hear of RTCP reports as before");
}

void service_debug_start(struct service *svc)
{
	events_watch(svc->pbx->events, on_wanted, svc);
}

void service_debug_stop(struct service *svc)
{
	events_watch(svc->pbx->events, NULL, NULL);
}
