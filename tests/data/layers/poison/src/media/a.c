int f(const char *s);
/* strcpy(a) in a comment is none */
int f(const char *s)
{
	return atoi (s);
}
