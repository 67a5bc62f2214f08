/* Runs that are saved on the way, and `--resume DIR`, which goes on with one.
 *
 * The folder of a run in progress (run_folder.h) holds its configuration, so that DIR says all. Options that results do
 * not depend on may be given anew; any other that differs is refused by name.
 */
#ifndef ASIM_CLI_RESUME_H
#define ASIM_CLI_RESUME_H

#include "cli/command.h"
#include "cli/run_folder.h"

/* Loads the configuration of the run in the folder arguments.resume, below everything else that is given; prints why
 * there is none to go on with. */
asim_status resume_load(struct command *command);

/* After command_configure: the options that count are those of the folder; prints which are not. The run goes to the
 * same folder unless another one is given: --out is set. */
asim_status resume_check(struct command *command);

/* What the library is asked to save and to go on from. */
struct saved_run {
    asim_checkpoints checkpoints;
    bool is_saved; /* or resumed: otherwise nothing is asked for */
    const char *out;
    const struct run_record *record; /* of the run as it begins */
    bool in_place;                   /* the folder is there already */
    char *file;
    char *resume;
};

/* By the options of a resolved configuration; prints what is missing. `out` NULL: no folder. */
asim_status saved_run_init(struct saved_run *run, const struct command *command, const char *out,
                           const struct run_record *record);
void saved_run_fini(struct saved_run *run);

/* A checkpoint is there. */
bool saved_run_can_resume(const struct saved_run *run);

#endif
