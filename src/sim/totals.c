#include "sim/totals.h"

#include "kv/pool.h"

static void add_instance(struct cluster_totals *totals, const struct instance *instance)
{
    const struct instance_counters *counters = instance_counters(instance);
    totals->steps += counters->steps;
    totals->fast_forwarded += counters->fast_forwarded;
    totals->turns_inside += instance_turns_inside(instance);
    totals->evicted_blocks += kv_evicted(instance_pool(instance));
    if (counters->peak_used_blocks > totals->peak_used_blocks) {
        totals->peak_used_blocks = counters->peak_used_blocks;
    }
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        totals->part[bound] += (unsigned __int128)counters->part[bound];
    }
}

/* Sums of 128 bits travel as four words of 32 bits each in 64, so that sums over ranks do not overflow. */
enum { WORDS = 4, COUNTS = 5 };

static void split(unsigned __int128 value, uint64_t words[WORDS])
{
    for (int i = 0; i < WORDS; i++) {
        words[i] = (uint32_t)(value >> (32 * i));
    }
}

static unsigned __int128 join(const uint64_t words[WORDS])
{
    unsigned __int128 value = 0;
    for (int i = 0; i < WORDS; i++) {
        value += (unsigned __int128)words[i] << (32 * i);
    }
    return value;
}

struct cluster_totals cluster_totals(const struct cluster *cluster, struct transport *transport)
{
    struct cluster_totals totals = {.events = cluster->events};
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        add_instance(&totals, cluster->instances[i]);
    }
    uint64_t sums[COUNTS + STEP_BOUNDS * WORDS] = {totals.steps, totals.fast_forwarded, totals.turns_inside,
                                                   totals.evicted_blocks, totals.events};
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        split(totals.part[bound], sums + COUNTS + bound * WORDS);
    }
    transport_sum(transport, sums, sizeof sums / sizeof sums[0]);
    int64_t peak = -(int64_t)totals.peak_used_blocks;
    transport_min(transport, &peak, 1);
    totals = (struct cluster_totals){.steps = sums[0],
                                     .fast_forwarded = sums[1],
                                     .turns_inside = sums[2],
                                     .evicted_blocks = sums[3],
                                     .events = sums[4],
                                     .peak_used_blocks = (uint32_t)-peak};
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        totals.part[bound] = join(sums + COUNTS + bound * WORDS);
    }
    return totals;
}
