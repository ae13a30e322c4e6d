/* An exception of tools/check-size that is none any more. */
int a;
