/* manage/config_path.h -- inside manage/: files of the configuration directory as managers name them.
 * Blocks on the disk. Threads: any. */
#ifndef MANAGE_CONFIG_PATH_H
#define MANAGE_CONFIG_PATH_H

#include <limits.h>

/* `path`: the file below the configuration directory that `name` means, links followed. What is
 * outside by its name is refused unseen, so that nobody learns what exists there. EACCES, ENOENT. */
int config_path_inside(const char *dir, const char *name, char path[PATH_MAX]);
/* The same of one that need not be there; its directory must. */
int config_path_new(const char *dir, const char *name, char path[PATH_MAX]);

#endif
