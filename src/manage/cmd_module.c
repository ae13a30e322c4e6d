/* module ...: there are none, all is built in; but scripts ask for their names. */
#include "manage/command.h"
#include <errno.h>
#include <stdlib.h>

static const struct module {
	const char *name, *what, *reload;       /* reload: what main/ calls it; NULL: nothing to reload */
} modules[] = {
	{ "app_confbridge.so", "Conference Bridge Application", "confbridge" },
	{ "app_dial.so", "Dialing Application", NULL },
	{ "app_echo.so", "Simple Echo Application", NULL },
	{ "app_playback.so", "Sound File Playback Application", NULL },
	{ "app_stack.so", "Dialplan subroutines (Gosub, Return, etc)", NULL },
	{ "app_userevent.so", "Custom User Event Application", NULL },
	{ "app_verbose.so", "Send verbose output", NULL },
	{ "bridge_simple.so", "Simple two channel bridging module", NULL },
	{ "bridge_native_rtp.so", "Native RTP bridging module", NULL },
	{ "chan_pjsip.so", "PJSIP Channel Driver", "pjsip" },
	{ "codec_alaw.so", "A-law Coder/Decoder", NULL },
	{ "codec_g722.so", "ITU G.722-64kbps G722 Transcoder", NULL },
	{ "codec_gsm.so", "GSM Coder/Decoder", NULL },
	{ "codec_ulaw.so", "mu-Law Coder/Decoder", NULL },
	{ "format_gsm.so", "Raw GSM data", NULL },
	{ "format_pcm.so", "Raw/Sun uLaw/ALaw 8KHz", NULL },
	{ "format_sln.so", "Raw Signed Linear Audio", NULL },
	{ "format_wav.so", "Microsoft WAV/WAV16 format", NULL },
	{ "func_callerid.so", "Party ID related dialplan functions", NULL },
	{ "func_channel.so", "Channel information dialplan functions", NULL },
	{ "func_devstate.so", "Device state dialplan functions", NULL },
	{ "func_presencestate.so", "Presence state dialplan functions", NULL },
	{ "pbx_config.so", "Text Extension Configuration", "dialplan" },
	{ "res_fax.so", "Generic FAX Applications", "res_fax" },
	{ "res_fax_spandsp.so", "Spandsp G.711 and T.38 FAX Technologies", NULL },
	{ "res_geolocation.so", "res_geolocation Module for Asterisk", "res_geolocation" },
	{ "res_http_websocket.so", "HTTP WebSocket Support", "http" },
	{ "res_musiconhold.so", "Music On Hold Resource", "musiconhold" },
	{ "res_pjsip.so", "Basic SIP resource", "pjsip" },
	{ "res_pjsip_acl.so", "PJSIP ACL Resource", "pjsip" },
	{ "res_pjsip_authenticator_digest.so", "PJSIP authentication resource", NULL },
	{ "res_pjsip_caller_id.so", "PJSIP Caller ID Support", NULL },
	{ "res_pjsip_dtmf_info.so", "PJSIP DTMF INFO Support", NULL },
	{ "res_pjsip_endpoint_identifier_anonymous.so", "PJSIP Anonymous endpoint identifier", NULL },
	{ "res_pjsip_endpoint_identifier_ip.so", "PJSIP IP endpoint identifier", "pjsip" },
	{ "res_pjsip_endpoint_identifier_user.so", "PJSIP username endpoint identifier", NULL },
	{ "res_mwi_external.so", "Core external MWI resource", NULL },
	{ "res_mwi_external_ami.so", "AMI support for external MWI", NULL },
	{ "res_pjsip_dialog_info_body_generator.so", "PJSIP Extension State Dialog Info+XML Provider", NULL },
	{ "res_pjsip_exten_state.so", "PJSIP Extension State Notifications", NULL },
	{ "res_pjsip_geolocation.so", "res_pjsip_geolocation Module for Asterisk", NULL },
	{ "res_pjsip_messaging.so", "PJSIP Messaging Support", NULL },
	{ "res_pjsip_mwi.so", "PJSIP MWI resource", NULL },
	{ "res_pjsip_mwi_body_generator.so", "PJSIP MWI resource", NULL },
	{ "res_pjsip_nat.so", "PJSIP NAT Support", NULL },
	{ "res_pjsip_notify.so", "CLI/AMI PJSIP NOTIFY Support", "pjsip_notify" },
	{ "res_pjsip_outbound_authenticator_digest.so", "PJSIP authentication resource", NULL },
	{ "res_pjsip_outbound_registration.so", "PJSIP Outbound Registration Support", "pjsip" },
	{ "res_pjsip_pidf_body_generator.so", "PJSIP Extension State PIDF Provider", NULL },
	{ "res_pjsip_pidf_digium_body_supplement.so", "PJSIP PIDF Sangoma presence supplement", NULL },
	{ "res_pjsip_pidf_eyebeam_body_supplement.so", "PJSIP PIDF Eyebeam supplement", NULL },
	{ "res_pjsip_pubsub.so", "PJSIP event resource", "pjsip" },
	{ "res_pjsip_refer.so", "PJSIP Blind and Attended Transfer Support", NULL },
	{ "res_pjsip_registrar.so", "PJSIP Registrar Support", NULL },
	{ "res_pjsip_sdp_rtp.so", "PJSIP SDP RTP/AVP stream handler", NULL },
	{ "res_pjsip_session.so", "PJSIP Session resource", "pjsip" },
	{ "res_pjsip_stir_shaken.so", "PJSIP STIR/SHAKEN Module for Asterisk", NULL },
	{ "res_pjsip_t38.so", "PJSIP T.38 UDPTL Support", NULL },
	{ "res_pjsip_transport_websocket.so", "PJSIP WebSocket Transport Support", "pjsip" },
	{ "res_pjsip_xpidf_body_generator.so", "PJSIP Extension State PIDF Provider", NULL },
	{ "res_rtp_asterisk.so", "Asterisk RTP Stack", "rtp" },
	{ "res_sorcery_config.so", "Sorcery Configuration File Object Wizard", NULL },
	{ "res_srtp.so", "Secure RTP (SRTP)", NULL },
	{ "res_stir_shaken.so", "STIR/SHAKEN Module for Asterisk", "stir_shaken" },
};

static const struct module *find_module(struct str name)
{
	struct str bare = str_ends(name, STR(".so")) ? str_sub(name, 0, name.n - 3) : name;

	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		struct str m = str_z(modules[i].name);

		if (str_ieq(str_sub(m, 0, m.n - 3), bare))
			return &modules[i];
	}
	return NULL;
}

bool manage_has_module(struct manage *m, struct str name)
{
	(void)m;
	return find_module(name) != NULL;
}

static enum command_result show_modules(struct command_ctx *c)
{
	struct str like = command_arg(c, 1);
	size_t n = 0;

	if (c->args && (c->args != 2 || !str_ieq(c->arg[0], STR("like"))))
		return COMMAND_USAGE;
	command_printf(c, "%-30s %-40.40s %-10s %-11s %13s\n", "Module", "Description", "Use Count", "Status",
		       "Support Level");
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		struct str name = str_z(modules[i].name);

		if (like.n && str_ifind(name, like) == name.n)
			continue;
		command_printf(c, "%-30s %-40.40s %-10d %-11s %13s\n", modules[i].name, modules[i].what, 1, "Running",
			       "core");
		n++;
	}
	command_printf(c, "%zu modules loaded\n", n);
	return COMMAND_OK;
}

static enum command_result reload_one(struct command_ctx *c, struct str name)
{
	const struct module *mod = find_module(name);
	struct report *r;
	int err;

	/* What is no module's name may still be main's own word: "dialplan", "logger". */
	r = report_new();
	err = manage_reload(c->m, mod && mod->reload ? str_z(mod->reload) : name, r);
	if (r)
		command_report(c, r);
	report_free(r);
	if (!err || err == EALREADY)
		command_printf(c, "Module '%.*s' reloaded successfully.\n", STR_ARG(name));
	else if (err == EBUSY)
		command_printf(c, "A module reload request is already in progress; please be patient\n");
	else if (err == ENOENT && mod)
		command_printf(c, "The module '%.*s' does not support reloads\n", STR_ARG(name));
	else if (err == ENOENT)
		command_printf(c, "No such module '%.*s'\n", STR_ARG(name));
	else
		command_printf(c, "Module '%.*s' reported a reload failure\n", STR_ARG(name));
	return err && err != EALREADY && (err != ENOENT || mod) ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result reload_modules(struct command_ctx *c)
{
	enum command_result res = COMMAND_OK;

	if (!c->args)
		return reload_one(c, STR_NULL);
	for (size_t i = 0; i < c->args; i++)
		if (reload_one(c, c->arg[i]) != COMMAND_OK)
			res = COMMAND_FAILED;
	return res;
}

static enum command_result refuse_load(struct command_ctx *c)
{
	if (c->args != 1)
		return COMMAND_USAGE;
	if (find_module(c->arg[0]))
		command_printf(c, "Module '%.*s' already loaded and running.\n", STR_ARG(c->arg[0]));
	else
		command_printf(c, "Unable to load module %.*s\n", STR_ARG(c->arg[0]));
	return COMMAND_FAILED;
}

static enum command_result unload(struct command_ctx *c)
{
	if (!c->args)
		return COMMAND_USAGE;
	command_printf(c, "Unable to unload resource %.*s\n", STR_ARG(c->arg[c->args - 1]));
	return COMMAND_FAILED;
}

#define RELOADER(fn, word) \
	static enum command_result fn(struct command_ctx *c) { return c->args ? COMMAND_USAGE : reload_one(c, STR(word)); }
RELOADER(reload_dialplan, "dialplan")
RELOADER(reload_pjsip, "pjsip")
RELOADER(reload_manager, "manager")
RELOADER(reload_moh, "musiconhold")
RELOADER(reload_acl, "acl")

static const struct command rows[] = {
	{ "module show", "[like <text>]", "List what is built in", show_modules, true, NULL },
	{ "module reload", "[<module> ...]", "Read the configuration of modules again", reload_modules, false, NULL },
	{ "module load", "<module>", "Refused: all is built in", refuse_load, true, NULL },
	{ "module unload", "<module>", "Refused: all is built in", unload, true, NULL },
	{ "dialplan reload", NULL, "Read extensions.conf again", reload_dialplan, false, NULL },
	{ "pjsip reload", NULL, "Read pjsip.conf again", reload_pjsip, false, NULL },
	{ "manager reload", NULL, "Read manager.conf again", reload_manager, false, NULL },
	{ "moh reload", NULL, "Read musiconhold.conf again", reload_moh, false, NULL },
	{ "acl reload", NULL, "Read acl.conf again", reload_acl, false, NULL },
};
const struct command_table commands_module = { rows, ARRAY_LEN(rows) };
