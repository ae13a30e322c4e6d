/* A body of one line more than a function may have, between functions that are short. */
int before(void)
{
	return 0;
}

int too_long(int a,
	     int b)
{
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	a += b;         /* { */
	return a;
}

int after(void)
{
	return 0;
}
