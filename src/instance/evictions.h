/* What an instance tells the measure of its evictions (kv/belady.h) of its pool, where the configuration asks for it;
 * nothing elsewhere.
 *
 * A turn looks its prompt up once: when it is first admitted or, before that, loaded from a tier. A program whose KV
 * comes back from a tier ahead of its turn looks that up, too. So what is brought from a tier was missed in HBM; what
 * came along with a turn that was moved here was not.
 *
 * All is told in an order that does not depend on how steps are simulated. Steady decode enters what it fills up when
 * the turn ends, and so it is told; nobody else can find it before. Where somebody can, turns decode step by step.
 */
#ifndef ASIM_INSTANCE_EVICTIONS_H
#define ASIM_INSTANCE_EVICTIONS_H

#include "instance/residency/residency.h"

/* The blocks that the tokens `from` to `to` - 1 fill up are computed. */
static inline void evictions_note_write(struct instance *instance, struct content content, uint32_t from, uint32_t to)
{
    if (instance->config->measures_evictions) {
        const uint32_t block_size = instance->config->block_size;
        belady_write(instance->belady, content, from / block_size, to / block_size);
    }
}

/* The turn's output is, up to `computed` tokens of prompt and output. */
static inline void evictions_note_output(struct instance *instance, const struct sequence *sequence, uint32_t computed)
{
    evictions_note_write(instance, sequence->content, sequence->prompt_toks, computed);
}

/* A turn is first admitted, or loaded before that, with so many blocks of its prompt in HBM. */
static inline void evictions_note_prompt(struct instance *instance, const struct sequence *sequence, uint32_t hits)
{
    if (instance->config->measures_evictions) {
        struct guest *guest = instance->residency ? residency_guest(instance->residency, sequence) : NULL;
        if (!guest || !guest->was_looked_up) {
            belady_access(instance->belady, sequence->content,
                          (sequence->prompt_toks - 1) / instance->config->block_size, hits);
        }
        if (guest) {
            guest->was_looked_up = true;
        }
    }
}

/* Of the first `blocks` blocks of a program's context the first `hits` are in HBM; the others are to come back. */
static inline void evictions_note_return(struct instance *instance, struct content content, uint32_t blocks,
                                         uint32_t hits)
{
    if (instance->config->measures_evictions) {
        belady_access(instance->belady, content, blocks, hits);
    }
}

/* The holder has blocks up to `blocks` that have come from a tier or another instance, and are about to be entered. */
static inline void evictions_note_arrival(struct instance *instance, const struct kv_holder *holder,
                                          struct content content, uint32_t blocks)
{
    if (instance->config->measures_evictions) {
        belady_write(instance->belady, content, holder->hashed_blocks, blocks);
    }
}

#endif
