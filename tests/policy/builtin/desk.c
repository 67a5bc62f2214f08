#include "policy/builtin/desk.h"

#include "support/support.h"

#include "base/mem.h"

#include <string.h>

static asim_time prefill_time(void *handle, uint32_t context_toks, uint32_t cached_toks)
{
    const struct desk *desk = handle;
    return desk->prefill_at_all + (asim_time)(context_toks - cached_toks) * desk->prefill;
}

static asim_time load_time(void *handle, uint32_t tier, uint32_t toks)
{
    const struct desk *desk = handle;
    assert_true(tier < desk->context.n_tiers);
    return (asim_time)toks * desk->load;
}

static void resident(void *handle, uint32_t index, struct asim_resident *out)
{
    const struct desk *desk = handle;
    assert_true(index < desk->context.n_residents);
    *out = desk->residents[index];
}

static void running(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct desk *desk = handle;
    assert_true(index < desk->context.n_running);
    *out = desk->running[index];
}

static void waiting(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct desk *desk = handle;
    assert_true(index < desk->context.n_waiting);
    *out = desk->waiting[index];
}

static void wish(void *handle, enum desk_wish_kind kind, uint64_t program, asim_time until)
{
    struct desk *desk = handle;
    assert_true(desk->n_wishes < DESK_MOST);
    desk->wishes[desk->n_wishes++] = (struct desk_wish){.kind = kind, .program = program, .until = until};
}

static void pin(void *handle, uint64_t program, asim_time until)
{
    wish(handle, DESK_PIN, program, until);
}

static void release(void *handle, uint64_t program)
{
    wish(handle, DESK_RELEASE, program, 0);
}

static void offload(void *handle, uint64_t program, uint32_t tier)
{
    assert_int_equal(tier, 0);
    wish(handle, DESK_OFFLOAD, program, 0);
}

static void prefetch(void *handle, uint64_t program)
{
    wish(handle, DESK_PREFETCH, program, 0);
}

void desk_open(struct desk *desk, const struct asim_policy *policy)
{
    *desk = (struct desk){
        .policy = policy,
        .host = {.struct_size = sizeof desk->host,
                 .prefill_time = prefill_time,
                 .load_time = load_time,
                 .resident = resident,
                 .waiting = waiting,
                 .running = running,
                 .pin = pin,
                 .release = release,
                 .offload = offload,
                 .prefetch = prefetch},
        .prefill = MS,
        .load = MS / 10,
    };
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        desk->parameters[i] = policy->parameters[i].value;
    }
    desk->context = (struct asim_context){
        .state = policy->state_size ? mem_zalloc(policy->state_size) : NULL,
        .parameters = desk->parameters,
        .host = &desk->host,
        .handle = desk,
        .block_size = 16,
        .usable_blocks = 1000,
        .free_blocks = 1000,
    };
}

void desk_close(struct desk *desk)
{
    mem_free(desk->context.state);
}

struct asim_turn desk_turn(uint64_t program, uint32_t turn, uint32_t tool, uint32_t prompt)
{
    return (struct asim_turn){.program = program,
                              .turn = turn,
                              .tool = tool,
                              .prompt_toks = prompt,
                              .output_toks = 1,
                              .first_scheduled = ASIM_NEVER,
                              .deadline = ASIM_NEVER,
                              .hint_pin = -1,
                              .hint_resume = -1,
                              .true_gap = -1,
                              .remaining_toks = -1};
}

void desk_gap(struct desk *desk, uint32_t tool, asim_time gap)
{
    desk->policy->observe_gap(&desk->context, tool, gap);
}

struct asim_retention desk_complete(struct desk *desk, const struct asim_turn *turn)
{
    return desk->policy->on_turn_complete(&desk->context, turn);
}

asim_time desk_pin(struct desk *desk, const struct asim_turn *turn)
{
    const struct asim_retention answer = desk_complete(desk, turn);
    return answer.action == ASIM_PIN ? answer.until - desk->context.now : -1;
}
