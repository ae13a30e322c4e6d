/* manager show events, manager show event: what a manager may hear. */
#include "manage/command.h"

struct row {
	const char *name, *classes, *summary;
};

/* By name, as strcmp() sorts. */
static const struct row events[] = {
	{ "AOC-D", "aoc", "A call's charge so far" },
	{ "AOC-E", "aoc", "A call's charge at its end" },
	{ "AOC-S", "aoc", "What a call will be charged by" },
	{ "AorDetail", "command", "An AOR of an endpoint" },
	{ "AorList", "command", "An AOR" },
	{ "AttendedTransfer", "call", "An attended transfer is done, or has failed" },
	{ "AuthDetail", "command", "An auth of an endpoint or registration" },
	{ "AuthList", "command", "An auth" },
	{ "BlindTransfer", "call", "A blind transfer is done, or has failed" },
	{ "BridgeCreate", "call", "A bridge is made" },
	{ "BridgeDestroy", "call", "A bridge is gone" },
	{ "BridgeEnter", "call", "A channel enters a bridge" },
	{ "BridgeLeave", "call", "A channel leaves a bridge" },
	{ "ChallengeResponseFailed", "security", "Who was challenged gave a wrong answer" },
	{ "ChallengeSent", "security", "Somebody is asked for credentials" },
	{ "ChannelTalkingStart", "call", "Somebody begins to talk" },
	{ "ChannelTalkingStop", "call", "Somebody is silent again" },
	{ "ContactList", "command", "A registered contact" },
	{ "ContactStatus", "system", "A contact comes, goes, answers or answers no longer" },
	{ "ContactStatusDetail", "command", "A contact of an endpoint" },
	{ "CoreShowChannel", "call", "A channel" },
	{ "DTMFBegin", "dtmf", "A digit begins" },
	{ "DTMFEnd", "dtmf", "A digit is over" },
	{ "DeviceStateChange", "call", "A device's state is another" },
	{ "DialBegin", "call", "Somebody is called" },
	{ "DialEnd", "call", "The call is answered, refused or given up" },
	{ "DialState", "call", "What is known of a call that is not answered" },
	{ "EndpointDetail", "command", "An endpoint" },
	{ "EndpointList", "command", "An endpoint, in short" },
	{ "ExtensionStatus", "call", "The state of an extension's hint is another" },
	{ "FAXSession", "reporting", "A fax" },
	{ "FAXSessionsEntry", "reporting", "A fax of the list" },
	{ "FAXStats", "reporting", "How many faxes there were" },
	{ "FAXStatus", "call", "How far a fax is" },
	{ "FailedACL", "security", "An address was refused" },
	{ "Flash", "call", "A hook flash came" },
	{ "FullyBooted", "system", "All is up" },
	{ "Hangup", "call", "A channel is gone" },
	{ "HangupHandlerPop", "dialplan", "A hangup handler is taken away" },
	{ "HangupHandlerPush", "dialplan", "A hangup handler is added" },
	{ "HangupHandlerRun", "dialplan", "A hangup handler runs" },
	{ "HangupRequest", "call", "A peer hangs up" },
	{ "Hold", "call", "A peer puts us on hold" },
	{ "IdentifyDetail", "command", "An identify of an endpoint" },
	{ "InboundRegistrationDetail", "command", "An AOR that may be registered to" },
	{ "InboundSubscriptionDetail", "command", "A subscription of a phone" },
	{ "InvalidAccountID", "security", "Somebody is not known" },
	{ "InvalidPassword", "security", "A password is wrong" },
	{ "LocalBridge", "call", "Both halves of a Local channel are there" },
	{ "LocalOptimizationBegin", "call", "A Local channel is about to be cut out" },
	{ "LocalOptimizationEnd", "call", "A Local channel is cut out" },
	{ "MWIGet", "reporting", "What is in a mailbox" },
	{ "MessageWaiting", "reporting", "What is in a mailbox is another" },
	{ "MixMonitorMute", "call", "A recording is silenced, or no longer" },
	{ "MixMonitorStart", "call", "A recording begins" },
	{ "MixMonitorStop", "call", "A recording ends" },
	{ "MusicOnHoldStart", "call", "Music begins" },
	{ "MusicOnHoldStop", "call", "Music ends" },
	{ "NewAccountCode", "call", "A channel's account is another" },
	{ "NewCallerid", "call", "Who calls is another" },
	{ "NewConnectedLine", "call", "Who is at the other end is another" },
	{ "Newchannel", "call", "A channel is made" },
	{ "Newexten", "dialplan", "A channel runs another step of the dialplan" },
	{ "Newstate", "call", "A channel's state is another" },
	{ "OriginateResponse", "call", "What came of an Originate" },
	{ "OutboundRegistrationDetail", "command", "A registration of ours" },
	{ "PJSIPMaintenanceStatus", "system", "An endpoint's calls are refused, or no longer" },
	{ "PeerStatus", "system", "An endpoint is reachable, or no longer" },
	{ "Pickup", "call", "A call was picked up" },
	{ "PresenceStateChange", "call", "A presence provider's state is another" },
	{ "PresenceStatus", "call", "The presence of an extension's hint is another" },
	{ "RTCPReceived", "reporting", "A report of a peer" },
	{ "RTCPSent", "reporting", "A report of ours" },
	{ "Registry", "system", "A registration of ours is accepted, or no longer" },
	{ "Reload", "system", "Configuration was read again" },
	{ "Rename", "call", "A channel has another name" },
	{ "RequestBadFormat", "security", "A request cannot be understood" },
	{ "RequestNotAllowed", "security", "Somebody may not do what was asked" },
	{ "ResourceListDetail", "command", "A resource list" },
	{ "SessionLimit", "security", "Too many sessions" },
	{ "SoftHangupRequest", "call", "A channel is asked to hang up" },
	{ "Status", "call", "A channel, in full" },
	{ "SuccessfulAuth", "security", "Somebody is who he says" },
	{ "TransportDetail", "command", "A transport of an endpoint" },
	{ "Unhold", "call", "A peer takes us off hold" },
	{ "UserEvent", "user", "What the dialplan or a manager says" },
	{ "VarSet", "dialplan", "A variable is set" },
};

static enum command_result show_events(struct command_ctx *c)
{
	static const char dashes[] = "--------------------------------------------------------------------------------";
	int wide = 0;

	if (c->args)
		return COMMAND_USAGE;
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if ((int)strlen(events[i].name) > wide)
			wide = (int)strlen(events[i].name);
	command_printf(c, "Events:\n  %.*s  %.*s  %.*s  \n", wide, dashes, wide, dashes, wide, dashes);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		command_printf(c, "  %-*s%s", wide, events[i].name, i % 3 == 2 ? "\n" : "");
	command_printf(c, "%s\n%zu events registered.\n", ARRAY_LEN(events) % 3 ? "\n" : "", ARRAY_LEN(events));
	return COMMAND_OK;
}

static enum command_result show_event(struct command_ctx *c)
{
	if (c->args != 1)
		return COMMAND_USAGE;
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (!str_ieq(c->arg[0], str_z(events[i].name)))
			continue;
		command_printf(c, "Event: %s\n\n  -= Info about Manager Event '%s' =- \n\n[Synopsis]\n%s.\n\n[Class]\n%s\n\n", events[i].name,
			       events[i].name, events[i].summary, events[i].classes);
		return COMMAND_OK;
	}
	command_printf(c, "Could not find event '%.*s'\n", STR_ARG(c->arg[0]));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "manager show events", NULL, "List what a manager may hear", show_events, true, NULL },
	{ "manager show event", "<event>", "Show one of them", show_event, true, NULL },
};
const struct command_table commands_manager_event = { rows, ARRAY_LEN(rows) };
