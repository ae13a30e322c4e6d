/* Media that lives on the host's loop: it is asked before each wait how long it can wait, and processed when
 * its descriptor is readable or that time is over. */
#include "phone/host_private.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

struct host_media {
	struct sidetone_media *media;   /* NULL: it has left */
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_timer_t timer;
	unsigned open;                  /* handles that libuv still has */
};

static void process(struct host_media *g)
{
	if (g->media)
		sidetone_media_process(g->media);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	process(h->data);
}

static void on_time(uv_timer_t *h)
{
	process(h->data);
}

static void on_prepare(uv_prepare_t *h)
{
	struct host_media *g = h->data;
	uint64_t ms = sidetone_media_wait_ms(g->media);

	if (ms == UINT64_MAX)
		uv_timer_stop(&g->timer);
	else
		uv_timer_start(&g->timer, on_time, ms, 0);
}

static void on_closed(uv_handle_t *h)
{
	struct host_media *g = h->data;

	if (!--g->open)
		free(g);
}

static void leave(struct host_media *g)
{
	if (!g)
		return;
	g->media = NULL;
	uv_close((uv_handle_t *)&g->poll, on_closed);
	uv_close((uv_handle_t *)&g->prepare, on_closed);
	uv_close((uv_handle_t *)&g->timer, on_closed);
}

int sidetone_loop_media(struct sidetone_loop *h, struct sidetone_media *m)
{
	uv_loop_t *uv = loop_uv(h->loop);
	struct host_media *g;

	leave(h->media);
	h->media = NULL;
	if (!m)
		return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return ENOMEM;
	if (uv_poll_init(uv, &g->poll, sidetone_media_fd(m))) {
		free(g);
		return EINVAL;
	}
	uv_prepare_init(uv, &g->prepare);
	uv_timer_init(uv, &g->timer);
	g->poll.data = g->prepare.data = g->timer.data = g;
	g->open = 3;
	g->media = m;
	uv_poll_start(&g->poll, UV_READABLE, on_poll);
	uv_prepare_start(&g->prepare, on_prepare);
	h->media = g;
	return 0;
}

/* Behind the way to the Internet a server at home would be told of an address that it may not even reach. */
void host_media_way(struct sidetone_loop *h, const struct sa *local)
{
	char room[SA_TEXT];
	struct buf b;

	if (!h->media || !h->media->media || !sa_is_set(local) || sa_is_any(local))
		return;
	buf_init(&b, room, sizeof(room), sizeof(room));
	sa_write_bare(&b, local);
	sidetone_media_set_way(h->media->media, buf_z(&b));
}

uint64_t host_media_wait_ms(const struct sidetone_loop *h)
{
	return h->media ? sidetone_media_wait_ms(h->media->media) : UINT64_MAX;
}
