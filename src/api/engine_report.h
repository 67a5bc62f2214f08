/* What the simulation engine observed of itself, as a JSON document. */
#ifndef ASIM_API_ENGINE_REPORT_H
#define ASIM_API_ENGINE_REPORT_H

#include "sim/engine_stats.h"

#include <jansson.h>

json_t *engine_report(const struct engine_stats *stats);

#endif
