/* The engine as a whole: which transaction or dialog a message belongs to. */
#define LOG_MODULE "sip"
#include "sip/stack_private.h"
#include "base/obj.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

int sip_stack_new(struct sip_stack **out, const struct sip_stack_prm *prm)
{
	struct sip_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;
	s->prm = *prm;
	s->t1 = prm->t1_ms ? prm->t1_ms : 500;
	s->timer_b = prm->timer_b_ms ? prm->timer_b_ms : 64 * s->t1;
	if (!s->prm.finished_bytes)
		s->prm.finished_bytes = 32 << 20;
	s->live = (struct share){ .total = prm->max_tx ? prm->max_tx : 50000, .most = prm->max_tx_per_source,
		.percent = prm->max_share ? prm->max_share : 90 };
	list_init(&s->server_tx_all);
	list_init(&s->client_tx_all);
	list_init(&s->dialog_all);
	s->server_tx = map_new(false);
	s->merge = map_new(false);
	s->client_tx = map_new(false);
	s->dialogs = map_new(false);
	if (sip_sources_start(s) || !s->server_tx || !s->merge || !s->client_tx || !s->dialogs) {
		sip_stack_free(s);
		return ENOMEM;
	}
	*out = s;
	return 0;
}

void sip_stack_free(struct sip_stack *s)
{
	if (!s)
		return;
	sip_dialog_free_all(s);
	sip_server_tx_free_all(s);
	sip_client_tx_free_all(s);
	sip_sources_free(s);
	map_free(s->server_tx);
	map_free(s->merge);
	map_free(s->client_tx);
	map_free(s->dialogs);
	free(s);
}

struct wheel *sip_stack_wheel(struct sip_stack *s)
{
	return s->prm.wheel;
}

uint32_t sip_stack_t1(const struct sip_stack *s)
{
	return s->t1;
}

void sip_token(struct sip_stack *s, char *out, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		/* One system call serves 512 bytes of tags and branches. */
		if (!s->random_left) {
			if (getrandom(s->random, sizeof(s->random), 0) != (ssize_t)sizeof(s->random))
				abort();
			s->random_left = sizeof(s->random) * 2;
		}
		s->random_left--;
		out[i] = hex[s->random[s->random_left / 2] >> (s->random_left & 1 ? 4 : 0) & 15];
	}
	out[n] = 0;
}

int sip_stack_send(struct sip_stack *s, struct net_path *path, struct net_bytes *bytes)
{
	int err = s->prm.send(s->prm.arg, path, bytes);

	if (!err && s->prm.trace)
		s->prm.trace(s->prm.arg, true, path, str_mk(bytes->p, bytes->n));
	return err;
}

void sip_proven(struct sip_stack *s, const struct sip_msg *msg)
{
	if (s->prm.proven)
		s->prm.proven(s->prm.arg, &msg->from_path);
}

static void receive_response(struct sip_stack *s, struct sip_msg *msg)
{
	s->count.responses++;
	if (!sip_client_tx_match(s, msg))
		s->count.strays++;      /* RFC 6026 8.1: a response of no transaction is dropped */
	else
		sip_proven(s, msg);
}

static void receive_request(struct sip_stack *s, struct sip_msg *msg)
{
	s->count.requests++;
	if (sip_server_tx_match(s, msg))
		return;
	if (msg->method == SIP_ACK) {
		/* ACK to 2xx makes no transaction (17.1.1.3); one for nothing is dropped. */
		if (msg->fault || !msg->to.tag.n || !sip_dialog_receive(s, NULL, msg))
			s->count.strays++;
		return;
	}
	sip_server_tx_receive_new(s, msg);
}

void sip_stack_recv(struct sip_stack *s, struct sip_msg *msg)
{
	if (s->prm.trace)
		s->prm.trace(s->prm.arg, false, &msg->from_path, msg->bytes);
	if (!msg->request)
		receive_response(s, msg);
	else
		receive_request(s, msg);
	obj_drop(msg);
}

void sip_stack_send_failed(struct sip_stack *s, const struct net_path *path, const struct net_bytes *bytes, int err)
{
	struct str text = str_mk(bytes->p, bytes->n), line;
	char peer[SA_TEXT];

	/* A response is sent again when its request is. */
	if (str_starts(text, STR("SIP/2.0 ")) && str_line(&text, &line))
		log_debug(1, "%.*s: could not be delivered to %s: %s", STR_ARG(line), sa_text(&path->peer, peer),
			  strerror(err));
	else
		sip_client_tx_send_failed(s, bytes, err);
}

void sip_stack_count(const struct sip_stack *s, struct sip_counters *out)
{
	*out = s->count;
	out->server_tx = map_count(s->server_tx);
	out->client_tx = map_count(s->client_tx);
	out->dialogs = map_count(s->dialogs);
	out->finished = map_count(s->finished);
	out->finished_bytes = s->finished_bytes;
	out->sources = map_count(s->sources);
}
