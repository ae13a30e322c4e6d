/* Headers that the dialplan adds to an INVITE of ours: PJSIP_HEADER() on its channel, PJSIP_INHERITABLE_HEADER() on the
 * one that it is made for. */
#include "base/obj.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

int session_header_add(struct list *l, struct str name, struct str value)
{
	struct session_header *h = calloc(1, sizeof(*h));

	if (!h)
		return ENOMEM;
	if (text_set(&h->name, name) || text_set(&h->value, value)) {
		text_free(&h->name);
		text_free(&h->value);
		free(h);
		return ENOMEM;
	}
	list_append(l, &h->link);
	return 0;
}

void session_header_free(struct session_header *h)
{
	list_remove(&h->link);
	text_free(&h->name);
	text_free(&h->value);
	free(h);
}

void session_headers_free(struct list *l)
{
	if (!l->next)
		return;
	list_each_safe(p, next, l)
		session_header_free(container_of(p, struct session_header, link));
}

bool session_headers_have(const struct list *l, struct str name)
{
	list_each(p, (struct list *)(size_t)l)
		if (str_ieq(text_view(&container_of(p, struct session_header, link)->name), name))
			return true;
	return false;
}

static void write_all(const struct list *l, struct buf *b)
{
	list_each(p, (struct list *)(size_t)l) {
		struct session_header *h = container_of(p, struct session_header, link);

		sip_write_hdr(b, text_view(&h->name), text_view(&h->value));
	}
}

/* ---- for heirs ------------------------------------------------------------------------------ */

struct heirloom {               /* obj */
	struct list headers;
};

static const char key[] = "SIP headers";

static void heirloom_free(void *arg)
{
	session_headers_free(&((struct heirloom *)arg)->headers);
}

static struct heirloom *heirloom_new(void)
{
	struct heirloom *h = obj_new(sizeof(*h), heirloom_free);

	if (h)
		list_init(&h->headers);
	return h;
}

static void *heir(const void *obj)
{
	const struct heirloom *from = obj;
	struct heirloom *to = heirloom_new();

	list_each(p, (struct list *)(size_t)&from->headers) {
		struct session_header *h = container_of(p, struct session_header, link);

		if (to && session_header_add(&to->headers, text_view(&h->name), text_view(&h->value)))
			to = obj_drop(to);
	}
	return to;
}

struct list *session_headers_for_heirs(struct channel *ch, bool make)
{
	struct heirloom *h = channel_note(ch, key);

	if (h || !make)
		return h ? &h->headers : NULL;
	h = heirloom_new();
	if (!h || channel_note_set(ch, key, h))
		return NULL;
	channel_note_inherit(ch, key, heir);
	return &h->headers;
}

/* ---- our INVITE ------------------------------------------------------------------------------ */

void session_headers_put(struct session *s, struct buf *b)
{
	const struct list *heirs = s->ch ? session_headers_for_heirs(s->ch, false) : NULL;

	/* They are read and changed no more, as in Asterisk. */
	list_each_safe(p, next, &s->headers) {
		list_remove(p);
		list_append(&s->sent_headers, p);
	}
	write_all(&s->sent_headers, b);
	if (heirs)
		write_all(heirs, b);
}
