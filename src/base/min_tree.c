#include "base/min_tree.h"

#include "base/mem.h"

/* The winner of a node: inner nodes 1 .. leaves-1, leaves after them. */
static uint32_t winner_of(const struct min_tree *tree, uint32_t node)
{
    return node >= tree->leaves ? node - tree->leaves : tree->winner[node];
}

static void play(struct min_tree *tree, uint32_t node)
{
    const uint32_t left = winner_of(tree, 2 * node);
    const uint32_t right = winner_of(tree, 2 * node + 1);
    tree->winner[node] = event_before(tree->keys[right], tree->keys[left]) ? right : left;
}

void min_tree_init(struct min_tree *tree, uint32_t n)
{
    tree->n = n;
    tree->leaves = 2;
    while (tree->leaves < n) {
        tree->leaves *= 2;
    }
    tree->keys = mem_alloc(tree->leaves * sizeof *tree->keys);
    tree->winner = mem_zalloc(tree->leaves * sizeof *tree->winner);
    for (uint32_t i = 0; i < tree->leaves; i++) {
        tree->keys[i] = EVENT_NEVER;
    }
    for (uint32_t node = tree->leaves - 1; node >= 1; node--) {
        play(tree, node);
    }
}

void min_tree_fini(struct min_tree *tree)
{
    mem_free(tree->keys);
    mem_free(tree->winner);
}

void min_tree_set(struct min_tree *tree, uint32_t index, struct event_key key)
{
    tree->keys[index] = key;
    for (uint32_t node = (tree->leaves + index) / 2; node >= 1; node /= 2) {
        play(tree, node);
    }
}

struct event_key min_tree_second(const struct min_tree *tree)
{
    struct event_key second = EVENT_NEVER;
    for (uint32_t node = tree->leaves + min_tree_first(tree); node > 1; node /= 2) {
        second = event_min(second, tree->keys[winner_of(tree, node ^ 1)]);
    }
    return second;
}
