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

#endif
