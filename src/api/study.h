/* Studies as documents of the API. */
#ifndef ASIM_API_STUDY_H
#define ASIM_API_STUDY_H

#include "base/diag.h"

#include <jansson.h>

/* Rows of `asim list studies`. */
json_t *study_list(struct diag *diag);

#endif
