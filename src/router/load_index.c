#include "router/load_index.h"

#include "base/mem.h"

static uint32_t better(const struct load_index *index, uint32_t left, uint32_t right)
{
    return index->loads[right] < index->loads[left] ? right : left;
}

void load_index_rebuild_block(struct load_index *index, uint32_t first, uint32_t n)
{
    uint32_t *winner = index->winner;
    uint32_t node = (index->leaves + first) / 2;
    for (uint32_t i = 0; i < n / 2; i++) {
        winner[node + i] = better(index, first + 2 * i, first + 2 * i + 1);
    }
    for (uint32_t width = n / 4; width; width /= 2) {
        node /= 2;
        for (uint32_t i = node; i < node + width; i++) {
            winner[i] = better(index, winner[2 * i], winner[2 * i + 1]);
        }
    }
}

void load_index_rebuild_above(struct load_index *index, uint32_t n)
{
    for (uint32_t node = index->leaves / n - 1; node >= 1; node--) {
        index->winner[node] = better(index, index->winner[2 * node], index->winner[2 * node + 1]);
    }
}

void load_index_rebuild(struct load_index *index)
{
    load_index_rebuild_block(index, 0, index->leaves);
}

void load_index_init(struct load_index *index, uint32_t n)
{
    index->leaves = 2;
    while (index->leaves < n) {
        index->leaves *= 2;
    }
    index->loads = mem_zalloc(index->leaves * sizeof *index->loads);
    index->winner = mem_zalloc(index->leaves * sizeof *index->winner);
    for (uint32_t i = n; i < index->leaves; i++) {
        index->loads[i] = UINT64_MAX;
    }
    load_index_rebuild(index);
}

void load_index_fini(struct load_index *index)
{
    mem_free(index->loads);
    mem_free(index->winner);
}

void load_index_set(struct load_index *index, uint32_t instance, uint64_t load)
{
    index->loads[instance] = load;
    uint32_t node = (index->leaves + instance) / 2;
    uint32_t won = better(index, instance & ~1u, instance | 1u);
    for (;;) {
        if (index->winner[node] == won && won != instance) {
            return; /* above a match that another one wins as before nothing changes */
        }
        index->winner[node] = won;
        node /= 2;
        if (node == 0) {
            return;
        }
        won = better(index, index->winner[2 * node], index->winner[2 * node + 1]);
    }
}
