/* The id of this server among others. */
#include "base/entity.h"

bool entity_id_is(struct str s)
{
	if (s.n != ENTITY_ID)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		if (i % 3 == 2 ? c != ':' : !hex)
			return false;
	}
	return true;
}
