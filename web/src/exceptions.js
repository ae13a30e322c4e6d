/* SIP.Exceptions: each has a code and a name, and whatever it is about. */
'use strict';

function describe(error, code, name, fields) {
	error.code = code;
	error.name = name;
	Object.assign(error, fields);
}

function invalid(parameter, value) {
	return value ? `Invalid value ${showValue(value)} for parameter "${parameter}"` : `Missing parameter: ${parameter}`;
}

function showValue(value) {
	try {
		return JSON.stringify(value);
	} catch (e) {
		return String(value);
	}
}

class ConfigurationError extends Error {
	constructor(parameter, value) {
		super(invalid(parameter, value));
		describe(this, 1, 'CONFIGURATION_ERROR', { parameter, value });
	}
}

class InvalidStateError extends Error {
	constructor(status) {
		super(`Invalid status: ${status}`);
		describe(this, 2, 'INVALID_STATE_ERROR', { status });
	}
}

class NotSupportedError extends Error {
	constructor(message) {
		super(message);
		describe(this, 3, 'NOT_SUPPORTED_ERROR');
	}
}

class GetDescriptionError extends Error {
	constructor(message) {
		super(message);
		describe(this, 4, 'GET_DESCRIPTION_ERROR');
	}
}

class RenegotiationError extends Error {
	constructor(message) {
		super(message);
		describe(this, 5, 'RENEGOTIATION_ERROR');
	}
}

class MethodParameterError extends Error {
	constructor(method, parameter, value) {
		super(invalid(parameter, value));
		describe(this, 6, 'METHOD_PARAMETER_ERROR', { method, parameter, value });
	}
}

class TransportError extends Error {
	constructor(message) {
		super(message);
		describe(this, 7, 'TRANSPORT_ERROR');
	}
}

/* `error`: what the browser said; `method`: which step of the handler it stopped. */
class SessionDescriptionHandlerError extends Error {
	constructor(method, error, message) {
		super(message || `Error with Session Description Handler: ${error && error.message || error || method}`);
		describe(this, 8, 'SESSION_DESCRIPTION_HANDLER_ERROR', { method, error });
	}
}

module.exports = { ConfigurationError, InvalidStateError, NotSupportedError, GetDescriptionError, RenegotiationError,
	MethodParameterError, TransportError, SessionDescriptionHandlerError };
