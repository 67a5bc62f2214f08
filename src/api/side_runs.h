/* Independent simulations, several side by side: those of a study, or of a search.
 *
 * Each runs on one thread and its results do not depend on the others, so neither order nor number of workers changes
 * anything. Messages are passed on in the order of the runs; a warning that many runs give is said once.
 */
#ifndef ASIM_API_SIDE_RUNS_H
#define ASIM_API_SIDE_RUNS_H

#include "asim/asim.h"
#include "base/diag.h"
#include "options/settings.h"

#include <jansson.h>

struct side_run {
    const char *name;                /* for messages */
    const struct settings *settings; /* its threads and tables do not count */
    json_t *summary;                 /* when it went well; the owner's to release */
    asim_status status;
    struct diag diag;
};

/* Simulates all, with at most `workers` threads, the caller's among them; 0: one for each usable core. Progress counts
 * the programs of all runs. */
asim_status side_runs(struct side_run *runs, size_t n, uint32_t workers, const asim_callbacks *callbacks,
                      struct diag *diag);

/* The member that a path of keys joined by dots names; NULL: there is none. */
const json_t *summary_member(const json_t *summary, const char *path);

/* Whether that path is a number of some run's summary, which may be null. Sections that few runs have, as those of
 * tiers, may be missing elsewhere. */
bool side_runs_measure(const struct side_run *runs, size_t n, const char *path);

/* What is said of a path that is none; for its text. */
#define SIDE_RUNS_NO_METRIC                                                                                            \
    "'%.80s' is no number of summary.json; allowed: paths of numbers, as programs.jct_s.mean, that `asim run --json` " \
    "prints"

#endif
