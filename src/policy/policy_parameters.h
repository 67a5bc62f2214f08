/* Values of policies' parameters, from text: "name=value,name=value", each value with the unit of its kind. A name may
 * be preceded by its policy's and a dot, which it must be where several policies of the run have it. */
#ifndef ASIM_POLICY_POLICY_PARAMETERS_H
#define ASIM_POLICY_POLICY_PARAMETERS_H

#include "policy/policy_set.h"

/* Sets what the text gives; reports every wrong item with what is allowed. */
bool policy_parameters_read(const char *text, struct policy_set *set, struct diag *diag);

/* "number, 0 to 1", "duration, >= 1ms". */
enum { POLICY_RANGE_BYTES = 128 };
const char *policy_parameter_range(const struct asim_parameter *parameter, char out[POLICY_RANGE_BYTES]);

/* A value as users write it: "2s", "0.95". */
enum { POLICY_VALUE_BYTES = 48 };
const char *policy_parameter_text(const struct asim_parameter *parameter, double value, char out[POLICY_VALUE_BYTES]);

#endif
