#include "../calls.h"

int pbx_ask(int n)
{
	return n ? pbx_answer(n - 1) : net_send(n, pbx_callback);
}
