#include "policy/random_router.h"

#include "policy/builtin/builtin.h"
#include "policy/random_policy.h"

struct state {
    uint64_t heard;
};

static void hear(void *state, uint64_t what)
{
    struct state *router = state;
    router->heard = random_policy_mix(router->heard, what);
}

static uint64_t seen(const struct asim_routing *routing)
{
    uint64_t sum = routing->outstanding + routing->random;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        const struct asim_instance_view *view = &routing->instances[i];
        sum = random_policy_mix(sum, (uint64_t)view->running << 40 | (uint64_t)view->waiting << 20 | view->outstanding);
    }
    return sum;
}

static uint32_t choose(const struct asim_routing *routing, const struct asim_request *request)
{
    const struct state *state = routing->state;
    return (uint32_t)(random_policy_mix(state->heard + request->prompt_toks, request->program << 24 | request->turn) %
                      routing->n_instances);
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    hear(routing->state, seen(routing) + (uint64_t)routing->now);
    return choose(routing, request);
}

static uint32_t route_or_hold(const struct asim_routing *routing, const struct asim_request *request)
{
    const uint32_t chosen = route(routing, request);
    const struct state *state = routing->state;
    return state->heard % 3 ? chosen : ASIM_HELD;
}

static void on_submit(const struct asim_context *context, const struct asim_submission *submission)
{
    hear(context->state, (uint64_t)context->now + submission->program * 64 + submission->turn * 8 +
                             submission->instance + (submission->was_held ? 1000 : 0) +
                             (submission->was_moved ? 2000 : 0));
}

static void on_complete(const struct asim_context *context, const struct asim_completion *completion)
{
    hear(context->state, (uint64_t)context->now ^ (uint64_t)completion->ended);
    hear(context->state, completion->program * 64 + completion->turn * 8 + completion->instance +
                             (completion->is_last ? 1000 : 0) + completion->hit_toks * 10000);
}

static void tick(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    struct state *state = routing->state;
    hear(state, seen(routing) + (uint64_t)routing->now);
    for (uint32_t i = 0; i < gateway->n_held; i++) {
        struct asim_held held;
        gateway->held(gateway->handle, i, &held);
        const uint64_t dice = random_policy_mix(state->heard, held.program << 24 | held.turn);
        if (dice % 2) {
            gateway->release(gateway->handle, i, (uint32_t)(dice >> 8) % routing->n_instances);
        }
    }
}

static void tick_and_move(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    const struct state *state = routing->state;
    tick(routing, gateway);
    for (uint32_t i = 0; i < routing->n_instances && routing->n_instances > 1; i++) {
        const uint32_t n = gateway->n_sent(gateway->handle, i);
        const uint64_t dice = random_policy_mix(state->heard, i);
        if (n && dice % 3) {
            const uint32_t other = (uint32_t)(dice >> 8) % (routing->n_instances - 1);
            gateway->move(gateway->handle, i, (uint32_t)(dice >> 32) % n, other + (other >= i));
            gateway->move_with_kv(gateway->handle, i, (uint32_t)(dice >> 36) % n, other + (other >= i));
            gateway->move_with_kv(gateway->handle, i, n - 1, other + (other >= i));
        }
    }
}

static asim_time period(const double *parameters)
{
    (void)parameters;
    return 37 * ASIM_MILLISECOND;
}

struct asim_policy random_router(uint32_t kind)
{
    struct asim_policy policy = {POLICY_HEAD, .name = "random-router", .state_size = sizeof(struct state)};
    policy.flags = ASIM_POLICY_READS_VIEW | (kind & RANDOM_ROUTER_PROMPTS ? (uint32_t)ASIM_POLICY_READS_PROMPT : 0) |
                   (kind & RANDOM_ROUTER_DRAWS ? (uint32_t)ASIM_POLICY_READS_RANDOM : 0);
    policy.route = kind & RANDOM_ROUTER_HOLDS ? route_or_hold : route;
    policy.on_submit = kind & RANDOM_ROUTER_HEARS_SENT ? on_submit : NULL;
    policy.on_complete = kind & RANDOM_ROUTER_HEARS_ENDS ? on_complete : NULL;
    policy.route_tick = kind & RANDOM_ROUTER_MOVES ? tick_and_move : kind & RANDOM_ROUTER_HOLDS ? tick : NULL;
    policy.route_tick_period = period;
    return policy;
}

/* ---- no turn is sent ---- */

static uint32_t hold(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)routing;
    (void)request;
    return ASIM_HELD;
}

static void look_on(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    (void)routing;
    (void)gateway;
}

static asim_time never(const double *parameters)
{
    (void)parameters;
    return ASIM_NEVER;
}

struct asim_policy holding_router(bool ticks)
{
    return (struct asim_policy){POLICY_HEAD, .name = "holding", .route = hold, .route_tick = look_on,
                                .route_tick_period = ticks ? period : never};
}
