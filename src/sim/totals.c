#include "sim/totals.h"

#include "kv/pool.h"

/* Every sum in the totals, so that they can be added up over ranks alike. */
enum { COUNTS = 14 + RESIDENCY_COUNTS + NODE_LINKS, SUMS = STEP_BOUNDS + RESIDENCY_SUMS + NODE_LINKS };

struct members {
    uint64_t *counts[COUNTS];
    unsigned __int128 *sums[SUMS];
};

static void list_members(struct cluster_totals *totals, struct members *members)
{
    uint64_t **count = members->counts;
    unsigned __int128 **sum = members->sums;
    *count++ = &totals->steps;
    *count++ = &totals->fast_forwarded;
    *count++ = &totals->turns_inside;
    *count++ = &totals->evicted_blocks;
    *count++ = &totals->kv_blocks_sent;
    *count++ = &totals->kv_blocks_taken;
    *count++ = &totals->kv_blocks_refused;
    *count++ = &totals->events;
    *count++ = &totals->deciding;
    *count++ = &totals->nodes;
    *count++ = &totals->belady.accesses;
    *count++ = &totals->belady.misses;
    *count++ = &totals->belady.compulsory;
    *count++ = &totals->belady.optimal;
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        *sum++ = &totals->part[bound];
    }
    residency_counters_list(&totals->decisions, count, sum);
    count += RESIDENCY_COUNTS;
    sum += RESIDENCY_SUMS;
    for (int link = 0; link < NODE_LINKS; link++) {
        *count++ = &totals->links.bytes[link];
        *sum++ = &totals->links.busy_ps[link];
    }
}

static void add_decisions(struct residency_counters *into, const struct residency_counters *from)
{
    struct residency_counters copy = *from;
    uint64_t *counts[RESIDENCY_COUNTS], *more[RESIDENCY_COUNTS];
    unsigned __int128 *sums[RESIDENCY_SUMS], *more_sums[RESIDENCY_SUMS];
    residency_counters_list(into, counts, sums);
    residency_counters_list(&copy, more, more_sums);
    for (int i = 0; i < RESIDENCY_COUNTS; i++) {
        *counts[i] += *more[i];
    }
    for (int i = 0; i < RESIDENCY_SUMS; i++) {
        *sums[i] += *more_sums[i];
    }
}

/* In which ratios are kept, so that ranks can compare them. */
#define BILLION 1000000000u

static void add_belady(struct cluster_totals *totals, struct belady_counts counts)
{
    totals->belady.accesses += counts.accesses;
    totals->belady.misses += counts.misses;
    totals->belady.compulsory += counts.compulsory;
    totals->belady.optimal += counts.optimal;
    if (counts.optimal) {
        const uint64_t ratio = (uint64_t)((unsigned __int128)counts.misses * BILLION / counts.optimal);
        totals->largest_ratio = ratio > totals->largest_ratio ? ratio : totals->largest_ratio;
    }
}

static void add_instance(struct cluster_totals *totals, const struct instance *instance)
{
    const struct instance_counters *counters = instance_counters(instance);
    const struct residency_counters *decisions = instance_residency_counters(instance);
    totals->steps += counters->steps;
    totals->fast_forwarded += counters->fast_forwarded;
    totals->turns_inside += instance_turns_inside(instance);
    totals->evicted_blocks += kv_evicted(instance_pool(instance));
    totals->kv_blocks_sent += counters->kv_blocks_sent;
    totals->kv_blocks_taken += counters->kv_blocks_taken;
    totals->kv_blocks_refused += counters->kv_blocks_refused;
    if (counters->peak_used_blocks > totals->peak_used_blocks) {
        totals->peak_used_blocks = counters->peak_used_blocks;
    }
    simtime busy = 0;
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        totals->part[bound] += (unsigned __int128)counters->part[bound];
        busy += counters->part[bound];
    }
    totals->longest_busy = busy > totals->longest_busy ? busy : totals->longest_busy;
    add_belady(totals, instance_belady(instance));
    if (decisions) {
        totals->deciding++;
        add_decisions(&totals->decisions, decisions);
    }
}

/* Sums of 128 bits travel as four words of 32 bits each in 64, so that sums over ranks do not overflow. */
enum { WORDS = 4 };

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

static void add_ranks(struct cluster_totals *totals, struct transport *transport)
{
    struct members members;
    uint64_t words[COUNTS + SUMS * WORDS];
    list_members(totals, &members);
    for (int i = 0; i < COUNTS; i++) {
        words[i] = *members.counts[i];
    }
    for (int i = 0; i < SUMS; i++) {
        split(*members.sums[i], words + COUNTS + (ptrdiff_t)i * WORDS);
    }
    transport_sum(transport, words, sizeof words / sizeof words[0]);
    for (int i = 0; i < COUNTS; i++) {
        *members.counts[i] = words[i];
    }
    for (int i = 0; i < SUMS; i++) {
        *members.sums[i] = join(words + COUNTS + (ptrdiff_t)i * WORDS);
    }
    int64_t most[3] = {-(int64_t)totals->peak_used_blocks, -totals->longest_busy, -(int64_t)totals->largest_ratio};
    transport_min(transport, most, 3);
    totals->peak_used_blocks = (uint32_t)-most[0];
    totals->longest_busy = -most[1];
    totals->largest_ratio = (uint64_t)-most[2];
}

struct cluster_totals cluster_totals(const struct cluster *cluster, struct transport *transport)
{
    struct cluster_totals totals = {.events = cluster->events};
    const uint32_t together = cluster->plan.tiers.node_instances;
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        add_instance(&totals, cluster->instances[i]);
        if (cluster->plan.tiers.n_tiers && i % together == 0) {
            totals.nodes++;
            node_add_links(cluster->nodes[i / together], &totals.links);
        }
    }
    add_ranks(&totals, transport);
    return totals;
}
