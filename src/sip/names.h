/* sip/names.h -- what the grammar says about each header. Private to sip/.
 * Threads: constant data. */
#ifndef SIP_NAMES_H
#define SIP_NAMES_H

#include "sip/message.h"

enum hdr_shape {
	HDR_LINES,      /* may repeat, a comma does not part it: Authorization, free text */
	HDR_LIST,       /* comma-separated values over any number of lines */
	HDR_SINGLE,     /* twice is an error (RFC 4475 3.3.8) */
};

enum hdr_shape hdr_shape_of(enum sip_hdr_id id);
/* The compact form of a header's name; 0: it has none. */
char hdr_letter_of(struct str name);

#endif
