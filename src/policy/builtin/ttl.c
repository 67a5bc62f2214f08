#include "policy/builtin/retention.h"

enum { TTL };

static const struct asim_parameter parameters[] = {
    [TTL] = {.name = "ttl",
             .help = "a program's KV is pinned so long after each turn",
             .kind = ASIM_DURATION,
             .value = 2.0 * ASIM_SECOND,
             .min = 0,
             .max = 1e6 * ASIM_SECOND},
};

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    return turn->is_last ? retention_keep() : retention_pin(context, context->parameters[TTL]);
}

const struct asim_policy policy_ttl = {
    POLICY_HEAD,
    .name = "ttl",
    .summary = "KV is pinned for the same time after every turn",
    .source = "Continuum (arXiv 2511.02230), static time to live",
    POLICY_PARAMETERS(parameters),
    .on_turn_complete = on_turn_complete,
};
