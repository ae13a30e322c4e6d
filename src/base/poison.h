/* base/poison.h -- calls that cut without bounds or parse without errors do not
 * compile. The build includes this after the system headers of every src/ file
 * (tools/check-layers proves it: it greps for the names as well). */
#ifndef BASE_POISON_H
#define BASE_POISON_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf sscanf strtok atoi atol gets alloca strncpy strncat
#endif
