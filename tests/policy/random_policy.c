#include "policy/random_policy.h"

#include "policy/builtin/builtin.h"

uint64_t random_policy_mix(uint64_t a, uint64_t b)
{
    uint64_t key = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

static struct asim_retention random_retention(const struct asim_context *context, const struct asim_turn *turn)
{
    const uint64_t dice = random_policy_mix(turn->program, turn->turn);
    const asim_time length = (asim_time)(dice >> 16) % 4000 * ASIM_MILLISECOND;
    switch (dice % 7) {
    case 0:
        return (struct asim_retention){.action = ASIM_KEEP};
    case 1:
        return (struct asim_retention){.action = ASIM_DROP};
    case 5:
        return (struct asim_retention){.action = ASIM_OFFLOAD, .until = ASIM_NEVER};
    case 6:
        return (struct asim_retention){.action = ASIM_OFFLOAD, .until = context->now + length - 500 * ASIM_MILLISECOND};
    case 2:
        return (struct asim_retention){.action = ASIM_HOLD, .score = (double)(dice % 7)};
    case 3:
        return (struct asim_retention){.action = ASIM_PIN, .until = dice & 64 ? ASIM_NEVER : context->now + length};
    default:
        return (struct asim_retention){.action = ASIM_PIN, .until = context->now + length};
    }
}

static double random_evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    return resident->score + (double)(random_policy_mix(resident->program, 3) % 3);
}

static uint32_t random_pressure(const struct asim_context *context, const struct asim_pressure *pressure)
{
    const uint64_t dice = random_policy_mix(context->n_residents, pressure->needed);
    return context->n_residents && dice % 3 ? (uint32_t)(dice >> 8) % context->n_residents : ASIM_NONE;
}

static struct asim_priority random_priority(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    const uint64_t dice = random_policy_mix(turn->program, turn->turn + 100);
    return (struct asim_priority){.level = (int32_t)(dice % 3) + (turn->is_preempted ? 1 : 0),
                                  .order = (int64_t)(dice >> 40)};
}

static uint32_t random_victim(const struct asim_context *context)
{
    return (uint32_t)random_policy_mix(context->n_running, context->running_toks) % context->n_running;
}

static bool random_admit(const struct asim_context *context, const struct asim_turn *turn)
{
    return random_policy_mix(turn->program + (uint64_t)(context->now / ASIM_SECOND) * 100, context->n_running) % 4 > 0;
}

/* Gives some residents up, sends some away, brings some back, and moves pins. */
static void random_tick(const struct asim_context *context)
{
    for (uint32_t i = 0; i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        const uint64_t dice = random_policy_mix(resident.program, (uint64_t)context->now);
        if (dice % 8 == 0) {
            context->host->release(context->handle, resident.program);
        } else if (dice % 8 == 1) {
            context->host->pin(context->handle, resident.program, context->now + ASIM_SECOND);
        } else if (dice % 8 == 2) {
            context->host->pin(context->handle, resident.program, 0);
        } else if (dice % 8 == 3) {
            context->host->offload(context->handle, resident.program, 0);
        } else if (dice % 8 == 4) {
            context->host->prefetch(context->handle, resident.program);
        }
    }
}

/* Now and then one goes and one comes, as many blocks as the step hides. */
static void random_plan(const struct asim_context *context, const struct asim_step *step)
{
    const uint64_t dice = random_policy_mix((uint64_t)context->now, step->decodes + step->prefill_toks);
    struct asim_resident resident;
    context->host->resident(context->handle, (uint32_t)(dice >> 8) % context->n_residents, &resident);
    if (dice % 5 == 0 && resident.blocks <= step->store_blocks + 100) {
        context->host->offload(context->handle, resident.program, 0);
    } else if (dice % 5 == 1 && step->load_blocks + 100 > resident.context_toks / context->block_size) {
        context->host->prefetch(context->handle, resident.program);
    }
}

static asim_time random_period(const double *parameters)
{
    (void)parameters;
    return 130 * ASIM_MILLISECOND;
}

struct asim_policy random_policy(uint32_t kind)
{
    struct asim_policy policy = {
        POLICY_HEAD,
        .name = "random",
        .flags =
            (kind & 1 ? (uint32_t)ASIM_POLICY_DYNAMIC_PRIORITY : 0) | (kind & 2 ? (uint32_t)ASIM_POLICY_PREEMPTIVE : 0),
        .on_turn_complete = random_retention,
    };
    policy.priority = kind & 7 ? random_priority : NULL;
    policy.evict_order = kind & 8 ? random_evict_order : NULL;
    policy.on_pressure = kind & 16 ? random_pressure : NULL;
    policy.victim = kind & 32 ? random_victim : NULL;
    policy.admit = kind & 64 ? random_admit : NULL;
    policy.tick = kind & 128 ? random_tick : NULL;
    policy.tick_period = kind & 128 ? random_period : NULL;
    policy.plan_transfers = kind & 256 ? random_plan : NULL;
    return policy;
}

/* ---- no turn may start ---- */

static bool never(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    (void)turn;
    return false;
}

static void look_on(const struct asim_context *context)
{
    (void)context;
}

static asim_time long_period(const double *parameters)
{
    (void)parameters;
    return 60 * ASIM_SECOND;
}

struct asim_policy refusing_policy(bool ticks)
{
    struct asim_policy policy = {POLICY_HEAD, .name = "refusing", .admit = never};
    policy.tick = ticks ? look_on : NULL;
    policy.tick_period = ticks ? long_period : NULL;
    return policy;
}
