/* pbx/presentation.h -- may a party's name or number be shown (Q.931 octet 3a):
 * presentation in bits 5-6, screening in bits 0-1; the dialplan sees the numbers. */
#ifndef PBX_PRESENTATION_H
#define PBX_PRESENTATION_H

enum presentation {
	PRES_ALLOWED_NOT_SCREENED = 0x00, PRES_ALLOWED_PASSED_SCREEN = 0x01,
	PRES_ALLOWED_FAILED_SCREEN = 0x02, PRES_ALLOWED = 0x03, PRES_PROHIB_NOT_SCREENED = 0x20,
	PRES_PROHIB_PASSED_SCREEN = 0x21, PRES_PROHIB_FAILED_SCREEN = 0x22, PRES_PROHIB = 0x23,
	PRES_UNAVAILABLE = 0x43
};
#define PRES_RESTRICTION 0x60   /* 0: may be shown */

#endif
