/* Policies as documents of the API. */
#ifndef ASIM_API_POLICY_H
#define ASIM_API_POLICY_H

#include "asim/policy.h"

#include <jansson.h>

/* What it is, in texts and lists of texts: a row of `asim list policies`. */
json_t *policy_row(const struct asim_policy *policy);

/* The names of the functions that it has. */
json_t *policy_functions(const struct asim_policy *policy);

#endif
