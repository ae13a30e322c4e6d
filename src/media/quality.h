/* media/quality.h -- how good a stream is: least, most, mean and deviation of what RTCP
 * measures, and one score of it all. Pure; any thread. */
#ifndef MEDIA_QUALITY_H
#define MEDIA_QUALITY_H

#include <stdint.h>

struct spread {                 /* of the values given to spread_add(); zeroed: none yet */
	double last, min, max, mean, stdev;
	uint32_t n;
};

struct media_quality {
	/* Of what we receive. Jitter is looked at once a second, loss (packets since the report before) and
	 * score at each report of ours. */
	struct spread jitter, lost, mes;
	/* What the peer says of what we send, once a report of its; loss is all since the beginning. */
	struct spread remote_jitter, remote_lost, remote_mes;
	struct spread rtt;              /* both ways */
	/* [s] jitter, rtt; [packets] lost; 0 to 100: mes */
};

void spread_add(struct spread *s, double v);
/* Media experience score: a transmission rating (ITU-T G.107) by delay, jitter and loss, turned into an opinion
 * of 1 to 4.5 and put on a scale to 100. [s] the first three, [packets a report] the last. */
double quality_mes(double rtt, double jitter, double jitter_stdev, double lost);

#endif
