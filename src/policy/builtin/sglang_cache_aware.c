#include "policy/builtin/builtin.h"

enum { CACHE_THRESHOLD, BALANCE_ABS, BALANCE_REL };

static const struct asim_parameter parameters[] = {
    [CACHE_THRESHOLD] = {.name = "cache_threshold",
                         .help = "share of the prompt that must match for the best match to be taken",
                         .kind = ASIM_NUMBER,
                         .value = 0.3,
                         .min = 0.0,
                         .max = 1.0},
    [BALANCE_ABS] = {.name = "balance_abs_threshold",
                     .help = "outstanding turns of the fullest over the emptiest instance above which loads may be "
                             "unbalanced; turns",
                     .kind = ASIM_NUMBER,
                     .value = 64,
                     .min = 0,
                     .max = 1e9},
    [BALANCE_REL] = {.name = "balance_rel_threshold",
                     .help = "the same as a factor; both must be passed",
                     .kind = ASIM_NUMBER,
                     .value = 1.5,
                     .min = 1.0,
                     .max = 1e9},
};

static bool is_unbalanced(const struct asim_routing *routing)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        most = routing->instances[i].outstanding > most ? routing->instances[i].outstanding : most;
    }
    const double least = routing->instances[routing->least_loaded].outstanding;
    return (double)most - least > routing->parameters[BALANCE_ABS] &&
           (double)most > routing->parameters[BALANCE_REL] * least;
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    if (is_unbalanced(routing)) {
        return routing->least_loaded;
    }
    uint32_t best = 0;
    uint32_t smallest = 0;
    for (uint32_t i = 1; i < routing->n_instances; i++) {
        best = routing->overlap[i] > routing->overlap[best] ? i : best;
        smallest = routing->instances[i].index_blocks < routing->instances[smallest].index_blocks ? i : smallest;
    }
    const double matched = (double)routing->overlap[best] * routing->block_size;
    return matched > routing->parameters[CACHE_THRESHOLD] * (double)request->prompt_toks ? best : smallest;
}

const struct asim_policy policy_sglang_cache_aware = {
    POLICY_HEAD,
    .name = "sglang-cache-aware",
    .summary = "the best prefix match if it is long enough, else the smallest tree; shortest queue when unbalanced",
    .source = "SGLang router, cache_aware policy",
    .assumed = "trees of whole blocks, as large as an instance's KV cache; ties go to the lower number",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP,
    .route = route,
};
