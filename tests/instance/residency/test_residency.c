/* What becomes of KV between turns and who runs, on small histories worked out by hand. Blocks are of 16 tokens; a turn
 * of p prompt and n output tokens computes p + n - 1, whose full blocks can be hit. */
#include "support/support.h"

#include "instance/residency/residency_counters.h"
#include "instance/scenario.h"
#include "kv/pool.h"
#include "policy/builtin/builtin.h"

#include <math.h>
#include <string.h>

enum { MOST_TURNS = 6, MOST_PROGRAMS = 6 };

struct fixture {
    struct step_time *step_time;
    struct engine_config config;
    struct asim_policy policy;
    uint32_t n;
    struct turn_arrival turns[MOST_TURNS];
    struct turn_facts facts[MOST_TURNS];
    struct extent extents[MOST_TURNS];
    struct turn_record records[MOST_TURNS];
    struct residency_counters counters;
    struct policy_fault fault;
};

/* What the scripted policy answers, by program; after the first turn only. */
static struct script {
    struct asim_retention retention[MOST_PROGRAMS];
    struct asim_priority priority[MOST_PROGRAMS];
    double evict_order[MOST_PROGRAMS];
    uint32_t victim, pressure;
    uint32_t ticks;
    asim_time seen_gap;
    uint32_t seen_tool;
    asim_time prefill;
} script;

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    script.prefill = context->host->prefill_time(context->handle, 100, 0);
    return turn->turn ? (struct asim_retention){.action = ASIM_KEEP} : script.retention[turn->program];
}

static double evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    return script.evict_order[resident->program];
}

static uint32_t on_pressure(const struct asim_context *context, const struct asim_pressure *pressure)
{
    (void)context;
    (void)pressure;
    return script.pressure;
}

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    return script.priority[turn->program];
}

static uint32_t victim(const struct asim_context *context)
{
    (void)context;
    return script.victim;
}

static bool admit_alone(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)turn;
    return context->n_running == 0;
}

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    (void)context;
    script.seen_tool = tool;
    script.seen_gap = gap;
}

/* Takes the pin of program 0 away at the second tick. */
static void tick(const struct asim_context *context)
{
    if (++script.ticks == 2) {
        context->host->release(context->handle, 0);
    }
}

static asim_time every_50_ms(const double *parameters)
{
    (void)parameters;
    return 50 * ASIM_MILLISECOND;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&script, 0, sizeof script);
    fixture = (struct fixture){.step_time = scenario_step_time()};
    fixture.policy = (struct asim_policy){POLICY_HEAD, .name = "scripted", .on_turn_complete = on_turn_complete};
    fixture.config = scenario_small_engine();
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    step_time_destroy(fixture->step_time);
    return 0;
}

/* Adds a turn of a program, whose tokens are one stream; turns by time. Returns its number. */
static uint32_t add(struct fixture *fixture, uint64_t program, uint32_t turn, simtime time, uint32_t prompt,
                    uint32_t output)
{
    const uint32_t i = fixture->n++;
    fixture->extents[i] = (struct extent){stream_private(program, 0), 0, prompt + output};
    fixture->facts[i] = (struct turn_facts){.program_arrival = (simtime)program * SIMTIME_MS,
                                            .gap_before = turn ? 70 * SIMTIME_MS : -1,
                                            .gap_after = SIMTIME_S,
                                            .deadline = SIMTIME_NEVER,
                                            .hint_pin = -1,
                                            .hint_resume = -1,
                                            .tool_before = turn ? 5 : NO_TOOL,
                                            .tool_after = 5};
    fixture->turns[i] = (struct turn_arrival){.program = program,
                                              .turn = turn,
                                              .slot = i,
                                              .ready = time - 3 * SIMTIME_MS,
                                              .time = time,
                                              .content = {&fixture->extents[i], 1, prompt + output},
                                              .prompt_toks = prompt,
                                              .output_toks = output,
                                              .facts = &fixture->facts[i],
                                              .lead = SIMTIME_NEVER};
    return i;
}

static void serve_in(struct fixture *fixture, enum engine_stepping stepping)
{
    struct engine_config config = fixture->config;
    const struct policy_set policies = {.retention = {.policy = &fixture->policy},
                                        .scheduling = {.policy = &fixture->policy}};
    config.stepping = stepping;
    config.policies = &policies;
    script.ticks = 0;
    struct instance *instance = instance_create(0, &config, fixture->step_time, NULL);
    uint32_t delivered = 0;
    for (uint32_t ended = 0; ended < fixture->n;) {
        const simtime next = delivered < fixture->n ? fixture->turns[delivered].time : 1000 * SIMTIME_S;
        if (instance_advance(instance, (struct event_key){.time = next, .phase = PHASE_ARRIVAL})) {
            uint32_t n;
            const struct turn_end *ends = instance_take_ends(instance, &n);
            for (uint32_t i = 0; i < n; i++, ended++) {
                fixture->records[ends[i].slot] = ends[i].record;
            }
        } else {
            assert_true(delivered < fixture->n);
            instance_deliver(instance, &fixture->turns[delivered++]);
        }
        instance_check(instance);
    }
    instance_drain(&instance, 1);
    assert_int_equal(kv_free(instance_pool(instance)), config.n_blocks - 1);
    fixture->counters = *instance_residency_counters(instance);
    const struct policy_fault *fault = instance_fault(instance);
    fixture->fault = fault ? *fault : (struct policy_fault){0};
    instance_destroy(instance);
}

#define EACH_STEPPING(FIXTURE)                                                                                         \
    for (int stepping = ENGINE_PLAIN;                                                                                  \
         stepping <= ENGINE_FAST_FORWARD && (serve_in(FIXTURE, (enum engine_stepping)stepping), true); stepping++)

#define MS(N) ((simtime)(N)*SIMTIME_MS)

/* Program 0 leaves 4 blocks behind; program 1 decodes beside; at 50 ms program 2 wants 24 of 30. */
static uint32_t crowd(struct fixture *f)
{
    add(f, 0, 0, MS(3), 64, 2);
    add(f, 1, 0, MS(3), 32, 100);
    return add(f, 2, 0, MS(53), 384, 1);
}

static void a_pin_stands_until_its_deadline(void **state)
{
    struct fixture *f = *state;
    const uint32_t big = crowd(f);
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = MS(200)};
    EACH_STEPPING(f)
    {
        assert_true(f->records[big].first_scheduled >= MS(200));
        assert_true(f->records[big].first_scheduled < MS(210)); /* in the batch after */
        assert_int_equal(f->counters.pinned, 1);
        assert_int_equal(f->counters.pins_expired, 1);
        /* Four blocks from the end of its turn to the deadline, for nothing. */
        assert_true(f->counters.wasted_block_ps == 4u * (unsigned __int128)(MS(200) - f->records[0].last_token));
        assert_true(f->counters.retained_block_ps == f->counters.wasted_block_ps);
    }
}

static void without_it_the_turn_starts_at_once(void **state)
{
    struct fixture *f = *state;
    const uint32_t big = crowd(f);
    EACH_STEPPING(f)
    {
        assert_true(f->records[big].first_scheduled < MS(63));
        assert_int_equal(f->counters.kept, 3);
    }
}

static void a_returning_turn_finds_its_pin(void **state)
{
    struct fixture *f = *state;
    crowd(f);
    const uint32_t back = add(f, 0, 1, MS(150), 100, 2);
    f->policy.observe_gap = observe_gap;
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = MS(200)};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].hit_toks, 64); /* 65 were computed */
        assert_int_equal(f->counters.pins_returned, 1);
        assert_int_equal(f->counters.wasted_block_ps == 0, 1);
        assert_int_equal(script.seen_tool, 5);
        assert_int_equal(script.seen_gap, MS(73)); /* the gap, and 3 ms on the way */
    }
}

static void a_pin_waits_with_its_program(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    add(f, 0, 0, MS(3), 64, 2);
    const uint32_t beside = add(f, 1, 0, MS(10), 32, 100);
    const uint32_t back = add(f, 0, 1, MS(100), 100, 2);
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = MS(200)};
    EACH_STEPPING(f)
    {
        assert_true(f->records[beside].last_token > MS(200));
        assert_int_equal(f->records[back].first_scheduled, f->records[beside].last_token);
        assert_int_equal(f->records[back].hit_toks, 64);
        assert_int_equal(f->counters.pins_expired, 0);
        assert_int_equal(f->counters.pins_returned, 1);
    }
}

/* Programs 0 and 1 keep 4 blocks each; nothing runs when program 2 comes, wants 25 of 30, and 22 are free. */
static void three_programs(struct fixture *f, uint32_t *first_back, uint32_t *second_back)
{
    add(f, 0, 0, MS(3), 64, 2);
    add(f, 1, 0, MS(50), 64, 2);
    add(f, 2, 0, MS(200), 400, 1);
    *first_back = add(f, 0, 1, MS(400), 80, 1);
    *second_back = add(f, 1, 1, MS(600), 80, 1);
}

static void the_latest_pin_yields_in_a_deadlock(void **state)
{
    struct fixture *f = *state;
    uint32_t first, second;
    three_programs(f, &first, &second);
    script.retention[0] = script.retention[1] = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[2].first_scheduled, MS(200));
        assert_int_equal(f->counters.pins_forced, 1);
        assert_int_equal(f->records[first].hit_toks, 64);
        assert_true(f->records[second].hit_toks < 64); /* its tail was taken */
    }
}

static void the_policy_says_which_pin_yields(void **state)
{
    struct fixture *f = *state;
    uint32_t first, second;
    three_programs(f, &first, &second);
    f->policy.on_pressure = on_pressure;
    script.pressure = 0; /* residents are by program */
    script.retention[0] = script.retention[1] = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->counters.pins_forced, 1);
        assert_true(f->records[first].hit_toks < 64);
        assert_int_equal(f->records[second].hit_toks, 64);
    }
}

static void pins_until_they_are_needed(void **state)
{
    struct fixture *f = *state;
    uint32_t first, second;
    three_programs(f, &first, &second);
    f->config.pins_until_needed = true;
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = MS(150)};
    script.retention[1] = (struct asim_retention){.action = ASIM_PIN, .until = MS(170)};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[2].first_scheduled, MS(200));
        assert_int_equal(f->counters.pins_expired, 0);
        assert_int_equal(f->counters.pins_forced, 1);
        assert_int_equal(f->counters.pins_returned, 2);
        assert_int_equal(f->records[first].hit_toks, 16); /* past its deadline for longer: three of its blocks */
        assert_int_equal(f->records[second].hit_toks, 64);
    }
    script.retention[0].until = MS(300);
    script.retention[1].until = MS(350);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[first].hit_toks, 64);
        assert_int_equal(f->records[second].hit_toks, 16); /* the latest deadline */
    }
}

/* Program 0 is over after its first turn. */
static void a_last_turn_is_pinned_where_it_is_not_known(void **state)
{
    struct fixture *f = *state;
    const uint32_t big = crowd(f);
    f->facts[0].is_last = true;
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = MS(60)};
    EACH_STEPPING(f)
    {
        assert_true(f->records[big].first_scheduled < MS(63));
        assert_int_equal(f->counters.pinned, 0);
    }
    f->config.pins_until_needed = true;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[big].first_scheduled, f->records[1].last_token); /* nothing runs any more */
        assert_int_equal(f->counters.pinned, 1);
    }
}

static void holds_go_in_order(void **state)
{
    struct fixture *f = *state;
    uint32_t first, second;
    three_programs(f, &first, &second);
    f->policy.evict_order = evict_order;
    script.retention[0] = script.retention[1] = (struct asim_retention){.action = ASIM_HOLD};
    script.evict_order[0] = 2.0;
    script.evict_order[1] = 1.0;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->counters.holds_evicted, 1);
        assert_int_equal(f->counters.holds_returned, 1);
        assert_int_equal(f->records[first].hit_toks, 64);
        assert_true(f->records[second].hit_toks < 64);
    }
    script.evict_order[1] = 3.0;
    EACH_STEPPING(f)
    {
        assert_true(f->records[first].hit_toks < 64);
        assert_int_equal(f->records[second].hit_toks, 64);
    }
}

static void holds_yield_where_pins_do_not(void **state)
{
    struct fixture *f = *state;
    const uint32_t big = crowd(f);
    script.retention[0] = (struct asim_retention){.action = ASIM_HOLD};
    EACH_STEPPING(f)
    {
        assert_true(f->records[big].first_scheduled < MS(63));
        assert_int_equal(f->counters.holds_evicted, 1);
    }
}

static void what_is_dropped_is_not_hit(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0, MS(3), 64, 2);
    const uint32_t back = add(f, 0, 1, MS(100), 100, 2);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].hit_toks, 64);
    }
    script.retention[0] = (struct asim_retention){.action = ASIM_DROP};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].hit_toks, 0);
        assert_int_equal(f->counters.dropped, 1);
    }
}

static void the_policy_chooses_the_victim(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 11;
    f->config.max_model_len = 160;
    const uint32_t a = add(f, 0, 0, MS(3), 64, 60); /* eight blocks each in the end, of ten */
    const uint32_t b = add(f, 1, 0, MS(3), 64, 60);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].preemptions, 0);
        assert_int_equal(f->records[b].preemptions, 1);
    }
    f->policy.victim = victim;
    script.victim = 0;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].preemptions, 1);
        assert_int_equal(f->records[b].preemptions, 0);
    }
}

static void turns_start_by_priority(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    add(f, 0, 0, MS(3), 64, 20);
    const uint32_t b = add(f, 1, 0, MS(10), 64, 20);
    const uint32_t c = add(f, 2, 0, MS(20), 64, 20);
    f->policy.priority = priority;
    script.priority[1] = (struct asim_priority){.level = 1, .order = -5};
    script.priority[2] = (struct asim_priority){.level = 1, .order = -6};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].first_scheduled, f->records[c].last_token);
    }
    script.priority[1].level = 0;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[c].first_scheduled, f->records[b].last_token);
    }
}

static struct asim_priority pinned_first(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    return (struct asim_priority){.level = turn->is_pinned ? 0 : 1, .order = turn->program_arrival};
}

/* Programs 0 and 3 return to their pins, and 2 is new. For 0 the pin of 3 must go, and with it the place of 3 before 2.
 */
static void a_turn_that_lost_its_pin_stands_behind(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    add(f, 0, 0, MS(3), 64, 2);
    add(f, 3, 0, MS(50), 64, 2);
    const uint32_t lost = add(f, 3, 1, MS(200), 80, 1);
    const uint32_t fresh = add(f, 2, 0, MS(200), 32, 1);
    const uint32_t back = add(f, 0, 1, MS(200), 464, 1);
    f->policy.priority = pinned_first;
    script.retention[0] = script.retention[3] = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].first_scheduled, MS(200));
        assert_int_equal(f->records[fresh].first_scheduled, f->records[back].last_token);
        assert_int_equal(f->records[lost].first_scheduled, f->records[fresh].last_token);
        assert_int_equal(f->counters.pins_forced, 1);
    }
}

static void turns_are_sent_back(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 0, MS(3), 64, 20);
    const uint32_t b = add(f, 1, 0, MS(10), 64, 20);
    f->policy.admit = admit_alone;
    EACH_STEPPING(f)
    {
        assert_true(f->records[b].first_scheduled < f->records[a].last_token); /* beside its last token */
        assert_true(f->records[b].first_scheduled > f->records[a].last_token - MS(10));
        assert_int_equal(f->counters.refused, 17); /* once in each batch between */
    }
}

static void a_lower_level_displaces(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    const uint32_t a = add(f, 0, 0, MS(3), 64, 60);
    const uint32_t b = add(f, 1, 0, MS(103), 64, 20);
    f->policy.priority = priority;
    script.priority[0].level = 1;
    EACH_STEPPING(f)
    {
        assert_true(f->records[b].first_scheduled >= f->records[a].last_token);
    }
    f->policy.flags = ASIM_POLICY_PREEMPTIVE;
    EACH_STEPPING(f)
    {
        assert_true(f->records[b].first_scheduled < MS(113));
        assert_int_equal(f->records[a].preemptions, 1);
        assert_int_equal(f->counters.displaced, 1);
    }
    script.priority[1].level = 1; /* equals do not */
    EACH_STEPPING(f)
    {
        assert_int_equal(f->counters.displaced, 0);
    }
}

static void ticks_come_while_turns_are_inside(void **state)
{
    struct fixture *f = *state;
    crowd(f);
    f->policy.tick = tick;
    f->policy.tick_period = every_50_ms;
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    EACH_STEPPING(f)
    {
        assert_true(f->records[2].first_scheduled >= MS(100));
        assert_true(f->records[2].first_scheduled < MS(110));
        assert_int_equal(f->counters.pins_released, 1);
        assert_int_equal(script.ticks, f->records[1].last_token / MS(50));
    }
}

static void prefill_time_is_the_engines(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0, MS(3), 100, 1);
    EACH_STEPPING(f)
    {
        assert_int_equal(script.prefill, f->records[0].last_token - MS(3));
    }
}

/* ---- nonsense ---- */

static void expect_fault(struct fixture *f, const char *function, const char *answer)
{
    EACH_STEPPING(f)
    {
        assert_ptr_equal(f->fault.policy, &f->policy);
        assert_string_equal(f->fault.function, function);
        if (strncmp(f->fault.answer, answer, strlen(answer)) != 0) {
            fail_msg("'%s' does not begin with '%s'", f->fault.answer, answer);
        }
    }
}

static void nonsense_after_a_turn_is_reported(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0, MS(3), 64, 2);
    EACH_STEPPING(f)
    {
        assert_null(f->fault.policy);
    }
    script.retention[0] = (struct asim_retention){.action = (enum asim_retention_action)9};
    expect_fault(f, "on_turn_complete", "action 9");
    script.retention[0] = (struct asim_retention){.action = ASIM_PIN, .until = 1};
    expect_fault(f, "on_turn_complete", "a pin until 0.000000 s");
    script.retention[0] = (struct asim_retention){.action = ASIM_HOLD, .score = NAN};
    expect_fault(f, "on_turn_complete", "a score that is not a number");
}

static void nonsense_under_pressure_is_reported(void **state)
{
    struct fixture *f = *state;
    uint32_t first, second;
    three_programs(f, &first, &second);
    f->policy.on_pressure = on_pressure;
    script.pressure = 2;
    script.retention[0] = script.retention[1] = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    expect_fault(f, "on_pressure", "resident 2 of 2");
    script.retention[0] = script.retention[1] = (struct asim_retention){.action = ASIM_HOLD};
    f->policy.evict_order = evict_order;
    script.evict_order[0] = NAN;
    expect_fault(f, "evict_order", "a score that is not a number");
}

static void a_victim_that_is_not_there_is_reported(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 11;
    f->config.max_model_len = 160;
    add(f, 0, 0, MS(3), 64, 60);
    add(f, 1, 0, MS(3), 64, 60);
    f->policy.victim = victim;
    script.victim = 2;
    expect_fault(f, "victim", "running turn 2 of 2");
}

/* ---- waste ---- */

/* A batch of one chunk. */
static simtime prefill(const struct fixture *f, uint32_t tokens, uint32_t context, bool sampled)
{
    const struct prefill_chunk chunk = {.tokens = tokens, .context = context, .sampled = sampled};
    return step_time_batch(f->step_time, &(struct batch_shape){.n_chunks = 1, .chunks = &chunk}).total;
}

/* 65 tokens of the program's context are dropped, and come again with its next turn: 64, four blocks, could be hit. */
static void what_is_dropped_is_computed_again(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_batched_tokens = 40;
    add(f, 0, 0, MS(3), 64, 2);
    const uint32_t back = add(f, 0, 1, MS(500), 100, 2);
    f->facts[back].kept_toks = 66;
    script.retention[0] = (struct asim_retention){.action = ASIM_DROP};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].hit_toks, 0);
        /* Chunks of 40, 40 and 20 tokens: the second begins with lost ones, the third does not. */
        const __int128 waste = (__int128)3 * prefill(f, 40, 0, false) + (__int128)5 * prefill(f, 40, 40, false);
        assert_true(f->counters.recompute_block_ps == (unsigned __int128)waste);
        assert_true(f->counters.stalled_block_ps == 0 && f->counters.retained_block_ps == 0);
    }
    script.retention[0] = (struct asim_retention){.action = ASIM_HOLD};
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[back].hit_toks, 64);
        assert_true(f->counters.recompute_block_ps == 0);
    }
}

/* As in `preemption` of test_engine.c: of 48 computed tokens 32 are found, 16 computed again, with one more. */
static void what_a_preemption_throws_away_is_computed_again(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 6;
    f->config.max_model_len = 64;
    f->config.max_num_seqs = 2;
    add(f, 0, 0, MS(3), 32, 20);
    const uint32_t preempted = add(f, 1, 0, MS(3), 32, 20);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[preempted].preemptions, 1);
        assert_int_equal(f->records[preempted].recomputed_toks, 16);
        assert_true(f->counters.recompute_block_ps == 4 * (unsigned __int128)prefill(f, 17, 32, true));
    }
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pin_stands_until_its_deadline),
        T(without_it_the_turn_starts_at_once),
        T(a_returning_turn_finds_its_pin),
        T(a_pin_waits_with_its_program),
        T(the_latest_pin_yields_in_a_deadlock),
        T(the_policy_says_which_pin_yields),
        T(pins_until_they_are_needed),
        T(a_last_turn_is_pinned_where_it_is_not_known),
        T(holds_go_in_order),
        T(holds_yield_where_pins_do_not),
        T(what_is_dropped_is_not_hit),
        T(what_is_dropped_is_computed_again),
        T(what_a_preemption_throws_away_is_computed_again),
        T(the_policy_chooses_the_victim),
        T(turns_start_by_priority),
        T(a_turn_that_lost_its_pin_stands_behind),
        T(turns_are_sent_back),
        T(a_lower_level_displaces),
        T(ticks_come_while_turns_are_inside),
        T(prefill_time_is_the_engines),
        T(nonsense_after_a_turn_is_reported),
        T(nonsense_under_pressure_is_reported),
        T(a_victim_that_is_not_there_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
