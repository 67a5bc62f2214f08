#include "policy/program_run.h"

#include "support/support.h"

#include "kv/pool.h"

#include <string.h>

void program_run_use(struct program_run *run, const struct asim_policy *policy)
{
    run->policy = policy;
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        run->parameters[i] = policy->parameters[i].value;
    }
}

struct progress {
    uint32_t turn;
    simtime ready; /* of its next turn; SIMTIME_NEVER: a turn is inside, or it has ended */
    simtime attained;
    struct extent extent; /* its context is one stream */
};

struct service {
    struct program_run *run;
    struct instance *instance;
    struct progress progress[PROGRAM_RUN_MOST];
    uint32_t n_ended;
};

static uint32_t prompt_of(const struct program_plan *plan, uint32_t turn)
{
    return plan->first_prompt + turn * (plan->output + plan->fresh);
}

static void deliver(struct service *service, uint32_t program)
{
    const struct program_plan *plan = &service->run->plans[program];
    struct progress *progress = &service->progress[program];
    const uint32_t prompt = prompt_of(plan, progress->turn);
    const bool is_last = progress->turn + 1 == plan->turns;
    progress->extent = (struct extent){stream_private(program, 0), 0, prompt + plan->output};
    const struct turn_facts facts = {
        .program_arrival = plan->arrival,
        .gap_before = progress->turn ? plan->gap : -1,
        .gap_after = is_last ? SIMTIME_NEVER : plan->gap,
        .attained = progress->attained,
        .critical = progress->attained,
        .deadline = SIMTIME_NEVER,
        .hint_pin = -1,
        .hint_resume = -1,
        .remaining_toks = (int64_t)(plan->turns - progress->turn) * plan->output,
        .tool_before = NO_TOOL,
        .tool_after = NO_TOOL,
        .is_last = is_last,
    };
    instance_deliver(service->instance, &(struct turn_arrival){.program = program,
                                                               .turn = progress->turn,
                                                               .slot = program,
                                                               .ready = progress->ready,
                                                               .time = progress->ready,
                                                               .content = {&progress->extent, 1, prompt + plan->output},
                                                               .prompt_toks = prompt,
                                                               .output_toks = plan->output,
                                                               .shared_output = true,
                                                               .facts = &facts,
                                                               .lead = SIMTIME_NEVER});
    progress->ready = SIMTIME_NEVER;
}

static void mix(struct program_run *run, uint64_t value)
{
    run->digest = (run->digest ^ value) * UINT64_C(0x100000001b3);
}

static void take(struct service *service, const struct turn_record *record)
{
    struct program_run *run = service->run;
    const struct program_plan *plan = &run->plans[record->program];
    struct progress *progress = &service->progress[record->program];
    if (record->turn == 0) {
        run->first_scheduled[record->program] = record->first_scheduled;
    }
    run->hit_toks += record->hit_toks;
    run->prompt_toks += record->prompt_toks;
    run->preemptions += record->preemptions;
    progress->attained += record->last_token - record->first_scheduled - record->requeue_wait;
    mix(run, record->program << 32 | record->turn);
    mix(run, (uint64_t)record->first_scheduled);
    mix(run, (uint64_t)record->first_token);
    mix(run, (uint64_t)record->last_token);
    mix(run, record->hit_toks);
    if (++progress->turn < plan->turns) {
        progress->ready = record->last_token + plan->gap;
    } else {
        run->ends[record->program] = record->last_token;
        service->n_ended++;
    }
}

static uint32_t next_ready(const struct service *service)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < service->run->n; i++) {
        first = service->progress[i].ready < service->progress[first].ready ? i : first;
    }
    return first;
}

void program_run_serve(struct program_run *run, enum engine_stepping stepping)
{
    static const struct asim_policy lru = {.name = "lru"};
    struct policy_set policies = {.scheduling = {.policy = run->policy}, .retention = {.policy = &lru}};
    memcpy(policies.scheduling.parameters, run->parameters, sizeof run->parameters);
    if (run->retains) {
        policies.retention = policies.scheduling;
    }
    struct engine_config config = run->config;
    config.stepping = stepping;
    config.policies = &policies;
    struct service service = {.run = run, .instance = instance_create(0, &config, run->step_time, NULL)};
    run->hit_toks = run->prompt_toks = run->preemptions = 0;
    run->digest = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < run->n; i++) {
        service.progress[i].ready = run->plans[i].arrival;
    }
    while (service.n_ended < run->n) {
        const uint32_t next = next_ready(&service);
        const struct event_key limit = {.time = service.progress[next].ready, .phase = PHASE_ARRIVAL};
        if (instance_advance(service.instance, limit)) {
            uint32_t n;
            const struct turn_end *ends = instance_take_ends(service.instance, &n);
            for (uint32_t i = 0; i < n; i++) {
                take(&service, &ends[i].record);
            }
        } else {
            assert_true(limit.time != SIMTIME_NEVER);
            deliver(&service, next);
        }
    }
    assert_null(instance_fault(service.instance));
    instance_drain(&service.instance, 1);
    instance_check(service.instance);
    assert_int_equal(kv_free(instance_pool(service.instance)), config.n_blocks - 1);
    const struct residency_counters *counters = instance_residency_counters(service.instance);
    run->counters = counters ? *counters : (struct residency_counters){0};
    instance_destroy(service.instance);
}

simtime program_run_mean(const struct program_run *run)
{
    simtime sum = 0;
    for (uint32_t i = 0; i < run->n; i++) {
        sum += run->ends[i] - run->plans[i].arrival;
    }
    return sum / run->n;
}
