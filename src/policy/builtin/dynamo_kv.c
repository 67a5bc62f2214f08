#include "base/pmath.h"
#include "policy/builtin/builtin.h"
#include "policy/builtin/routing_draw.h"

#include <float.h>

enum { OVERLAP_WEIGHT, CREDIT, DECAY, ACTIVE_WEIGHT, TEMPERATURE };

static const struct asim_parameter parameters[] = {
    [OVERLAP_WEIGHT] = {.name = "overlap_weight",
                        .help = "weight of the blocks to prefill against those that decode",
                        .kind = ASIM_NUMBER,
                        .value = 1.0,
                        .min = 0.0,
                        .max = 1e6},
    [CREDIT] = {.name = "credit",
                .help = "blocks of prefill that a block of overlap saves",
                .kind = ASIM_NUMBER,
                .value = 1.0,
                .min = 0.0,
                .max = 1.0},
    [DECAY] = {.name = "decay",
               .help = "how fast the credit falls with an instance's prefill beyond the least, in prompts",
               .kind = ASIM_NUMBER,
               .value = 0.0,
               .min = 0.0,
               .max = 1e6},
    [ACTIVE_WEIGHT] = {.name = "active_weight",
                       .help = "blocks that an outstanding turn counts for",
                       .kind = ASIM_NUMBER,
                       .value = 0.0,
                       .min = 0.0,
                       .max = 1e6},
    [TEMPERATURE] = {.name = "temperature",
                     .help = "of the draw by cost; 0: the least cost",
                     .kind = ASIM_NUMBER,
                     .value = 0.0,
                     .min = 0.0,
                     .max = 1e6},
};

static double cost(const struct asim_routing *routing, const struct asim_request *request, uint64_t least_pending,
                   uint32_t i)
{
    const double *p = routing->parameters;
    const double prompt = request->prompt_toks;
    const double prefill = ((double)routing->pending[i] + prompt) / routing->block_size;
    const double excess = (double)(routing->pending[i] - least_pending) / prompt;
    const double credit = p[CREDIT] * routing->overlap[i] / (1.0 + p[DECAY] * excess);
    return p[OVERLAP_WEIGHT] * (prefill > credit ? prefill - credit : 0.0) + routing->instances[i].used_blocks +
           p[ACTIVE_WEIGHT] * routing->instances[i].outstanding;
}

/* Draws by exp(-(cost - least) / ((most - least) temperature)). */
static uint32_t draw(const struct asim_routing *routing, const struct asim_request *request, uint64_t least_pending,
                     double least, double most)
{
    const double scale = 1.0 / ((most - least) * routing->parameters[TEMPERATURE]);
    double sum = 0.0;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        sum += pmath_exp((least - cost(routing, request, least_pending, i)) * scale);
    }
    double left = sum * ((double)(routing->random >> 11) * 0x1p-53);
    for (uint32_t i = 0; i + 1 < routing->n_instances; i++) {
        left -= pmath_exp((least - cost(routing, request, least_pending, i)) * scale);
        if (left < 0.0) {
            return i;
        }
    }
    return routing->n_instances - 1;
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    uint64_t least_pending = UINT64_MAX;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        least_pending = routing->pending[i] < least_pending ? routing->pending[i] : least_pending;
    }
    struct best_draw best = {.random = routing->random};
    double most = -DBL_MAX;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        const double here = cost(routing, request, least_pending, i);
        best_offer(&best, i, -here);
        most = here > most ? here : most;
    }
    if (routing->parameters[TEMPERATURE] > 0.0 && most > -best.score) {
        return draw(routing, request, least_pending, -best.score, most);
    }
    return best.index;
}

const struct asim_policy policy_dynamo_kv = {
    POLICY_HEAD,
    .name = "dynamo-kv",
    .summary = "least cost: blocks to prefill, less the overlap, and blocks in use; ties at random",
    .source = "NVIDIA Dynamo, default selector of its KV router",
    .assumed =
        "blocks in use are those of the last snapshot; overlap is the router's own record, of HBM alone; prompts "
        "are pending until their turns are seen to run",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP | ASIM_POLICY_READS_RANDOM,
    .route = route,
};
