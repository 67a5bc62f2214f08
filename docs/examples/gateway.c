/* gateway: no instance is sent more turns than it can serve at a time; the others wait at the gateway, programs in the
 * order of their arrival, and go to whichever instance has room first.
 *
 * Shows what a router may do beside choosing: hold turns (ASIM_HELD), look at the cluster again (route_tick), and count
 * what it sent by hearing of it (on_submit, on_complete).
 */
#include <asim/policy.h>

enum { LIMIT, INSTANCES = 1024 };

static const struct asim_parameter parameters[] = {
    [LIMIT] = {"limit", "turns at an instance at a time", ASIM_NUMBER, 16, 1, 1e6},
};

/* Turns at each instance, one state for the cluster. */
struct state {
    uint32_t at[INSTANCES];
};

/* The home while it has room, else where the fewest are. */
static uint32_t choose(const struct asim_routing *routing, const uint32_t *at, uint32_t home)
{
    if (home < INSTANCES && at[home] < routing->parameters[LIMIT]) {
        return home;
    }
    uint32_t least = 0;
    for (uint32_t i = 1; i < routing->n_instances && i < INSTANCES; i++) {
        least = at[i] < at[least] ? i : least;
    }
    return at[least] < routing->parameters[LIMIT] ? least : ASIM_HELD;
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    const struct state *state = routing->state;
    return choose(routing, state->at, request->home);
}

static void on_submit(const struct asim_context *context, const struct asim_submission *submission)
{
    struct state *state = context->state;
    state->at[submission->instance % INSTANCES]++;
}

static void on_complete(const struct asim_context *context, const struct asim_completion *completion)
{
    struct state *state = context->state;
    state->at[completion->instance % INSTANCES]--;
}

/* Those that are released count when they are sent, after this. */
static void route_tick(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    const struct state *state = routing->state;
    struct state after = *state;
    for (uint32_t i = 0; i < gateway->n_held; i++) {
        struct asim_held held;
        gateway->held(gateway->handle, i, &held);
        const uint32_t chosen = choose(routing, after.at, held.home);
        if (chosen != ASIM_HELD) {
            gateway->release(gateway->handle, i, chosen);
            after.at[chosen]++;
        }
    }
}

static const struct asim_policy policy = {
    .struct_size = sizeof policy,
    .abi_major = ASIM_POLICY_ABI_MAJOR,
    .abi_minor = ASIM_POLICY_ABI_MINOR,
    .name = "gateway",
    .summary = "instances are sent no more turns than they can serve; others wait at the gateway",
    .source = "an example of docs/policies.md",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    .state_size = sizeof(struct state),
    .route = route,
    .on_submit = on_submit,
    .on_complete = on_complete,
    .route_tick = route_tick,
};

const struct asim_policy *asim_policy(void)
{
    return &policy;
}
