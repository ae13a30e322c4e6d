#include "pbx/channel.h"
