#include "instance/programs.h"

#include "support/support.h"

#include "base/rng.h"
#include "instance/engine.h"
#include "kv/pool.h"

#include <stdio.h>
#include <string.h>

static uint64_t draw(uint64_t seed, uint32_t *counter, uint64_t low, uint64_t high)
{
    return low + rng_u64((struct rng_key){.seed = seed, .program = 2}, (*counter)++) % (high - low + 1);
}

static void draw_config(struct programs *programs, uint64_t seed, uint32_t *counter)
{
    static const uint32_t block_sizes[] = {1, 4, 16};
    static const uint32_t budgets[] = {32, 256, 2048};
    struct engine_config *config = &programs->config;
    *config = (struct engine_config){
        .block_size = block_sizes[draw(seed, counter, 0, 2)],
        .max_num_seqs = (uint32_t)draw(seed, counter, 1, 20),
        .max_num_batched_tokens = budgets[draw(seed, counter, 0, 2)],
        .max_model_len = 1024,
        .queue_depth = (uint32_t)draw(seed, counter, 1, 2),
        .prefix_caching = draw(seed, counter, 0, 9) > 0,
        .chunked_prefill = true,
        .reserve_full_prompt = draw(seed, counter, 0, 2) > 0,
        .pins_until_needed = draw(seed, counter, 0, 2) == 0,
        .host = {.hideable = (simtime)draw(seed, counter, 0, 2) * 3 * SIMTIME_MS, .max_graph_tokens = 64},
        .telemetry_period = 100 * SIMTIME_MS,
    };
    const uint32_t least = config->max_model_len / config->block_size + 1;
    config->n_blocks = least + (uint32_t)draw(seed, counter, 0, 2 * least);
    config->watermark_blocks = draw(seed, counter, 0, 3) ? 0 : least / 16;
}

static void draw_program(struct planned_program *plan, uint64_t seed, uint32_t *counter, uint32_t longest)
{
    const uint64_t haste = draw(seed, counter, 1, 40);
    plan->n_turns = (uint32_t)draw(seed, counter, 1, PROGRAMS_MOST_TURNS);
    plan->tenant = draw(seed, counter, 0, 2);
    plan->deadline = draw(seed, counter, 0, 1) ? SIMTIME_NEVER : (simtime)draw(seed, counter, 1, 20) * SIMTIME_S;
    plan->hint_pin = draw(seed, counter, 0, 2) ? -1 : (simtime)draw(seed, counter, 0, 3) * SIMTIME_S;
    plan->hint_resume = draw(seed, counter, 0, 1) ? -1 : (simtime)draw(seed, counter, 0, 3000) * SIMTIME_MS;
    uint32_t context = 0;
    for (uint32_t turn = 0; turn < plan->n_turns; turn++) {
        context += (uint32_t)draw(seed, counter, 1, 200);
        plan->prompt[turn] = context < longest ? context : longest - 1;
        plan->output[turn] = (uint32_t)draw(seed, counter, 1, 80);
        context = plan->prompt[turn] + plan->output[turn];
        context = context < longest ? context : longest - 1;
        plan->gap[turn] = (simtime)draw(seed, counter, 0, 100 * haste) * SIMTIME_MS;
        plan->tool[turn] = draw(seed, counter, 0, 9) ? (uint32_t)draw(seed, counter, 0, 2) : NO_TOOL;
    }
    plan->shared = (uint32_t)draw(seed, counter, 0, plan->prompt[0]);
}

void programs_init(struct programs *programs, uint64_t seed)
{
    uint32_t counter = 0;
    memset(programs, 0, sizeof *programs);
    draw_config(programs, seed, &counter);
    programs->n = (uint32_t)draw(seed, &counter, 2, PROGRAMS_MOST);
    programs->latency = (simtime)draw(seed, &counter, 0, 1) * SIMTIME_MS;
    const uint64_t spread = draw(seed, &counter, 0, 4) * 100;
    programs->n_instances = 1;
    simtime time = 0;
    for (uint32_t i = 0; i < programs->n; i++) {
        time += (simtime)draw(seed, &counter, 0, spread) * SIMTIME_MS;
        programs->plans[i].arrival = time;
        draw_program(&programs->plans[i], seed, &counter, programs->config.max_model_len);
    }
}

/* A block moves in some milliseconds, or in next to no time. */
static uint64_t draw_bandwidth(uint64_t seed, uint32_t *counter)
{
    static const uint64_t bandwidths[] = {20000000, 200000000, 2000000000, 200000000000};
    return bandwidths[draw(seed, counter, 0, 3)];
}

void programs_use_tiers(struct programs *programs, uint64_t seed)
{
    uint32_t counter = 1 << 16;
    struct engine_config *config = &programs->config;
    config->prefix_caching = true;
    programs->n_instances = (uint32_t)draw(seed, &counter, 1, PROGRAMS_MOST_INSTANCES);
    programs->tiers = (struct tier_plan){
        .n_tiers = (uint32_t)draw(seed, &counter, 1, MAX_TIERS),
        .out_bandwidth = draw_bandwidth(seed, &counter),
        .in_bandwidth = draw_bandwidth(seed, &counter),
        .link_latency = (simtime)draw(seed, &counter, 0, 1) * 20 * SIMTIME_US,
        .block_bytes = 65536 * config->block_size,
        .engine = (enum offload_engine)draw(seed, &counter, 0, OFFLOAD_WRITE_BACK),
        .chunk_blocks = (uint32_t)draw(seed, &counter, 1, 3),
        .least_load_toks = (uint32_t)draw(seed, &counter, 0, 1) * 40 + 1,
        .most_load_toks = draw(seed, &counter, 0, 4) ? UINT32_MAX : (uint32_t)draw(seed, &counter, 0, 200),
        .raise_stop = (enum raise_stop)draw(seed, &counter, 0, RAISE_TIMEOUT),
        .least_raise_toks = (uint32_t)draw(seed, &counter, 1, 60),
        .raise_timeout = (simtime)draw(seed, &counter, 0, 100) * SIMTIME_MS,
        .raise_timeout_per_ktok = (simtime)draw(seed, &counter, 0, 500) * SIMTIME_MS,
        .between_steps = draw(seed, &counter, 0, 1),
        .node_instances = programs->n_instances,
        .host_instances = programs->n_instances,
    };
    const bool is_hicache = programs->tiers.engine >= OFFLOAD_FIRST_HIT;
    programs->tiers.loads_into_room = is_hicache;
    programs->tiers.storage =
        programs->tiers.n_tiers - (is_hicache && programs->tiers.n_tiers > 1 && draw(seed, &counter, 0, 2) > 0);
    const uint64_t least = config->max_model_len / config->block_size;
    for (uint32_t i = 0; i < programs->tiers.n_tiers; i++) {
        programs->tiers.tiers[i] = (struct tier_spec){
            .name = "tier",
            .n_blocks = (uint32_t)draw(seed, &counter, 1, least * (i && i == programs->tiers.storage ? 9 : 3)),
            .read_bandwidth = draw_bandwidth(seed, &counter),
            .write_bandwidth = draw_bandwidth(seed, &counter),
            .is_duplex = draw(seed, &counter, 0, 1),
            .latency = (simtime)draw(seed, &counter, 0, 2) * SIMTIME_MS,
            .has_arc = i == 0 && draw(seed, &counter, 0, 1)};
    }
    for (uint32_t i = 0; i < programs->n; i++) {
        const uint32_t home = (uint32_t)draw(seed, &counter, 0, programs->n_instances - 1);
        for (uint32_t turn = 0; turn < PROGRAMS_MOST_TURNS; turn++) {
            const bool wanders = draw(seed, &counter, 0, 5) == 0;
            programs->plans[i].instance[turn] = (home + wanders) % programs->n_instances;
        }
    }
    if (draw(seed, &counter, 0, 1)) { /* several hosts, and a tier that they share */
        programs->tiers.host_instances = (uint32_t)draw(seed, &counter, 1, programs->n_instances);
        programs->tiers.tiers[draw(seed, &counter, 0, programs->tiers.n_tiers - 1)].is_pooled = true;
    }
}

/* ---- a run ---- */

/* No run takes that long. */
#define HORIZON (100000 * SIMTIME_S)

struct progress {
    uint32_t turn;
    simtime ready; /* of its next turn; SIMTIME_NEVER: a turn is inside, or all are done */
    simtime attained;
    struct extent extents[2];
    simtime bound; /* highest bound of effects given while the turn is inside; -1: it is not */
};

struct run {
    const struct programs *programs;
    struct instance *instances[PROGRAMS_MOST_INSTANCES];
    struct node *node; /* NULL: there are no tiers */
    struct programs_outcome *out;
    struct progress progress[PROGRAMS_MOST];
    enum pace pace;
    uint32_t left;
};

static simtime lead_of(const struct run *run, uint32_t program)
{
    const struct planned_program *plan = &run->programs->plans[program];
    const uint32_t turn = run->progress[program].turn;
    return turn + 1 == plan->n_turns ? SIMTIME_NEVER : plan->gap[turn];
}

static uint32_t instance_of(const struct run *run, uint32_t program)
{
    return run->programs->plans[program].instance[run->progress[program].turn];
}

static void ask_bound(struct run *run)
{
    simtime bounds[PROGRAMS_MOST_INSTANCES];
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        bounds[i] = instance_earliest_effect(run->instances[i]);
    }
    for (uint32_t i = 0; i < run->programs->n; i++) {
        struct progress *progress = &run->progress[i];
        const simtime bound = progress->bound >= 0 ? bounds[instance_of(run, i)] : -1;
        progress->bound = bound > progress->bound ? bound : progress->bound;
    }
}

static struct turn_facts facts_of(const struct run *run, uint32_t program)
{
    const struct planned_program *plan = &run->programs->plans[program];
    const struct progress *progress = &run->progress[program];
    const uint32_t turn = progress->turn;
    const bool is_last = turn + 1 == plan->n_turns;
    struct turn_facts facts = {.program_arrival = plan->arrival,
                               .gap_before = turn ? plan->gap[turn - 1] : -1,
                               .gap_after = is_last ? SIMTIME_NEVER : plan->gap[turn],
                               .attained = progress->attained,
                               .critical = progress->attained,
                               .deadline = plan->deadline,
                               .hint_pin = plan->hint_pin,
                               .hint_resume = plan->hint_resume,
                               .tenant = plan->tenant,
                               .kept_toks = turn ? plan->prompt[turn - 1] + plan->output[turn - 1] : 0,
                               .tool_before = turn ? plan->tool[turn - 1] : NO_TOOL,
                               .tool_after = is_last ? NO_TOOL : plan->tool[turn],
                               .is_last = is_last};
    for (uint32_t i = turn; i < plan->n_turns; i++) {
        facts.remaining_toks += plan->output[i];
    }
    return facts;
}

static void deliver(struct run *run, uint32_t program)
{
    const struct planned_program *plan = &run->programs->plans[program];
    struct progress *progress = &run->progress[program];
    const uint32_t turn = progress->turn;
    const uint32_t toks = plan->prompt[turn] + plan->output[turn];
    progress->extents[0] = (struct extent){stream_common(STREAM_SHARED, 0), 0, plan->shared};
    progress->extents[1] = (struct extent){stream_private(program, 0), 0, toks - plan->shared};
    const uint32_t first = plan->shared ? 0 : 1;
    const struct turn_facts facts = facts_of(run, program);
    instance_deliver(run->instances[instance_of(run, program)],
                     &(struct turn_arrival){.program = program,
                                            .turn = turn,
                                            .slot = program,
                                            .ready = progress->ready,
                                            .time = progress->ready + run->programs->latency,
                                            .content = {&progress->extents[first], 2 - first, toks},
                                            .prompt_toks = plan->prompt[turn],
                                            .output_toks = plan->output[turn],
                                            .facts = &facts,
                                            .lead = lead_of(run, program)});
    progress->ready = SIMTIME_NEVER;
    progress->bound = 0;
    ask_bound(run);
}

static void take(struct run *run, const struct turn_end *end)
{
    const uint32_t program = end->slot;
    const struct planned_program *plan = &run->programs->plans[program];
    struct progress *progress = &run->progress[program];
    const struct turn_record *record = &end->record;
    const simtime lead = lead_of(run, program);
    assert_true(lead == SIMTIME_NEVER || progress->bound <= record->last_token + lead);
    assert_int_equal(record->turn, progress->turn);
    assert_int_equal(record->output_toks, record->length_limited ? record->output_toks : plan->output[record->turn]);
    run->out->ends[run->out->n_ends++] = *end;
    progress->attained += record->last_token - record->first_scheduled - record->requeue_wait;
    progress->bound = -1;
    if (++progress->turn < plan->n_turns) {
        progress->ready = record->last_token + plan->gap[progress->turn - 1];
    } else {
        run->left--;
    }
}

static void check_instances(const struct run *run)
{
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        instance_check(run->instances[i]);
    }
    for (uint32_t i = 0; i < run->programs->n; i++) {
        const struct planned_program *plan = &run->programs->plans[i];
        if (run->progress[i].turn == plan->n_turns) {
            engine_check_ended(run->instances[plan->instance[plan->n_turns - 1]], i);
        }
    }
}

/* Advances to `limit` or the first end of a turn; true: the latter. No turn may end before the bounds said: the lowest
 * one of all, as a transfer of one member may end early because one of another does. */
static bool advance(struct run *run, struct event_key limit)
{
    struct event_key bound = EVENT_NEVER;
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        bound = event_min(bound, instance_earliest_output(run->instances[i]));
    }
    struct instance *ended = NULL;
    if (run->node) {
        ended = node_advance(run->node, limit);
    } else if (instance_advance(run->instances[0], limit)) {
        ended = run->instances[0];
    }
    uint32_t n = 0;
    const struct turn_end *ends = ended ? instance_take_ends(ended, &n) : NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (ends[i].record.last_token < bound.time) {
            fail_msg("%s: a turn ends at %.9f s; the bound was %.9f s", run->programs->label,
                     simtime_to_s(ends[i].record.last_token), simtime_to_s(bound.time));
        }
        take(run, &ends[i]);
    }
    ask_bound(run);
    if (run->pace == PACE_EVENTS) {
        check_instances(run);
    }
    return ended != NULL;
}

static struct event_key next_event(const struct run *run)
{
    struct event_key next = EVENT_NEVER;
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        next = event_min(next, instance_next(run->instances[i]));
    }
    return next;
}

static uint32_t next_ready(const struct run *run)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < run->programs->n; i++) {
        first = run->progress[i].ready < run->progress[first].ready ? i : first;
    }
    return first;
}

static struct event_key limit_of(const struct run *run, simtime arrival, simtime instant)
{
    struct event_key limit = {.time = arrival < HORIZON ? arrival : HORIZON, .phase = PHASE_ARRIVAL};
    if (run->pace == PACE_INSTANTS && instant < arrival) {
        limit = (struct event_key){.time = instant, .phase = PHASE_ROUTING};
    }
    if (run->pace == PACE_EVENTS) {
        struct event_key next = next_event(run);
        next.phase++;
        limit = next.time < SIMTIME_NEVER && event_before(next, limit) ? next : limit;
    }
    return limit;
}

static void finish(struct run *run)
{
    struct programs_outcome *out = run->out;
    const uint32_t n = run->programs->n_instances;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(instance_turns_inside(run->instances[i]), 0);
    }
    check_instances(run);
    instance_drain(run->instances, n);
    check_instances(run);
    for (uint32_t i = 0; i < n; i++) {
        struct instance *instance = run->instances[i];
        const struct residency_counters *residency = instance_residency_counters(instance);
        assert_int_equal(kv_free(instance_pool(instance)), kv_usable(instance_pool(instance)));
        out->shares[i].residency = residency ? *residency : (struct residency_counters){0};
        out->shares[i].decides = residency != NULL;
        out->shares[i].counters = *instance_counters(instance);
        out->shares[i].evicted = kv_evicted(instance_pool(instance));
        const struct policy_fault *fault = instance_fault(instance);
        if (fault) {
            snprintf(out->fault, sizeof out->fault, "policy '%s', function %s, answered %s", fault->policy->name,
                     fault->function, fault->answer);
        }
    }
}

static void close_run(struct run *run)
{
    if (run->node) {
        node_end(run->node);
    }
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        instance_destroy(run->instances[i]);
    }
    node_destroy(run->node);
}

static void take_snapshots(struct run *run, simtime instant)
{
    struct programs_outcome *out = run->out;
    for (uint32_t i = 0; i < run->programs->n_instances; i++) {
        const struct load_snapshot snapshot = instance_snapshot(run->instances[i], instant);
        if (out->n_snapshots < sizeof out->snapshots / sizeof out->snapshots[0]) {
            out->snapshots[out->n_snapshots++] = snapshot;
        }
    }
}

void programs_run(const struct programs *programs, const struct policy_set *policies, struct step_time *step_time,
                  enum engine_stepping stepping, enum pace pace, struct programs_outcome *out)
{
    struct engine_config config = programs->config;
    config.stepping = stepping;
    config.policies = policies;
    memset(out, 0, sizeof *out);
    struct series gaps;
    series_init(&gaps, 0);
    struct run run = {.programs = programs, .out = out, .pace = pace, .left = programs->n};
    run.node = programs->tiers.n_tiers ? node_create(&programs->tiers, config.block_size) : NULL;
    for (uint32_t i = 0; i < programs->n_instances; i++) {
        run.instances[i] = instance_create(i, &config, step_time, run.node);
        instance_note_gaps(run.instances[i], &gaps, 0);
    }
    for (uint32_t i = 0; i < programs->n; i++) {
        run.progress[i].ready = programs->plans[i].arrival;
        run.progress[i].bound = -1;
    }
    simtime instant = config.telemetry_period;
    while (run.left) {
        const uint32_t next = next_ready(&run);
        const simtime ready = run.progress[next].ready;
        const struct event_key limit = limit_of(&run, ready, instant);
        if (advance(&run, limit)) {
            continue;
        }
        if (limit.time == HORIZON || (ready == SIMTIME_NEVER && next_event(&run).time == SIMTIME_NEVER)) {
            fail_msg("%s: deadlock: %u programs are left and nothing ends", programs->label, run.left);
        }
        if (pace == PACE_INSTANTS && limit.time == instant && limit.phase == PHASE_ROUTING) {
            take_snapshots(&run, instant);
            instant += config.telemetry_period;
        } else if (limit.time == ready && limit.phase == PHASE_ARRIVAL) {
            deliver(&run, next);
        }
    }
    finish(&run);
    close_run(&run);
    out->gaps = gaps_seen(&gaps);
    series_fini(&gaps);
}
