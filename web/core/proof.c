/* Stands for the agent while it is not there: it keeps the floors below in the program. */
#include "base/obj.h"
#include "sip/message.h"

int proof_parse(const char *bytes, size_t n);
__attribute__((export_name("proof_parse"), used)) int proof_parse(const char *bytes, size_t n)
{
	struct sip_msg *m = NULL;
	int err = sip_msg_parse(&m, str_mk(bytes, n), true);

	obj_drop(m);
	return err;
}
