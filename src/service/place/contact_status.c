/* What the states of a contact are called. */
#include "service/place/location.h"

const char *contact_status_name(enum contact_status s)
{
	static const char *const names[] = { "Unknown", "NonQualified", "Reachable", "Unreachable", "Removed" };

	return names[s];
}

const char *contact_status_short(enum contact_status s)
{
	static const char *const names[] = { "Unknown", "NonQual", "Avail", "Unavail", "Removed" };

	return names[s];
}
