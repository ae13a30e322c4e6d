/* Configuration that knows of calls. */
#include "service/call/session.h"
