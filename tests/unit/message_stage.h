/* tests/unit/message_stage.h -- what the tests of SIP messages share. */
#ifndef TESTS_MESSAGE_STAGE_H
#define TESTS_MESSAGE_STAGE_H

#include "sip/message.h"

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport\r\n"
#define IDS "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\n"
#define INVITE "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 7 INVITE\r\n"

#define assert_str(a, b) check_str((a), str_z(b), #a, __FILE__, __LINE__)

void check_str(struct str got, struct str want, const char *what, const char *file, int line);
/* A datagram that can be parsed, from memory that ends with it. */
struct sip_msg *parse_msg(const char *text);
void nothing_was_leaked(void **state);   /* the last test of each program */

#endif
