/* media/zones.c -- the countries' tones (ITU-T E.180 Supplement 2). A zone of
 * indications.conf that is not here is a further row. */
#include "media/tone.h"
#include "base/poison.h"

enum named { DIAL, BUSY, RING, CONGESTION, CALLWAITING, DIALRECALL, RECORD, INFO, STUTTER, NAMES };

static const char *const names[NAMES] = {
	"dial", "busy", "ring", "congestion", "callwaiting", "dialrecall", "record", "info", "stutter",
};

#define SIT "!950/330,!1400/330,!1800/330,0"            /* special information tone, once */
#define SIT_LOOP "950/330,1400/330,1800/330,0/1000"
#define BROKEN(f) "!" f "/100,!0/100,!" f "/100,!0/100,!" f "/100,!0/100,"     /* three short ones before */

static const struct {
	const char *zone;
	const char *tone[NAMES];
} zones[] = {
	{ "us", { "350+440", "480+620/500,0/500", "440+480/2000,0/4000", "480+620/250,0/250", "440/300,0/10000",
		  BROKEN("350+440") "350+440", "1400/500,0/15000", SIT, BROKEN("350+440") BROKEN("350+440") "350+440" } },
	{ "uk", { "350+440", "400/375,0/375", "400+450/400,0/200,400+450/400,0/2000", "400/400,0/350,400/225,0/525",
		  "400/100,0/4000", "350+440", "1400/500,0/60000", "950/330,0/15,1400/330,0/15,1800/330,0/1000",
		  "350+440/750,440/750" } },
	{ "de", { "425", "425/480,0/480", "425/1000,0/4000", "425/240,0/240", "425/200,0/200,425/200,0/5000",
		  BROKEN("425") "425", "1400/80,0/15000", SIT_LOOP, "425+400" } },
	{ "fr", { "440", "440/500,0/500", "440/1500,0/3500", "440/250,0/250", "440/300,0/10000",
		  BROKEN("440") "440", "1400/500,0/15000", "!950/330,!1400/330,!1800/330",
		  BROKEN("440") BROKEN("440") "440" } },
	{ "it", { "425/200,0/200,425/600,0/1000", "425/500,0/500", "425/1000,0/4000", "425/200,0/200",
		  "425/400,0/100,425/250,0/100,425/150,0/14000", "470/400,425/400", "1400/400,0/15000", SIT,
		  "470/400,425/400" } },
	{ "es", { "425", "425/200,0/200", "425/1500,0/3000", "425/200,0/200,425/200,0/200,425/200,0/600",
		  "425/175,0/175,425/175,0/3500", "425", "1400/500,0/15000", "950/330,0/1000",
		  BROKEN("425") BROKEN("425") "425" } },
	{ "nl", { "425", "425/500,0/500", "425/1000,0/4000", "425/250,0/250", "425/500,0/9500", "425/500,0/50",
		  "1400/500,0/15000", SIT_LOOP, "425/500,0/50" } },
	{ "at", { "420", "420/400,0/400", "420/1000,0/5000", "420/200,0/200", "420/40,0/1960", "420",
		  "1400/80,0/14920", "950/330,1450/330,1850/330,0/1000", "380+420" } },
	{ "ch", { "425", "425/500,0/500", "425/1000,0/4000", "425/200,0/200", "425/200,0/200,425/200,0/4000",
		  BROKEN("425") "425", "1400/80,0/15000", SIT_LOOP, "425+340/1100,0/1100" } },
	{ "au", { "413+438", "425/375,0/375", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375,420/375,0/375",
		  "425/200,0/200,425/200,0/4400", "413+438", "!425/1000,!0/15000,425/360,0/15000", "425/2500,0/500",
		  "413+438/100,0/40" } },
};

static const char *const *zone_find(struct str zone)
{
	/* The United Kingdom is also known as gb, and zone names carry no case. */
	if (str_ieq(zone, STR("gb")))
		zone = STR("uk");
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		if (str_ieq(zone, str_z(zones[i].zone)))
			return zones[i].tone;
	return NULL;
}

bool tone_zone_exists(struct str zone)
{
	return zone_find(zone) != NULL;
}

struct str tone_zone_text(struct str zone, struct str name)
{
	const char *const *t = zone_find(zone);

	if (!t)
		t = zones[0].tone;
	for (unsigned i = 0; i < NAMES; i++)
		if (str_ieq(name, str_z(names[i])))
			return str_z(t[i]);
	/* "ringing" is what applications call it. */
	return str_ieq(name, STR("ringing")) ? str_z(t[RING]) : STR_NULL;
}
