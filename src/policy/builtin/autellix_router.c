#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"

enum { SHORT_PROMPT };

static const struct asim_parameter parameters[] = {
    [SHORT_PROMPT] = {.name = "short_prompt",
                      .help = "tokens up to which a call goes to the least used instance",
                      .kind = ASIM_NUMBER,
                      .value = 2048,
                      .min = 0,
                      .max = 1e9},
};

/* Where a program's long calls go. */
struct program {
    struct memory_key key;
    uint32_t instance;
};

enum { SETS = 8192 };

struct state {
    struct program programs[SETS * MEMORY_WAYS];
};

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    struct state *state = routing->state;
    if (request->prompt_toks <= routing->parameters[SHORT_PROMPT]) {
        return routing->least_loaded;
    }
    const bool is_known = memory_find(state->programs, SETS, sizeof(struct program), request->program) != NULL;
    struct program *program = memory_take(state->programs, SETS, sizeof *program, request->program, routing->now);
    if (!is_known) {
        program->instance = routing->least_loaded;
    }
    return program->instance;
}

const struct asim_policy policy_autellix_router = {
    POLICY_HEAD,
    .name = "autellix-router",
    .summary = "short calls go to the least used instance, long ones to their program's, chosen at its first long call",
    .source = "Autellix (arXiv 2502.13965), load balancer",
    .assumed = "least used: fewest outstanding turns; the last 65536 programs are remembered",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_PROMPT,
    .state_size = sizeof(struct state),
    .route = route,
};
