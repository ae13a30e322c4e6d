/* Who is at one end of a call: number, name and what may be told of them. */
#include "pbx/channel.h"
#include <errno.h>

int party_copy(struct party *to, const struct party *from)
{
	int err;

	if (to == from)
		return 0;
	err = text_set(&to->name, text_view(&from->name));
	err = err ? err : text_set(&to->number, text_view(&from->number));
	err = err ? err : text_set(&to->subaddress, text_view(&from->subaddress));
	err = err ? err : text_set(&to->tag, text_view(&from->tag));
	err = err ? err : text_set(&to->ani, text_view(&from->ani));
	err = err ? err : text_set(&to->dnid, text_view(&from->dnid));
	err = err ? err : text_set(&to->priv_name, text_view(&from->priv_name));
	err = err ? err : text_set(&to->priv_number, text_view(&from->priv_number));
	/* Half copied is not known: nobody must write an empty number as a caller's. */
	to->name_valid = from->name_valid && !err;
	to->number_valid = from->number_valid && !err;
	to->name_pres = from->name_pres;
	to->number_pres = from->number_pres;
	to->ton = from->ton;
	to->ani2 = from->ani2;
	to->charset = from->charset;
	to->subaddress_valid = from->subaddress_valid;
	to->subaddress_odd = from->subaddress_odd;
	to->subaddress_user = from->subaddress_user;
	to->source = from->source;
	to->priv_valid = from->priv_valid;
	return err;
}

void party_free(struct party *p)
{
	text_free(&p->name);
	text_free(&p->number);
	text_free(&p->subaddress);
	text_free(&p->tag);
	text_free(&p->ani);
	text_free(&p->dnid);
	text_free(&p->priv_name);
	text_free(&p->priv_number);
}

void party_clear(struct party *p)
{
	party_free(p);
	*p = (struct party){ 0 };
}

int party_set(struct party *p, struct str number, struct str name)
{
	int err = text_set(&p->number, number);

	err = err ? err : text_set(&p->name, name);
	p->number_valid = number.n > 0 && !err;
	p->name_valid = name.n > 0 && !err;
	return err;
}

bool party_same(const struct party *a, const struct party *b)
{
	return a->number_valid == b->number_valid && a->name_valid == b->name_valid &&
	       (!a->number_valid || (a->number_pres == b->number_pres &&
				     str_eq(text_view(&a->number), text_view(&b->number)))) &&
	       (!a->name_valid || (a->name_pres == b->name_pres &&
				   str_eq(text_view(&a->name), text_view(&b->name))));
}

/* Whether it may be shown; what has no meaning counts as not available. */
static uint8_t restriction(bool valid, uint8_t pres)
{
	pres &= PRES_RESTRICTION;
	return valid && pres != PRES_RESTRICTION ? pres : PRES_UNAVAILABLE & PRES_RESTRICTION;
}

/* How much a presentation says: the smaller wins (Q.931 restriction over
 * permission over not available over nothing known). */
static int rank(bool valid, uint8_t pres)
{
	if (!valid)
		return 3;
	switch (pres & PRES_RESTRICTION) {
	case PRES_PROHIB_NOT_SCREENED & PRES_RESTRICTION:
		return 0;
	case PRES_ALLOWED_NOT_SCREENED:
		return 1;
	case PRES_UNAVAILABLE & PRES_RESTRICTION:
		return 2;
	default:
		return 3;
	}
}

int party_presentation(const struct party *p)
{
	uint8_t name = restriction(p->name_valid, p->name_pres), number = restriction(p->number_valid, p->number_pres);
	uint8_t screening = rank(p->number_valid, p->number_pres) < 3 ? p->number_pres & 3 : 0;

	if (rank(p->name_valid, p->name_pres) < rank(p->number_valid, p->number_pres))
		number = name;
	if (number == (PRES_UNAVAILABLE & PRES_RESTRICTION))
		return PRES_UNAVAILABLE;
	return number | screening;
}

const char *presentation_text(int pres)
{
	switch (pres) {
	case PRES_ALLOWED_NOT_SCREENED:
		return "Presentation Allowed, Not Screened";
	case PRES_ALLOWED_PASSED_SCREEN:
		return "Presentation Allowed, Passed Screen";
	case PRES_ALLOWED_FAILED_SCREEN:
		return "Presentation Allowed, Failed Screen";
	case PRES_ALLOWED:
		return "Presentation Allowed, Network Number";
	case PRES_PROHIB_NOT_SCREENED:
		return "Presentation Prohibited, Not Screened";
	case PRES_PROHIB_PASSED_SCREEN:
		return "Presentation Prohibited, Passed Screen";
	case PRES_PROHIB_FAILED_SCREEN:
		return "Presentation Prohibited, Failed Screen";
	case PRES_PROHIB:
		return "Presentation Prohibited, Network Number";
	case PRES_UNAVAILABLE:
		return "Number Unavailable";
	default:
		return "unknown";
	}
}

int redirecting_copy(struct redirecting *to, const struct redirecting *from)
{
	int err;

	if (to == from)
		return 0;
	err = party_copy(&to->from, &from->from);
	err = err ? err : party_copy(&to->to, &from->to);
	err = err ? err : party_copy(&to->orig, &from->orig);
	err = err ? err : text_set(&to->reason_text, text_view(&from->reason_text));
	err = err ? err : text_set(&to->orig_reason_text, text_view(&from->orig_reason_text));
	to->reason = from->reason;
	to->orig_reason = from->orig_reason;
	to->count = from->count;
	return err;
}

void redirecting_free(struct redirecting *r)
{
	party_free(&r->from);
	party_free(&r->to);
	party_free(&r->orig);
	text_free(&r->reason_text);
	text_free(&r->orig_reason_text);
}
