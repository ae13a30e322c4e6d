/* Names that managers give to configuration files, and where they may lead. */
#include "manage/config_path.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool climbs_out(struct str name)
{
	while (name.n)
		if (str_eq(str_cut_raw(&name, '/'), STR("..")))
			return true;
	return false;
}

/* `want`: where the name points, and `dir` as it is without links. */
static int point(const char *dir, const char *name, char want[PATH_MAX], char real_dir[PATH_MAX])
{
	size_t n = strlen(dir);
	bool absolute = name[0] == '/';

	if (climbs_out(str_z(name)) || (absolute && (strncmp(name, dir, n) != 0 || name[n] != '/')))
		return EACCES;
	if ((size_t)snprintf(want, PATH_MAX, "%s%s%s", absolute ? "" : dir, absolute ? "" : "/", name) >= PATH_MAX ||
	    !realpath(dir, real_dir))
		return ENOENT;
	return 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

int config_path_inside(const char *dir, const char *name, char path[PATH_MAX])
{
	char want[PATH_MAX], real_dir[PATH_MAX];
	struct stat st;
	int err = point(dir, name, want, real_dir);

	if (err)
		return err;
	if (!realpath(want, path))
		return ENOENT;
	if (!is_below(path, real_dir))
		return EACCES;
	return !stat(path, &st) && S_ISREG(st.st_mode) ? 0 : ENOENT;
}

int config_path_new(const char *dir, const char *name, char path[PATH_MAX])
{
	char want[PATH_MAX], real_dir[PATH_MAX], place[PATH_MAX];
	int err = point(dir, name, want, real_dir);
	const char *slash = err ? NULL : strrchr(want, '/');

	if (err)
		return err;
	if (!slash || !slash[1] || slash == want)
		return ENOENT;
	if (realpath(want, path))       /* a link leads to what it names */
		return is_below(path, real_dir) ? 0 : EACCES;
	str_copy(place, sizeof(place), str_mk(want, (size_t)(slash - want)));
	if (!realpath(place, path))
		return ENOENT;
	str_copy(place, sizeof(place), str_z(path));
	if (strcmp(place, real_dir) != 0 && !is_below(place, real_dir))
		return EACCES;
	return (size_t)snprintf(path, PATH_MAX, "%s%s", place, slash) < PATH_MAX ? 0 : ENOENT;
}
