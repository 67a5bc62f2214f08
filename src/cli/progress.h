/* Progress of a run on standard error: a bar on a terminal, lines or JSON elsewhere, only when it helps. */
#ifndef ASIM_CLI_PROGRESS_H
#define ASIM_CLI_PROGRESS_H

#include "asim/asim.h"

#include <stdio.h>

enum progress_mode { PROGRESS_SHOW_NONE, PROGRESS_SHOW_BAR, PROGRESS_SHOW_PLAIN, PROGRESS_SHOW_JSON };

struct progress {
    FILE *out;
    enum progress_mode mode;
    double next_wall_s; /* when to show the next line */
    struct progress_mark {
        double wall_s, done; /* fraction of the run */
    } marks[2];              /* of an earlier moment and a later one, for the rate that the ETA goes by */
    bool shown;              /* a bar stands on the terminal */
};

/* `mode` is the value of the option: auto, bar, plain, json or none; NULL means auto. */
void progress_init(struct progress *progress, FILE *out, const char *mode);

/* The asim_callbacks.progress callback; `user` is a struct progress. */
void progress_show(void *user, const asim_progress *now);

/* Removes the bar. */
void progress_end(struct progress *progress);

#endif
