// The values of SIP: addresses, messages, constants and what reads them.

export type Listener = (...args: any[]) => void;

/** Node's emitter of SIP.js's time, and off(). May be called on an object of one's own: EventEmitter.call(this). */
export class EventEmitter {
	on(name: string, listener: Listener): this;
	addListener(name: string, listener: Listener): this;
	once(name: string, listener: Listener): this;
	removeListener(name: string, listener: Listener): this;
	off(name: string, listener: Listener): this;
	removeAllListeners(name?: string): this;
	/** True when somebody listened. `error` without a listener throws. */
	emit(name: string, ...args: any[]): boolean;
	listeners(name: string): Listener[];
	listenerCount(name: string): number;
	setMaxListeners(n: number): this;
}

export type Parameters = { [name: string]: string | null };

export class URI {
	/** Throws a TypeError without a host. */
	constructor(scheme: string | null | undefined, user: string | null | undefined, host: string, port?: number | string | null,
		parameters?: { [name: string]: any },
		headers?: { [name: string]: string | string[] });
	static parse(text: string): URI | undefined;

	scheme: string;
	/** Its escapes resolved. */
	user: string | undefined;
	host: string;
	port: number | null | undefined;
	/** user@host, or the host alone. */
	readonly aor: string;
	parameters: Parameters;
	headers: { [name: string]: string[] };

	setParam(key: string, value?: any): void;
	getParam(key: string): string | null | undefined;
	hasParam(key: string): boolean | undefined;
	deleteParam(key: string): string | null | undefined;
	clearParams(): void;
	setHeader(name: string, value: string | string[]): void;
	getHeader(name: string): string[] | undefined;
	hasHeader(name: string): boolean | undefined;
	deleteHeader(name: string): string[] | undefined;
	clearHeaders(): void;
	clone(): URI;
	/** Scheme and host in lower case. */
	toString(): string;
	/** As it was given. */
	toRaw(): string;
}

export class NameAddrHeader {
	constructor(uri: URI, displayName?: string | number | null, parameters?: { [name: string]: any });
	static parse(text: string): NameAddrHeader | undefined;

	uri: URI;
	displayName: string | null | undefined;
	/** The display name, or else the address of record. */
	readonly friendlyName: string;
	parameters: Parameters;

	setParam(key: string, value?: any): void;
	getParam(key: string): string | null | undefined;
	hasParam(key: string): boolean | undefined;
	deleteParam(key: string): string | null | undefined;
	clearParams(): void;
	clone(): NameAddrHeader;
	toString(): string;
}

// ---- the grammar ----

export interface HostValue { host: string; host_type: 'IPv4' | 'IPv6' | 'domain'; }
type Flags = { [name: string]: string | undefined };
export interface ViaValue extends HostValue {
	protocol: string;
	transport: string;
	port?: number;
	branch?: string;
	received?: string;
	maddr?: string;
	ttl?: number;
	rport?: number;
	params?: Flags;
}
export interface CSeqValue { value: number; method: string; }
export interface ChallengeValue {
	realm?: string;
	nonce?: string;
	opaque?: string;
	qop?: string[];
	algorithm?: string;
	stale?: boolean;
}
export interface EventValue { event: string; params?: Flags; }
export interface ReplacesValue {
	call_id: string;
	replaces_from_tag: string;
	replaces_to_tag: string;
	early_only?: true;
	params?: Flags;
}
export interface SubscriptionStateValue { state: string; reason?: string; expires?: number; params?: Flags; }
/** `position` is the end, `offset` the beginning. */
export interface AddressInList { position: number; offset: number; parsed: NameAddrHeader; }

export interface GrammarValues {
	SIP_URI: URI;
	absoluteURI: { scheme: string; host?: string; host_type?: HostValue['host_type']; port?: number };
	Name_Addr_Header: NameAddrHeader;
	From: NameAddrHeader;
	To: NameAddrHeader;
	Refer_To: NameAddrHeader;
	Referred_By: NameAddrHeader;
	Contact: AddressInList[];
	Record_Route: AddressInList[];
	Route: AddressInList[];
	Via: ViaValue;
	CSeq: CSeqValue;
	RAck: { value: number; cseq: number; method: string };
	RSeq: number;
	Max_Forwards: number;
	Content_Length: number;
	Expires: number;
	Min_Expires: number;
	Min_SE: number;
	Session_Expires: { deltaSeconds: number; refresher?: 'uac' | 'uas'; params?: Flags };
	Call_ID: string;
	Event: EventValue;
	Content_Disposition: { type: string; params?: Flags };
	Content_Type: string;
	Replaces: ReplacesValue;
	Subscription_State: SubscriptionStateValue;
	Supported: string[];
	Require: string[];
	Proxy_Require: string[];
	Allow: string[];
	Allow_Events: string[];
	challenge: ChallengeValue;
	WWW_Authenticate: ChallengeValue;
	Proxy_Authenticate: ChallengeValue;
	host: HostValue;
	uuid: string;
	quoted_string: {};
	displayName: { displayName: string };
	Request_Response: { sip_version: string; method?: string; uri?: URI; status_code?: number; reason_phrase?: string };
	sipfrag: { sip_version: string; status_code: number; reason_phrase: string; method?: string };
	stun_URI: { scheme: string; host: string; host_type?: HostValue['host_type']; port?: number };
	turn_URI: { scheme: string; host: string; host_type?: HostValue['host_type']; port?: number; transport?: string };
}

export namespace Grammar {
	/** The whole text must be one of `rule`; otherwise -1. */
	function parse<R extends keyof GrammarValues>(text: string, rule: R): GrammarValues[R] | -1;
	function parse(text: any, rule: string): any;
}

// ---- messages ----

/** What a message needs of a user agent. */
export interface MessageOwner { getLogger(category: string,
	label?: string): Logger; configuration: any; contact?: any; transport?: any; }

export interface Body { body: string; contentType?: string; }

/** What an application may say instead of what a request would. */
export interface RequestParams {
	to_uri?: URI | string;
	to_displayName?: string | number;
	to_tag?: string;
	from_uri?: URI | string;
	from_displayName?: string | number;
	from_tag?: string;
	call_id?: string;
	cseq?: number;
	route_set?: string[];
	status_code?: number;
	reason_phrase?: string;
}

export class OutgoingRequest {
	constructor(method: string, ruri: URI | string, ua: MessageOwner, params?: RequestParams | null, extraHeaders?: string[] |
		string | null, body?: string | Body | null);
	method: string;
	ruri: URI | string;
	from: NameAddrHeader;
	to: NameAddrHeader;
	call_id: string;
	callId: string;
	cseq: number;
	body: string | Body | null | undefined;
	headers: { [name: string]: any[] };
	/** Whole lines. */
	extraHeaders: string[];
	statusCode?: number;
	reasonPhrase?: string;
	setHeader(name: string, value: string | string[]): void;
	getHeader(name: string): string | undefined;
	getHeaders(name: string): string[];
	hasHeader(name: string): boolean;
	cancel(reason?: string, extraHeaders?: string[]): void;
	toString(): string;
}

declare class IncomingMessage {
	constructor(ua: MessageOwner);
	/** The text that came. */
	data: string;
	headers: { [name: string]: Array<{ raw: string; parsed?: any }> };
	method: string;
	via: ViaValue;
	via_branch: string;
	viaBranch: string;
	call_id: string;
	callId: string;
	cseq: number;
	from: NameAddrHeader;
	from_tag: string;
	fromTag: string;
	to: NameAddrHeader;
	to_tag: string | undefined;
	toTag: string | undefined;
	refer_to?: NameAddrHeader;
	referTo?: NameAddrHeader;
	body: string;
	addHeader(name: string, value: string): void;
	setHeader(name: string, value: string): void;
	/** The text of the first one. Names are matched without case, compact forms too. */
	getHeader(name: string): string | undefined;
	getHeaders(name: string): string[];
	hasHeader(name: string): boolean;
	/** The value as Grammar has it. */
	parseHeader(name: string, index?: number): any;
	s(name: string, index?: number): any;
	toString(): string;
}

export class IncomingRequest extends IncomingMessage {
	/** Undefined when it is no SIP URI. */
	ruri: URI;
	transport: any;
	server_transaction: any;
	/** Gives the text of the response. */
	reply(code: number, reason?: string | null, extraHeaders?: string[] | null, body?: string | Body | null, onSuccess?: () => void,
		onFailure?: () => void): string | undefined;
	reply_sl(code: number, reason?: string): void;
}

export class IncomingResponse extends IncomingMessage {
	status_code: number;
	statusCode: number;
	reason_phrase: string;
	reasonPhrase: string;
	transaction?: any;
}

export namespace Parser {
	function parseMessage(text: string, ua: MessageOwner): IncomingRequest | IncomingResponse | undefined;
}

/** False: the message goes no further; a request was answered where it has to be. */
export function sanityCheck(message: IncomingRequest | IncomingResponse, ua: MessageOwner,
	transport: { send(text: string): any }): boolean;

// ---- logging ----

export type Level = 'error' | 'warn' | 'log' | 'debug';

export interface Logger {
	error(content: any): void;
	warn(content: any): void;
	log(content: any): void;
	debug(content: any): void;
}

export class LoggerFactory {
	builtinEnabled: boolean;
	/** 0 error, 1 warn, 2 log, 3 debug; set by name too. */
	get level(): number;
	set level(level: number | Level);
	connector: ((level: Level, category: string, label: string | undefined, content: any) => void) | null;
	getLogger(category: string, label?: string): Logger;
}

// ---- constants ----

export const version: string;
export const name: string;

type Method = 'ACK' | 'BYE' | 'CANCEL' | 'INFO' | 'INVITE' | 'MESSAGE' | 'NOTIFY' | 'OPTIONS' | 'REGISTER' | 'UPDATE' |
	'SUBSCRIBE' | 'PUBLISH' | 'REFER' | 'PRACK';
type Cause = 'CONNECTION_ERROR' | 'REQUEST_TIMEOUT' | 'SIP_FAILURE_CODE' | 'INTERNAL_ERROR' | 'BUSY' | 'REJECTED' | 'REDIRECTED' |
	'UNAVAILABLE' | 'NOT_FOUND' | 'ADDRESS_INCOMPLETE' |
	'INCOMPATIBLE_SDP' | 'AUTHENTICATION_ERROR' | 'DIALOG_ERROR' | 'WEBRTC_NOT_SUPPORTED' | 'WEBRTC_ERROR' | 'CANCELED' |
		'NO_ANSWER' | 'EXPIRES' | 'NO_ACK' | 'NO_PRACK' |
	'USER_DENIED_MEDIA_ACCESS' | 'BAD_MEDIA_DESCRIPTION' | 'RTP_TIMEOUT';

export const C: { readonly [M in Method]: M } & {
	readonly USER_AGENT: string;
	readonly SIP: 'sip';
	readonly SIPS: 'sips';
	readonly causes: { readonly [K in Cause]: string };
	readonly supported: { readonly UNSUPPORTED: 'none'; readonly SUPPORTED: 'supported'; readonly REQUIRED: 'required' };
	readonly dtmfType: { readonly INFO: 'info'; readonly RTP: 'rtp' };
	readonly SIP_ERROR_CAUSES: { readonly [cause: string]: number[] };
	readonly REASON_PHRASE: { readonly [code: number]: string };
	readonly OPTION_TAGS: { readonly [tag: string]: true };
};

export const Timers: {
	readonly T1: number;
	readonly T2: number;
	readonly T4: number;
	readonly TIMER_B: number;
	readonly TIMER_D: number;
	readonly TIMER_F: number;
	readonly TIMER_H: number;
	readonly TIMER_I: number;
	readonly TIMER_J: number;
	readonly TIMER_K: number;
	readonly TIMER_L: number;
	readonly TIMER_M: number;
	readonly TIMER_N: number;
	readonly PROVISIONAL_RESPONSE_INTERVAL: number;
	setTimeout(fn: (...args: any[]) => void, ms?: number, ...args: any[]): any;
	clearTimeout(id: any): void;
	setInterval(fn: (...args: any[]) => void, ms?: number, ...args: any[]): any;
	clearInterval(id: any): void;
};

// ---- exceptions ----

export namespace Exceptions {
	class ConfigurationError extends Error {
		constructor(parameter: string, value?: any);
		code: 1;
		parameter: string;
		value: any;
	}
	class InvalidStateError extends Error {
		constructor(status: number);
		code: 2;
		status: number;
	}
	class NotSupportedError extends Error {
		constructor(message?: string);
		code: 3;
	}
	class GetDescriptionError extends Error {
		constructor(message?: string);
		code: 4;
		/** What the browser said. */
		error?: any;
	}
	class RenegotiationError extends Error {
		constructor(message?: string);
		code: 5;
	}
	class MethodParameterError extends Error {
		constructor(method: string, parameter: string, value?: any);
		code: 6;
		method: string;
		parameter: string;
		value: any;
	}
	class TransportError extends Error {
		constructor(message?: string);
		code: 7;
	}
	class SessionDescriptionHandlerError extends Error {
		constructor(method: string, error?: any, message?: string);
		code: 8;
		method: string;
		error: any;
	}
}

// ---- helpers ----

export namespace Utils {
	/** The global Promise. */
	const Promise: PromiseConstructor;
	function defer<T = any>(): { promise: globalThis.Promise<T>; resolve(value: T): void; reject(reason: any): void };
	/** Each is called with what the promise of the one before gave. */
	function reducePromises<T>(list: Array<(value: T) => T | PromiseLike<T>>, value: T): globalThis.Promise<T>;
	function augment(object: any, constructor: Function, args: any[], override?: boolean): void;
	function optionsOverride(options: any, winner: string, loser: string, isDeprecated: boolean, logger: Logger,
		defaultValue: any): void;
	function str_utf8_length(text: string): number;
	function generateFakeSDP(body: string | undefined): string | undefined;
	function isFunction(fn: any): fn is Function;
	function isDecimal(num: any): boolean;
	function createRandomToken(size: number, base?: number): string;
	function newTag(): string;
	function newUUID(): string;
	function hostType(host: string): HostValue['host_type'] | undefined;
	/** What a person typed as a target. */
	function normalizeTarget(target: URI | string | null | undefined, domain?: string): URI | undefined;
	function escapeUser(user: string): string;
	function headerize(name: string): string;
	function sipErrorCause(statusCode: number): string;
	function getReasonPhrase(code: number, specific?: string | null): string;
	function getReasonHeaderValue(code: number, reason?: string | null): string;
	function getCancelReason(code?: number | null, reason?: string | null): string | undefined;
	function buildStatusLine(code: number, reason?: string | null): string;
	function getRandomTestNetIP(): string;
	function calculateMD5(text: string): string;
}
