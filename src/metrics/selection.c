#include "metrics/selection.h"

#include "base/mem.h"

#include <assert.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

void selection_plan(struct selection *selection, const uint64_t *counts, uint32_t n_digits, const uint64_t *ranks,
                    uint32_t n_ranks, unsigned char *group_of)
{
    assert(n_ranks <= SELECTION_MAX_RANKS);
    *selection = (struct selection){.ranks = ranks};
    uint32_t digit = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < n_ranks; i++) {
        assert(i == 0 || ranks[i - 1] <= ranks[i]);
        while (before + counts[digit] <= ranks[i]) {
            before += counts[digit++];
            assert(digit < n_digits);
        }
        if (!group_of[digit]) {
            selection->groups[selection->n_groups++] =
                (struct selection_group){.digit = digit,
                                         .first_rank = i,
                                         .before = before,
                                         .values = mem_alloc(counts[digit] * sizeof(simtime))};
            group_of[digit] = (unsigned char)selection->n_groups;
        }
        selection->groups[group_of[digit] - 1].n_ranks++;
    }
    (void)n_digits;
}

/* Values that agree in all but the low `bits` bits; ranks among them. */
static void select_ranks(const simtime *values, uint64_t n, uint32_t bits, const uint64_t *ranks, uint32_t n_ranks,
                         simtime *out)
{
    if (n == 1 || bits == 0) {
        for (uint32_t i = 0; i < n_ranks; i++) {
            out[i] = values[0];
        }
        return;
    }
    const uint32_t shift = bits > DIGIT_BITS ? bits - DIGIT_BITS : 0;
    uint64_t counts[DIGITS] = {0};
    unsigned char group_of[DIGITS] = {0};
    const uint64_t mask = (UINT64_C(1) << (bits - shift)) - 1;
    for (uint64_t i = 0; i < n; i++) {
        counts[(uint64_t)values[i] >> shift & mask]++;
    }
    struct selection selection;
    selection_plan(&selection, counts, DIGITS, ranks, n_ranks, group_of);
    for (uint64_t i = 0; i < n; i++) {
        const unsigned char group = group_of[(uint64_t)values[i] >> shift & mask];
        if (group) {
            selection_gather(&selection, group, values[i]);
        }
    }
    for (uint32_t group = 0; group < selection.n_groups; group++) {
        selection_finish(&selection, group, shift, out);
    }
}

void selection_finish(struct selection *selection, uint32_t group, uint32_t bits, simtime *out)
{
    struct selection_group *among = &selection->groups[group];
    uint64_t ranks[SELECTION_MAX_RANKS];
    for (uint32_t i = 0; i < among->n_ranks; i++) {
        ranks[i] = selection->ranks[among->first_rank + i] - among->before;
    }
    select_ranks(among->values, among->n, bits, ranks, among->n_ranks, out + among->first_rank);
    mem_free(among->values);
}
