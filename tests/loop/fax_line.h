/* tests/loop/fax_line.h -- two far ends of a world that are each other's telephone line: what one channel says,
 * the other hears, as packets over 127.0.0.1; and with T.38, what one asks for the other is asked. */
#ifndef TESTS_LOOP_FAX_LINE_H
#define TESTS_LOOP_FAX_LINE_H

#include "fake_tech.h"
#include "media/media.h"
#include "pbx/t38.h"

void fax_line(struct fake *a, struct fake *b);       /* sound alone */

struct t38_end {
	struct fake *f;
	enum t38_state state;
	bool asked;                     /* by its peer, and has not answered */
	bool refuses;                   /* the far end, whoever asks it */
	bool silent;                    /* the far end never answers */
	struct media_session *image;    /* while negotiated */
	struct t38_end *other;
	unsigned tone;                  /* times it was told */
	char log[256];                  /* what it was told: "Request Negotiate," */
};
/* T.38 on both, UNKNOWN at first; NULL for one: no T.38 there. The ends live as long as the channels. */
void fax_line_t38(struct t38_end *a, struct t38_end *b);
void fax_line_end(struct t38_end *e);                /* its session closed; before the world is */

#endif
