/* Turns that the router asks back, with the KV of their prompts and without, on small histories worked out by hand.
 * Blocks are of 16 tokens and 1 MiB; a block is copied to another instance in 1 ms, behind those before it, and is
 * there half a millisecond later. */
#include "support/support.h"

#include "instance/kv_view.h"
#include "instance/scenario.h"

#include <string.h>

enum { BLOCK = 16, MIB = 1 << 20, MOST_TURNS = 8, PROMPT = 10 * BLOCK + 5, OUTPUT = 3, INSTANCES = 2 };

#define LATENCY (SIMTIME_MS / 2)
#define ASKED   (1000 * SIMTIME_S)

struct fixture {
    struct step_time *step_time;
    struct engine_config config;
    struct instance *instances[INSTANCES];
    struct extent extents[MOST_TURNS];
    uint32_t n;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.step_time = scenario_step_time()};
    fixture.config = (struct engine_config){.n_blocks = 65,
                                            .block_size = BLOCK,
                                            .max_num_seqs = 1,
                                            .max_num_batched_tokens = 512,
                                            .max_model_len = 1024,
                                            .queue_depth = 2,
                                            .prefix_caching = true,
                                            .chunked_prefill = true,
                                            .reserve_full_prompt = true,
                                            .host = {.max_graph_tokens = 512},
                                            .peers = {UINT64_C(1000) * MIB, LATENCY, MIB},
                                            .stepping = ENGINE_FAST_FORWARD,
                                            .telemetry_period = SIMTIME_S};
    for (uint32_t i = 0; i < INSTANCES; i++) {
        fixture.instances[i] = instance_create(i, &fixture.config, fixture.step_time, NULL);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < INSTANCES; i++) {
        instance_destroy(f->instances[i]);
    }
    step_time_destroy(f->step_time);
    return 0;
}

/* A turn of a program that arrives at `time`, with KV of some blocks. */
static void deliver(struct fixture *f, uint32_t instance, uint64_t program, simtime time, uint32_t output,
                    uint32_t kv_blocks)
{
    const uint32_t i = f->n++;
    f->extents[i] = (struct extent){stream_private(program, 0), 0, PROMPT + output};
    instance_deliver(f->instances[instance], &(struct turn_arrival){.program = program,
                                                                    .turn = i,
                                                                    .slot = i,
                                                                    .ready = time,
                                                                    .time = time,
                                                                    .content = {&f->extents[i], 1, PROMPT + output},
                                                                    .prompt_toks = PROMPT,
                                                                    .output_toks = output,
                                                                    .kv_blocks = kv_blocks,
                                                                    .lead = 0});
}

/* The next turn that leaves. */
static struct turn_end next_end(struct instance *instance)
{
    uint32_t n;
    assert_true(instance_advance(instance, EVENT_NEVER));
    const struct turn_end end = *instance_take_ends(instance, &n);
    assert_int_equal(n, 1);
    instance_check(instance);
    return end;
}

/* Programs 1 and 2 have left their blocks in instance 0, and their next turns wait behind one of program 3. */
static void fill(struct fixture *f)
{
    for (uint64_t program = 1; program <= 2; program++) {
        deliver(f, 0, program, 0, OUTPUT, 0);
    }
    assert_int_equal(next_end(f->instances[0]).record.program, 1);
    assert_int_equal(next_end(f->instances[0]).record.program, 2);
    deliver(f, 0, 3, ASKED - 2 * SIMTIME_MS, 600, 0);
    deliver(f, 0, 1, ASKED - SIMTIME_MS, OUTPUT, 0);
    deliver(f, 0, 2, ASKED - SIMTIME_MS, OUTPUT, 0);
}

static void ask(struct fixture *f, uint64_t program, uint32_t turn, uint32_t kv_to, simtime time)
{
    instance_recall(
        f->instances[0],
        &(struct turn_recall){.program = program, .turn = turn, .kv_to = kv_to, .time = time, .lead = 2 * SIMTIME_MS});
}

static void check_leaves(const struct turn_end *end, uint64_t program, uint32_t kv_blocks, simtime time)
{
    assert_true(end->unserved);
    assert_int_equal(end->record.program, program);
    assert_int_equal(end->record.last_token, time);
    assert_int_equal(end->kv_blocks, kv_blocks);
    assert_int_equal(end->kv_to, kv_blocks ? 1 : ASIM_NONE);
}

/* Ten blocks each: the second copy begins when the first is out. The turn that runs goes on meanwhile. */
static void kv_goes_along(void **state)
{
    struct fixture *f = *state;
    struct instance *instance = f->instances[0];
    fill(f);
    ask(f, 1, 3, 1, ASKED);
    ask(f, 2, 4, 1, ASKED + SIMTIME_MS);
    assert_int_equal(instance_turns_inside(instance), 3);
    const struct turn_end first = next_end(instance);
    check_leaves(&first, 1, 10, ASKED + 10 * SIMTIME_MS + LATENCY);
    assert_int_equal(instance_turns_inside(instance), 2);
    assert_int_equal(instance_earliest_output(instance).time, ASKED + 20 * SIMTIME_MS + LATENCY);
    assert_int_equal(instance_earliest_effect(instance), ASKED + 22 * SIMTIME_MS + LATENCY); /* heard of 2 ms later */
    const struct turn_end second = next_end(instance);
    check_leaves(&second, 2, 10, ASKED + 20 * SIMTIME_MS + LATENCY);
    assert_int_equal(next_end(instance).record.program, 3);
    assert_int_equal(instance_turns_inside(instance), 0);
    assert_int_equal(instance_counters(instance)->kv_blocks_sent, 20);
}

static void note_leaving(void *user, const struct view_turn *turn)
{
    if (turn->phase == VIEW_LEAVING) {
        *(uint64_t *)user = turn->program << 32 | turn->holder->hashed_blocks;
    }
}

/* Who looks meanwhile sees it, and what it holds. */
static void a_copy_is_seen(void **state)
{
    struct fixture *f = *state;
    uint64_t seen = 0;
    const struct kv_viewer viewer = {.user = &seen, .turn = note_leaving};
    fill(f);
    ask(f, 2, 4, 1, ASKED);
    assert_false(instance_advance(f->instances[0], (struct event_key){.time = ASKED + 10 * SIMTIME_MS}));
    instance_view_kv(f->instances[0], ASKED + 10 * SIMTIME_MS, &viewer);
    assert_int_equal(seen, UINT64_C(2) << 32 | 10);
}

static void kv_stays_behind(void **state)
{
    struct fixture *f = *state;
    fill(f);
    ask(f, 1, 3, ASIM_NONE, ASKED);
    const struct turn_end end = next_end(f->instances[0]);
    check_leaves(&end, 1, 0, ASKED);
    assert_int_equal(instance_counters(f->instances[0])->kv_blocks_sent, 0);
}

/* What was never here cannot go along. */
static void there_is_none(void **state)
{
    struct fixture *f = *state;
    fill(f);
    deliver(f, 0, 4, ASKED - SIMTIME_MS, OUTPUT, 0);
    ask(f, 4, 5, 1, ASKED);
    const struct turn_end end = next_end(f->instances[0]);
    check_leaves(&end, 4, 0, ASKED);
}

/* It is found there like what was computed there, once. */
static void kv_arrives(void **state)
{
    struct fixture *f = *state;
    struct instance *instance = f->instances[1];
    deliver(f, 1, 1, ASKED, OUTPUT, 10);
    assert_int_equal(next_end(instance).record.hit_toks, 10 * BLOCK);
    assert_int_equal(instance_counters(instance)->kv_blocks_taken, 10);
    deliver(f, 1, 1, 2 * ASKED, OUTPUT, 10);
    assert_int_equal(next_end(instance).record.hit_toks, 10 * BLOCK);
    assert_int_equal(instance_counters(instance)->kv_blocks_taken, 10);
    assert_int_equal(instance_counters(instance)->kv_blocks_refused, 0);
}

/* A turn runs that takes all but one of the 64 blocks in the end. */
static void there_is_no_room(void **state)
{
    struct fixture *f = *state;
    struct instance *instance = f->instances[1];
    deliver(f, 1, 9, ASKED, 850, 0);
    assert_false(instance_advance(instance, (struct event_key){.time = ASKED + SIMTIME_US}));
    while (kv_free(instance_pool(instance)) >= 10) {
        const struct event_key next = instance_next(instance);
        instance_advance(instance, (struct event_key){.time = next.time + 1});
    }
    const simtime now = instance_next(instance).time;
    deliver(f, 1, 1, now, OUTPUT, 10);
    assert_int_equal(next_end(instance).record.program, 9);
    assert_int_equal(instance_counters(instance)->kv_blocks_refused, 10);
    assert_int_equal(instance_counters(instance)->kv_blocks_taken, 0);
    assert_int_equal(next_end(instance).record.hit_toks, 0);
}

/* A turn lacks the blocks that are being copied, and nothing runs: nothing comes of it before the instant up to which
 * the instance is known, however long ago a batch ended. */
static void a_turn_waits_for_a_copy(void **state)
{
    struct fixture *f = *state;
    instance_destroy(f->instances[0]);
    f->config.n_blocks = 1 + 20;
    f->config.peers.bandwidth = 10 * MIB;
    struct instance *instance = f->instances[0] = instance_create(0, &f->config, f->step_time, NULL);
    deliver(f, 0, 1, 0, OUTPUT, 0);
    assert_int_equal(next_end(instance).record.program, 1);
    deliver(f, 0, 1, ASKED - 2 * SIMTIME_MS, OUTPUT, 0);
    deliver(f, 0, 1, ASKED - SIMTIME_MS, OUTPUT, 0);
    deliver(f, 0, 4, ASKED - SIMTIME_MS, OUTPUT, 0);
    ask(f, 1, 2, 1, ASKED);
    assert_false(next_end(instance).unserved);
    const simtime now = ASKED + 900 * SIMTIME_MS;
    assert_false(instance_advance(instance, (struct event_key){.time = now, .phase = PHASE_STEP_END}));
    assert_int_equal(instance_next(instance).time, ASKED + SIMTIME_S + LATENCY);
    assert_true(instance_earliest_effect(instance) > now);
    assert_int_equal(instance_effects_before(instance, now), 0);
    const struct turn_end left = next_end(instance);
    check_leaves(&left, 1, 10, ASKED + SIMTIME_S + LATENCY);
    assert_int_equal(next_end(instance).record.program, 4);
}

/* What it has there had to be entered, not found: the best evictions miss no more than those that were. */
static void what_arrives_was_entered(void **state)
{
    struct fixture *f = *state;
    instance_destroy(f->instances[1]);
    f->config.measures_evictions = true;
    f->instances[1] = instance_create(1, &f->config, f->step_time, NULL);
    deliver(f, 1, 1, ASKED, OUTPUT, 8);
    assert_int_equal(next_end(f->instances[1]).record.hit_toks, 8 * BLOCK);
    const struct belady_counts counts = instance_belady(f->instances[1]);
    assert_int_equal(counts.accesses, 10);
    assert_int_equal(counts.misses, 2);
    assert_int_equal(counts.compulsory, 2);
    assert_int_equal(counts.optimal, 2);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(kv_goes_along), T(a_copy_is_seen),   T(kv_stays_behind),          T(there_is_none),
        T(kv_arrives),    T(there_is_no_room), T(what_arrives_was_entered), T(a_turn_waits_for_a_copy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
