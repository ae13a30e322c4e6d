/* How a call or a request ended: the words, the exit codes, and which status or cause means what. */
#include "phone/outcome.h"
#include <stdlib.h>

static const struct outcome_row rows[OUTCOMES] = {
	[OUTCOME_NONE] = { "none", 1, "nothing happened" },
	[OUTCOME_ANSWERED] = { "answered", 0, "the call was answered, and ended as calls do" },
	[OUTCOME_ACCEPTED] = { "accepted", 0, "2xx to the request" },
	[OUTCOME_REGISTERED] = { "registered", 0, "2xx to REGISTER" },
	[OUTCOME_NOTIFIED] = { "notified", 0, "the subscription was accepted, and a NOTIFY came" },
	[OUTCOME_BUSY] = { "busy", 3, "486, 600" },
	[OUTCOME_DECLINED] = { "declined", 4, "403, 603" },
	[OUTCOME_NO_ANSWER] = { "no-answer", 5, "nobody answered in time, or no response came" },
	[OUTCOME_UNAVAILABLE] = { "unavailable", 6, "410, 430, 480" },
	[OUTCOME_NOT_FOUND] = { "not-found", 7, "404, 484, 604" },
	[OUTCOME_INCOMPATIBLE] = { "incompatible", 8, "488, 606, or a description of media that is of no use" },
	[OUTCOME_REDIRECTED] = { "redirected", 9, "3xx" },
	[OUTCOME_UNAUTHORIZED] = { "unauthorized", 10, "401, 407: the user or the password is wrong" },
	[OUTCOME_CANCELED] = { "canceled", 11, "the caller gave up, 487" },
	[OUTCOME_DISCONNECTED] = { "disconnected", 12, "no server could be reached, or the connection broke" },
	[OUTCOME_FAILED] = { "failed", 13, "any other refusal" },
};

const struct outcome_row *outcome_row(enum outcome o)
{
	return (unsigned)o < OUTCOMES ? &rows[o] : &rows[OUTCOME_NONE];
}

static const struct {
	const char *cause;
	enum outcome outcome;
} causes[] = {
	{ "Connection Error", OUTCOME_DISCONNECTED },
	{ "Request Timeout", OUTCOME_NO_ANSWER },
	{ "No Answer", OUTCOME_NO_ANSWER },
	{ "Expires", OUTCOME_NO_ANSWER },
	{ "Busy", OUTCOME_BUSY },
	{ "Rejected", OUTCOME_DECLINED },
	{ "Redirected", OUTCOME_REDIRECTED },
	{ "Unavailable", OUTCOME_UNAVAILABLE },
	{ "Not Found", OUTCOME_NOT_FOUND },
	{ "Address Incomplete", OUTCOME_NOT_FOUND },
	{ "Incompatible SDP", OUTCOME_INCOMPATIBLE },
	{ "Bad Media Description", OUTCOME_INCOMPATIBLE },
	{ "Authentication Error", OUTCOME_UNAUTHORIZED },
	{ "Canceled", OUTCOME_CANCELED },
};

static const struct {
	unsigned status;
	enum outcome outcome;
} statuses[] = {
	{ 401, OUTCOME_UNAUTHORIZED }, { 403, OUTCOME_DECLINED }, { 404, OUTCOME_NOT_FOUND }, { 407, OUTCOME_UNAUTHORIZED },
	{ 408, OUTCOME_NO_ANSWER }, { 410, OUTCOME_UNAVAILABLE }, { 430, OUTCOME_UNAVAILABLE }, { 480, OUTCOME_UNAVAILABLE },
	{ 484, OUTCOME_NOT_FOUND }, { 486, OUTCOME_BUSY }, { 487, OUTCOME_CANCELED }, { 488, OUTCOME_INCOMPATIBLE },
	{ 600, OUTCOME_BUSY }, { 603, OUTCOME_DECLINED }, { 604, OUTCOME_NOT_FOUND }, { 606, OUTCOME_INCOMPATIBLE },
};

enum outcome outcome_of(unsigned status, const char *cause)
{
	if (status >= 200 && status < 300)
		return OUTCOME_ACCEPTED;
	if (status >= 300 && status < 400)
		return OUTCOME_REDIRECTED;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].outcome;
	for (size_t i = 0; cause && i < ARRAY_LEN(causes); i++)
		if (str_ieq(str_z(cause), str_z(causes[i].cause)))
			return causes[i].outcome;
	return OUTCOME_FAILED;
}

static bool is_status(struct str s, uint32_t *v)
{
	return s.n == 3 && !str_u32(s, v) && *v >= 100 && *v < 700;
}

bool outcome_is(enum outcome o, unsigned status, struct str expected)
{
	uint32_t v;

	return is_status(expected, &v) ? v == status : str_ieq(expected, str_z(outcome_row(o)->word));
}

bool outcome_is_known(struct str expected)
{
	uint32_t v;

	if (is_status(expected, &v))
		return true;
	for (int o = OUTCOME_NONE + 1; o < OUTCOMES; o++)
		if (str_ieq(expected, str_z(rows[o].word)))
			return true;
	return false;
}
