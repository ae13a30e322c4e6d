// The configuration of SIP.UA. Made by tools/agent-params from src/agent/config.c; do not edit.

export interface Server {
	ws_uri?: string;
	/** The later name of ws_uri. */
	wsUri?: string;
	weight?: number;
}

export interface LogOptions {
	builtinEnabled?: boolean;
	level?: 'debug' | 'log' | 'warn' | 'error' | 0 | 1 | 2 | 3;
	connector?: ((level: string, category: string, label: string | undefined, content: any) => void) | null;
}

export interface TransportOptions {
	/** Servers to connect to: the highest weight first, among equals by chance, and one that failed after all others. Default: "wss://edge.sip.onsip.com". */
	wsServers?: string | Server | Array<string | Server> | null;
	/** Send CRLF CRLF after 80 to 100 % of this time, and make the connection anew when no CRLF comes within 10 s; 0: never. Default: 0. */
	keepAliveInterval?: number | null;
	/** Log whole messages, both ways, at level log. Default: false. */
	traceSip?: boolean | null;
	/** How often a server whose connection broke is tried again, before the next one is. Default: 3. */
	maxReconnectionAttempts?: number | null;
	/** Wait before the second of these tries and each later one; the first is at once. Default: 4. */
	reconnectionTimeout?: number | null;
}

/** null, "" and [] are the default. */
export interface Configuration {
	/** Who this is: From of every request, To of REGISTER, and where authorizationUser and registrarServer come from. Default: sip:anonymous.X@anonymous.invalid, X six random characters. */
	uri?: string | null;
	/** Servers to connect to: the highest weight first, among equals by chance, and one that failed after all others. Default: "wss://edge.sip.onsip.com". */
	wsServers?: string | Server | Array<string | Server> | null;
	/** Take a NOTIFY that no subscription asked for: 200 and the event notify; else it gets 481. Default: false. */
	allowLegacyNotifications?: boolean | null;
	/** Take a REFER outside of a call; else it gets 405. Whoever can send one can make this agent call anybody. Default: false. */
	allowOutOfDialogRefers?: boolean | null;
	/** Makes what answers challenges in place of digest authentication. Default: digest, RFC 7616 and 8760. */
	authenticationFactory?: ((ua: any) => any) | null;
	/** User name in credentials. Default: the user of uri. */
	authorizationUser?: string | null;
	/** Start when made. Default: true. */
	autostart?: boolean | null;
	/** Stop when the page goes away. Default: true. */
	autostop?: boolean | null;
	/** Longest wait between two rounds over all servers, not below the shortest (RFC 5626 4.5). Default: 30. */
	connectionRecoveryMaxInterval?: number | null;
	/** Shortest wait between two rounds, and the unit of which a wait is a random multiple. Default: 2. */
	connectionRecoveryMinInterval?: number | null;
	/** User part of Contact. Default: eight random characters. */
	contactName?: string | null;
	/** The parameter transport of Contact. Default: ws; what the connection is where that is no WebSocket. */
	contactTransport?: string | null;
	/** Kept as it is, for the application. Default: none. */
	custom?: object | null;
	/** Name beside uri in From of every request and To of REGISTER. Default: empty. */
	displayName?: string | null;
	/** How dtmf() sends digits: in INFO requests, or as telephone events where the media can. Default: "info". */
	dtmfType?: 'info' | 'rtp' | null;
	/** More tags for the header Supported; those IANA does not list are left out unless hackAllowUnregisteredOptionTags is true. Default: []. */
	extraSupported?: string[] | null;
	/** Write ;rport into Via (RFC 3581). Default: false. */
	forceRport?: boolean | null;
	/** Send what extraSupported says, also tags that IANA does not list. Default: false. */
	hackAllowUnregisteredOptionTags?: boolean | null;
	/** Host of Contact and of Via: true is a random address of 192.0.2.0/24, false twelve random characters below .invalid. Default: false. */
	hackIpInContact?: boolean | string | null;
	/** Write TCP as the transport in Via, for servers that do not know WS. Default: false. */
	hackViaTcp?: boolean | null;
	/** Write transport=wss in place of ws into Contact. Default: false. */
	hackWssInTransport?: boolean | null;
	/** Tells this agent from others of the same uri (+sip.instance, RFC 5626). Give one and keep it, or each start is another. Default: a random one. */
	instanceId?: string | null;
	/** Send CRLF CRLF after 80 to 100 % of this time, and make the connection anew when no CRLF comes within 10 s; 0: never. Default: 0. */
	keepAliveInterval?: number | null;
	/** What is logged: level is debug, log, warn or error, or 3 to 0. A wrong value is told in the log and has no effect. Default: {"builtinEnabled":true,"level":2}. */
	log?: LogOptions | null;
	/** An incoming call that is not answered in this time gets 408. Default: 60. */
	noAnswerTimeout?: number | null;
	/** Password for challenges; never logged. Default: none. */
	password?: string | null;
	/** Register at each connect. Default: true. */
	register?: boolean | null;
	/** How long a registration shall hold; a 423 raises it to the least that the server takes. Default: 600. */
	registerExpires?: number | null;
	/** Request-URI of REGISTER. Default: uri without its user. */
	registrarServer?: string | null;
	/** Reliable provisional responses (RFC 3262): offered, demanded, or not. Default: "none". */
	rel100?: 'required' | 'supported' | 'none' | null;
	/** Let a call with Replaces (RFC 3891) take the place of the one it names: that session emits replaced, and ends. Default: "none". */
	replaces?: 'required' | 'supported' | 'none' | null;
	/** Makes what negotiates and carries the media of a session. Default: the handler on WebRTC. */
	sessionDescriptionHandlerFactory?: ((session: any, options: any) => any) | null;
	/** Handed to that factory. Default: {constraints: {}, peerConnectionOptions: {}}. */
	sessionDescriptionHandlerFactoryOptions?: object | null;
	/** Log whole messages, both ways, at level log. Default: false. */
	traceSip?: boolean | null;
	/** Where later versions of SIP.js have these five. What is also set by its own name counts there. Default: those of its members. */
	transportOptions?: TransportOptions | null;
	/** Begin requests outside of dialogs with a Route to the server that is connected. Default: false. */
	usePreloadedRoute?: boolean | null;
	/** The whole header User-Agent, in requests and responses. Default: "Sidetone/0.1.0". */
	userAgentString?: string | null;
	/** How often a server whose connection broke is tried again, before the next one is. Default: 3. */
	wsServerMaxReconnection?: number | null;
	/** Wait before the second of these tries and each later one; the first is at once. Default: 4. */
	wsServerReconnectionTimeout?: number | null;
}
