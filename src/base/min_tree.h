/* Tournament tree over a fixed number of event keys: the smallest is read in O(1), a change costs O(log n).
 *
 * Ties go to the lower index, which names the same thing in every run.
 */
#ifndef ASIM_BASE_MIN_TREE_H
#define ASIM_BASE_MIN_TREE_H

#include "base/event_key.h"

#include <stdint.h>

struct min_tree {
    uint32_t n;
    uint32_t leaves;        /* power of two >= n */
    struct event_key *keys; /* of the leaves */
    uint32_t *winner;       /* inner nodes, 1-based: index of the smallest leaf below */
};

void min_tree_init(struct min_tree *tree, uint32_t n); /* all EVENT_NEVER; n >= 1 */
void min_tree_fini(struct min_tree *tree);
void min_tree_set(struct min_tree *tree, uint32_t index, struct event_key key);

static inline uint32_t min_tree_first(const struct min_tree *tree)
{
    return tree->winner[1];
}

static inline struct event_key min_tree_key(const struct min_tree *tree, uint32_t index)
{
    return tree->keys[index];
}

/* The smallest key of all but the first. */
struct event_key min_tree_second(const struct min_tree *tree);

#endif
