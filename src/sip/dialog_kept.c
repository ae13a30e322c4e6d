/* What was kept of a dialog: can it stand in a message? */
#include "sip/chars.h"
#include "sip/stack_private.h"

/* A header value: a line end in it must be a folded line's. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (str_starts(str_skip(s, i), STR("\r\n")) && i + 2 < s.n && (s.p[i + 2] == ' ' || s.p[i + 2] == '\t'))
			i += 2;
		else if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* A Call-ID. */
static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (char_is(s.p[i], CHAR_BLANK) || (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Nothing in it ends the parameter. */
static bool is_tag(struct str s)
{
	return is_word(s) && str_chr(s, ';') == s.n && str_chr(s, ',') == s.n;
}

static bool is_party(struct str value)
{
	struct sip_addr a;

	return is_value(value) && !sip_addr_parse(&a, value) && !a.star && !a.tag.n;
}

static bool are_routes(struct str list)
{
	struct sip_addr a;

	if (!is_value(list))
		return false;
	while (list.n)
		if (sip_addr_parse(&a, str_trim(str_cut_addr(&list, ','))) || a.star)
			return false;
	return true;
}

/* The file may have been written by anybody. */
bool sip_dialog_can_stand(const struct sip_dialog_kept *k)
{
	struct sip_uri u;

	return k->call_id.n && is_word(k->call_id) && k->local_tag.n && is_tag(k->local_tag) && is_tag(k->remote_tag) && is_party(k->local) && is_party(k->remote) && is_party(k->contact) &&
	       are_routes(k->route) && !sip_uri_parse(&u, k->target) && sip_uri_is_sip(&u) && k->local_cseq < INT32_MAX;
}
