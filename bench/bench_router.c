/* Decisions of the router: each policy on 8 and on 1,024 instances, with telemetry and with exact states. */
#include "support/bench.h"

#include "base/mem.h"
#include "base/rng.h"
#include "router/router.h"

#include <stdlib.h>

enum { N_HOMES = 1 << 14, DECISIONS_PER_SNAPSHOT = 4096 };

/* What the instances would tell: everything sent has arrived, and half of it is still there. */
static void tell_all(struct router *router, const uint64_t *sent, uint32_t n_instances, simtime instant)
{
    for (uint32_t i = 0; i < n_instances; i++) {
        const struct load_snapshot snapshot = {
            .running = (uint32_t)(sent[i] % 7), .used_blocks = (uint32_t)(sent[i] % 1000), .received = sent[i]};
        router_observe(router, i, &snapshot);
    }
    router_snapshots_done(router, instant);
}

/* Turns of programs at home anywhere, one in eight without a home. */
static uint32_t *new_homes(uint32_t n_instances)
{
    uint32_t *homes = mem_alloc(N_HOMES * sizeof *homes);
    for (uint32_t i = 0; i < N_HOMES; i++) {
        const double u = rng_uniform((struct rng_key){.seed = 1, .purpose = RNG_GAP}, i);
        homes[i] = i % 8 == 0 ? ASIM_NONE : (uint32_t)(u * n_instances);
    }
    return homes;
}

/* A program's prompt: what all share, and what is its own. */
static uint32_t show_prompt(struct router *router, uint64_t program, struct extent extents[2])
{
    extents[0] = (struct extent){stream_common(STREAM_SHARED, 0), 0, 2000};
    extents[1] = (struct extent){stream_private(program, 0), 2000, 4000 + (uint32_t)(program % 7) * 1000};
    const uint32_t prompt = extents[0].count + extents[1].count;
    router_show_prompt(router, (struct content){extents, 2, prompt});
    return prompt;
}

static void decide(struct bench_state *state, const char *policy, uint32_t n_instances, enum router_view view)
{
    const struct policy_use use = policy_use_of(policy_find(policy));
    struct router *router = router_create(&(struct router_options){.n_instances = n_instances,
                                                                   .usable_blocks = 27721,
                                                                   .block_size = 16,
                                                                   .view = view,
                                                                   .telemetry_period = SIMTIME_MS,
                                                                   .policy = &use});
    uint64_t *sent = mem_zalloc(n_instances * sizeof *sent);
    uint32_t *homes = new_homes(n_instances);
    uint64_t n = 0;
    tell_all(router, sent, n_instances, 0);
    while (bench_next(state)) {
        for (uint32_t i = 0; i < DECISIONS_PER_SNAPSHOT; i++, n++) {
            struct asim_request request = {.program = n, .turn = 1, .home = homes[n % N_HOMES]};
            struct extent extents[2];
            if (router_wants_prompt(router)) {
                request.prompt_toks = show_prompt(router, n % N_HOMES, extents);
            }
            const uint32_t chosen = router_route(router, &request, 0);
            sent[chosen]++;
            if (view == ROUTER_VIEW_EXACT) { /* a step ends somewhere before the next decision */
                const uint32_t other = (uint32_t)(n * 2654435761U % n_instances);
                const struct load_snapshot snapshot = {.running = (uint32_t)(n % 5), .received = sent[other]};
                router_update(router, other, &snapshot);
            }
        }
        tell_all(router, sent, n_instances, (simtime)(n / DECISIONS_PER_SNAPSHOT) * SIMTIME_MS);
    }
    bench_items(state, DECISIONS_PER_SNAPSHOT);
    router_destroy(router);
    mem_free(homes);
    mem_free(sent);
}

#define ROUTER_BENCH(name, policy, n_instances, view)                                                                  \
    static void router_##name(struct bench_state *state)                                                               \
    {                                                                                                                  \
        decide(state, policy, n_instances, view);                                                                      \
    }                                                                                                                  \
    BENCH(router_##name)

ROUTER_BENCH(round_robin_8, "round-robin", 8, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(round_robin_1024, "round-robin", 1024, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(least_loaded_8, "least-loaded", 8, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(least_loaded_1024, "least-loaded", 1024, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(least_loaded_1024_exact, "least-loaded", 1024, ROUTER_VIEW_EXACT)
ROUTER_BENCH(session_affinity_8, "session-affinity", 8, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(session_affinity_1024, "session-affinity", 1024, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(session_affinity_1024_exact, "session-affinity", 1024, ROUTER_VIEW_EXACT)
ROUTER_BENCH(dynamo_kv_8, "dynamo-kv", 8, ROUTER_VIEW_TELEMETRY)
ROUTER_BENCH(dynamo_kv_1024, "dynamo-kv", 1024, ROUTER_VIEW_TELEMETRY)
