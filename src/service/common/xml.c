/* Text inside of XML. */
#include "service/common/xml.h"

void xml_text(struct buf *b, struct str s)
{
	static const char *const special[] = { ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['&'] = "&amp;",
		['\''] = "&apos;", ['\r'] = "&#13;", ['\n'] = "&#10;" };

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ARRAY_LEN(special) && special[c])
			buf_put(b, str_z(special[c]));
		else if (c >= ' ' || c == '\t')         /* XML 1.0 has no other control characters */
			buf_char(b, (char)c);
	}
}
