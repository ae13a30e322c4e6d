#include "sip/uri.h"
