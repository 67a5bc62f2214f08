/* Shared links: flows that start and end on hosts of eight GPUs, a few at a time and many. */
#include "support/bench.h"

#include "base/rng.h"
#include "hw/link/network.h"

enum { GPUS = 8, LINKS_PER_HOST = 2 * GPUS + 1, MAX_HOSTS = 64, FLOWS = 4096 };

/* Up and down of each GPU, and the memory of each host. */
static struct network *hosts(uint32_t n_hosts, bool lanes)
{
    static struct network_link links[MAX_HOSTS * LINKS_PER_HOST];
    for (uint32_t l = 0; l < n_hosts * LINKS_PER_HOST; l++) {
        const bool memory = l % LINKS_PER_HOST == 2 * GPUS;
        links[l] = (struct network_link){.bandwidth = memory ? UINT64_C(245760000000) : UINT64_C(54400000000),
                                         .latency = memory ? 0 : 9 * SIMTIME_US};
    }
    return network_create(links, n_hosts * LINKS_PER_HOST, lanes ? n_hosts * LINKS_PER_HOST : 0);
}

/* Transfers of 1 MB to 1 GB of KV between a GPU and its host's memory, `at_once` in the network on average. */
static void transfers(struct bench_state *state, uint32_t n_hosts, uint32_t at_once, bool lanes)
{
    struct network *network = hosts(n_hosts, lanes);
    uint32_t active = 0;
    uint32_t draw = 0;
    uint64_t n = 0;
    while (bench_next(state)) {
        for (uint32_t ended = 0; ended < FLOWS;) {
            const simtime now = active ? network_next(network) : 0; /* nothing only at the very beginning */
            const struct network_end *ends;
            const uint32_t n_ends = (uint32_t)network_advance(network, now, &ends);
            ended += n_ends;
            active -= n_ends;
            for (; active < at_once; active++, n++) {
                const struct rng_key key = {.seed = 1, .purpose = RNG_GAP};
                const uint64_t random = rng_u64(key, draw++);
                const uint32_t host = (uint32_t)(random >> 40) % n_hosts * LINKS_PER_HOST;
                const uint32_t path[] = {host + (uint32_t)(random >> 32) % (2 * GPUS), host + 2 * GPUS};
                network_start(network, now,
                              &(struct network_transfer){.path = path,
                                                         .n_path = 2,
                                                         .lane = lanes ? path[0] : NETWORK_NO_LANE,
                                                         .bytes = UINT64_C(1000000) << random % 11,
                                                         .tag = n});
            }
        }
    }
    bench_items(state, FLOWS);
    network_destroy(network);
}

#define NETWORK_BENCH(name, n_hosts, at_once, lanes)                                                                   \
    static void network_##name(struct bench_state *state)                                                              \
    {                                                                                                                  \
        transfers(state, n_hosts, at_once, lanes);                                                                     \
    }                                                                                                                  \
    BENCH(network_##name)

NETWORK_BENCH(1_host_4_flows, 1, 4, false)
NETWORK_BENCH(1_host_64_flows, 1, 64, false)
NETWORK_BENCH(1_host_64_flows_lanes, 1, 64, true)
NETWORK_BENCH(1_host_1024_flows, 1, 1024, false)
NETWORK_BENCH(64_hosts_1024_flows, 64, 1024, false)
