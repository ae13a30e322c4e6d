/* PIDF-LO of strangers: what is read has a location, within bounds, and can be written as a list and
 * read again the same. */
#include <stdlib.h>
#include "base/log.h"
#include "service/geoloc/geoloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_list(const struct geoloc_list *l)
{
	if (l->n > GEOLOC_ITEMS)
		abort();
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].name.n)
			abort();
}

static void check(struct geoloc_profile *p)
{
	struct geoloc_profile *q = geoloc_profile_copy(p);
	char why[320];

	if ((p->format != GEOLOC_CIVIC && p->format != GEOLOC_GML) || !p->list[GEOLOC_INFO].n || !q)
		abort();
	for (size_t i = 0; i < GEOLOC_LISTS; i++)
		check_list(&p->list[i]);
	(void)geoloc_judge((enum geoloc_format)p->format, &p->list[GEOLOC_INFO], false, why, sizeof(why));
	if (geoloc_profile_refresh(q, NULL) || q->list[GEOLOC_EFFECTIVE].n != q->list[GEOLOC_INFO].n)
		abort();
	obj_drop(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct geoloc_profile *p = NULL;
	struct geoloc_list l = { 0 };
	struct buf b = BUF_INIT;

	log_set_mask(0);
	if (n)
		memcpy(copy, data, n);
	if (!geoloc_pidf_read(&p, str_mk(copy, n)))
		check(p);
	obj_drop(p);
	/* The same bytes as a Geolocation header, and as a list of the dialplan. */
	p = NULL;
	if (!geoloc_profile_of_uri(&p, str_mk(copy, n)))
		geoloc_list_write(&p->list[GEOLOC_INFO], &b);
	obj_drop(p);
	if (!geoloc_list_parse(&l, str_mk(copy, n), n % 2))
		check_list(&l);
	geoloc_list_free(&l);
	buf_free(&b);
	free(copy);
	return 0;
}
