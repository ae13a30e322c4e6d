// A telephone in a page, with SIP.js or JsSIP under it: the same functions for both, so that
// a test says what happens and not with which library. Everything is on window.phone.
"use strict";
(() => {
  const state = { calls: [], events: [], incoming: null, registered: false };
  const later = (ms) => new Promise((r) => setTimeout(r, ms));
  const note = (what, more) => state.events.push({ at: performance.now(), what, ...more });

  // ---- what is heard and seen ----------------------------------------------------------
  const context = new AudioContext();
  function listen(call, stream) {
    // The level of a track stays 0 until an element plays it.
    const element = new Audio();
    element.srcObject = stream;
    element.play().catch(() => {});
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    Object.assign(call, { stream, element, analyser });
  }

  function watch(call, pc) {
    call.pc = pc;
    pc.addEventListener("track", (e) => {
      // A track is unmuted by its first packet.
      if (e.track.kind === "audio") e.track.addEventListener("unmute", () => { call.packetAt ??= performance.now(); });
      if (e.track.kind === "audio" && !call.analyser) listen(call, new MediaStream([e.track]));
    });
  }

  // The frequency [Hz] that is loudest in what is heard, and how loud [dB].
  function heard(call) {
    if (!call.analyser) return { hertz: 0, level: -200 };
    const bins = new Float32Array(call.analyser.frequencyBinCount);
    call.analyser.getFloatFrequencyData(bins);
    let best = 3;
    for (let i = 3; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
    return { hertz: best * context.sampleRate / call.analyser.fftSize, level: Math.max(bins[best], -200) };
  }

  // How loud each of these frequencies is [dB], and what is loudest beside them.
  function levels(call, hertz) {
    const bins = new Float32Array(call.analyser.frequencyBinCount);
    call.analyser.getFloatFrequencyData(bins);
    const width = context.sampleRate / call.analyser.fftSize;
    const near = hertz.map((h) => Math.max(...bins.slice(Math.round(h / width) - 2, Math.round(h / width) + 3)));
    const rest = bins.filter((_, i) => i > 3 && hertz.every((h) => Math.abs(i * width - h) > 60));
    return { near, rest: Math.max(...rest) };
  }

  async function stats(call) {
    const out = { packets: 0, frames: 0, codec: "", video: "" };
    const all = await call.pc.getStats();
    all.forEach((s) => {
      if (s.type !== "inbound-rtp") return;
      if (s.kind === "audio") {
        out.packets += s.packetsReceived;
        out.codec = all.get(s.codecId)?.mimeType || "";
      } else {
        out.frames += s.framesDecoded || 0;
        out.video = all.get(s.codecId)?.mimeType || "";
      }
    });
    return out;
  }

  // ---- SIP.js ---------------------------------------------------------------------------
  const sipjs = {
    async start(o) {
      const { UserAgent, Registerer, RegistererState } = Phones.SIP;
      this.ua = new UserAgent({
        uri: UserAgent.makeURI(o.uri), transportOptions: { server: o.server },
        authorizationUsername: o.user, authorizationPassword: o.password, logLevel: o.log || "error",
        sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
        delegate: {
          onInvite: (session) => {
            const call = this.adopt(session);
            state.incoming = call;
            note("incoming", { from: session.remoteIdentity.uri.user });
          },
          onDisconnect: () => { state.registered = false; note("disconnected"); if (o.again) this.again(); },
        },
      });
      await this.ua.start();
      this.registerer = new Registerer(this.ua, { expires: o.expires || 300 });
      this.registerer.stateChange.addListener((s) => {
        state.registered = s === RegistererState.Registered;
        note("registration", { state: s });
      });
      await this.registerer.register({ requestDelegate: {
        onReject: (r) => note("registration", { state: "Failed", status: r.message.statusCode }) } });
    },
    async again() {
      for (;;) {
        try {
          await this.ua.reconnect();
          // It believes that it is registered, so its state does not change.
          await this.registerer.register({ requestDelegate: { onAccept: () => { state.registered = true; } } });
          return;
        } catch (e) { await later(500); }
      }
    },
    adopt(session) {
      const call = { session, state: "new" };
      state.calls.push(call);
      session.stateChange.addListener((s) => { call.state = s; note("call", { state: s }); });
      session.delegate = { onSessionDescriptionHandler: (h) => {
        watch(call, h.peerConnection);
        h.peerConnectionDelegate = { ontrack: () => {} };
      } };
      if (session.sessionDescriptionHandler) watch(call, session.sessionDescriptionHandler.peerConnection);
      return call;
    },
    constraints: (o) => ({ sessionDescriptionHandlerOptions: { constraints: { audio: true, video: !!o.video } } }),
    async call(uri, o) {
      const { Inviter, UserAgent } = Phones.SIP;
      const session = new Inviter(this.ua, UserAgent.makeURI(uri), this.constraints(o));
      const call = this.adopt(session);
      await session.invite({ requestDelegate: {
        onAccept: (r) => { call.status = r.message.statusCode; call.acceptedAt = performance.now(); note("accepted"); },
        onReject: (r) => { call.status = r.message.statusCode; note("rejected", { status: call.status }); },
        onProgress: (r) => note("progress", { status: r.message.statusCode }),
      } });
      return call;
    },
    answer: (call, o) => call.session.accept(sipjs.constraints(o)),
    up: (call) => call.state === "Established",
    over: (call) => call.state === "Terminated",
    async end(call) {
      const s = call.session;
      if (call.state === "Established") await s.bye();
      else if (s.cancel) await s.cancel();
      else await s.reject();
    },
    async hold(call, on) {
      call.session.sessionDescriptionHandlerOptionsReInvite = { hold: on };
      await new Promise((yes, no) => call.session.invite({ requestDelegate: { onAccept: yes, onReject: no } }));
    },
    digit: (call, d) => call.session.sessionDescriptionHandler.sendDtmf(d),
    refer: (call, uri) => new Promise((yes, no) => call.session.refer(Phones.SIP.UserAgent.makeURI(uri), {
      onNotify: (n) => { note("notify", { body: n.request.body }); n.accept(); },
      requestDelegate: { onAccept: yes, onReject: no } })),
    replace: (call, other) => new Promise((yes, no) => call.session.refer(other.session, {
      onNotify: (n) => { note("notify", { body: n.request.body }); n.accept(); },
      requestDelegate: { onAccept: yes, onReject: no } })),
  };

  // ---- JsSIP ----------------------------------------------------------------------------
  const jssip = {
    async start(o) {
      const { UA, WebSocketInterface } = Phones.JsSIP;
      this.ua = new UA({ sockets: [new WebSocketInterface(o.server)], uri: o.uri, authorization_user: o.user,
        password: o.password, register_expires: o.expires || 300, connection_recovery_min_interval: 1,
        connection_recovery_max_interval: 2 });
      this.ua.on("registered", () => { state.registered = true; note("registration", { state: "Registered" }); });
      this.ua.on("unregistered", () => { state.registered = false; note("registration", { state: "Unregistered" }); });
      this.ua.on("disconnected", () => { state.registered = false; note("disconnected"); });
      this.ua.on("registrationFailed", (e) => note("registration", { state: "Failed", status: e.response?.status_code }));
      this.ua.on("newRTCSession", ({ session, originator }) => {
        const call = this.adopt(session);
        if (originator === "remote") {
          state.incoming = call;
          note("incoming", { from: session.remote_identity.uri.user });
        }
      });
      this.ua.start();
    },
    adopt(session) {
      const call = { session, state: "new" };
      state.calls.push(call);
      if (session.connection) watch(call, session.connection);
      session.on("peerconnection", ({ peerconnection }) => watch(call, peerconnection));
      const to = (s) => (e) => { call.state = s; note("call", { state: s, cause: e?.cause }); };
      session.on("progress", (e) => note("progress", { status: e.response?.status_code }));
      session.on("accepted", () => { call.acceptedAt = performance.now(); note("accepted"); });
      session.on("confirmed", to("Established"));
      session.on("ended", to("Terminated"));
      session.on("failed", (e) => { call.status = e.message?.status_code; to("Terminated")(e); });
      return call;
    },
    options: (o) => ({ mediaConstraints: { audio: true, video: !!o.video }, pcConfig: { iceServers: [] } }),
    async call(uri, o) { this.ua.call(uri, this.options(o)); return state.calls.at(-1); },
    answer: (call, o) => call.session.answer(jssip.options(o)),
    up: (call) => call.state === "Established",
    over: (call) => call.state === "Terminated",
    end: (call) => call.session.terminate(),
    hold: (call, on) => new Promise((yes) => on ? call.session.hold({}, yes) : call.session.unhold({}, yes)),
    digit: (call, d) => call.session.sendDTMF(d, { transportType: "RFC2833" }),
    refer: (call, uri) => call.session.refer(uri),
    replace: (call, other) => call.session.refer(other.session.remote_identity.uri.toString(), { replaces: other.session }),
  };

  // ---- for the test -----------------------------------------------------------------------
  let lib = null;
  async function until(what, seconds) {
    const end = performance.now() + seconds * 1000;
    while (!await what()) {
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}: ${JSON.stringify(state.events.slice(-12))}`);
      await later(20);
    }
  }
  const at = (i) => state.calls.at(i ?? -1);
  window.phone = {
    async start(o) { lib = o.library === "jssip" ? jssip : sipjs; await context.resume(); await lib.start(o); },
    registered: (seconds = 15) => until(() => state.registered, seconds),
    lost: (seconds = 15) => until(() => !state.registered, seconds),
    // From the call to the answer and to the first packet back [ms].
    async call(uri, o = {}) {
      const begin = performance.now();
      const call = await lib.call(uri, o);
      await until(() => lib.up(call) || lib.over(call), o.seconds || 20);
      if (lib.over(call)) return { status: call.status || 0 };
      await until(() => call.packetAt, 20);
      return { status: 200, answered: call.acceptedAt - begin, packet: call.packetAt - begin };
    },
    ring: async (uri, o = {}) => { await lib.call(uri, o); },
    established: (i, seconds = 15) => until(() => lib.up(at(i)), seconds),
    incoming: (seconds = 20) => until(() => state.incoming, seconds),
    async answer(o = {}) {
      const call = state.incoming;
      state.incoming = null;
      await lib.answer(call, o);
      await until(() => lib.up(call), 20);
    },
    reject: async () => { const c = state.incoming; state.incoming = null; await lib.end(c); },
    up: (i) => lib.up(at(i)),
    over: (i, seconds = 15) => until(() => lib.over(at(i)), seconds),
    end: (i) => lib.end(at(i)),
    hold: (on, i) => lib.hold(at(i), on),
    // Chromium can send digits a moment after the answer is set, not at once.
    digit: async (d, i) => {
      await until(() => at(i).pc.getSenders().some((s) => s.dtmf?.canInsertDTMF), 15);
      await lib.digit(at(i), d);
    },
    refer: async (uri, i) => { await lib.refer(at(i), uri); },
    replace: async (i, j) => { await lib.replace(at(i), at(j)); },
    heard: (i) => heard(at(i)),
    stats: (i) => stats(at(i)),
    hears: (hertz, i, seconds = 15) => until(() => {
      const h = heard(at(i));
      return h.level > -70 && Math.abs(h.hertz - hertz) < hertz * 0.03 + 8;
    }, seconds),
    // The two tones of a digit, and nothing else as loud.
    hearsDigit: (d, i, seconds = 15) => until(() => {
      const at16 = "123A456B789C*0#D".indexOf(d);
      const l = levels(at(i), [[697, 770, 852, 941][at16 >> 2], [1209, 1336, 1477, 1633][at16 & 3]]);
      return l.near.every((x) => x > -70 && x > l.rest + 6);
    }, seconds),
    silence: (i, seconds = 15) => until(() => heard(at(i)).level < -75, seconds),
    decodes: (frames, i, seconds = 20) => until(async () => (await stats(at(i))).frames >= frames, seconds),
    // For whoever wonders why nothing is heard.
    media: async (i) => {
      const pc = at(i).pc, all = [];
      (await pc.getStats()).forEach((s) => all.push(s));
      return { stats: all, ice: pc.iceConnectionState, connection: pc.connectionState,
        local: pc.localDescription?.sdp, remote: pc.remoteDescription?.sdp };
    },
    events: () => state.events,
  };
})();
