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

/* "http://a:80/b" is of "http://a:80". */
static struct str origin_of(struct str referer)
{
	size_t scheme = str_find(referer, STR("://")), host = scheme < referer.n ? scheme + 3 : referer.n;

	return str_sub(referer, 0, host + str_chr(str_skip(referer, host), '/'));
}

static bool is_browser(const struct web_call *c)
{
	struct str agent;

	return http_field(web_head(c), STR("User-Agent"), &agent) && str_istarts(agent, STR("Mozilla/"));
}

/* Browsers say Sec-Fetch-Site over TLS and to this machine only; a Referer, unless the page forbids it. SameSite
 * keeps the cookie away from foreign pages, but nothing keeps a password away. */
static bool is_suspect(const struct web_call *c, const struct str_list *allowed, bool password)
{
	struct str referer;
	size_t n = http_field(web_head(c), STR("Referer"), &referer);

	if (n)
		return n > 1 || (!is_own(c, origin_of(referer)) && !is_allowed(allowed, origin_of(referer)));
	return password && !web_is_secure(c) && is_browser(c);
}

bool web_is_foreign(const struct web_call *c, const struct str_list *allowed, bool changes, bool password)
{
	struct str origin, site;
	size_t n = http_field(web_head(c), STR("Origin"), &origin);

	if (n)
		return n > 1 || (!is_own(c, origin) && !is_allowed(allowed, origin));
	/* A link, a picture, a form that only reads: these say no Origin, but newer browsers say whose page it is. */
	if (!changes)
		return false;
	if (!http_field(web_head(c), STR("Sec-Fetch-Site"), &site))
		return is_suspect(c, allowed, password);
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
