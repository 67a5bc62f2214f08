/* Preble's E2, exploit or explore, in units of prompt tokens to prefill.
 *
 * A prompt of which more than half is cached somewhere goes to the least loaded instance where that is so (exploit),
 * else to the least sum of load, cost of what must be evicted for it, and its own prefill (explore). The load is what
 * was sent in a window of time: two halves are kept, and the older one fades as the younger one fills.
 */
#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"

enum { WINDOW, TURN_COST, HIT_RATE, REBALANCE };

static const struct asim_parameter parameters[] = {
    [WINDOW] = {.name = "window",
                .help = "over which load is counted",
                .kind = ASIM_DURATION,
                .value = 180.0 * ASIM_SECOND,
                .min = 1.0 * ASIM_MILLISECOND,
                .max = 1e6 * ASIM_SECOND},
    [TURN_COST] = {.name = "turn_cost",
                   .help = "prompt tokens that the decoding of a turn counts for",
                   .kind = ASIM_NUMBER,
                   .value = 512,
                   .min = 0,
                   .max = 1e9},
    [HIT_RATE] = {.name = "hit_rate",
                  .help = "chance that an evicted block would have been asked for again",
                  .kind = ASIM_NUMBER,
                  .value = 0.5,
                  .min = 0.0,
                  .max = 1.0},
    [REBALANCE] = {.name = "rebalance",
                   .help = "load of the most over the least loaded instance, prompt included, above which the "
                           "latter takes over; factor",
                   .kind = ASIM_NUMBER,
                   .value = 1.5,
                   .min = 1.0,
                   .max = 1e9},
};

struct load {
    struct memory_key key; /* the instance */
    int64_t half;          /* number of the half window that is being filled */
    double now, before;
};

enum { SETS = 1024 };

struct state {
    struct load loads[SETS * MEMORY_WAYS];
};

/* Brings the halves up to now. */
static double load_of(const struct asim_routing *routing, struct load *load)
{
    if (!load) {
        return 0.0;
    }
    const double length = routing->parameters[WINDOW] / 2.0;
    const int64_t half = (int64_t)((double)routing->now / length);
    if (half != load->half) {
        load->before = half == load->half + 1 ? load->now : 0.0;
        load->now = 0.0;
        load->half = half;
    }
    const double filled = (double)routing->now / length - (double)half;
    return load->now + load->before * (1.0 - filled);
}

static double load_at(const struct asim_routing *routing, uint32_t instance)
{
    struct state *state = routing->state;
    return load_of(routing, memory_find(state->loads, SETS, sizeof(struct load), instance));
}

static double missing(const struct asim_routing *routing, const struct asim_request *request, uint32_t instance)
{
    return (double)request->prompt_toks - (double)routing->overlap[instance] * routing->block_size;
}

static double cost_of_eviction(const struct asim_routing *routing, double missing_toks, uint32_t instance)
{
    const struct asim_instance_view *view = &routing->instances[instance];
    const double room = (double)(view->usable_blocks - view->index_blocks) * routing->block_size;
    return missing_toks > room ? routing->parameters[HIT_RATE] * (missing_toks - room) : 0.0;
}

static uint32_t choose(const struct asim_routing *routing, const struct asim_request *request)
{
    uint32_t exploit = ASIM_NONE;
    uint32_t explore = 0;
    uint32_t lightest = 0;
    double least = 0.0;
    double least_held = 0.0;
    double least_cost = 0.0;
    double most = 0.0;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        const double load = load_at(routing, i);
        const double lacks = missing(routing, request, i);
        const double cost = load + cost_of_eviction(routing, lacks, i) + lacks;
        if (i == 0 || cost < least_cost) {
            explore = i;
            least_cost = cost;
        }
        if (2.0 * lacks < (double)request->prompt_toks && (exploit == ASIM_NONE || load < least_held)) {
            exploit = i;
            least_held = load;
        }
        if (i == 0 || load < least) {
            lightest = i;
            least = load;
        }
        most = load > most ? load : most;
    }
    const uint32_t chosen = exploit != ASIM_NONE ? exploit : explore;
    const double there = least + missing(routing, request, lightest) + routing->parameters[TURN_COST];
    const bool is_heaviest = load_at(routing, chosen) >= most;
    return is_heaviest && most > routing->parameters[REBALANCE] * there ? lightest : chosen;
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    struct state *state = routing->state;
    const uint32_t chosen = choose(routing, request);
    struct load *load = memory_take(state->loads, SETS, sizeof *load, chosen, routing->now);
    load_of(routing, load);
    load->now += missing(routing, request, chosen) + routing->parameters[TURN_COST];
    return chosen;
}

const struct asim_policy policy_preble = {
    POLICY_HEAD,
    .name = "preble",
    .summary = "E2: where most of a prompt is cached, else where load, eviction and prefill together cost least",
    .source = "Preble (arXiv 2407.00023)",
    .assumed = "costs in prompt tokens, with one of a turn's decoding and one hit rate for all; no replication of "
               "prefixes ahead of demand; instances serve by their own scheduling policy; loads of 8192 instances",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP,
    .state_size = sizeof(struct state),
    .route = route,
};
