/* What the application asks for. A command, to pin for so long or to drop, is followed; an estimate of the gap is a
 * pin of that length and some more, unless it is too long to wait for. Without a hint the engine's own rule holds. */
#include "policy/builtin/retention.h"

enum { MARGIN, LONGEST };

static const struct asim_parameter parameters[] = {
    [MARGIN] = {.name = "margin",
                .help = "a pin lasts so many times the estimated gap",
                .kind = ASIM_NUMBER,
                .value = 1.5,
                .min = 1.0,
                .max = 1000.0},
    [LONGEST] = {.name = "longest",
                 .help = "estimates above this are not waited for",
                 .kind = ASIM_DURATION,
                 .value = 60.0 * ASIM_SECOND,
                 .min = 0,
                 .max = 1e6 * ASIM_SECOND},
};

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    if (turn->hint_pin == 0) {
        return (struct asim_retention){.action = ASIM_DROP, .until = ASIM_NEVER, .tier = ASIM_NONE};
    }
    if (turn->hint_pin > 0) {
        return retention_pin(context, (double)turn->hint_pin);
    }
    if (turn->hint_resume >= 0 && (double)turn->hint_resume <= context->parameters[LONGEST]) {
        return retention_pin(context, (double)turn->hint_resume * context->parameters[MARGIN]);
    }
    return retention_keep();
}

const struct asim_policy policy_hints = {
    POLICY_HEAD,
    .name = "hints",
    .summary = "KV is pinned or dropped as the application asks",
    .source = "vLLM RFCs 52113, 53421, 57103",
    .assumed = "how an estimate of the gap becomes a pin",
    POLICY_PARAMETERS(parameters),
    .on_turn_complete = on_turn_complete,
};
