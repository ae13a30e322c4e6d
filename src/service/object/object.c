/* Types of objects of pjsip.conf, and their fields by name. */
#include "service/object/objects.h"

static const struct option_set *const sets[OBJECT_TYPES] = {
	[OBJECT_ENDPOINT] = &endpoint_options,
	[OBJECT_AUTH] = &auth_options,
	[OBJECT_AOR] = &aor_options,
	[OBJECT_DOMAIN_ALIAS] = &domain_alias_options,
	[OBJECT_TRANSPORT] = &transport_options,
	[OBJECT_CONTACT] = &contact_options,
	[OBJECT_SYSTEM] = &system_options,
	[OBJECT_GLOBAL] = &global_options,
	[OBJECT_REGISTRATION] = &registration_options,
	[OBJECT_OUTBOUND_PUBLISH] = &outbound_publish_options,
	[OBJECT_OUTBOUND_SUBSCRIPTION] = &outbound_subscription_options,
	[OBJECT_INBOUND_PUBLICATION] = &inbound_publication_options,
	[OBJECT_ASTERISK_PUBLICATION] = &asterisk_publication_options,
	[OBJECT_IDENTIFY] = &identify_options,
	[OBJECT_ACL] = &acl_options,
	[OBJECT_RESOURCE_LIST] = &resource_list_options,
	[OBJECT_SUBSCRIPTION_PERSISTENCE] = &subscription_persistence_options,
	[OBJECT_PHONEPROV] = &phoneprov_options,
};

const struct option_set *object_options(enum object_type t)
{
	return t < OBJECT_TYPES ? sets[t] : NULL;
}

struct str object_type_name(enum object_type t)
{
	return t < OBJECT_TYPES ? str_z(sets[t]->type) : STR_NULL;
}

enum object_type object_type_of(struct str name)
{
	for (size_t t = 0; t < OBJECT_TYPES; t++)
		if (str_eq(name, str_z(sets[t]->type)))
			return (enum object_type)t;
	return OBJECT_TYPES;
}

int finish_object(struct object_build *b, enum object_type t, void *o)
{
	switch (t) {
	case OBJECT_ENDPOINT:
		return finish_endpoint(b, o);
	case OBJECT_AUTH:
		return finish_auth(b, o);
	case OBJECT_AOR:
		return finish_aor(b, o);
	case OBJECT_TRANSPORT:
		return finish_transport(b, o);
	case OBJECT_REGISTRATION:
		return finish_registration(b, o);
	case OBJECT_OUTBOUND_PUBLISH:
		return finish_outbound_publish(b, o);
	case OBJECT_OUTBOUND_SUBSCRIPTION:
		return finish_outbound_subscription(b, o);
	case OBJECT_INBOUND_PUBLICATION:
		return finish_inbound_publication(b, o);
	case OBJECT_IDENTIFY:
		return finish_identify(b, o);
	case OBJECT_ACL:
		return finish_acl(b, o);
	case OBJECT_RESOURCE_LIST:
		return finish_resource_list(b, o);
	case OBJECT_PHONEPROV:
		return finish_phoneprov(b, o);
	case OBJECT_DOMAIN_ALIAS:
	case OBJECT_CONTACT:
	case OBJECT_SYSTEM:
	case OBJECT_GLOBAL:
	case OBJECT_ASTERISK_PUBLICATION:
	case OBJECT_SUBSCRIPTION_PERSISTENCE:
	case OBJECT_TYPES:
		return 0;
	}
	return 0;
}

bool acl_set_permits(const struct acl_set *s, const struct sa *peer, struct str *which)
{
	if (!s)
		return true;
	for (size_t i = 0; i < s->n; i++) {
		if (acl_permits(s->v[i], peer))
			continue;
		if (which)
			*which = acl_name(s->v[i]);
		return false;
	}
	if (s->undefined && which)
		*which = s->names.n ? s->names.v[s->names.n - 1] : STR("");
	return !s->undefined;
}
