/* Pages of other sites. A browser sends its cookies and passwords with whatever a page makes it ask for, so a
 * request that does something must not come from anybody's page. */
#include "service/web/private.h"

/* "https://pbx.example:8089" of this request. */
static bool is_own(const struct web_call *c, struct str origin)
{
	struct str host = web_head(c)->authority, scheme = web_is_secure(c) ? STR("https://") : STR("http://");

	if (!host.n)
		http_field(web_head(c), STR("Host"), &host);
	return host.n && str_istarts(origin, scheme) && str_ieq(str_skip(origin, scheme.n), host);
}

static bool is_allowed(const struct str_list *allowed, struct str origin)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (str_ieq(allowed->v[i], origin))
			return true;
	return false;
}

bool web_is_foreign(const struct web_call *c, const struct str_list *allowed, bool changes)
{
	struct str origin, site;
	size_t n = http_field(web_head(c), STR("Origin"), &origin);

	if (n)
		return n > 1 || (!is_own(c, origin) && !is_allowed(allowed, origin));
	/* A link, a picture, a form that only reads: these say no Origin, but newer browsers say whose page it is.
	 * What says neither is no browser, or one too old to be protected. */
	if (!changes || !http_field(web_head(c), STR("Sec-Fetch-Site"), &site))
		return false;
	return !str_ieq(site, STR("same-origin")) && !str_ieq(site, STR("none"));
}

void web_allow_origin(const struct web_call *c, const struct str_list *allowed, struct buf *headers)
{
	struct str origin;

	if (http_field(web_head(c), STR("Origin"), &origin) != 1 || !is_allowed(allowed, origin))
		return;
	buf_puts(headers, STR("Access-Control-Allow-Origin: "), origin, STR("\r\nAccess-Control-Allow-Credentials: true\r\n"
		 "Vary: Origin\r\n"));
}
