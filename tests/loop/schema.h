/* tests/loop/schema.h -- XML bodies judged by the schemas of their RFCs (tests/data/schema). */
#ifndef TESTS_LOOP_SCHEMA_H
#define TESTS_LOOP_SCHEMA_H

#include "sip/message.h"

/* The test fails when a body of `m` with an XML type that has a schema is not valid by it; the parts of
 * a multipart are judged each for itself. What bodies have in Asterisk's form on purpose is put
 * right before, case by case: docs/conformance.md names each. Other types are not looked at. */
void schema_judge(const struct sip_msg *m);
/* The same for one body. NULL: valid, or of a type without a schema; else what is wrong, in a buffer of this file's. */
const char *schema_fault(struct str type, struct str body);

#endif
