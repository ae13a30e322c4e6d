/* service/geoloc/geoloc.h -- where a caller is: geolocation.conf, the location that goes with a
 * call, and PIDF-LO, the XML in which it travels (RFC 4119, 5139, 5491, 7459). What SIP has to do
 * with it (RFC 6442) is call/session_geoloc.c.
 *
 *   list.c        names and their values
 *   conf.c        geolocation.conf
 *   judge.c       what a civic address, a GML shape or a URI must have
 *   profile.c     the location of a call
 *   pidf_read.c   one that came, by libxml2
 *   pidf_write.c  one that goes
 *   func_geoloc.c GEOLOC_PROFILE()
 *
 * Threads: core, but for geoloc_conf_load() and geoloc_conf_parse(): any. */
#ifndef SERVICE_GEOLOC_GEOLOC_H
#define SERVICE_GEOLOC_GEOLOC_H

#include "base/obj.h"
#include "base/text.h"
#include "config/option.h"
#include "pbx/channel.h"

/* ---- list.c */

/* In their order; a name may be there twice. Zeroed is empty. */
struct geoloc_item {
	struct text name, value;
};
struct geoloc_list {
	struct geoloc_item *v;          /* owned */
	size_t n, cap;
};
enum { GEOLOC_ITEMS = 256 };            /* of one list; more: E2BIG */

int geoloc_list_add(struct geoloc_list *l, struct str name, struct str value);       /* ENOMEM, E2BIG */
int geoloc_list_add_all(struct geoloc_list *to, const struct geoloc_list *from);
/* The first of that name gets the value; without one it is added. */
int geoloc_list_put(struct geoloc_list *l, struct str name, struct str value);
/* NULL: it is not there. */
const struct geoloc_item *geoloc_list_find(const struct geoloc_list *l, struct str name);
struct str geoloc_list_value(const struct geoloc_list *l, struct str name, struct str otherwise);   /* or it is empty */
void geoloc_list_free(struct geoloc_list *l);
/* What *from had becomes *to's, what *to had is freed. */
void geoloc_list_move(struct geoloc_list *to, struct geoloc_list *from);
/* `name=value, name="a, b"` behind what is there; \ takes the meaning of the next character away.
 * `apostrophes`: they quote too. EBADMSG, E2BIG, ENOMEM. */
int geoloc_list_parse(struct geoloc_list *l, struct str text, bool apostrophes);
void geoloc_list_write(const struct geoloc_list *l, struct buf *b);  /* name="value",... */

/* ---- conf.c */

enum geoloc_element { GEOLOC_NO_ELEMENT, GEOLOC_DEVICE, GEOLOC_TUPLE, GEOLOC_PERSON };
enum geoloc_format { GEOLOC_NO_FORMAT, GEOLOC_CIVIC, GEOLOC_GML, GEOLOC_URI };
enum geoloc_precedence { GEOLOC_PREFER_INCOMING, GEOLOC_PREFER_CONFIG, GEOLOC_DISCARD_INCOMING, GEOLOC_DISCARD_CONFIG };
extern const struct option_choice geoloc_elements[], geoloc_formats[], geoloc_precedences[];
const char *geoloc_name(const struct option_choice *choices, unsigned value);

/* What a location is, on its own or in a profile. Strings are the configuration's. */
struct geoloc_place {
	struct str name;
	struct str method, location_source;
	struct geoloc_list location_info, confidence;
	uint32_t line;
	uint8_t format;                 /* enum geoloc_format */
};
struct geoloc_profile_conf {
	struct geoloc_place place;      /* unless location_reference names one */
	struct str location_reference, pidf_element_id, device_id, notes;
	struct geoloc_list location_info_refinement, location_variables, usage_rules;
	uint8_t pidf_element, profile_precedence;
	bool allow_routing_use, suppress_empty_ca_elements;
};

struct geoloc_conf;             /* obj; immutable */
/* No file: the built-in profiles alone, and 0. Errors as config_load(). */
int geoloc_conf_load(struct geoloc_conf **out, const struct config_prm *prm, struct report *r);
int geoloc_conf_parse(struct geoloc_conf **out, struct str text, struct report *r);
const struct option_set *geoloc_conf_options(unsigned i);    /* location, profile; NULL after */
/* By name; views. `c` NULL has none. NULL. */
const struct geoloc_place *geoloc_conf_location(const struct geoloc_conf *c, struct str name);
const struct geoloc_profile_conf *geoloc_conf_profile(const struct geoloc_conf *c, struct str name);
/* By name in its order, built-in profiles too; NULL after the last. */
const struct geoloc_place *geoloc_conf_location_at(const struct geoloc_conf *c, size_t i);
const struct geoloc_profile_conf *geoloc_conf_profile_at(const struct geoloc_conf *c, size_t i);
struct service;
void geoloc_set_conf(struct service *svc, struct geoloc_conf *c);    /* holds it */
void geoloc_free(struct service *svc);

/* ---- judge.c */

/* Is that how a location of `format` looks? EBADMSG, and why. `variables`: a value in which
 * ${...} stands is not judged. A GML shape without crs is given 2d. ENOMEM. */
int geoloc_judge(enum geoloc_format format, struct geoloc_list *info, bool variables, char *why, size_t n);
bool geoloc_is_civic(struct str name);                       /* an element of a civic address (RFC 4776, 5139) */
/* "90 rad": number and whether it is radians. EBADMSG. */
int geoloc_angle(struct str value, struct str *number, bool *radians);
bool geoloc_is_angle(struct str name);
bool geoloc_is_host_name(struct str s);                      /* its characters alone, and no IP address (RFC 8787) */
void geoloc_show_shapes(struct buf *b);                      /* for the console */

/* ---- profile.c */

enum geoloc_text { GEOLOC_ID, GEOLOC_REFERENCE, GEOLOC_SOURCE, GEOLOC_METHOD, GEOLOC_NOTES, GEOLOC_ELEMENT_ID,
	GEOLOC_DEVICE_ID, GEOLOC_TEXTS };
enum geoloc_lists { GEOLOC_INFO, GEOLOC_REFINEMENT, GEOLOC_VARIABLES, GEOLOC_EFFECTIVE, GEOLOC_USAGE_RULES,
	GEOLOC_CONFIDENCE, GEOLOC_LISTS };

/* The location of a call. */
struct geoloc_profile {         /* obj */
	struct text text[GEOLOC_TEXTS];
	struct geoloc_list list[GEOLOC_LISTS];
	uint8_t element, format, precedence;
	bool allow_routing_use, suppress_empty;
	bool inheritable;               /* calls that its channel makes have it too */
};

struct geoloc_profile *geoloc_profile_new(struct str id);    /* NULL: ENOMEM */
struct geoloc_profile *geoloc_profile_copy(const struct geoloc_profile *p);
/* With its effective location. ENOMEM; ENOENT: its location_reference leads nowhere. */
int geoloc_profile_of_conf(struct geoloc_profile **out, const struct geoloc_conf *c, const struct geoloc_profile_conf *pc);
/* `value` of a Geolocation header that names no cid: URI: "<uri>;params". EBADMSG, ENOMEM. */
int geoloc_profile_of_uri(struct geoloc_profile **out, struct str value);
/* The ;loc-src= of a Geolocation header's value, when it has one that is no address. */
int geoloc_profile_set_source(struct geoloc_profile *p, struct str value);
/* The effective location anew: the referenced location or the profile's own, and what refines it.
 * ENOENT as above, and nothing has changed. */
int geoloc_profile_refresh(struct geoloc_profile *p, const struct geoloc_conf *c);
/* Variables and functions in the values replaced, the profile's own variables first. On `ch`'s fiber.
 * `to` is empty. ENOMEM. */
int geoloc_resolve(const struct geoloc_profile *p, const struct geoloc_list *from, struct channel *ch,
		   struct geoloc_list *to);
int geoloc_resolve_text(const struct geoloc_profile *p, struct str from, struct channel *ch, struct buf *to);

struct geoloc_profile *geoloc_of_channel(struct channel *ch);        /* view; NULL: none */
int geoloc_set_channel(struct channel *ch, struct geoloc_profile *p);        /* takes the reference. ENOMEM */

/* ---- pidf_read.c, pidf_write.c */

enum { GEOLOC_DEPTH = 32 };     /* of elements in a PIDF-LO; its length is bounded by that of a SIP body */
/* The first location of a PIDF-LO. Entities and document types are refused, nothing is fetched.
 * EBADMSG: no XML, or no location in it; ENOMEM. */
int geoloc_pidf_read(struct geoloc_profile **out, struct str text);
/* On `ch`'s fiber; `now`: [s] wall. EBADMSG: the location is none, which is logged with `who`; ENOMEM. */
int geoloc_pidf_write(const struct geoloc_profile *p, struct channel *ch, int64_t now, const char *who, struct buf *b);
/* The same for a URI: as it stands between <>. */
int geoloc_uri_write(const struct geoloc_profile *p, struct channel *ch, const char *who, struct buf *b);

/* ---- func_geoloc.c */
extern const struct func func_geoloc_profile;

#endif
