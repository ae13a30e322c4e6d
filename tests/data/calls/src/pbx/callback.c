#include "../calls.h"

/* net_send() calls it, but by its address: neither a cycle of rooms nor of files. */
int pbx_callback(int n)
{
	return pbx_ask(n);
}
