// The application of phone.html, in the manner of its time. What happens is in `events`.
/* global SIP */
'use strict';

var ua = null, sessions = [], subscription = null, events = [];
var remoteVideo = document.getElementById('remoteVideo'), localVideo = document.getElementById('localVideo');

function note(what, more) {
  var event = { what: what, at: performance.now() };
  Object.keys(more || {}).forEach(function (name) { event[name] = more[name]; });
  events.push(event);
}

function mediaOptions(video) {
  return { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: !!video } } };
}

function attachMedia(session) {
  var pc = session.sessionDescriptionHandler.peerConnection;
  var remoteStream = new MediaStream(), localStream = new MediaStream();
  pc.getReceivers().forEach(function (receiver) {
    if (receiver.track) remoteStream.addTrack(receiver.track);
  });
  pc.getSenders().forEach(function (sender) {
    if (sender.track && sender.track.kind === 'video') localStream.addTrack(sender.track);
  });
  remoteVideo.srcObject = remoteStream;
  localVideo.srcObject = localStream;
  remoteVideo.play().catch(function () {});
  localVideo.play().catch(function () {});
}

function adopt(session) {
  sessions.push(session);
  session.on('progress', function (response) { note('progress', { status: response.status_code }); });
  session.on('accepted', function (response, cause) {
    note('accepted', { cause: cause });
    attachMedia(session);
  });
  session.on('rejected', function (response, cause) { note('rejected', { status: response && response.status_code, cause: cause }); });
  session.on('failed', function (response, cause) { note('failed', { cause: cause }); });
  session.on('cancel', function () { note('cancel'); });
  session.on('bye', function () { note('bye'); });
  session.on('terminated', function (message, cause) { note('terminated', { cause: cause }); });
  session.on('dtmf', function (request, dtmf) { note('dtmf', { tone: dtmf.tone }); });
  session.on('reinvite', function () { note('reinvite'); });
  session.on('reinviteAccepted', function () { note('reinviteAccepted'); });
  session.on('reinviteFailed', function () { note('reinviteFailed'); });
  session.on('referRequested', function (context) {
    if (!(context instanceof SIP.ReferServerContext)) {
      context.on('referRequestAccepted', function () { note('referRequestAccepted'); });
      context.on('referRequestRejected', function () { note('referRequestRejected'); });
      context.on('referProgress', function () { note('referProgress'); });
      context.on('referAccepted', function () { note('referAccepted'); });
      context.on('referRejected', function () { note('referRejected'); });
    }
  });
  return session;
}

function last() {
  return sessions[sessions.length - 1];
}

window.phone = {
  start: function (options) {
    ua = new SIP.UA({
      uri: options.uri,
      wsServers: [options.server],
      authorizationUser: options.user,
      password: options.password,
      displayName: options.displayName,
      traceSip: true,
      log: { builtinEnabled: true, level: options.level || 'log' },
      sessionDescriptionHandlerFactoryOptions: {
        constraints: { audio: true, video: false },
        peerConnectionOptions: { iceCheckingTimeout: 2000, rtcConfiguration: { iceServers: [] } }
      }
    });
    ['connecting', 'connected', 'disconnected', 'registered'].forEach(function (name) {
      ua.on(name, function () { note(name); });
    });
    ua.on('unregistered', function (response, cause) { note('unregistered', { cause: cause }); });
    ua.on('registrationFailed', function (response, cause) {
      note('registrationFailed', { status: response && response.status_code, cause: cause });
    });
    ua.on('invite', function (session) {
      adopt(session);
      note('invite', { from: session.remoteIdentity.uri.user, name: session.remoteIdentity.displayName });
    });
    ua.on('message', function (message) {
      note('message', { from: message.remoteIdentity.uri.user, body: message.body });
    });
    window.addEventListener('offline', function () { note('offline'); });
    window.addEventListener('online', function () { note('online'); });
  },
  isRegistered: function () { return ua.isRegistered(); },
  isConnected: function () { return ua.isConnected(); },
  stop: function () { ua.stop(); },
  unregister: function () { ua.unregister(); },

  call: function (target, video) { adopt(ua.invite(target, mediaOptions(video))); },
  answer: function (video) { last().accept(mediaOptions(video)); },
  reject: function () { last().reject(); },
  cancel: function () { last().cancel(); },
  bye: function () { last().bye(); },
  terminate: function () { last().terminate(); },
  hold: function () { last().hold(); },
  unhold: function () { last().unhold(); },
  held: function () { return last().local_hold; },
  up: function () { return last().status === SIP.Session.C.STATUS_CONFIRMED; },
  dtmf: function (tones) { last().dtmf(tones); },
  refer: function (target) { last().refer(target); },
  // To the other party of the call before this one.
  replace: function () { sessions[sessions.length - 2].refer(last()); },
  decoded: function () {
    return last().sessionDescriptionHandler.peerConnection.getStats().then(function (all) {
      var frames = 0;
      all.forEach(function (s) { if (s.type === 'inbound-rtp' && s.kind === 'video') frames += s.framesDecoded || 0; });
      return frames;
    });
  },

  message: function (target, text) {
    ua.message(target, text).on('accepted', function (response) { note('messageAccepted', { status: response.status_code }); })
      .on('failed', function (response, cause) { note('messageFailed', { cause: cause }); });
  },
  subscribe: function (target, event, expires) {
    subscription = ua.subscribe(target, event, { expires: expires });
    subscription.on('notify', function (notification) {
      note('notify', { body: notification.request.body, state: notification.request.getHeader('Subscription-State') });
    });
    subscription.on('failed', function (response, cause) { note('subscribeFailed', { cause: cause }); });
  },
  unsubscribe: function () { subscription.unsubscribe(); },
  options: function (target) {
    ua.request('OPTIONS', target).on('accepted', function (response) { note('options', { status: response.status_code }); });
  },

  media: function () {
    var pc = last().sessionDescriptionHandler.peerConnection;
    return pc.getStats().then(function (all) {
      var list = [];
      all.forEach(function (s) { if (/rtp|candidate/.test(s.type)) list.push(s); });
      return { ice: pc.iceConnectionState, connection: pc.connectionState, local: pc.localDescription.sdp,
        remote: pc.remoteDescription.sdp, stats: list };
    });
  },
  version: function () { return SIP.version; },
  events: function () { return events; }
};
