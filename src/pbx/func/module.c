/* IFMODULE(): which of Asterisk's modules are there, by what they would be called. */
#include "pbx/func/func.h"

/* Those whose name is not that of an application, a function or a technology. */
static const char *const modules[] = {
	"app_stack", "app_controlplayback", "app_db", "app_bridgewait", "app_originate", "app_playtones", "app_record",
	"app_senddtmf", "app_transfer", "app_userevent", "app_verbose", "app_mixmonitor", "app_exec",
	"bridge_builtin_features", "bridge_holding", "bridge_native_rtp", "bridge_simple", "bridge_softmix",
	"codec_alaw", "codec_g722", "codec_gsm", "codec_resample", "codec_ulaw",
	"format_gsm", "format_pcm", "format_sln", "format_wav",
	"func_base64", "func_callerid", "func_cut", "func_devstate", "func_dialplan", "func_extstate",
	"func_groupcount", "func_hangupcause", "func_logic", "func_module", "func_pjsip_aor", "func_pjsip_contact",
	"func_pjsip_endpoint", "func_presencestate", "func_speex", "func_strings", "func_talkdetect", "func_uri",
	"pbx_config", "pbx_spool", "res_fax", "res_fax_spandsp", "res_geolocation", "res_http_websocket", "res_musiconhold",
	"res_pjproject", "res_pjsip", "res_pjsip_acl", "res_pjsip_authenticator_digest", "res_pjsip_caller_id",
	"res_pjsip_dialog_info_body_generator", "res_pjsip_diversion", "res_pjsip_dtmf_info",
	"res_pjsip_endpoint_identifier_anonymous", "res_pjsip_endpoint_identifier_ip",
	"res_pjsip_endpoint_identifier_user", "res_pjsip_exten_state", "res_pjsip_header_funcs", "res_pjsip_logger",
	"res_pjsip_messaging", "res_pjsip_mwi", "res_pjsip_mwi_body_generator", "res_pjsip_nat", "res_pjsip_notify",
	"res_pjsip_one_touch_record_info", "res_pjsip_outbound_authenticator_digest", "res_pjsip_outbound_publish",
	"res_pjsip_outbound_registration", "res_pjsip_path", "res_pjsip_pidf_body_generator", "res_pjsip_pubsub",
	"res_pjsip_refer", "res_pjsip_registrar", "res_pjsip_rfc3326", "res_pjsip_sdp_rtp", "res_pjsip_session",
	"res_pjsip_t38", "res_pjsip_transport_websocket", "res_rtp_asterisk", "res_srtp",
};

static bool is_listed(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (str_ieq(name, str_z(modules[i])))
			return true;
	return false;
}

static int read_if_module(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	bool there;

	(void)ch;
	args = str_trim(args);
	if (args.n > 3 && str_ieq(str_skip(args, args.n - 3), STR(".so")))
		args.n -= 3;
	there = is_listed(args);
	if (str_istarts(args, STR("app_")) || str_istarts(args, STR("func_")))
		args = str_skip(args, str_chr(args, '_') + 1);
	else if (str_istarts(args, STR("chan_")))
		args = str_skip(args, 5);
	buf_char(out, there || pbx_app(p, args) || pbx_func(p, args) || map_get(p->techs, args) ? '1' : '0');
	return 0;
}

const struct func func_ifmodule = { .name = "IFMODULE", .synopsis = "Is that part there?", .read = read_if_module };
