/* config/settings_udptl.c -- udptl.conf: ports and error correction of T.38 faxes. */
#include "config/settings_internal.h"
#include <errno.h>

#define U struct udptl_conf
static const struct option udptl_rows[] = {
	OPT_UINT(U, udptlstart, "4000", 1024, 65535, NULL, 0, "First port for T.38."),
	OPT_UINT(U, udptlend, "4999", 1024, 65535, NULL, 0, "Last port for T.38."),
	OPT_UINT(U, udptlfecentries, "3", 1, 5, NULL, 0, "Copies of earlier packets in each, or parities (t38_udptl_ec)."),
	OPT_UINT(U, udptlfecspan, "3", 1, 5, "packets", 0, "Packets that a parity is made of."),
	OPT_BOOL(U, udptlchecksums, "yes", 0, "Send UDPTL over IPv4 with UDP checksums."),
	OPT_BOOL(U, use_even_ports, "no", 0, "Take even ports only: some providers want it so."),
	OPT_NONE("t38faxudpec", NULL, 0, "Has no effect any more: t38_udptl_ec of the endpoint."),
	OPT_NONE("t38faxmaxdatagram", NULL, 0, "Has no effect any more: the application says it."),
};
static const struct option_set udptl_set = {
	.type = "general", .file = "udptl.conf", .rows = udptl_rows, .n = ARRAY_LEN(udptl_rows), .size = sizeof(U),
	.help = "T.38 faxes: ports, error correction.",
};

const struct option_set *udptl_conf_options(void)
{
	return &udptl_set;
}

static void udptl_conf_free(void *p)
{
	arena_free(((struct udptl_conf *)p)->arena);
}

/* As in Asterisk: even ports shrink the range, one the wrong way round is the usual one. */
static void fit_ports(struct udptl_conf *c, struct report *r)
{
	if (c->use_even_ports && c->udptlstart & 1) {
		c->udptlstart++;
		report_add(r, REPORT_NOTE, STR("udptl.conf"), 0, "udptlstart is odd and use_even_ports is on: %u is used", c->udptlstart);
	}
	if (c->udptlstart > c->udptlend) {
		report_add(r, REPORT_WARNING, STR("udptl.conf"), 0, "udptlstart %u is over udptlend %u; 4000 to 4999 are used", c->udptlstart,
			   c->udptlend);
		c->udptlstart = 4000;
		c->udptlend = 4999;
	}
	if (c->use_even_ports && c->udptlend & 1)
		c->udptlend--;
}

int udptl_conf_load(struct udptl_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct udptl_conf *c = obj_new(sizeof(*c), udptl_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "udptl.conf");
	if (!err)
		err = settings_apply(&w, &udptl_set, c, STR("general"));
	settings_end(&w);
	if (err) {
		obj_drop(c);
		return err;
	}
	fit_ports(c, r);
	*cp = c;
	return 0;
}
#undef U
