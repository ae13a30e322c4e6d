/* The configurations: each way of a call, a registration and a subscription that
 * the options open is reachable in one of them. */
#include "server_conf.h"
#include "base/str.h"

const struct phone phone[PHONES] = {
	{ "alice", NULL }, { "bob", NULL }, { "carl", "carlpw" }, { "dora", "dorapw" }, { "erin", NULL },
	{ "fred", NULL }, { "gina", NULL }, { "hugo", "hugopw" }, { "trunk", "trunkpw" }, { "nobody", "x" },
};

#define TRANSPORTS \
	"[udp]\ntype=transport\nprotocol=udp\nbind=10.0.0.100:5060\n" \
	"[tcp]\ntype=transport\nprotocol=tcp\nbind=10.0.0.100:5060\n"

#define IDENTIFY(name, n) "[" name "]\ntype=identify\nendpoint=" name "\nmatch=10.0.0." n "\n"
#define STATIC(name, n, more) "[" name "]\ntype=aor\ncontact=sip:" name "@10.0.0." n ":5060\n" more
#define AUTH(name, pw, more) "[" name "]\ntype=auth\nauth_type=userpass\nusername=" name "\npassword=" pw "\n" more

/* Calls and registrations without what the server does by itself: no qualify, no
 * registrations of ours, no mailboxes. Most programs run on it: it costs least. */
static const char quiet[] =
	"[global]\ntype=global\nuser_agent=Fuzz\nendpoint_identifier_order=ip,username,anonymous,auth_username\n"
	TRANSPORTS
	"[base](!)\ntype=endpoint\ncontext=default\nsubscribe_context=hints\nmessage_context=messages\nallow=!all,ulaw,alaw,g722\n"
	"[alice](base)\naors=alice\ncallerid=Alice <100>\nsend_pai=yes\ntrust_id_inbound=yes\n"
	STATIC("alice", "1", "max_contacts=2\n") IDENTIFY("alice", "1")
	"[bob](base)\naors=bob\ncallerid=Bob <200>\n100rel=yes\nsend_rpid=yes\nrtp_symmetric=yes\ndtmf_mode=info\n"
	STATIC("bob", "2", "max_contacts=3\n") IDENTIFY("bob", "2")
	"[carl](base)\naors=carl\nauth=carl\nrewrite_contact=yes\nforce_rport=yes\n"
	"[carl]\ntype=aor\nmax_contacts=1\nremove_existing=yes\nminimum_expiration=1\n" AUTH("carl", "carlpw", "")
	"[dora](base)\naors=dora\nauth=dora\n100rel=peer_supported\n[dora]\ntype=aor\nmax_contacts=2\nremove_existing=yes\n"
	"minimum_expiration=1\n" AUTH("dora", "dorapw", "")
	"[erin](base)\naors=erin\n100rel=required\ntimers=always\ntimers_sess_expires=120\nt38_udptl=yes\n"
	STATIC("erin", "5", "") IDENTIFY("erin", "5")
	"[fred](base)\naors=fred\ntimers=required\nallow=all\nrtp_timeout=5\nrtp_keepalive=3\nmax_audio_streams=2\n"
	"max_video_streams=2\nrtcp_mux=yes\nbundle=yes\n" STATIC("fred", "6", "") IDENTIFY("fred", "6")
	"[gina](base)\naors=gina\ndtmf_mode=inband\nallow=!all,g722,gsm,ulaw\ntimers=no\n100rel=no\nconnected_line_method=update\n"
	STATIC("gina", "7", "") IDENTIFY("gina", "7")
	"[hugo](base)\naors=hugo\nauth=hugo\n[hugo]\ntype=aor\nmax_contacts=5\nminimum_expiration=1\n" AUTH("hugo", "hugopw", "realm=far\n")
	"[trunk](base)\naors=trunk\noutbound_auth=trunk\n" STATIC("trunk", "9", "") IDENTIFY("trunk", "9") AUTH("trunk", "trunkpw", "")
	"[100]\ntype=inbound-publication\nendpoint=alice\nevent_presence=yes\nevent_dialog=yes\n"
	"[200]\ntype=inbound-publication\nevent_presence=Custom:lamp\nevent_dialog=PJSIP/bob\nevent_asterisk-devicestate=both\n"
	"event_asterisk-mwi=both\n[both]\ntype=asterisk-publication\ndevice_state=yes\nmailbox_state=yes\n"
	"[presence]\ntype=resource_list\nevent=presence\nlist_item=200\nlist_item=201\nfull_state=yes\n";

static const char everything[] =
	"[global]\ntype=global\nuser_agent=Fuzz\nkeep_alive_interval=30\ndefault_outbound_endpoint=alice\n"
	"endpoint_identifier_order=ip,username,anonymous,auth_username\nregcontext=regs\nmwi_tps_queue_high=500\n"
	TRANSPORTS
	"[base](!)\ntype=endpoint\ncontext=default\nsubscribe_context=hints\nmessage_context=messages\n"
	"disallow=all\nallow=ulaw,alaw,g722\n"
	"[alice](base)\naors=alice\ncallerid=Alice <100>\nmailboxes=100@default\nsend_pai=yes\ntrust_id_inbound=yes\n"
	"device_state_busy_at=2\ncall_group=1\npickup_group=1\nmoh_suggest=default\nallow_overlap=yes\nstir_shaken_profile=known\n"
	STATIC("alice", "1", "max_contacts=2\nqualify_frequency=30\nqualify_timeout=2\nmailboxes=100@default\n")
	IDENTIFY("alice", "1")
	"[bob](base)\naors=bob\ncallerid=Bob <200>\ndirect_media=no\n100rel=yes\nsend_rpid=yes\ntrust_id_outbound=yes\n"
	"send_diversion=yes\nsend_history_info=yes\nrtp_symmetric=yes\nforce_rport=yes\nrewrite_contact=yes\n"
	"call_group=1\npickup_group=1\nnamed_call_group=sales\ndtmf_mode=info\nmwi_subscribe_replaces_unsolicited=yes\nstir_shaken_profile=signed\n"
	STATIC("bob", "2", "max_contacts=3\n") IDENTIFY("bob", "2")
	"[carl](base)\naors=carl\nauth=carl\nrewrite_contact=yes\nforce_rport=yes\nmailboxes=carl@default\n"
	"[carl]\ntype=aor\nmax_contacts=1\nremove_existing=yes\nqualify_frequency=60\nsupport_path=yes\n"
	"minimum_expiration=1\ndefault_expiration=60\n" AUTH("carl", "carlpw", "")
	"[dora](base)\naors=dora\nauth=dora\n100rel=peer_supported\nlanguage=de\n"
	"[dora]\ntype=aor\nmax_contacts=2\nremove_existing=yes\nremove_unavailable=yes\nmaximum_expiration=120\n"
	"minimum_expiration=5\nqualify_frequency=5\nqualify_timeout=1\nqualify_2xx_only=yes\n"
	AUTH("dora", "dorapw", "supported_algorithms_uas=SHA-256,MD5\nnonce_lifetime=30\n")
	"[erin](base)\naors=erin\n100rel=required\ntimers=always\ntimers_sess_expires=120\ntimers_min_se=90\n"
	"t38_udptl=yes\nt38_udptl_ec=redundancy\nfax_detect=yes\ninband_progress=yes\n"
	STATIC("erin", "5", "") IDENTIFY("erin", "5")
	"[fred](base)\naors=fred\ntimers=required\n100rel=peer_supported\nallow=all\nrtp_timeout=5\nrtp_timeout_hold=10\n"
	"rtp_keepalive=3\nmax_audio_streams=2\nmax_video_streams=2\nrtcp_mux=yes\nbundle=yes\nuse_ptime=yes\n"
	"dtmf_mode=auto\nasymmetric_rtp_codec=yes\nredirect_method=uri_core\n"
	STATIC("fred", "6", "contact=sip:fred@two.example\n") IDENTIFY("fred", "6")
	"[gina](base)\naors=gina\ndtmf_mode=inband\nallow=!all,g722,gsm,ulaw\ntimers=no\n100rel=no\nmedia_use_received_transport=yes\n"
	"redirect_method=uri_pjsip\nallow_transfer=no\nsend_connected_line=no\nconnected_line_method=update\n"
	"codec_prefs_incoming_offer=prefer:pending, operation:union, keep:all, transcode:allow\n"
	"follow_early_media_fork=no\npreferred_codec_only=yes\nmoh_passthrough=yes\nsuppress_moh_on_sendonly=yes\n"
	STATIC("gina", "7", "") IDENTIFY("gina", "7")
	"[hugo](base)\naors=hugo,alice\nauth=hugo\nidentify_by=username,auth_username\ncontact_acl=near\n"
	"allow_unauthenticated_options=yes\naggregate_mwi=yes\nmailboxes=1@x,2@x\nredirect_method=user\n"
	"[hugo]\ntype=aor\nmax_contacts=5\nminimum_expiration=1\nmailboxes=3@x\nvoicemail_extension=*97\n"
	AUTH("hugo", "hugopw", "realm=far\n")
	"[trunk](base)\naors=trunk\noutbound_auth=trunk\nfrom_user=us\nfrom_domain=us.example\ncallerid=Trunk <100>\nstir_shaken_profile=proven\noutbound_proxy=sip:10.0.0.9\\;lr\n"
	STATIC("trunk", "9", "outbound_proxy=sip:10.0.0.9\\;lr\n") IDENTIFY("trunk", "9") AUTH("trunk", "trunkpw", "")
	"[trunk]\ntype=registration\nserver_uri=sip:10.0.0.9\nclient_uri=sip:us@10.0.0.9\ncontact_user=us\nexpiration=120\n"
	"retry_interval=10\nmax_retries=5\nforbidden_retry_interval=30\nfatal_retry_interval=40\nauth_rejection_permanent=no\n"
	"outbound_auth=trunk\nline=yes\nendpoint=trunk\nsupport_path=yes\nsupport_outbound=yes\n"
	"[named]\ntype=registration\nserver_uri=sip:far.example\nclient_uri=sip:us@far.example\nexpiration=60\nretry_interval=20\n"
	"[presence]\ntype=resource_list\nevent=presence\nlist_item=200\nlist_item=201\nlist_item=gone\nfull_state=yes\n"
	"resource_display_name=yes\nnotification_batch_interval=50\n"
	"[lines]\ntype=resource_list\nevent=dialog\nlist_item=200\nlist_item=presence\nlist_item=202\n"
	"[boxes]\ntype=resource_list\nevent=message-summary\nlist_item=alice\nlist_item=carl\nfull_state=no\n"
	"[near]\ntype=acl\ndeny=0.0.0.0/0\npermit=10.0.0.0/24\n"
	"[alias.example]\ntype=domain_alias\ndomain=10.0.0.100\n";

/* The same people, other rules: anybody may call, nobody is known by address. */
static const char other[] =
	"[global]\ntype=global\nuser_agent=Other phones\nendpoint_identifier_order=username,ip,header,request_uri,anonymous\n"
	"max_forwards=20\nnorefersub=no\nall_codecs_on_empty_reinvite=yes\nallow_sending_180_after_183=yes\n"
	"unidentified_request_count=3\nunidentified_request_period=5\n"
	TRANSPORTS
	"[base](!)\ntype=endpoint\ncontext=default\nsubscribe_context=hints\ndisallow=all\nallow=alaw,gsm,slin16,h264\n"
	"[anonymous](base)\ncontext=default\n"
	"[alice](base)\naors=alice\nauth=alice\nwebrtc=no\nrefer_blind_progress=no\ntransport=tcp\nsend_aoc=yes\n"
	STATIC("alice", "1", "max_contacts=1\nqualify_frequency=10\nauthenticate_qualify=yes\n") AUTH("alice", "alicepw", "")
	"[bob](base)\naors=bob\noutbound_auth=carl\nignore_183_without_sdp=yes\nexternal_media_address=203.0.113.1\n"
	"[bob]\ntype=aor\nmax_contacts=1\nremove_existing=no\ncontact=sip:bob@far.example\nqualify_frequency=20\n"
	"[carl](base)\naors=carl\nauth=carl\nmax_audio_streams=0\n"
	"[carl]\ntype=aor\nmax_contacts=10\nminimum_expiration=1\n" AUTH("carl", "carlpw", "")
	"[erin](base)\naors=erin\n100rel=yes\ntimers=forced\nt38_udptl=no\nmedia_encryption=sdes\n" STATIC("erin", "5", "")
	"[fred](base)\naors=fred\nstir_shaken_profile=proven\nrtp_timeout=1\nmax_video_streams=1\nfollow_redirect_methods=message\n" STATIC("fred", "6", "qualify_frequency=1\n")
	"[byheader]\ntype=identify\nendpoint=erin\nmatch_header=X-Who: /eri.*/\n"
	"[byuri]\ntype=identify\nendpoint=fred\nmatch_request_uri=/fred/\n"
	"[byname]\ntype=identify\nendpoint=bob\nmatch=far.example,10.0.0.2/31\n"
	"[presence]\ntype=resource_list\nevent=presence\nlist_item=201\nnotification_batch_interval=0\n";

/* Faults in it, options at their limits, the transports gone or changed. */
static const char odd[] =
	"[system]\ntype=system\ntimer_t1=100\ntimer_b=6400\ncompact_headers=yes\n"
	"[udp]\ntype=transport\nprotocol=udp\nbind=10.0.0.100:5060\nallow_reload=yes\nlocal_net=10.0.0.0/29\n"
	"external_signaling_address=203.0.113.5:5070\nexternal_media_address=203.0.113.6\n"
	"[tls]\ntype=transport\nprotocol=tls\nbind=10.0.0.100:5061\n"
	"[alice]\ntype=endpoint\ncontext=nowhere\naors=alice,missing\nauth=missing\nallow=nothing\ndevice_state_busy_at=1\n"
	"[alice]\ntype=aor\ncontact=sip:alice@far.example;transport=tcp\ncontact=tel:123\nmax_contacts=0\n"
	"[bob]\ntype=endpoint\ncontext=default\naors=bob\nallow=all\nwebrtc=yes\nrtp_port_start=10\nrtp_port_end=5\n"
	"allow_subscribe=no\ndtmf_mode=rfc4733\nmedia_address=10.0.0.77\nbind_rtp_to_media_address=no\n"
	"[bob]\ntype=aor\nmax_contacts=3\ncontact=sip:bob@10.0.0.2:5060\n"
	"[bob]\ntype=identify\nendpoint=bob\nmatch=10.0.0.0/8\n"
	"[carl]\ntype=endpoint\naors=carl\nauth=carl\nacl=far\nallow=ulaw\n[carl]\ntype=aor\nmax_contacts=1\n"
	"[carl]\ntype=auth\nauth_type=md5\nusername=carl\nmd5_cred=0123456789abcdef0123456789abcdef\n"
	"[dora]\ntype=endpoint\naors=dora\nallow=ulaw\nno_such_option=1\n[x]\ntype=nothing\n[dora]\ntype=aor\nmax_contacts=1\n"
	"[trunk]\ntype=registration\nserver_uri=sip:10.0.0.9:5099\nclient_uri=sip:them@10.0.0.9\nretry_interval=0\nexpiration=5\n"
	"[again]\ntype=registration\nserver_uri=bad uri\nclient_uri=sip:x\n";

static const char nothing[] = TRANSPORTS;

/* What the first has, with other phones' numbers of contacts and mailboxes. */
static const char fewer[] =
	"[global]\ntype=global\nuser_agent=Fewer agents\nkeep_alive_interval=1\n" TRANSPORTS
	"[base](!)\ntype=endpoint\ncontext=default\nsubscribe_context=other\nallow=!all,ulaw\n"
	"[alice](base)\naors=alice\nmailboxes=200@default\ncontext=small\n"
	STATIC("alice", "2", "qualify_frequency=3\nmailboxes=300@default\n") IDENTIFY("alice", "1")
	"[carl](base)\naors=carl\nauth=carl\n[carl]\ntype=aor\nmax_contacts=1\nremove_existing=no\nqualify_frequency=1\n"
	"qualify_timeout=0.5\nmaximum_expiration=10\n" AUTH("carl", "other", "")
	"[dora](base)\naors=dora\n[dora]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n" IDENTIFY("dora", "4")
	"[erin](base)\naors=erin\n100rel=required\ntimers=yes\n" STATIC("erin", "6", "") IDENTIFY("erin", "5")
	"[presence]\ntype=resource_list\nevent=presence\nlist_item=202\n";

/* Pages and phones with encrypted media. */
static const char secure[] =
	"[global]\ntype=global\nuser_agent=Secure\nendpoint_identifier_order=ip,username,anonymous,auth_username\n"
	TRANSPORTS
	"[base](!)\ntype=endpoint\ncontext=default\nsubscribe_context=hints\nmessage_context=messages\nallow=!all,opus,ulaw,alaw,g722,vp8,h264\n"
	"[alice](base)\naors=alice\nwebrtc=yes\nmax_video_streams=1\n" STATIC("alice", "1", "max_contacts=3\n") IDENTIFY("alice", "1")
	"[bob](base)\naors=bob\nwebrtc=yes\ndtls_setup=passive\nmax_audio_streams=2\nmax_video_streams=2\nrewrite_contact=yes\n"
	STATIC("bob", "2", "max_contacts=3\n") IDENTIFY("bob", "2")
	"[carl](base)\naors=carl\nauth=carl\nmedia_encryption=sdes\nsrtp_tag_32=yes\nrewrite_contact=yes\n"
	"[carl]\ntype=aor\nmax_contacts=2\nremove_existing=yes\nminimum_expiration=1\n" AUTH("carl", "carlpw", "")
	"[dora](base)\naors=dora\nstir_shaken_profile=known\nmedia_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_verify=fingerprint\ndtls_setup=actpass\n"
	"dtls_rekey=3\n" STATIC("dora", "4", "") IDENTIFY("dora", "4")
	"[erin](base)\naors=erin\nmedia_encryption=sdes\nmedia_encryption_optimistic=yes\nice_support=yes\n100rel=required\n"
	STATIC("erin", "5", "") IDENTIFY("erin", "5")
	"[fred](base)\naors=fred\nice_support=yes\nrtcp_mux=yes\nbundle=yes\nmax_audio_streams=3\nmax_video_streams=2\nrtp_timeout=5\n"
	"use_avpf=yes\nmedia_use_received_transport=yes\n" STATIC("fred", "6", "") IDENTIFY("fred", "6")
	"[gina](base)\naors=gina\ndtmf_mode=auto\n" STATIC("gina", "7", "") IDENTIFY("gina", "7")
	"[hugo](base)\naors=hugo\nauth=hugo\nwebrtc=yes\ndtls_verify=no\nforce_avp=yes\nbundle=no\n"
	"[hugo]\ntype=aor\nmax_contacts=1\nremove_existing=yes\nminimum_expiration=1\n" AUTH("hugo", "hugopw", "realm=far\n")
	"[trunk](base)\naors=trunk\nmedia_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_verify=yes\nice_support=yes\ndtls_fingerprint=SHA-1\n"
	STATIC("trunk", "9", "") IDENTIFY("trunk", "9");

const char *const conf_pjsip[CONF_PJSIP] = { quiet, everything, other, odd, nothing, fewer, secure };

const char conf_wizard[] =
	"[wiz](!)\ntype=wizard\ntransport=udp\naccepts_registrations=yes\naccepts_auth=yes\nendpoint/allow=!all,ulaw\n"
	"endpoint/context=default\naor/max_contacts=2\nhas_hint=yes\nhint_context=hints\nhint_application=Dial(${HINT})\n"
	"[ivan](wiz)\ntype=wizard\ninbound_auth/username=ivan\ninbound_auth/password=i\nhint_exten=210\n"
	"[jane](wiz)\ntype=wizard\ninbound_auth/username=jane\naccepts_registrations=no\nremote_hosts=10.0.0.8,far.example\nhas_hint=no\n"
	"[provider]\ntype=wizard\nsends_auth=yes\nsends_registrations=yes\nremote_hosts=10.0.0.9:5060,far.example\n"
	"outbound_auth/username=p\noutbound_auth/password=p\nregistration/expiration=60\nendpoint/allow=all\nhas_phoneprov=yes\n"
	"phoneprov/MAC=001122334455\nsends_line_with_registrations=yes\noutbound_proxy=sip:10.0.0.9\\;lr\n"
	"server_uri_pattern=sip:${REMOTE_HOST}:5099\nclient_uri_pattern=sip:${USERNAME}@${REMOTE_HOST}\n"
	"[wrong]\ntype=wizard\nendpoint/nothing=1\nx/y=z\nsends_registrations=maybe\n[none]\ntype=other\n";

const char conf_acl[] = "[near]\ndeny=0.0.0.0/0\npermit=10.0.0.0/24\n[far]\ndeny=10.0.0.0/8\npermit=10.0.0.3\n";

const char conf_manager[] =
	"[general]\nenabled=yes\nport=5038\nbindaddr=10.0.0.100\nauthtimeout=30\nauthlimit=3\n"
	"channelvars=X,CHANNEL(state)\n"
	"[admin]\nsecret=pw\nread=all\nwrite=all\nsetvar=Y=1\n"
	"[few]\nsecret=pw\nread=user,call\nwrite=user\neventfilter=!Event: New.*\n"
	"eventfilter(name(UserEvent),header(UserEvent),method(exact))=yes\n";

const char conf_features[] =
	"[general]\ntransferdigittimeout=3\natxfernoanswertimeout=5\npickupexten=*8\n"
	"[featuremap]\nblindxfer=#1\natxfer=*2\ndisconnect=*0\nparkcall=#72\n";

const char conf_music[] =
	"[default]\nmode=files\ndirectory=moh\nsort=random\n[other]\nmode=files\ndirectory=moh\nsort=alpha\n[none]\nmode=files\ndirectory=gone\n";

const char conf_notify[] =
	"[check]\nEvent=>check-sync\nContent-type=>text/plain\nContent=>one\nContent=>two\n[clear]\nEvent=>message-summary\n";

const char *const conf_exten[] = {
	"100", "101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112", "113", "114", "115",
	"116", "117", "118", "119", "120", "121", "122", "123", "124", "125", "126", "127", "128", "129", "130",
	"131", "132", "133", "134", "135", "136",
	"alice", "bob", "carl", "dora", "erin", "fred", "gina", "hugo", "trunk", "200", "201", "202", "203", "1", "", "s",
	"presence", "lines", "boxes", "gone", "carl@default", "x%20y", "*97", "20",
	"140", "141", "142", "143", "144", "145", "146", "147", "148", "149",
};
const unsigned conf_extens = ARRAY_LEN(conf_exten);
