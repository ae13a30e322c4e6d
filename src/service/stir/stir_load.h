/* service/stir/stir_load.h -- one section of stir_shaken.conf with all that it refers to: keys, authorities, lists,
 * directories. Private to stir_conf.c. Threads: as stir_conf_load(). */
#ifndef SERVICE_STIR_LOAD_H
#define SERVICE_STIR_LOAD_H

#include "service/object/objects.h"
#include "service/stir/stir_conf.h"

struct stir_load {
	const struct stir_conf_prm *prm;
	struct report *r;
};
struct stir_section *stir_section_new(void);         /* NULL: ENOMEM */
/* EBADMSG: refused, which was reported; ENOMEM. */
int stir_section_read(struct stir_load *l, const struct option_index *i, enum stir_kind k, const struct config *c,
		      const struct config_section *s, struct stir_section **out);

#endif
