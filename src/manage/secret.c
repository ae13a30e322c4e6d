/* Which options of configuration files are secrets, by their names: GetConfig shows any
 * file, also those that no option table here describes. */
#include "manage/secret.h"

/* Part of the name, in any case. Too much is hidden rather than too little. */
static const char *const parts[] = { "secret", "password", "passwd", "passphrase", "credential", "md5_cred",
	"refresh_token", "private_key", "api_key", "apikey" };
/* The whole name, or what follows the last '_': "dbpass", "admin_pin", "auth_token". */
static const char *const ends[] = { "pass", "pwd", "pin", "token", "key", "dbpass", "register", "cred" };

bool secret_option(struct str name)
{
	struct str last = str_trim(str_skip(name, str_rchr(name, '/') < name.n ? str_rchr(name, '/') + 1 : 0)), end;

	/* A file's name is none; the file is. */
	if (str_ends(last, STR("_file")) || str_ends(last, STR("_path")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (str_ifind(last, str_z(parts[i])) < last.n)
			return true;
	end = str_rchr(last, '_') < last.n ? str_skip(last, str_rchr(last, '_') + 1) : last;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ieq(last, str_z(ends[i])) || str_ieq(end, str_z(ends[i])))
			return true;
	return false;
}

/* scheme://user:password@host */
static bool has_userinfo(struct str v)
{
	struct str rest = v, user;
	size_t at = str_find(v, STR("://"));

	if (at == v.n)
		return false;
	rest = str_skip(v, at + 3);
	user = str_sub(rest, 0, str_chr(rest, '@'));
	return user.n < rest.n && str_chr(user, ':') < user.n && str_chr(user, '/') == user.n;
}

struct str secret_value(struct str name, struct str value)
{
	return value.n && (secret_option(name) || has_userinfo(value)) ? STR(SECRET_SHOWN) : value;
}
