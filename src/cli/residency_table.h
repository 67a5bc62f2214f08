/* The residency of KV as a table, for a terminal: what residency.jsonl says in short. */
#ifndef ASIM_CLI_RESIDENCY_TABLE_H
#define ASIM_CLI_RESIDENCY_TABLE_H

#include "asim/asim.h"

/* Nothing where the result has no records; of many programs the first ones. */
void residency_print(FILE *out, const asim_result *result);

#endif
