/* The folder that `--out` writes: manifest.json, config.resolved.yaml, summary.json, programs.csv and, when asked for,
 * turns.csv.
 *
 * It is written beside its place under a temporary name and put there whole by a rename, so that a failure leaves what
 * was there before. A folder that holds a manifest of ours is replaced: the files that its manifest lists go, any other
 * file in it is kept. Any other folder that is not empty is refused.
 *
 * A run that is saved on the way has a folder from its first checkpoint on: config.resolved.yaml, a manifest that says
 * "in_progress", and checkpoint.asimsave. The finished run replaces it like an earlier one. One that is interrupted
 * leaves its partial results beside the checkpoint.
 */
#ifndef ASIM_CLI_RUN_FOLDER_H
#define ASIM_CLI_RUN_FOLDER_H

#include "asim/asim.h"

#include <time.h>

#define MANIFEST_SCHEMA  "asim.manifest"
#define MANIFEST_VERSION 1
#define CHECKPOINT_FILE  "checkpoint.asimsave"

/* Says before a run whether the folder can be written; prints the error otherwise. */
asim_status run_folder_check(const char *path);

/* How far the run in a folder has come. */
enum run_folder_stage {
    RUN_FOLDER_NONE,  /* no run of ours is there */
    RUN_FOLDER_BEGUN, /* in progress, without a checkpoint */
    RUN_FOLDER_SAVED, /* in progress or interrupted, with one */
    RUN_FOLDER_ENDED, /* without one */
};
enum run_folder_stage run_folder_stage(const char *path);

struct run_record {
    const asim_config *config;
    const asim_result *result; /* NULL: the run begins */
    asim_status status;        /* of the run: ASIM_OK or ASIM_INTERRUPTED */
    time_t started;
    bool turns;      /* write turns.csv */
    bool decisions;  /* write decisions.jsonl */
    bool residency;  /* write residency.jsonl */
    bool checkpoint; /* interrupted, with a checkpoint in the folder: it stays there */
    int argc;        /* the command line */
    char **argv;
};

/* Makes the folder of a run in progress, in place of an earlier run; prints the error on failure. */
asim_status run_folder_begin(const char *path, const struct run_record *record);

/* Removes what killed processes left of checkpoints they were writing. */
void run_folder_clean(const char *path);

/* Writes the folder; prints the error on failure. */
asim_status run_folder_write(const char *path, const struct run_record *record);

#endif
