/* pbx/fax_detect.h -- FAXOPT(faxdetect): a channel whose fax machine calls (CNG), or asks for T.38, goes to the extension
 * fax of its context. Threads: core. */
#ifndef PBX_FAX_DETECT_H
#define PBX_FAX_DETECT_H

#include "pbx/channel.h"

enum { FAX_DETECT_CNG = 1, FAX_DETECT_T38 = 2 };
/* `what`: bits; `timeout_ms` 0: always. EALREADY: it does so; EBUSY: a gateway has its T.38; ENOMEM. */
int fax_detect_attach(struct channel *ch, unsigned what, uint64_t timeout_ms);
void fax_detect_detach(struct channel *ch);
bool fax_detect_is_on(struct channel *ch);

#endif
