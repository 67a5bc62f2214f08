/* A tenant's share is the sum over its programs of the service that they still need per time that they have left; its
 * turns come before those of tenants that have been served more for their share. Turns of one tenant go by arrival. */
#include "policy/builtin/saga.h"

#include "base/pmath.h"

static struct saga_tenant *take_tenant(const struct asim_context *context, uint64_t id)
{
    struct saga_state *state = context->state;
    struct saga_tenant *tenant = memory_take(state->tenants, SAGA_TENANT_SETS, sizeof *tenant, id, context->now);
    const double passed = (double)(context->now - tenant->at);
    if (passed > 0.0) {
        tenant->served *= pmath_exp(-passed / context->parameters[SAGA_MEMORY]);
        tenant->at = context->now;
    }
    return tenant;
}

void saga_share_ended(const struct asim_context *context, const struct asim_turn *turn)
{
    struct saga_state *state = context->state;
    take_tenant(context, turn->tenant)->served += (double)turn->served;
    if (turn->is_last) {
        running_mean_add(&state->service, (double)(turn->attained + turn->served));
    }
}

static double share_of(const struct asim_context *context, const struct saga_program *program)
{
    const struct saga_state *state = context->state;
    const double whole = running_mean_or(&state->service, (double)ASIM_SECOND);
    const double left = whole - (double)program->attained;
    const double remaining = left > 0.1 * whole ? left : 0.1 * whole; /* it may need more than the mean */
    const double slack =
        program->deadline == ASIM_NEVER ? context->parameters[SAGA_SLACK] : (double)(program->deadline - context->now);
    const double least = context->parameters[SAGA_LEAST_SLACK];
    return remaining / (slack > least ? slack : least);
}

/* Fills in the shares of tenants; programs not heard of for longer than the slack have gone elsewhere. */
static void find_shares(const struct asim_context *context)
{
    struct saga_state *state = context->state;
    for (size_t i = 0; i < SAGA_TENANTS; i++) {
        state->tenants[i].share = 0.0;
    }
    for (size_t i = 0; i < MEMORY_ENTRIES; i++) {
        const struct saga_program *program = &state->programs[i];
        if (program->key.mark && (double)(context->now - program->key.taken) <= context->parameters[SAGA_SLACK]) {
            struct saga_tenant *tenant = memory_find(state->tenants, SAGA_TENANT_SETS, sizeof *tenant, program->tenant);
            if (tenant) {
                tenant->share += share_of(context, program);
            }
        }
    }
}

struct asim_priority saga_share_priority(const struct asim_context *context, const struct asim_turn *turn)
{
    struct saga_state *state = context->state;
    const struct saga_tenant *own = take_tenant(context, turn->tenant);
    find_shares(context);
    double least = 0.0;
    bool any = false;
    for (size_t i = 0; i < SAGA_TENANTS; i++) {
        const struct saga_tenant *tenant = &state->tenants[i];
        if (tenant->key.mark && tenant->share > 0.0) {
            const double rate = tenant->served / tenant->share;
            least = !any || rate < least ? rate : least;
            any = true;
        }
    }
    const double ahead = own->share > 0.0 ? own->served / own->share - least : 0.0;
    return (struct asim_priority){.order = ahead < 1e18 ? (int64_t)ahead : INT64_C(1000000000000000000)};
}
