/* pbx/event.h -- what the PBX tells: a name and "Key: Value" lines, in the form
 * that the manager interface sends. Built only while somebody listens, so a
 * server without managers pays nothing: event_new() then gives NULL, and every
 * function here takes NULL. Threads: core. */
#ifndef PBX_EVENT_H
#define PBX_EVENT_H

#include "base/buf.h"

/* Manager privilege classes; an event carries one or more. */
enum {
	EV_SYSTEM = 1 << 0, EV_CALL = 1 << 1, EV_LOG = 1 << 2, EV_VERBOSE = 1 << 3, EV_COMMAND = 1 << 4,
	EV_AGENT = 1 << 5, EV_USER = 1 << 6, EV_CONFIG = 1 << 7, EV_DTMF = 1 << 8, EV_REPORTING = 1 << 9,
	EV_CDR = 1 << 10, EV_DIALPLAN = 1 << 11, EV_ORIGINATE = 1 << 12, EV_AGI = 1 << 13, EV_CC = 1 << 14,
	EV_AOC = 1 << 15, EV_TEST = 1 << 16, EV_SECURITY = 1 << 17, EV_MESSAGE = 1 << 18
};

struct channel;
struct event {
	const char *name;
	unsigned privilege;
	bool quiet;             /* beginning or end of a channel that is no call (channel_tech.internal): not sent */
	struct buf body;        /* "Key: Value\r\n"... */
};

struct events;
typedef void event_fn(void *arg, const struct event *e);

struct events *events_new(void);
void events_free(struct events *ev);
/* `mask`: privileges wanted. The handle is passed to events_unlisten(). */
struct listener *events_listen(struct events *ev, unsigned mask, event_fn *fn, void *arg);
void events_mask(struct events *ev, struct listener *l, unsigned mask);
void events_unlisten(struct events *ev, struct listener *l);

/* Called at once and whenever another set of privileges is heard by anybody; one at a time. NULL: no longer. */
void events_watch(struct events *ev, void (*fn)(void *arg, unsigned wanted), void *arg);
/* Does anybody hear events of this privilege? */
bool events_wanted(const struct events *ev, unsigned privilege);
struct event *event_new(struct events *ev, const char *name, unsigned privilege);
/* TestEvent of type StateChange, as Asterisk's test framework tells it: a `state`, and by which
 * function of which file. */
struct event *event_test(struct events *ev, const char *state, const char *file, const char *function);
void event_put(struct event *e, const char *key, struct str value);  /* CR and LF in value become blanks */
/* As a C string would have it, with \ before quotes. */
void event_put_escaped(struct event *e, const char *key, struct str value);
void event_printf(struct event *e, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The standard channel headers: Channel, ChannelState, ChannelStateDesc,
 * CallerIDNum, CallerIDName, ConnectedLineNum, ConnectedLineName, Language, AccountCode,
 * Context, Exten, Priority, Uniqueid, Linkedid; each with `prefix` ("", "Dest", "Transferee"). */
void event_channel(struct event *e, const char *prefix, const struct channel *ch);
/* Further lines about a channel, after those: `fn` writes them with event_put_as(). NULL: none. */
typedef void event_more_fn(void *arg, struct event *e, const char *prefix, struct channel *ch);
void events_channel_more(struct events *ev, event_more_fn *fn, void *arg);
void event_put_as(struct event *e, const char *prefix, const char *key, struct str value);
void event_send(struct events *ev, struct event *e);         /* delivers at once and frees */
void event_drop(struct event *e);    /* nobody is told */

#endif
