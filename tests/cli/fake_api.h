/* A double of the library's interface for tests of the command line: it records what it is told and simulates nothing.
 */
#ifndef ASIM_TESTS_FAKE_API_H
#define ASIM_TESTS_FAKE_API_H

#include "asim/asim.h"

/* What the configuration was told, one "what=value" line per call: "file my.yaml", "block_size=16", "flag --json". */
const char *fake_log(const asim_config *config);

/* A result that holds the given summary. */
asim_result *fake_result(const char *summary);

#endif
