/* service/common/xml_read.h -- XML of strangers as a tree of libxml2: no document type, so no entities but
 * the five, and nothing is fetched. Threads: any. */
#ifndef SERVICE_COMMON_XML_READ_H
#define SERVICE_COMMON_XML_READ_H

#include "base/str.h"
#include <libxml/tree.h>

/* xmlFreeDoc() it. NULL: not well formed, deeper than `depth` elements, or no memory. The caller bounds its
 * length. */
xmlDocPtr xml_read(struct str text, int depth);
/* Elements of the namespace `ns`. `n` of xml_child() and xml_below() may be NULL; so may what they give. */
bool xml_is_in(const xmlNode *n, const char *ns);
bool xml_is(const xmlNode *n, const char *ns, const char *name);
const xmlNode *xml_child(const xmlNode *n, const char *ns, const char *name);        /* the first */
/* The first below `n` in the order of the document. Calls itself as deep as the tree is. */
const xmlNode *xml_below(const xmlNode *n, const char *ns, const char *name);

#endif
