#include "router/load_index.h"

#include "base/mem.h"

/* Which of two loads is less cannot be foreseen, so there are no branches; and on the way up from a leaf, all that is
 * read lies beside the way, so no level waits for memory of the one below. */
static void play(struct load_index *index, uint32_t node)
{
    const uint64_t left = index->least[2 * node];
    const uint64_t right = index->least[2 * node + 1];
    const uint32_t won = 2 * node + (right < left);
    index->least[node] = index->least[won];
    index->winner[node] = index->winner[won];
}

void load_index_rebuild_block(struct load_index *index, uint32_t first, uint32_t n)
{
    uint32_t node = index->leaves + first;
    for (uint32_t width = n / 2; width; width /= 2) {
        node /= 2;
        for (uint32_t i = node; i < node + width; i++) {
            play(index, i);
        }
    }
}

void load_index_rebuild_above(struct load_index *index, uint32_t n)
{
    for (uint32_t node = index->leaves / n - 1; node >= 1; node--) {
        play(index, node);
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
    index->least = mem_zalloc(2 * (size_t)index->leaves * sizeof *index->least);
    index->winner = mem_zalloc(2 * (size_t)index->leaves * sizeof *index->winner);
    index->loads = index->least + index->leaves;
    for (uint32_t i = 0; i < index->leaves; i++) {
        index->winner[index->leaves + i] = i;
        index->loads[i] = i < n ? 0 : UINT64_MAX;
    }
    load_index_rebuild(index);
}

void load_index_fini(struct load_index *index)
{
    mem_free(index->least);
    mem_free(index->winner);
}

void load_index_set(struct load_index *index, uint32_t instance, uint64_t load)
{
    uint32_t node = index->leaves + instance;
    uint32_t winner = instance;
    index->least[node] = load;
    while (node > 1) {
        const uint32_t other = node ^ 1;
        const uint64_t of_other = index->least[other];
        const uint64_t if_less = -(uint64_t)(of_other < load + (other < node)); /* the left one of equal ones wins */
        load ^= (load ^ of_other) & if_less;
        winner ^= (winner ^ index->winner[other]) & (uint32_t)if_less;
        node /= 2;
        index->least[node] = load;
        index->winner[node] = winner;
    }
}
