/* The least loaded of many instances: a tournament tree over 64-bit loads.
 *
 * The smallest load is read in O(1), ties go to the lower number; one load changes in O(log n), and all of them are
 * taken anew in O(n).
 */
#ifndef ASIM_ROUTER_LOAD_INDEX_H
#define ASIM_ROUTER_LOAD_INDEX_H

#include <stdint.h>

struct load_index {
    uint32_t leaves;  /* power of two, at least 2 */
    uint64_t *least;  /* by node: below node i are 2 i and 2 i + 1, the root is 1, the leaves come last */
    uint32_t *winner; /* by node: the instance whose load that is */
    uint64_t *loads;  /* by instance: the leaves; those beyond the last one are UINT64_MAX, all others less */
};

void load_index_init(struct load_index *index, uint32_t n); /* all 0; n >= 1 */
void load_index_fini(struct load_index *index);

/* Changes one load. */
void load_index_set(struct load_index *index, uint32_t instance, uint64_t load);

/* After loads were written to directly. */
void load_index_rebuild(struct load_index *index);

/* The same in parts, for blocks of n leaves, a power of two from 2 up to their number, that begin at multiples of n:
 * each of them, which may be done side by side, then what is above them. */
void load_index_rebuild_block(struct load_index *index, uint32_t first, uint32_t n);
void load_index_rebuild_above(struct load_index *index, uint32_t n);

static inline uint32_t load_index_least(const struct load_index *index)
{
    return index->winner[1];
}

#endif
