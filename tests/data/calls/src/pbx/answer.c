#include "../calls.h"

int pbx_answer(int n)
{
	return n ? pbx_ask(n - 1) : 0;
}
