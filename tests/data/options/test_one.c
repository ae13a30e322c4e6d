static void shows(void **state)
{
	run("a\none=1");
}
