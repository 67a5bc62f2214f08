/* One simulation for the API's verbs: builds the cluster, runs it, and keeps what the documents need. */
#ifndef ASIM_API_RUN_H
#define ASIM_API_RUN_H

#include "api/result.h"

/* As asim_run and asim_run_saved, for given settings. */
asim_status run_settings(const struct settings *settings, const asim_callbacks *callbacks, asim_result **out);
asim_status run_settings_saved(const struct settings *settings, const asim_checkpoints *checkpoints,
                               const asim_callbacks *callbacks, asim_result **out);

#endif
