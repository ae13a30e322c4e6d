/* The media as rtp.conf and dsp.conf have it, at the start and at a reload. */
#define LOG_MODULE "main"
#include "base/obj.h"
#include "config/settings.h"
#include "main/server_private.h"
#include "service/common/ice.h"
#include <errno.h>
#include <sys/resource.h>

static void media_prm(struct server *s, const struct rtp_conf *rc, struct media_prm *mp)
{
	*mp = (struct media_prm){ .core = s->loop, .threads = s->own->media_threads,
		.port_min = (uint16_t)rc->rtpstart, .port_max = (uint16_t)rc->rtpend,
		.sounds = text_view(&s->sounds), .strict = rc->strictrtp != RTP_STRICT_NO,
		.strict_time = rc->strictrtp == RTP_STRICT_YES,
		.learn_packets = rc->probation, .learn_ms = 5000, .rtcp_ms = rc->rtcpinterval,
		.srtp_replay = rc->srtpreplayprotection, .dtls_mtu = rc->dtls_mtu,
		.no_checksums = !rc->rtpchecksums, .dtmf_ms = rc->dtmftimeout / 8 };
}

/* Two sockets a stream; beside them some files, and the connections of SIP. */
#define OTHER_FILES 256

void server_share(struct server *s)
{
	struct rlimit r;

	if (!s->service)
		return;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != RLIM_INFINITY && r.rlim_cur > OTHER_FILES &&
	    (!s->port_pairs || s->port_pairs > (r.rlim_cur - OTHER_FILES) / 2))
		shares_set_total(s->service->shares, SHARE_PORT, (r.rlim_cur - OTHER_FILES) / 2);
	else
		shares_set_total(s->service->shares, SHARE_PORT, s->port_pairs);
	shares_set_total(s->service->shares, SHARE_CALL, s->pbx->calls_max);
}

/* What rtp.conf says of ICE; the lists that it names are acl.conf's. */
int server_ice_reload(struct server *s)
{
	struct named_acls *acls = NULL;
	int err = named_acls_load(&acls, &s->cprm, s->report);

	if (!err || err != ENOMEM)
		err = service_ice_set(s->service, s->rtp, acls, s->report);
	obj_drop(acls);
	return err;
}

static void detect_prm(struct server *s, const struct dsp_conf *dc, struct detect_prm *p)
{
	*p = (struct detect_prm){ .hits_to_begin = (uint16_t)dc->dtmf_hits_to_begin, .misses_to_end = (uint16_t)dc->dtmf_misses_to_end,
		.normal_twist = (float)dc->dtmf_normal_twist, .reverse_twist = (float)dc->dtmf_reverse_twist };
	s->silence_threshold = dc->silencethreshold;
	if (s->pbx)
		s->pbx->silence_threshold = dc->silencethreshold;
}

int server_media_reload(struct server *s)
{
	struct rtp_conf *rc;
	struct dsp_conf *dc;
	struct media_prm mp;
	int err = rtp_conf_load(&rc, &s->cprm, s->report);

	if (err)
		return err;
	err = dsp_conf_load(&dc, &s->cprm, s->report);
	if (err) {
		obj_drop(rc);
		return err;
	}
	media_prm(s, rc, &mp);
	detect_prm(s, dc, &mp.detect);
	obj_drop(dc);
	s->port_pairs = ((size_t)rc->rtpend - rc->rtpstart + 1) / 2;
	server_share(s);
	if (s->media)
		media_reload(s->media, &mp);
	else
		err = media_new(&s->media, &mp);
	obj_drop(s->rtp);
	s->rtp = rc;
	if (!err)
		manage_set_rtp(s->manage, rc);
	if (!err && s->service)
		err = server_ice_reload(s);
	return err;
}
