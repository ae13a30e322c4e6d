#include "../calls.h"

int net_up(int n)
{
	return pbx_answer(n);
}
