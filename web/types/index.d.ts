// The object SIP: `import SIP from 'sidetone-ua'`, or the global of the script tag.

import { EventEmitter, IncomingRequest, IncomingResponse, NameAddrHeader, OutgoingRequest, URI } from './values';
import { Modifier } from './media';
import { Configuration } from './parameters';

export * from './values';
export * from './media';
export * from './parameters';

export interface RequestOptions {
	extraHeaders?: string[];
	body?: string;
	contentType?: string;
	params?: { [name: string]: any };
	expires?: number;
}

export interface StatusOptions {
	statusCode?: number;
	reasonPhrase?: string;
	extraHeaders?: string[];
	body?: string;
}

export interface DescriptionOptions {
	extraHeaders?: string[];
	sessionDescriptionHandlerOptions?: any;
	modifiers?: Modifier[];
}

export interface InviteOptions extends RequestOptions, DescriptionOptions {
	anonymous?: boolean;
	rel100?: string;
	inviteWithoutSdp?: boolean;
	onInfo?: (request: IncomingRequest) => void;
}

/** Events: progress, accepted, rejected, failed, cancel. */
export class ClientContext extends EventEmitter {
	readonly ua: UA;
	method: string;
	request: OutgoingRequest;
	localIdentity: NameAddrHeader;
	remoteIdentity: NameAddrHeader;
	data: any;
	send(): this;
	cancel(options?: { status_code?: number, reason_phrase?: string, extraHeaders?: string[] }): this;
}

/** Events: progress, accepted, rejected, failed. */
export class ServerContext extends EventEmitter {
	readonly ua: UA;
	method: string;
	request: IncomingRequest;
	body: string;
	contentType: string;
	localIdentity: NameAddrHeader;
	remoteIdentity: NameAddrHeader;
	data: any;
	progress(options?: StatusOptions): this;
	accept(options?: StatusOptions): this;
	reject(options?: StatusOptions): this;
	reply(options?: StatusOptions): this;
}

/** Events: progress, dialog, ack, accepted, confirmed, rejected, failed, cancel, bye, terminated, reinvite,
 * reinviteAccepted, reinviteFailed, dtmf, notify, replaced, referRequested, trackAdded, directionChanged. */
export interface Session extends EventEmitter {
	readonly ua: UA;
	readonly status: number;
	readonly id: string;
	readonly startTime?: Date;
	readonly endTime?: Date;
	local_hold: boolean;
	sessionDescriptionHandler: any;
	localIdentity: NameAddrHeader;
	remoteIdentity: NameAddrHeader;
	data: any;
	dtmf(tones: string | number, options?: { duration?: number, interToneGap?: number, extraHeaders?: string[] }): this;
	bye(options?: StatusOptions): this;
	terminate(options?: StatusOptions): this;
	hold(options?: DescriptionOptions, modifiers?: Modifier[]): void;
	unhold(options?: DescriptionOptions, modifiers?: Modifier[]): void;
	reinvite(options?: DescriptionOptions, modifiers?: Modifier[]): void;
	refer(target: string | URI | Session, options?: { extraHeaders?: string[], activeAfterTransfer?: boolean }): void;
	sendRequest(method: string, options?: RequestOptions): this;
}

export interface InviteClientContext extends Session {
	request: OutgoingRequest;
	cancel(options?: { status_code?: number, reason_phrase?: string, extraHeaders?: string[] }): this;
}

export interface InviteServerContext extends Session {
	request: IncomingRequest;
	progress(options?: StatusOptions & DescriptionOptions & { rel100?: boolean }): this;
	accept(options?: DescriptionOptions & { onInfo?: (request: IncomingRequest) => void }): this;
	reject(options?: StatusOptions): this;
}

/** Events: accepted, rejected, failed, notify, dialog, terminated. */
export interface Subscription extends EventEmitter {
	readonly state: string;
	subscribe(): this;
	refresh(): void;
	unsubscribe(): void;
	close(): void;
}

/** Events: progress, published, unpublished, failed. */
export interface PublishContext extends EventEmitter {
	publish(body?: string): void;
	unpublish(): void;
	close(): void;
}

/** Events: connecting, connected, disconnected, registered, unregistered, registrationFailed, invite, inviteSent,
 * message, notify, outOfDialogReferRequested, keepAliveTimeout. */
export class UA extends EventEmitter {
	constructor(configuration?: Configuration | string);
	readonly configuration: any;
	readonly status: number;
	readonly error: number | null;
	readonly transport: any;
	readonly contact: { uri: URI, pub_gruu: URI | null, temp_gruu: URI | null };
	readonly sessions: { [id: string]: Session };
	data: any;
	start(): this;
	stop(): this;
	register(options?: { extraHeaders?: string[], closeWithHeaders?: boolean }): this;
	unregister(options?: { all?: boolean, extraHeaders?: string[] }): this;
	isRegistered(): boolean;
	isConnected(): boolean;
	invite(target: string | URI, options?: InviteOptions, modifiers?: Modifier[]): InviteClientContext;
	message(target: string | URI, body: string, options?: RequestOptions): ClientContext;
	subscribe(target: string | URI, event: string, options?: RequestOptions): Subscription;
	request(method: string, target: string | URI, options?: RequestOptions): ClientContext;
	publish(target: string | URI, event: string, body: string, options?: RequestOptions): PublishContext;
	normalizeTarget(target: string): URI | undefined;
	on(name: 'invite', listener: (session: InviteServerContext) => void): this;
	on(name: 'message', listener: (message: ServerContext) => void): this;
	on(name: 'registered' | 'unregistered' | 'registrationFailed',
		listener: (response: IncomingResponse | null, cause?: string) => void): this;
	on(name: string, listener: (...args: any[]) => void): this;
}
