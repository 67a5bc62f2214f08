/* Instants of simulated time: durations from its beginning, above 0, each later than the one before, e.g. "10s,1min".
 */
#ifndef ASIM_OPTIONS_INSTANTS_H
#define ASIM_OPTIONS_INSTANTS_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stddef.h>

struct instants {
    simtime *items;
    size_t n, capacity;
};

/* False, with a message, when the text is no such list. */
bool instants_parse(const char *text, struct instants *out, char *message, size_t message_bytes);
void instants_fini(struct instants *instants);

#endif
