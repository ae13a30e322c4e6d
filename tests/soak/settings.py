"""The configurations that the soak changes between. All have the same phones, so
that no reload takes a registered contact away by itself; what differs is what a
call or a subscription may still hold when it changes."""

import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WALKERS = 16            # w0..w15, with a password, from any address; TLS and WebSocket too
TRUSTED = 8             # t0..t7, by address: 127.0.0.20 and on
PHONES = 12             # p0..p11, with a password
EDGES = 400             # a0..a399, AORs of the endpoint `edge`, 127.0.0.30
CANARY = "127.0.0.100"
FLOOD = "127.0.0.2"
OPENER = "127.0.0.3"
HALVES = "127.0.0.90"   # whose connections are left half way
IDENTITIES = 4          # certificates that the phones have for DTLS

TRANSPORTS = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:{port}
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{tls}
cert_file = {cert}
priv_key_file = {key}
[ws]
type = transport
protocol = ws
bind = 0.0.0.0
[wss]
type = transport
protocol = wss
bind = 127.0.0.1:{wss}
cert_file = {cert}
priv_key_file = {key}
"""
HTTP = """
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {ws}
enablestatus = yes
"""

# Phones that call one another: how they signal, and what their media has.
PAGE = ("ice", "dtls", "mux")
PHONE_KINDS = [("udp", ()), ("wss", PAGE), ("udp", ()), ("udp", ()), ("tls", ("sdes",)), ("udp", ("dtls",)),
               ("ws", PAGE), ("wss", PAGE), ("udp", ("ice", "mux")), ("tls", ("sdes",)), ("tcp", ("ice", "sdes", "mux")), ("ws", PAGE)]


def media_options(media):
    """Of an endpoint whose phone has MEDIA."""
    if media == PAGE:
        return "webrtc = yes\nallow = !all,opus,ulaw,alaw,g722\n"
    out = "allow = !all,ulaw,alaw,g722\nrtp_symmetric = yes\n"
    if "ice" in media:
        out += "ice_support = yes\nrtcp_mux = yes\n"
    if "dtls" in media:
        out += "media_encryption = dtls\ndtls_auto_generate_cert = yes\ndtls_verify = fingerprint\ndtls_setup = actpass\n"
    if "sdes" in media:
        out += "media_encryption = sdes\n"
    return out + "rewrite_contact = yes\n"      # those over TCP and TLS listen nowhere


# What the phones may do, by variant and by number: walks meet all of it.
KINDS = [
    "allow = !all,ulaw,alaw,g722\nrtp_timeout = 2\nt38_udptl = yes\n",
    "allow = !all,g722,ulaw\nrtp_symmetric = yes\n100rel = required\n",
    "allow = !all,ulaw,gsm\nmax_audio_streams = 3\nmax_video_streams = 2\ntimers = always\n",
    "allow = !all,alaw,ulaw,h264,vp8,t140\nuse_ptime = yes\ndtmf_mode = auto\nrtcp_mux = yes\nbundle = yes\n",
    "allow = !all,ulaw\ndtmf_mode = info\n100rel = no\ntimers = required\nsend_pai = yes\ntrust_id_inbound = yes\n",
    "allow = !all,g722,slin16,slin,ulaw:10\ndtmf_mode = inband\ninband_progress = yes\nrtp_keepalive = 1\n",
    "allow = !all,ulaw,alaw\n100rel = peer_supported\npreferred_codec_only = yes\nmoh_passthrough = yes\n",
    "allow = !all,ulaw:40,alaw\nuse_avpf = yes\nsend_rpid = yes\nrpid_immediate = yes\nconnected_line_method = update\n",
    "webrtc = yes\nallow = !all,opus,ulaw,vp8\nmax_audio_streams = 2\nmax_video_streams = 2\n",
    "allow = !all,ulaw,g722\nmedia_encryption = sdes\nsrtp_tag_32 = yes\nrtp_timeout = 2\n",
    "allow = !all,opus,ulaw\nice_support = yes\nmedia_encryption = sdes\nmedia_encryption_optimistic = yes\n",
    "allow = !all,ulaw,alaw\nmedia_encryption = dtls\ndtls_auto_generate_cert = yes\ndtls_verify = fingerprint\ndtls_setup = actpass\n"
    "dtls_rekey = 1\nuse_avpf = yes\nmedia_use_received_transport = yes\n",
]
AGENTS = ["", "user_agent = A\n", "user_agent = ALongNameOfAnAgentThatNeedsABlockOfItsOwn-" + "x" * 80 + "\n"]

EXTENSIONS = """
[soak]
exten => echo,1,Answer()
 same => n,Echo()
exten => play,1,Answer()
 same => n,Playback(tune)
 same => n,Playtones(!440/200,0)
 same => n,Wait(1)
 same => n,Playback(tune&tune)
exten => early,1,Progress()
 same => n,Playback(tune,noanswer)
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,Wait(1)
exten => ring,1,Ringing()
 same => n,Wait(0.4)
 same => n,Answer()
 same => n,Echo()
exten => prog,1,Progress()
 same => n,Wait(0.5)
 same => n,Ringing()
 same => n,Wait(0.3)
 same => n,Answer()
 same => n,Wait(1)
exten => moh,1,Answer()
 same => n,MusicOnHold(,2)
exten => mohearly,1,Ringing()
 same => n,StartMusicOnHold()
 same => n,Wait(0.5)
 same => n,Answer()
 same => n,Wait(1)
exten => read,1,Answer()
 same => n,Read(digits,tune,4,,1,2)
 same => n,SayDigits(${digits})
 same => n,Background(tune)
 same => n,WaitExten(1)
exten => send,1,Answer()
 same => n,SendDTMF(12#)
 same => n,SendText(hello)
 same => n,Wait(0.5)
 same => n,Transfer(PJSIP/echo@soak)
exten => local,1,Dial(Local/echo@soak/n,5)
exten => fork,1,Dial(PJSIP/w1&PJSIP/w2&PJSIP/t1&Local/ring@soak,3,tTkKhH)
exten => limit,1,Dial(Local/ring@soak,5,L(900:400:200)g)
 same => n,Playback(tune)
exten => busy,1,Busy(1)
exten => cong,1,Congestion(1)
exten => slow,1,Wait(2)
 same => n,Hangup(21)
exten => var,1,Answer()
 same => n,NoOp(${PJSIP_HEADER(read,From)} ${CHANNEL(rtp,dest)} ${CHANNEL(pjsip,remote_addr)} ${PJSIP_MEDIA_OFFER(audio)})
 same => n,Set(PJSIP_SEND_SESSION_REFRESH()=update)
 same => n,Set(CONNECTEDLINE(num)=4711)
 same => n,Wait(0.5)
 same => n,Set(PJSIP_SEND_SESSION_REFRESH()=invite)
 same => n,Wait(1)
exten => stream,1,Answer()
 same => n,StreamEcho(2)
exten => 1,1,SayNumber(1)
exten => i,1,Playback(tune)
exten => t,1,Hangup()
exten => pick,1,Pickup(1001@soak)
exten => _dw.,1,Set(PJSIP_HEADER(add,X-Soak)=1)
 same => n,Dial(PJSIP/${EXTEN:1},4,tTkKhHgm)
 same => n,Playback(tune)
exten => _dp.,1,Dial(PJSIP/${EXTEN:1},10)
exten => _d.,1,Dial(PJSIP/${EXTEN:1},4,g)
 same => n,Hangup()
exten => h,1,NoOp(over)
exten => 1001,hint,PJSIP/w0&PJSIP/t0
exten => 1002,hint,PJSIP/w1
exten => 1003,hint,Custom:lamp,CustomPresence:lamp
"""
MORE = ["", "exten => new,1,Answer()\nexten => echo,n,Wait(1)\nexten => 1004,hint,PJSIP/p0\n",
        "exten => _X.,1,Answer()\n same => n,While(1)\n same => n,Wait(0.1)\n same => n,EndWhile()\n"
        "exten => 1002,hint,PJSIP/w2&PJSIP/p1\n"]

MANAGER = """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {manager}
authlimit = 50
authtimeout = 10
[adm]
secret = adm
read = all
write = all
"""


def account(name, kind, more=""):
    return (f"[{name}]\ntype = endpoint\ncontext = soak\nauth = {name}\naors = {name}\nallow_subscribe = yes\ndirect_media = no\n{kind}"
            f"[{name}]\ntype = auth\nusername = {name}\npassword = pw-{name}\n"
            f"[{name}]\ntype = aor\nmax_contacts = 4\nremove_existing = yes\nminimum_expiration = 1\n{more}")


def pjsip(variant, qualify=True):
    """pjsip.conf of one of the variants."""
    out = ["[global]\ntype = global\n" + AGENTS[variant % len(AGENTS)], TRANSPORTS]
    for i in range(WALKERS):
        more = "qualify_frequency = 2\nqualify_timeout = 1\n" if qualify and i % 4 == variant % 4 else ""
        out.append(account(f"w{i}", KINDS[(i + variant // 3) % len(KINDS)], more + "mailboxes = box\n"))
    for i in range(TRUSTED):
        name = f"t{i}"
        out.append(f"[{name}]\ntype = endpoint\ncontext = soak\naors = {name}\ndirect_media = no\n{KINDS[(i + variant // 3) % len(KINDS)]}"
                   f"[{name}]\ntype = aor\nmax_contacts = 4\nremove_existing = yes\nminimum_expiration = 1\n"
                   f"[{name}i]\ntype = identify\nendpoint = {name}\nmatch = 127.0.0.{20 + i}\n")
    for i in range(PHONES):
        kind, media = PHONE_KINDS[i]
        # Nobody listens at the port of a connection: with it its contact goes, over a kill too.
        rewrite = "rewrite_contact = yes\n" if kind in ("tcp", "tls") else ""
        out.append(account(f"p{i}", media_options(media) + rewrite))
    names = [f"a{i}" for i in range(EDGES)]
    out.append("[edge]\ntype = endpoint\ncontext = soak\ndirect_media = no\nallow = ulaw\naors = " + ",".join(names) +
               "\n[edgei]\ntype = identify\nendpoint = edge\nmatch = 127.0.0.30\n")
    out += [f"[{n}]\ntype = aor\nmax_contacts = 2\nminimum_expiration = 1\n" for n in names]
    out.append(account("canary", "allow = !all,ulaw,alaw\n"))
    for name, ip in (("flood", FLOOD), ("opener", OPENER)):
        out.append(f"[{name}]\ntype = endpoint\ncontext = soak\ndirect_media = no\nallow = !all,ulaw\n"
                   f"[{name}i]\ntype = identify\nendpoint = {name}\nmatch = {ip}\n")
    out.append("[friends]\ntype = resource_list\nevent = presence\nlist_item = 1001,1002,more\nfull_state = " +
               ("yes" if variant % 2 else "no") + "\n[more]\ntype = resource_list\nevent = presence\nlist_item = 1003,1002\n"
               "notification_batch_interval = " + str(100 * (variant % 3)) + "\n")
    return "".join(out)


def fill(text, o):
    """TEXT with the ports and certificates of this run."""
    for name in ("tls", "ws", "wss", "cert", "key"):
        text = text.replace("{" + name + "}", str(getattr(o, name)))
    return text


def files(variant, o):
    """All files of a variant. O: the options of soak.py, of which the ports and certificates
    are used. The threads are those of the next start."""
    rtp = o.rtp
    return {
        "sidetone.conf": f"[threads]\nio_threads = {variant % 2}\nmedia_threads = {(variant + 1) % 3}\n",
        "pjsip.conf": fill(pjsip(variant), o),
        "http.conf": fill(HTTP, o),
        "extensions.conf": EXTENSIONS + MORE[variant % len(MORE)],
        "manager.conf": MANAGER.replace("{manager}", str(o.manager)),
        "rtp.conf": f"[general]\nrtpstart = {rtp[0]}\nrtpend = {rtp[1] - 2 * (variant % 2)}\nrtcpinterval = 500\n",
        "musiconhold.conf": "[default]\nmode = files\ndirectory = {dir}/lib/moh\n" + ("sort = random\n" if variant % 2 else ""),
        "features.conf": "[general]\ntransferdigittimeout = 1\n[featuremap]\nblindxfer = #\natxfer = *2\ndisconnect = *0\n",
    }
