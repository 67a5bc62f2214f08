#include "policy/builtin/builtin.h"
#include "policy/builtin/routing_draw.h"

enum { PREFIX, QUEUE, KV, LOAD_AWARE, ACTIVE, SESSION, QUEUE_THRESHOLD };

#define WEIGHT(NAME, VALUE, WHAT)                                                                                      \
    {                                                                                                                  \
        .name = NAME, .help = "weight of the scorer: " WHAT, .kind = ASIM_NUMBER, .value = VALUE, .min = 0.0,          \
        .max = 1e6                                                                                                     \
    }

static const struct asim_parameter parameters[] = {
    [PREFIX] = WEIGHT("prefix", 3.0, "share of the prompt's blocks that match"),
    [QUEUE] = WEIGHT("queue", 2.0, "few waiting turns, from the fullest (0) to the emptiest (1)"),
    [KV] = WEIGHT("kv", 2.0, "share of KV blocks that nobody holds"),
    [LOAD_AWARE] = WEIGHT("load_aware", 0.0, "0.5 with an empty queue, down to 0 at the queue threshold"),
    [ACTIVE] = WEIGHT("active", 0.0, "few outstanding turns, against the fullest"),
    [SESSION] = WEIGHT("session", 0.0, "1 for the instance of the program's previous turn"),
    [QUEUE_THRESHOLD] = {.name = "queue_threshold",
                         .help = "waiting turns at which load_aware gives 0",
                         .kind = ASIM_NUMBER,
                         .value = 128,
                         .min = 1,
                         .max = 1e9},
};

struct extremes {
    uint32_t least_waiting, most_waiting, most_outstanding;
};

static struct extremes find_extremes(const struct asim_routing *routing)
{
    struct extremes found = {.least_waiting = UINT32_MAX};
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        const struct asim_instance_view *view = &routing->instances[i];
        found.least_waiting = view->waiting < found.least_waiting ? view->waiting : found.least_waiting;
        found.most_waiting = view->waiting > found.most_waiting ? view->waiting : found.most_waiting;
        found.most_outstanding =
            view->outstanding > found.most_outstanding ? view->outstanding : found.most_outstanding;
    }
    return found;
}

static double score(const struct asim_routing *routing, const struct asim_request *request,
                    const struct extremes *extremes, uint32_t i)
{
    const double *p = routing->parameters;
    const struct asim_instance_view *view = &routing->instances[i];
    const uint32_t blocks = request->prompt_toks / routing->block_size;
    const uint32_t spread = extremes->most_waiting - extremes->least_waiting;
    const double full = view->waiting / p[QUEUE_THRESHOLD];
    double sum = blocks ? p[PREFIX] * routing->overlap[i] / blocks : 0.0;
    sum += p[QUEUE] * (spread ? (double)(extremes->most_waiting - view->waiting) / spread : 1.0);
    sum += p[KV] * (1.0 - (double)view->used_blocks / view->usable_blocks);
    sum += p[LOAD_AWARE] * (full < 1.0 ? 0.5 * (1.0 - full) : 0.0);
    sum += p[ACTIVE] * (extremes->most_outstanding
                            ? (double)(extremes->most_outstanding - view->outstanding) / extremes->most_outstanding
                            : 1.0);
    return sum + (request->home == i ? p[SESSION] : 0.0);
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    const struct extremes extremes = find_extremes(routing);
    struct best_draw best = {.random = routing->random};
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        best_offer(&best, i, score(routing, request, &extremes, i));
    }
    return best.index;
}

const struct asim_policy policy_llm_d = {
    POLICY_HEAD,
    .name = "llm-d",
    .summary = "highest weighted sum of scores: matching prefix, short queue, free KV and others",
    .source = "llm-d inference scheduler and Gateway API Inference Extension; weights of the latter's default",
    .assumed =
        "the approximate prefix scorer; ties at random; no affinity filter, no scorer of idle instances for cold "
        "prompts",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP | ASIM_POLICY_READS_RANDOM,
    .route = route,
};
