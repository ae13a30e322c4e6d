/* phone/options.h -- what sidetone-ua was told: its own options (a table, options_table.c), the parameters
 * of the agent by their names (agent/config.h), from the command line, the environment and a file.
 * Data:    owned by struct phone_options; empty texts are "not said".
 * Threads: touches only its arguments. */
#ifndef PHONE_OPTIONS_H
#define PHONE_OPTIONS_H

#include "base/buf.h"
#include "base/text.h"

enum phone_task { TASK_INTERACTIVE, TASK_REGISTER, TASK_CALL, TASK_ANSWER, TASK_MESSAGE, TASK_SUBSCRIBE, TASK_PUBLISH, TASK_OPTIONS,
	TASK_DEVICES, TASK_HELP, TASK_VERSION, TASK_COMPLETION };
enum phone_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* A parameter of the agent. */
struct phone_setting {
	struct text name, json;         /* name: as in the table */
};

struct phone_options {
	enum phone_task task;
	/* what to do */
	struct text target, text, event, transfer;      /* target: of --call, or --to */
	struct text play, record, dtmf, expect, headers, content_type, body;
	struct text reject;             /* status to reject calls with */
	double seconds, timeout, ring, tone, expires;   /* < 0: not said */
	bool auto_answer, json, trace, verbose, no_verify, no_follow, hold, ice, optional_encryption;
	enum phone_colour colour;
	/* how */
	struct text file, ca_list_file, ca_list_path, cert_file, priv_key_file, from, nameserver, codecs, encryption;
	struct text stun, turn, turn_user, turn_password, public_address, microphone, loudspeaker;
	struct phone_setting *settings; /* the later counts */
	size_t n_settings;
};

/* One of our own. */
struct phone_option {
	const char *name;               /* "seconds": --seconds */
	const char *arg;                /* "S": what its value is called; NULL: it has none */
	const char *help;
	size_t offset;
	/* `value` empty for those without. EINVAL: no good. */
	int (*set)(struct phone_options *o, const struct phone_option *row, struct str value);
	enum phone_task task;           /* of those that say what to do; else TASK_INTERACTIVE */
	double least, most;             /* of numbers */
};
const struct phone_option *phone_option(size_t i);           /* NULL: no more */

void phone_options_init(struct phone_options *o);
void phone_options_free(struct phone_options *o);
/* One by its name, ours or the agent's, in any of the spellings registerExpires, register-expires, register_expires.
 * `value` NULL: none was given. *took: the value was used. EINVAL, ENOMEM; `why` says what is wrong. */
int phone_options_set(struct phone_options *o, struct str name, const struct str *value, bool *took, struct buf *why);
/* One of ours that has no argument, on or off. EINVAL: it is none. */
int phone_options_switch(struct phone_options *o, struct str name, struct str value);
/* The words behind the program's name. A --file among them is read first, whatever its place. */
int phone_options_parse(struct phone_options *o, int argc, char *const *argv, struct buf *why);
/* The text of a file: lines "name = value", or one JSON object. `path`: for errors, which have its line. */
int phone_options_read(struct phone_options *o, struct str path, struct str text, struct buf *why);
/* A parameter as it will be: its JSON, empty when it was not given. */
struct str phone_options_param(const struct phone_options *o, const char *name);

/* Where to connect when no server was given: "udp:example.com", by the domain of `uri`. EINVAL: it has none. */
int phone_default_server(struct str uri, struct text *out);

void phone_write_help(struct buf *b, size_t width);
void phone_write_completion(struct buf *b);          /* for bash */

#endif
