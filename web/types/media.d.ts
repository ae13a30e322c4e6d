// Media: the handler that a session asks for descriptions, the one of a browser, and the simple phone.
/// <reference lib="dom" />

import { EventEmitter } from './values';

export interface Description { type: RTCSdpType; sdp: string; }

/** Changes a description on its way. Given a list, each gets what the one before made. */
export type Modifier = (description: Description) => PromiseLike<Description>;
export type Modifiers = Modifier | Modifier[];

export interface DescriptionBody { body: string; contentType: string; }

export interface PeerConnectionOptions {
	rtcConfiguration?: RTCConfiguration;
	/** How long a description waits for candidates, in ms; 0: without limit. Default: 5000. */
	iceCheckingTimeout?: number;
	/** Whether the peer takes candidates after the description (RFC 8840). Default: what it says itself. */
	trickle?: boolean;
}

/** invite() and accept(): sessionDescriptionHandlerOptions. */
export interface SessionDescriptionHandlerOptions {
	/** Laid over those of the configuration; where that has none, over audio and video. */
	constraints?: MediaStreamConstraints;
	peerConnectionOptions?: PeerConnectionOptions;
	RTCOfferOptions?: RTCOfferOptions;
	[other: string]: any;
}

/** The configuration's sessionDescriptionHandlerFactoryOptions. */
export interface SessionDescriptionHandlerFactoryOptions extends SessionDescriptionHandlerOptions {
	/** Applied after those of a call. */
	modifiers?: Modifiers;
}

/** What a session asks of a handler. An object with these methods will do. */
export interface SessionDescriptionHandlerContract {
	/** An offer, or the answer to the offer that was set. */
	getDescription(options?: SessionDescriptionHandlerOptions, modifiers?: Modifiers): PromiseLike<DescriptionBody>;
	setDescription(body: string, options?: SessionDescriptionHandlerOptions, modifiers?: Modifiers): PromiseLike<any>;
	hasDescription(contentType: string): boolean;
	holdModifier(description: Description): PromiseLike<Description>;
	/** May be called more than once. */
	close(): void;
	/** For dtmfType 'rtp'. False: it cannot. */
	sendDtmf?(tones: string, options?: { duration?: number; interToneGap?: number }): boolean;
	getDirection?(): Direction | null;
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What handlers may inherit from. */
export class SessionDescriptionHandler extends EventEmitter {
	constructor(...args: any[]);
	getDescription(options?: SessionDescriptionHandlerOptions, modifiers?: Modifiers): Promise<DescriptionBody>;
	setDescription(body: string, options?: SessionDescriptionHandlerOptions, modifiers?: Modifiers): Promise<any>;
	hasDescription(contentType: string): boolean;
	holdModifier(description: Description): Promise<Description>;
	close(): void;
}

/**
 * The handler of a browser. Its events: userMediaRequest(constraints), userMedia(stream), userMediaFailed(error),
 * iceGathering(pc), iceCandidate(event), iceGatheringComplete(handler), iceConnection, iceConnectionChecking,
 * iceConnectionConnected, iceConnectionCompleted, iceConnectionFailed, iceConnectionDisconnected, iceConnectionClosed
 * (pc), getDescription({type, sdp}), setDescription({type, sdp}), setRemoteDescription(receivers), confirmed(handler),
 * addTrack(event), addStream(event), peerConnection-createOfferFailed, peerConnection-createAnswerFailed,
 * peerConnection-SetLocalDescriptionFailed, peerConnection-setRemoteDescriptionFailed (error).
 * The session's: peerConnection-created(pc), SessionDescriptionHandler-created(handler), trackAdded(),
 * directionChanged().
 */
declare class WebRTCSessionDescriptionHandler extends SessionDescriptionHandler {
	constructor(session: any, options?: SessionDescriptionHandlerFactoryOptions);
	static defaultFactory(session: any, options?: SessionDescriptionHandlerFactoryOptions): WebRTCSessionDescriptionHandler;
	/** null where there is no WebRTC. */
	peerConnection: RTCPeerConnection | null;
	session: any;
	options: SessionDescriptionHandlerFactoryOptions;
	sendDtmf(tones: string | number, options?: { duration?: number; interToneGap?: number }): boolean;
	/** null until both sides have spoken. */
	getDirection(): Direction | null;
	/** Takes back an offer that was refused. */
	rollbackDescription(): Promise<void>;
	/** Whether a body of this type is candidates of a trickling peer. */
	hasTrickle(contentType: string | undefined): boolean;
	addTrickle(body: string): Promise<void>;
}

declare namespace ModifiersList {
	const stripTcpCandidates: Modifier;
	const stripTelephoneEvent: Modifier;
	const cleanJitsiSdpImageattr: Modifier;
	const stripG722: Modifier;
}

export interface SimpleOptions {
	media: {
		/** At least one of them. */
		remote: { audio?: HTMLAudioElement | HTMLVideoElement | null; video?: HTMLVideoElement | null };
		local?: { video?: HTMLVideoElement | null };
	};
	ua: { uri?: string; wsServers?: any; authorizationUser?: string; password?: string; displayName?: string; traceSip?: boolean; userAgentString?: string };
}

/**
 * A phone for one call at a time. Events: registered(ua), unregistered(ua), new, ringing, connecting, connected, ended,
 * hold, unhold (session), mute, unmute (simple), dtmf(request), message(message). What does not fit the state is a
 * warning and nothing more.
 */
declare class Simple extends EventEmitter {
	constructor(options: SimpleOptions);
	static readonly C: { readonly STATUS_NULL: 0; readonly STATUS_NEW: 1; readonly STATUS_CONNECTING: 2; readonly STATUS_CONNECTED: 3; readonly STATUS_COMPLETED: 4 };
	state: 0 | 1 | 2 | 3 | 4;
	ua: any;
	session: any;
	options: SimpleOptions;
	audio: boolean;
	video: boolean;
	anonymous: boolean;
	call(destination: string): any;
	answer(): any;
	reject(): any;
	hangup(): any;
	hold(): any;
	unhold(): any;
	mute(): void;
	unmute(): void;
	sendDTMF(tone: string | number): void;
	message(destination: string, text: string): void;
}

declare const WebRTCMembers: {
	readonly Modifiers: typeof ModifiersList;
	readonly Simple: typeof Simple;
	readonly SessionDescriptionHandler: typeof WebRTCSessionDescriptionHandler;
};
export { WebRTCMembers as WebRTC, WebRTCMembers as Web };
