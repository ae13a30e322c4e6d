/* sdp/format.h -- the media formats by their names: what allow= and disallow=
 * name, what an rtpmap calls them, their numbers and packet lengths. Whether
 * this server can also encode and decode one is media/codec.h's to say.
 * Threads: any; the table is constant. */
#ifndef SDP_FORMAT_H
#define SDP_FORMAT_H

#include "base/buf.h"

enum media_type { MEDIA_AUDIO, MEDIA_VIDEO, MEDIA_TEXT, MEDIA_IMAGE, MEDIA_OTHER, MEDIA_TYPES };
const char *media_type_name(enum media_type t);      /* "audio", "video", ... as in an m= line */
enum media_type media_type_parse(struct str s);      /* MEDIA_OTHER: unknown ("application") */

/* The order is that of allow=all, and so of a complete offer. */
enum format_id {
	FORMAT_NONE,
	FORMAT_CODEC2, FORMAT_G723, FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_G726, FORMAT_G726AAL2, FORMAT_ADPCM,
	FORMAT_SLIN, FORMAT_SLIN12, FORMAT_SLIN16, FORMAT_SLIN24, FORMAT_SLIN32, FORMAT_SLIN44,
	FORMAT_SLIN48, FORMAT_SLIN96, FORMAT_SLIN192, FORMAT_LPC10, FORMAT_G729,
	FORMAT_SPEEX, FORMAT_SPEEX16, FORMAT_SPEEX32, FORMAT_ILBC, FORMAT_G722, FORMAT_SIREN7,
	FORMAT_SIREN14, FORMAT_G719, FORMAT_OPUS,
	FORMAT_SILK8, FORMAT_SILK12, FORMAT_SILK16, FORMAT_SILK24,
	FORMAT_JPEG, FORMAT_PNG, FORMAT_H261, FORMAT_H263, FORMAT_H263P, FORMAT_H264, FORMAT_H265, FORMAT_MPEG4,
	FORMAT_VP8, FORMAT_VP9, FORMAT_AV1, FORMAT_RED, FORMAT_T140, FORMAT_T38,
	FORMATS
};

struct format {
	enum format_id id;
	enum media_type type;
	const char *name;       /* "ulaw": in configurations and on the manager's wire */
	const char *encoding;   /* "PCMU": in an rtpmap; NULL: has none (t38) */
	uint32_t clock;         /* [Hz] of the rtpmap; G722 says 8000 (RFC 3551 section 4.5.2) */
	uint32_t rate;          /* [Hz] samples; 0: not audio */
	uint8_t channels;       /* in the rtpmap; 0: not said */
	uint8_t pt;             /* the number our offers use */
	bool fixed_pt;          /* RFC 3551 table 4: valid without an rtpmap */
	uint8_t ptime, ptime_min;       /* [ms] default and least */
	uint16_t ptime_max;             /* [ms] for a=maxptime; 0: no such line */
};

const struct format *format_get(enum format_id id);          /* never NULL; FORMAT_NONE's row for junk */
/* What "all" means: not SILK and AV1, which no offer of Asterisk has unless a module that it lacks is there, nor
 * pictures, of which it makes no stream. Who wants them names them. */
bool format_in_all(enum format_id id);
const struct format *format_by_name(struct str name);        /* "ulaw", any case; NULL */
/* By rtpmap. `g726_swapped` (g726_non_standard): G726-32 means the AAL2 packing. */
const struct format *format_by_rtpmap(enum media_type type, struct str encoding, uint32_t clock,
				      bool g726_swapped);
/* By number alone (no rtpmap in the SDP). NULL: not assigned. */
const struct format *format_by_pt(enum media_type type, uint8_t pt);

/* The packet length to send with [ms] when the peer's a=ptime says `wish`, within
 * what the format can do; 0: it says nothing, or the format has none. */
uint8_t format_ptime(const struct format *f, uint32_t wish);

/* An ordered list without repeats, by value: an endpoint's codecs, a channel's
 * native formats, what a peer offered. */
struct formats {
	uint8_t n;
	struct {
		uint8_t id;     /* enum format_id */
		uint8_t ptime;  /* [ms] 0: the format's own */
	} v[FORMATS];
};

bool formats_has(const struct formats *l, enum format_id id);
uint8_t formats_ptime(const struct formats *l, enum format_id id);      /* as the list says; 0: it does not */
bool formats_has_type(const struct formats *l, enum media_type t);
void formats_add(struct formats *l, enum format_id id, uint8_t ptime);  /* appends; a repeat only sets ptime */
void formats_del(struct formats *l, enum format_id id);
void formats_add_all(struct formats *to, const struct formats *from, enum media_type t);
/* One `allow=` (or `disallow=`, allow false) value edits the list as Asterisk
 * does: in order, `all`, `!name`, `name:ptime`. EINVAL when a name is unknown or
 * a ptime bad, *bad (may be NULL) is then that piece; the rest still applies. */
int formats_edit(struct formats *l, struct str value, bool allow, struct str *bad);
/* "(ulaw|alaw)" as CLI and manager show it; "(nothing)" when empty. */
void formats_write(struct buf *b, const struct formats *l);
/* "ulaw,alaw" */
void formats_write_csv(struct buf *b, const struct formats *l);

/* How our list and the other's make one: incoming_call_offer_pref,
 * outgoing_call_offer_pref, preferred_codec_only (first), and codec_prefs_*. */
enum format_op { FORMAT_INTERSECT, FORMAT_UNION, FORMAT_ONLY_PREFERRED, FORMAT_ONLY_NONPREFERRED };
struct format_pref {
	bool prefer_local;      /* order of ours; else of theirs ("pending", "remote") */
	enum format_op op;      /* _merge is FORMAT_UNION */
	bool first;             /* keep only the first of each type */
	bool no_transcode;      /* codec_prefs_*: transcode: prevent */
};
/* "local", "local_first", "local_merge", "remote", "remote_first", "remote_merge". */
int format_pref_parse(struct format_pref *p, struct str value);
/* "prefer: pending, operation: intersect, keep: all, transcode: allow" */
int format_prefs_parse(struct format_pref *p, struct str value);
/* What of `remote` is not in `local` never enters the result. */
void formats_join(struct formats *out, const struct formats *local, const struct formats *remote,
		  enum media_type type, struct format_pref pref);

#endif
