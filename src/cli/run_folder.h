/* The folder that `--out` writes: manifest.json, config.resolved.yaml, summary.json, programs.csv and, when asked for,
 * turns.csv.
 *
 * It is written beside its place under a temporary name and put there whole by a rename, so that a failure leaves what
 * was there before. A folder that holds a manifest of ours is replaced: the files that its manifest lists go, any other
 * file in it is kept. Any other folder that is not empty is refused.
 */
#ifndef ASIM_CLI_RUN_FOLDER_H
#define ASIM_CLI_RUN_FOLDER_H

#include "asim/asim.h"

#include <time.h>

#define MANIFEST_SCHEMA  "asim.manifest"
#define MANIFEST_VERSION 1

/* Says before a run whether the folder can be written; prints the error otherwise. */
asim_status run_folder_check(const char *path);

struct run_record {
    const asim_config *config;
    const asim_result *result;
    asim_status status; /* of the run: ASIM_OK or ASIM_INTERRUPTED */
    time_t started;
    bool turns; /* write turns.csv */
    int argc;   /* the command line */
    char **argv;
};

/* Writes the folder; prints the error on failure. */
asim_status run_folder_write(const char *path, const struct run_record *record);

#endif
