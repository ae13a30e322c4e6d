/* media/quality.c -- running mean and deviation (Welford), and a score by delay, jitter and loss. */
#include "media/quality.h"
#include <math.h>

void spread_add(struct spread *s, double v)
{
	double squares = s->stdev * s->stdev * s->n, before = v - s->mean;

	if (s->n == UINT32_MAX)
		return;
	s->min = s->n && s->min < v ? s->min : v;
	s->max = s->n && s->max > v ? s->max : v;
	s->last = v;
	s->n++;
	s->mean += before / s->n;
	s->stdev = sqrt((squares + before * (v - s->mean)) / s->n);
}

/* G.107 with the default of each factor begins at 93.2. Delay counts little up to where people
 * notice it, then ten times as much. */
static double rating(double delay_ms, double lost)
{
	double r = 93.2 - (delay_ms < 160 ? delay_ms / 40 : (delay_ms - 120) / 10) - 2 * lost;

	return r < 0 ? 0 : r > 100 ? 100 : r;
}

double quality_mes(double rtt, double jitter, double jitter_stdev, double lost)
{
	double r = rating(1000 * rtt + 2 * jitter * jitter_stdev / 3 + 10, lost);
	double opinion = 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r);       /* G.107 annex B */

	return opinion * 20;
}
