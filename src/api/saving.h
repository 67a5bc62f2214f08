/* How a run is saved: between the checkpoints that the caller of the library asks for and those of src/sim. */
#ifndef ASIM_API_SAVING_H
#define ASIM_API_SAVING_H

#include "asim/asim.h"
#include "sim/checkpoint.h"

struct saving {
    const asim_checkpoints *asked; /* NULL: nothing is saved */
    struct checkpoints checkpoints;
    double every; /* seconds from one checkpoint to the next, */
    double next;  /* which is due then; but after each the run goes on for as long as the checkpoint took */
    uint64_t seen;
};

/* With `asked` filled in. False, with errors, when the run cannot be saved, or go on from where it should. */
bool saving_open(struct saving *saving, const struct settings *settings, struct diag *diag);
void saving_close(struct saving *saving);

#endif
