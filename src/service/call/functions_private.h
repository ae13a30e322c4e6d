/* service/call/functions_private.h -- the functions of the func_*.c files, for the
 * rows in functions.c. */
#ifndef SERVICE_CALL_FUNCTIONS_PRIVATE_H
#define SERVICE_CALL_FUNCTIONS_PRIVATE_H

#include "service/call/functions.h"

typedef int func_read_fn(struct pbx *p, struct channel *ch, struct str args, struct buf *out);
typedef int func_write_fn(struct pbx *p, struct channel *ch, struct str args, struct str value);

func_read_fn func_moh_passthrough_read, func_header_read, func_headers_read, func_response_header_read, func_response_headers_read,
	func_header_param_read, func_endpoint_read, func_aor_read, func_auth_read, func_contact_read,
	func_parse_uri_read, func_parse_uri_from_read, func_dial_contacts_read, func_media_offer_read,
	func_dtmf_mode_read, func_stir_shaken_read /* session_stir.c */;
func_write_fn func_inheritable_header_write, func_moh_passthrough_write, func_transfer_handling_write, func_header_write, func_header_param_write, func_media_offer_write, func_dtmf_mode_write,
	func_refresh_write, func_stir_attestation_write;
int app_pjsip_hangup_run(struct channel *ch, struct str data);
int app_stream_echo_run(struct channel *ch, struct str data);        /* session_streams.c */

#endif
