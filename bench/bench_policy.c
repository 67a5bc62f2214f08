/* The door: a decision of a policy by a direct call, as a built-in policy, and as a policy of a shared object, whose
 * calls leave a mark of what is being asked. Each call is a few nanoseconds: read the differences. */
#include "support/bench.h"

#include "policy/plugin.h"
#include "policy/policy_call.h"

enum { CALLS = 4096, N_INSTANCES = 8 };

/* As small as a decision can be, and out of line, as in a file of its own. */
__attribute__((noinline)) static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    return request->home == ASIM_NONE ? routing->least_loaded : request->home;
}

static void ask(const struct asim_request **out, struct asim_request requests[CALLS])
{
    for (uint32_t i = 0; i < CALLS; i++) {
        requests[i] =
            (struct asim_request){.program = i, .home = i % 8 == 0 ? ASIM_NONE : i * 2654435761U % N_INSTANCES};
    }
    *out = requests;
}

static void policy_direct(struct bench_state *state)
{
    struct asim_request memory[CALLS];
    const struct asim_request *requests;
    ask(&requests, memory);
    const struct asim_routing routing = {.n_instances = N_INSTANCES, .least_loaded = 3};
    volatile uint64_t sum = 0;
    while (bench_next(state)) {
        uint64_t chosen = 0;
        for (uint32_t i = 0; i < CALLS; i++) {
            chosen += route(&routing, &requests[i]);
        }
        sum += chosen;
    }
    bench_items(state, CALLS);
}
BENCH(policy_direct)

static void through_the_door(struct bench_state *state, const struct policy_plugin *plugin)
{
    static struct asim_policy policy = {.name = "bench", .route = route};
    struct asim_request memory[CALLS];
    const struct asim_request *requests;
    ask(&requests, memory);
    const struct asim_routing routing = {.n_instances = N_INSTANCES, .least_loaded = 3};
    struct policy_use made = {.policy = &policy, .plugin = plugin};
    const struct policy_use *volatile opened = &made; /* the compiler knows no more of it than the simulator does */
    const struct policy_use *use = opened;
    volatile uint64_t sum = 0;
    while (bench_next(state)) {
        uint64_t chosen = 0;
        for (uint32_t i = 0; i < CALLS; i++) {
            policy_enter(use, "route");
            chosen += use->policy->route(&routing, &requests[i]);
            policy_leave(use);
        }
        sum += chosen;
    }
    bench_items(state, CALLS);
}

static void policy_built_in(struct bench_state *state)
{
    through_the_door(state, NULL);
}
BENCH(policy_built_in)

static void policy_shared_object(struct bench_state *state)
{
    const struct policy_plugin plugin = {.path = "./bench.so"};
    through_the_door(state, &plugin);
}
BENCH(policy_shared_object)
