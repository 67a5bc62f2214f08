/* `policy search`. */
#ifndef ASIM_CLI_POLICY_SEARCH_H
#define ASIM_CLI_POLICY_SEARCH_H

#include "cli/command.h"

/* Searches the parameters of the policy; operands behind the second are configurations. */
asim_status policy_search(struct command *command, const char *policy);

#endif
