/* Random topologies and transfers, a function of a seed. */
#ifndef ASIM_TESTS_HW_LINK_RANDOM_NETWORK_H
#define ASIM_TESTS_HW_LINK_RANDOM_NETWORK_H

#include "base/rng.h"
#include "hw/link/network.h"

#include <stdbool.h>

enum { RANDOM_MAX_LINKS = 64, RANDOM_MAX_LANES = 8 };

struct random_network {
    uint64_t seed;
    uint32_t draws;
    uint32_t n_links, n_lanes;
    struct network_link links[RANDOM_MAX_LINKS];
};

static inline uint64_t random_below(struct random_network *random, uint64_t n)
{
    return rng_u64((struct rng_key){.seed = random->seed, .purpose = RNG_GAP}, random->draws++) % n;
}

/* Bandwidths of 1 MB/s to 400 GB/s, many of them alike; a third of the links without latency. */
static inline struct random_network random_links(uint64_t seed, uint32_t max_links)
{
    static const uint64_t bandwidths[] = {1000000, 1000003, 25000000000, 54400000000, 54400000000, 400000000000};
    struct random_network random = {.seed = seed};
    random.n_links = 1 + (uint32_t)random_below(&random, max_links);
    random.n_lanes = (uint32_t)random_below(&random, RANDOM_MAX_LANES + 1);
    for (uint32_t l = 0; l < random.n_links; l++) {
        const uint64_t which = random_below(&random, 8);
        random.links[l].bandwidth =
            which < 6 ? bandwidths[which] : NETWORK_MIN_BANDWIDTH + random_below(&random, UINT64_C(100000000000));
        random.links[l].latency = (simtime)(random_below(&random, 3) * random_below(&random, 10 * SIMTIME_US));
    }
    return random;
}

static inline bool path_has(const uint32_t *path, uint32_t n, uint32_t link)
{
    for (uint32_t i = 0; i < n; i++) {
        if (path[i] == link) {
            return true;
        }
    }
    return false;
}

/* The path is kept in `path`. Every tenth transfer is empty; few tags, so that many are equal. */
static inline struct network_transfer random_transfer(struct random_network *random, uint32_t path[NETWORK_MAX_PATH])
{
    struct network_transfer transfer = {.path = path, .lane = NETWORK_NO_LANE, .tag = random_below(random, 50)};
    const uint32_t most = random->n_links < NETWORK_MAX_PATH ? random->n_links : NETWORK_MAX_PATH;
    const uint32_t wanted = 1 + (uint32_t)random_below(random, most);
    const uint32_t span = random_below(random, 8) ? most : random->n_links; /* most are between neighbours */
    const uint32_t first = (uint32_t)random_below(random, random->n_links);
    while (transfer.n_path < wanted) {
        uint32_t link = (first + (uint32_t)random_below(random, span)) % random->n_links;
        while (path_has(path, transfer.n_path, link)) {
            link = (link + 1) % random->n_links;
        }
        path[transfer.n_path++] = link;
    }
    if (random->n_lanes && random_below(random, 2)) {
        transfer.lane = (uint32_t)random_below(random, random->n_lanes);
    }
    if (random_below(random, 10)) {
        transfer.bytes = 1 + random_below(random, UINT64_C(1) << (1 + random_below(random, 34)));
    }
    return transfer;
}

#endif
