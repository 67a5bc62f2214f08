/* Compiling a policy. */
#ifndef ASIM_CLI_POLICY_BUILD_H
#define ASIM_CLI_POLICY_BUILD_H

#include "asim/asim.h"

/* Compiles SOURCE.c to SOURCE.so beside it, with $CC or cc and asim/policy.h as the library has it. What the compiler
 * says goes to standard error. */
asim_status policy_build(const char *source);

#endif
