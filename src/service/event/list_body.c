/* The body of a NOTIFY: what a leaf of the tree says, or all of a list's in one multipart
 * (RFC 4662). When it goes out is notification.c's. */
#include "service/event/private.h"
#include <errno.h>
#include <stdlib.h>

/* A body and how the list that holds it speaks of it. */
struct part {
	const struct node *node;
	struct text type;
	struct buf body;
	char id[SIP_TAG + 1];
};

static void rlmi_resource(struct buf *b, const struct part *p, struct sip_stack *sip)
{
	const struct node *n = p->node;
	struct buf uri = BUF_INIT;
	char id[SIP_TAG + 1];

	sip_token(sip, id, SIP_TAG);
	node_uri(n, &uri);
	buf_put(b, STR("  <resource uri=\""));
	xml_text(b, buf_view(&uri));
	buf_put(b, STR("\">\n    <name>"));
	xml_text(b, text_view(n->display.n ? &n->display : &n->resource));
	buf_puts(b, STR("</name>\n    <instance id=\""), str_z(id), STR("\" state=\""),
		 tree_over(n) || ua_notify_has_ended(n->sub->notify) ? STR("terminated") : STR("active"), STR("\" cid=\""), str_z(p->id),
		 STR("@"), text_view(&n->sub->host), STR("\" />\n  </resource>\n"));
	buf_free(&uri);
}

static void rlmi(struct buf *b, struct node *n, const struct part *v, size_t parts, bool full)
{
	struct buf uri = BUF_INIT;

	node_uri(n, &uri);
	buf_put(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\""));
	xml_text(b, buf_view(&uri));
	buf_printf(b, "\" version=\"%u\" fullState=\"%s\">\n  <name>", n->version++, full ? "true" : "false");
	xml_text(b, text_view(&n->resource));
	buf_put(b, STR("</name>\n"));
	for (size_t i = 0; i < parts; i++)
		rlmi_resource(b, &v[i], n->sub->svc->sip);
	buf_put(b, STR("</list>\n"));
	buf_free(&uri);
}

static void open_part(struct buf *b, const struct node *n, const char *boundary, const char *id, struct str type)
{
	buf_puts(b, STR("--"), str_z(boundary), STR("\r\nContent-ID: <"), str_z(id), STR("@"),
		 text_view(&n->sub->host), STR(">\r\nContent-Type: "), type, STR("\r\n\r\n"));
}

static int write_list(struct node *n, const struct part *v, size_t parts, bool full, struct text *type, struct buf *b)
{
	struct sip_stack *sip = n->sub->svc->sip;
	char boundary[SIP_TAG + 1], id[SIP_TAG + 1];

	sip_token(sip, boundary, SIP_TAG);
	sip_token(sip, id, SIP_TAG);
	open_part(b, n, boundary, id, STR("application/rlmi+xml"));
	rlmi(b, n, v, parts, full);
	for (size_t i = 0; i < parts; i++) {
		buf_put(b, STR("\r\n"));
		open_part(b, n, boundary, v[i].id, text_view(&v[i].type));
		buf_put(b, buf_view(&v[i].body));
	}
	buf_puts(b, STR("\r\n--"), str_z(boundary), STR("--\r\n"));
	return text_printf(type, "multipart/related;type=\"application/rlmi+xml\";boundary=%s", boundary);
}

static void parts_free(struct part *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text_free(&v[i].type);
		buf_free(&v[i].body);
	}
	free(v);
}

static int list_body(struct node *n, bool full, struct text *type, struct buf *b)
{
	struct part *v = calloc(n->n, sizeof(*v));
	size_t parts = 0;
	int err = v ? 0 : ENOMEM;

	full |= n->full_state;
	for (size_t i = 0; !err && i < n->n; i++) {
		struct part *p = &v[parts];

		p->node = n->child[i];
		sip_token(n->sub->svc->sip, p->id, SIP_TAG);
		err = node_body(n->child[i], full, &p->type, &p->body);
		/* What is half written is freed with the whole ones. */
		if (err != ENODATA)
			parts++;
		else
			err = 0;
	}
	if (!err)
		err = parts ? write_list(n, v, parts, full, type, b) : ENODATA;
	if (v)
		parts_free(v, parts);
	return err;
}

int node_body(struct node *n, bool full, struct text *type, struct buf *b)
{
	int err = 0;

	if (n->n)
		return list_body(n, full, type, b);
	if (!full && !n->changed)
		return ENODATA;
	n->changed = false;
	if (n->body.n)
		buf_put(b, buf_view(&n->body));
	else if (!n->watch)
		err = ENOENT;
	else
		err = n->sub->body->tell ? n->sub->body->tell(n, full, b) : n->sub->body->write(n, b);
	return err ? err : text_set(type, n->type.n ? text_view(&n->type) : n->sub->body->type);
}
