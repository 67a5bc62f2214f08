/* Turns that fill up blocks which the engine stores at once.
 *
 * Prompts fill blocks as their chunks are computed. A turn that decodes fills a chunk of blocks every so many steps:
 * those that decode stand on a heap by the decode clock of the step that does so next, which a stretch of steady steps
 * must not pass. What a batch fills is noted with it, and stored when the batch ends.
 */
#ifndef ASIM_INSTANCE_FILLS_H
#define ASIM_INSTANCE_FILLS_H

#include "instance/engine.h"

struct fill {
    struct sequence *sequence;
    uint32_t blocks; /* that are full when the batch has ended */
};

struct fill_list {
    struct fill *items;
    size_t n, capacity;
};

struct fills {
    uint32_t chunk_toks;                        /* stored together */
    bool has_outputs;                           /* generated tokens are stored too */
    struct sequence_heap next;                  /* of turns that decode, when outputs are stored */
    struct fill_list batches[ENGINE_MAX_DEPTH]; /* by place in the ring of batches */
};

void fill_list_add(struct fill_list *list, struct sequence *sequence, uint32_t blocks);

#endif
