/* service/common/sip_history.c -- keeping SIP messages; what of them is shown stands in manage/cmd_history.c. */
#include "service/common/sip_history.h"
#include "base/obj.h"

void sip_history_start(struct sip_history *h)
{
	*h = (struct sip_history){ 0 };
	list_init(&h->entries);
}

static void drop_oldest(struct sip_history *h)
{
	struct sip_history_entry *e = container_of(h->entries.next, struct sip_history_entry, link);

	list_remove(&e->link);
	e->listed = false;
	h->n--;
	h->bytes -= e->bytes.n;
	obj_drop(e);
}

void sip_history_clear(struct sip_history *h)
{
	while (h->n)
		drop_oldest(h);
	h->next = 0;
}

void sip_history_add(struct sip_history *h, bool sent, const struct net_path *path, struct str bytes, int64_t now)
{
	struct sip_history_entry *e = obj_new(sizeof(*e) + bytes.n, NULL);

	if (!e)
		return;
	e->listed = true;
	e->sent = sent;
	e->number = h->next++;
	e->at = now;
	e->peer = path->peer;
	if (bytes.n)
		memcpy(e->p, bytes.p, bytes.n);
	e->bytes = str_mk(e->p, bytes.n);
	list_append(&h->entries, &e->link);
	h->n++;
	h->bytes += bytes.n;
	while (h->n > SIP_HISTORY_ENTRIES || h->bytes > SIP_HISTORY_BYTES)
		drop_oldest(h);
}
