/* service/common/xml.h -- text inside of XML. Threads: any. */
#ifndef SERVICE_COMMON_XML_H
#define SERVICE_COMMON_XML_H

#include "base/buf.h"

/* `s` as it stands in content and in values of attributes; what XML 1.0 cannot hold is left out. */
void xml_text(struct buf *b, struct str s);

#endif
