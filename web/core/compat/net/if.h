/* net/if.h -- a page knows no network interfaces. */
#ifndef WEB_NET_IF_H
#define WEB_NET_IF_H

#define IF_NAMESIZE 16

static inline unsigned if_nametoindex(const char *name)
{
	(void)name;
	return 0;
}

static inline char *if_indextoname(unsigned index, char *name)
{
	(void)index;
	(void)name;
	return 0;
}

#endif
