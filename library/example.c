/* A phone in a program that has a loop of its own: two agents, one of which calls the other, and both hear a
 * tone. cc example.c $(pkg-config --cflags --libs sidetone-ua) */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sidetone-ua-host.h>
#include <sidetone-ua-media.h>

static struct sidetone_loop *loop;
static struct sidetone_media *media;
static unsigned registered, flows, over;

static void hang_up(void *session)
{
	sidetone_session_terminate(session, 0, NULL, NULL);
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	(void)arg;
	sidetone_media_handle(media, e);
	registered += e->type == SIDETONE_REGISTERED;
	if (e->type == SIDETONE_INVITE)
		sidetone_session_accept(e->session, NULL);
	if (e->type == SIDETONE_ACCEPTED && e->session && !sidetone_session_is_theirs(e->session))
		sidetone_loop_after(loop, 500, hang_up, e->session, NULL);
	if (e->type == SIDETONE_TERMINATED) {
		printf("%s\n", e->cause ? e->cause : "over");
		sidetone_session_free(e->session);
		over++;
	}
}

static void on_media(void *arg, const struct sidetone_media_event *e)
{
	(void)arg;
	flows += e->type == SIDETONE_MEDIA_FLOWS;
}

static struct sidetone_ua *phone(const char *uri, const char *password, const char *server)
{
	struct sidetone_ua *ua = sidetone_ua_new(sidetone_loop_core(loop), on_event, NULL);

	if (!ua || sidetone_ua_set_string(ua, "uri", uri) || sidetone_ua_set_string(ua, "password", password) ||
	    sidetone_ua_set_string(ua, "wsServers", server) || sidetone_ua_start(ua))
		fprintf(stderr, "%s\n", ua ? sidetone_ua_error(ua) : "out of memory");
	return ua;
}

static void until(const unsigned *what, unsigned count)
{
	while (*what < count) {
		struct pollfd p = { sidetone_loop_fd(loop), POLLIN, 0 };

		if (poll(&p, 1, sidetone_loop_timeout(loop)) >= 0)
			sidetone_loop_process(loop);
	}
}

int main(int argc, char **argv)
{
	struct sidetone_session *call = NULL;
	struct sidetone_invite_options invite = { 0 };
	struct sidetone_media_options options;
	struct sidetone_ua *a, *b;
	char why[200];

	if (argc != 6) {
		fprintf(stderr, "example SERVER URI PASSWORD URI PASSWORD\n");
		return 2;
	}
	sidetone_media_options_init(&options);
	if (sidetone_loop_new(&loop, NULL, why, sizeof(why)) || sidetone_media_new(&media, &options, on_media, NULL, why, sizeof(why)) ||
	    sidetone_loop_media(loop, media)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	a = phone(argv[2], argv[3], argv[1]);
	b = phone(argv[4], argv[5], argv[1]);
	until(&registered, 2);
	invite.request.target = argv[4];
	if (sidetone_ua_invite(a, &invite, &call))
		return 1;
	sidetone_media_source(media, call, &(struct sidetone_source){ .type = SIDETONE_TONE, .text = "440" });
	until(&over, 2);
	sidetone_ua_free(a);
	sidetone_ua_free(b);
	sidetone_loop_media(loop, NULL);
	sidetone_media_free(media);
	sidetone_loop_free(loop);
	printf("%s\n", flows == 2 ? "both heard something" : "silence");
	return flows != 2;
}
