/* Checkpoints: the state of a run of the parallel engine in a file (base/store.h), and going on from there.
 *
 * The file is written between two windows, when nothing is on its way: every turn that was routed is at its instance,
 * all others are ready at a known time. It holds
 *
 *     asim-run      version, options that results depend on, fingerprints of the input files
 *     position      how far the run has come
 *     orchestrator, router
 *     gateway       where the router's policy hears of ends or ticks: turns held and moved, ends not told yet
 *     instances     one after another
 *     turns         those in a tool gap, by slot, with the instance of the turn before
 *     line          the programs that come next, free clients of a closed loop, changes of exact views
 *     recorders     how many, then one section each
 *
 * What follows from these is computed anew: bounds, contents of prompts, prepared programs, calendars. So the run goes
 * on with any number of threads, longest window, partition and stepping; its results are those of the uncut run.
 */
#ifndef ASIM_SIM_CHECKPOINT_H
#define ASIM_SIM_CHECKPOINT_H

#include "base/diag.h"
#include "base/fingerprint.h"
#include "base/store.h"
#include "options/input_files.h"

/* The files that results depend on, as they are when the run begins. */
struct checkpoint_inputs {
    size_t n;
    const char *paths[INPUT_FILES_MOST]; /* of the settings */
    struct fingerprint fingerprints[INPUT_FILES_MOST];
};

/* How a run is saved, and from where it goes on. */
struct checkpoints {
    const char *file;            /* written anew each time; NULL: never */
    bool (*is_due)(void *user);  /* asked once a window; NULL: only when the pulse ends the run */
    bool (*prepare)(void *user); /* NULL, or called before the first is written; false: not now */
    void *user;
    struct checkpoint_inputs inputs; /* with a file */
    struct store_reader *resume;     /* from checkpoint_open; NULL: from the beginning */

    /* What came of it. */
    uint64_t n_written;
    uint64_t bytes;               /* of the last one */
    uint64_t last_ns, longest_ns; /* wall time that the run stood still for the last one, for any */
    simtime resumed_at;
    uint64_t resumed_turns, resumed_steps, resumed_fast_forwarded; /* done before */
    bool prepared, has_failed;
};

/* Fingerprints of the input files; false, with an error, when one cannot be read. */
bool checkpoint_inputs_take(const struct settings *settings, struct checkpoint_inputs *out, struct diag *diag);

/* Opens a checkpoint of a run with these settings and inputs. NULL, with errors, when there is none, or it is damaged,
 * of another version, or of another run; each option that differs is named. `diag` must outlive the reader. */
struct store_reader *checkpoint_open(const char *path, const struct settings *settings,
                                     const struct checkpoint_inputs *inputs, struct diag *diag);

struct windows;

/* ---- for the engine ---- */

/* The first section, which checkpoint_open reads. */
void checkpoint_save_header(const struct settings *settings, const struct checkpoint_inputs *inputs,
                            struct store_writer *writer);

/* Whether a checkpoint is due between two windows, or the run has been stopped; asked once there. */
bool checkpoint_is_due(const struct windows *windows);

/* Writes it, after windows_catch_up and gather_window. A failure is a warning, once: the run goes on. */
void checkpoint_write(struct windows *windows);

/* Fills a fresh engine and cluster; false, with an error, when the file makes no sense. Closes the reader. */
bool checkpoint_load(struct windows *windows);

#endif
