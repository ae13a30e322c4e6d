/* manage/manager_filter.h -- which events a manager wants to see.
 * Shape:   eventfilter = REGEX                   (! in front: exclude)
 *          eventfilter(action(include|exclude),name(EVENT),header(NAME),
 *                      method(regex|exact|starts_with|ends_with|contains|none)) = PATTERN
 * An event passes when one include filter matches (or there are none) and no
 * exclude filter does.
 * Threads: touches only its arguments. */
#ifndef MANAGE_MANAGER_FILTER_H
#define MANAGE_MANAGER_FILTER_H

#include "base/list.h"
#include "base/str.h"

struct ami_filters {
	struct list include, exclude;   /* of struct ami_filter */
	size_t n;
};

#define AMI_FILTERS_MAX 256

void ami_filters_init(struct ami_filters *f);
void ami_filters_free(struct ami_filters *f);
/* `criteria`: what stands inside the outer parentheses; `advanced`: there were
 * some. 0, EBADMSG (form), EINVAL (the regex does not compile), ENOBUFS (too
 * many), ENOMEM. */
int ami_filters_add(struct ami_filters *f, bool advanced, struct str criteria, struct str pattern);
/* `text`: the whole event as it goes out. */
bool ami_filters_pass(const struct ami_filters *f, struct str event, struct str text);

/* The same in steps of about AMI_MATCH_BYTES of text looked through, because a user
 * may have many filters and an event may be long. `m` is zeroed for a new event. */
#define AMI_MATCH_BYTES (64u << 10)
enum ami_verdict { AMI_NOT_YET, AMI_PASSES, AMI_FILTERED };
struct ami_match {
	const struct list *at;          /* the filter judged last; NULL: none */
	bool included;                  /* an include filter matched, or there are none: on to the others */
};
enum ami_verdict ami_filters_step(const struct ami_filters *f, struct ami_match *m, struct str event, struct str text);

#endif
