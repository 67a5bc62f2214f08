/* What moves between HBM and the tiers below it, on small histories worked out by hand. Blocks are of 16 tokens and 1
 * MiB; a turn of p prompt and n output tokens computes p + n - 1. */
#include "support/support.h"

#include "instance/scenario.h"
#include "instance/tiers/transfers.h"
#include "policy/builtin/builtin.h"

#include <string.h>

enum { BLOCK = 16, MIB = 1 << 20, MOST_TURNS = 4 };

static const uint64_t fast = UINT64_C(1000) << 30; /* bytes/s: a block moves in next to no time */
static const uint64_t slow = 8 << 20;              /* a block takes an eighth of a second */

struct fixture {
    struct step_time *step_time;
    struct engine_config config;
    struct tier_plan plan;
    struct asim_policy policy;
    struct policy_set policies;
    struct node *node;
    struct instance *instance;
    struct extent extents[MOST_TURNS];
    struct turn_facts facts[MOST_TURNS];
    uint32_t n;
    uint32_t kept;     /* of its context, by the next turn delivered, as the turn before had hit it */
    uint32_t kept_now; /* of its context, by the next turn delivered */
    simtime now;
};

static struct asim_retention retention;
static struct asim_resident seen; /* the last resident that a tick saw */

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    (void)turn;
    return retention;
}

static void tick(const struct asim_context *context)
{
    if (context->n_residents) {
        context->host->resident(context->handle, 0, &seen);
    }
}

static asim_time every_10_ms(const double *parameters)
{
    (void)parameters;
    return 10 * ASIM_MILLISECOND;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.step_time = scenario_step_time()};
    retention = (struct asim_retention){.action = ASIM_KEEP};
    memset(&seen, 0, sizeof seen);
    fixture.policy = (struct asim_policy){POLICY_HEAD, .name = "scripted", .on_turn_complete = on_turn_complete};
    fixture.config = (struct engine_config){.n_blocks = 65,
                                            .block_size = BLOCK,
                                            .max_num_seqs = 8,
                                            .max_num_batched_tokens = 32,
                                            .max_model_len = 512,
                                            .queue_depth = 2,
                                            .prefix_caching = true,
                                            .chunked_prefill = true,
                                            .host = {.max_graph_tokens = 512},
                                            .telemetry_period = SIMTIME_S};
    fixture.plan = (struct tier_plan){.n_tiers = 2,
                                      .out_bandwidth = fast,
                                      .in_bandwidth = fast,
                                      .block_bytes = MIB,
                                      .engine = OFFLOAD_WRITE_THROUGH,
                                      .chunk_blocks = 1,
                                      .least_load_toks = 1,
                                      .most_load_toks = UINT32_MAX,
                                      .storage = 2,
                                      .node_instances = 1,
                                      .host_instances = 1};
    for (uint32_t i = 0; i < fixture.plan.n_tiers; i++) {
        fixture.plan.tiers[i] = (struct tier_spec){.name = i ? "below" : "first",
                                                   .n_blocks = 64,
                                                   .read_bandwidth = fast,
                                                   .write_bandwidth = fast,
                                                   .is_duplex = true};
    }
    *state = &fixture;
    return 0;
}

static void stop(struct fixture *f)
{
    node_end(f->node);
    instance_destroy(f->instance);
    node_destroy(f->node);
    f->n = 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->node) {
        stop(f);
    }
    step_time_destroy(f->step_time);
    return 0;
}

static void start(struct fixture *f, enum engine_stepping stepping)
{
    f->config.stepping = stepping;
    f->policies = (struct policy_set){.retention = policy_use_of(&f->policy), .scheduling = policy_use_of(&f->policy)};
    f->config.policies = &f->policies;
    f->node = node_create(&f->plan, BLOCK);
    f->instance = instance_create(0, &f->config, f->step_time, f->node);
}

/* The next turn of a program, at `time`. */
static void deliver(struct fixture *f, uint64_t program, simtime time, uint32_t prompt, uint32_t output)
{
    const uint32_t i = f->n++;
    f->extents[i] = (struct extent){stream_private(program, 0), 0, prompt + output};
    f->facts[i] = (struct turn_facts){.gap_before = -1,
                                      .kept_toks = f->kept_now,
                                      .kept_before = f->kept,
                                      .gap_after = 100 * SIMTIME_S,
                                      .deadline = SIMTIME_NEVER,
                                      .hint_pin = -1,
                                      .hint_resume = -1,
                                      .tool_before = NO_TOOL,
                                      .tool_after = 1};
    instance_deliver(f->instance, &(struct turn_arrival){.program = program,
                                                         .turn = i,
                                                         .slot = i,
                                                         .ready = time,
                                                         .time = time,
                                                         .content = {&f->extents[i], 1, prompt + output},
                                                         .prompt_toks = prompt,
                                                         .output_toks = output,
                                                         .facts = &f->facts[i],
                                                         .lead = SIMTIME_NEVER});
}

/* One event; false: nothing is to come. */
static bool advance(struct fixture *f)
{
    struct event_key next = instance_next(f->instance);
    if (next.time == SIMTIME_NEVER) {
        return false;
    }
    f->now = next.time;
    next.phase++;
    node_advance(f->node, next);
    uint32_t n;
    instance_take_ends(f->instance, &n);
    instance_check(f->instance);
    return true;
}

/* Turns at a stretch, then what is left event by event. */
static void run(struct fixture *f)
{
    uint32_t n;
    while (instance_turns_inside(f->instance) && node_advance(f->node, EVENT_NEVER)) {
        instance_take_ends(f->instance, &n);
        instance_check(f->instance);
    }
    while (advance(f)) {
    }
}

static const struct residency_counters *counters(const struct fixture *f)
{
    return instance_residency_counters(f->instance);
}

/* Blocks of a program that a tier has. */
static uint32_t blocks_in(struct fixture *f, uint32_t tier, uint64_t program)
{
    const struct extent extent = {stream_private(program, 0), 0, 32 * BLOCK};
    return kv_find(f->node->pools[tier], (struct content){&extent, 1, 32 * BLOCK}, 32).blocks;
}

static void stores_each_block_as_it_fills(void **state)
{
    struct fixture *f = *state;
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 40, 60);
    uint32_t had[2] = {0, 0};
    while (advance(f)) {
        for (uint32_t tier = 0; tier < 2; tier++) {
            const uint32_t has = blocks_in(f, tier, 1);
            assert_true(has == had[tier] || has == had[tier] + 1 || (had[tier] == 0 && has == 2));
            had[tier] = has;
        }
    }
    /* two blocks with the first 32 tokens of the prompt, then one each at 48, 64, 80 and 96 */
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].transfers, 5);
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].blocks, 6);
    assert_int_equal(blocks_in(f, 0, 1), 6);
    assert_int_equal(counters(f)->moved[TRANSFER_COPY].blocks, 6);
    assert_int_equal(blocks_in(f, 1, 1), 6);
}

static void stores_whole_chunks(void **state)
{
    struct fixture *f = *state;
    f->plan.chunk_blocks = 2;
    start(f, ENGINE_STEADY);
    deliver(f, 1, 0, 40, 60);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].transfers, 3); /* at 32, 64 and 96 */
    assert_int_equal(instance_counters(f->instance)->fast_forwarded, 0);
    assert_int_equal(blocks_in(f, 0, 1), 6);
}

static void stores_prompts_only(void **state)
{
    struct fixture *f = *state;
    f->plan.engine = OFFLOAD_PROMPTS;
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 70, 60);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].transfers, 2); /* after 32 and 64 of the prompt's tokens */
    assert_true(instance_counters(f->instance)->fast_forwarded > 20);
    assert_int_equal(blocks_in(f, 0, 1), 4);
}

/* On a slow link most blocks fill up while earlier ones are on their way: they go together then, and none twice. */
static void what_is_on_its_way_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    f->plan.out_bandwidth = slow;
    f->plan.tiers[1].write_bandwidth = slow / 4;
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 40, 60);
    run(f);
    assert_true(counters(f)->moved[TRANSFER_STORE].transfers < 5);
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].blocks, 6);
    assert_int_equal(counters(f)->moved[TRANSFER_COPY].blocks, 6);
    assert_int_equal(blocks_in(f, 0, 1), 6);
    assert_int_equal(blocks_in(f, 1, 1), 6);
    assert_int_equal(kv_free(instance_pool(f->instance)), 64);
}

/* A store that waits for another holds its blocks in HBM after the turn. */
static void blocks_stay_until_they_are_stored(void **state)
{
    struct fixture *f = *state;
    f->plan.out_bandwidth = slow;
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 40, 60);
    while (instance_turns_inside(f->instance) && advance(f)) {
    }
    assert_int_equal(kv_free(instance_pool(f->instance)), 64 - 6);
    run(f);
    assert_int_equal(kv_free(instance_pool(f->instance)), 64);
    assert_int_equal(blocks_in(f, 0, 1), 6);
}

/* What a store holds beside the program is the program's own. */
static void a_store_is_not_another_holder(void **state)
{
    struct fixture *f = *state;
    f->plan.out_bandwidth = slow;
    f->policy.tick = tick;
    f->policy.tick_period = every_10_ms;
    retention = (struct asim_retention){.action = ASIM_PIN, .until = 3 * SIMTIME_S};
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 40, 60);
    deliver(f, 2, 0, 20, 90); /* ticks are heard while it runs */
    run(f);
    assert_int_equal(seen.program, 1);
    assert_int_equal(seen.blocks, 6);
    assert_int_equal(seen.private_blocks, 6);
}

/* What a turn holds while it waits for a load, whose six blocks take an eighth of a second each. */
static void a_turn_is_stalled_while_it_is_loaded(void **state)
{
    struct fixture *f = *state;
    f->plan.in_bandwidth = slow;
    retention = (struct asim_retention){.action = ASIM_DROP};
    for (int stepping = ENGINE_PLAIN; stepping <= ENGINE_FAST_FORWARD; stepping++) {
        if (f->node) {
            stop(f);
        }
        start(f, (enum engine_stepping)stepping);
        deliver(f, 1, 0, 40, 60);
        f->kept_now = 99;
        deliver(f, 1, 10 * SIMTIME_S, 110, 20);
        f->kept_now = 0;
        deliver(f, 2, 10 * SIMTIME_S, 30, 100); /* runs meanwhile */
        run(f);
        assert_int_equal(counters(f)->moved[TRANSFER_LOAD].blocks, 6);
        assert_true(counters(f)->stalled_block_ps == 6 * (unsigned __int128)(6 * SIMTIME_S / 8));
        assert_true(counters(f)->recompute_block_ps == 0);
    }
}

/* When the first store of a program begins. */
static simtime store_begins(struct fixture *f, uint64_t program)
{
    for (;;) {
        assert_true(advance(f));
        for (size_t i = 0; i < f->node->n_transfers; i++) {
            if (f->node->transfers[i]->is_live && f->node->transfers[i]->program == program) {
                return f->now;
            }
        }
    }
}

static void start_two(struct fixture *f)
{
    start(f, ENGINE_STEADY);
    deliver(f, 1, 0, 40, 60);
    deliver(f, 2, 0, 40, 60);
}

/* The link is so slow that the first store of one program ends at the very instant at which a batch does, with which
 * the first one of the other begins. */
static void a_store_may_end_with_a_batch(void **state)
{
    struct fixture *f = *state;
    start_two(f);
    store_begins(f, 1);
    while (!blocks_in(f, 0, 1)) {
        assert_true(advance(f));
    }
    const simtime over = f->now;
    const simtime second = store_begins(f, 2);
    stop(f);
    f->plan.link_latency = second - over;
    start_two(f);
    assert_int_equal(store_begins(f, 2), second);
    assert_int_equal(blocks_in(f, 0, 1), 2); /* it has ended by then */
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_STORE].blocks, 12);
}

/* ---- SGLang's HiCache ---- */

/* The second tier is storage; a block takes an eighth of a second to come up. */
static void use_storage(struct fixture *f, enum raise_stop stop)
{
    f->plan.engine = OFFLOAD_FIRST_HIT;
    f->plan.storage = 1;
    f->plan.loads_into_room = true;
    f->plan.raise_stop = stop;
    f->plan.least_raise_toks = 256;
    f->plan.raise_timeout = SIMTIME_S;
    f->plan.raise_timeout_per_ktok = SIMTIME_S / 4;
    f->plan.tiers[1].read_bandwidth = slow;
    f->config.max_num_seqs = 1;
}

/* A tier has the first blocks of a program. */
static void put_in(struct fixture *f, uint32_t tier, uint64_t program, uint32_t blocks)
{
    const struct extent extent = {stream_private(program, 0), 0, blocks * BLOCK};
    struct kv_holder holder = {0};
    kv_alloc(f->node->pools[tier], &holder, blocks);
    kv_hash(f->node->pools[tier], &holder, (struct content){&extent, 1, blocks * BLOCK}, blocks);
    kv_release(f->node->pools[tier], &holder);
    kv_holder_fini(&holder);
}

static void storage_gets_what_is_hit_twice(void **state)
{
    struct fixture *f = *state;
    use_storage(f, RAISE_BEST_EFFORT);
    start(f, ENGINE_FAST_FORWARD);
    deliver(f, 1, 0, 40, 60);
    run(f);
    assert_int_equal(blocks_in(f, 0, 1), 0);
    f->kept = 40; /* no more of it has been a prompt */
    deliver(f, 1, f->now, 110, 10);
    run(f);
    assert_int_equal(blocks_in(f, 0, 1), 6);
    assert_int_equal(blocks_in(f, 1, 1), 2);
    f->kept = 110;
    deliver(f, 1, f->now, 130, 10);
    run(f);
    assert_int_equal(blocks_in(f, 0, 1), 7);
    assert_int_equal(blocks_in(f, 1, 1), 6);
}

/* Storage has 20 blocks of the first program. */
static void start_with_storage(struct fixture *f, enum raise_stop stop)
{
    use_storage(f, stop);
    start(f, ENGINE_FAST_FORWARD);
    put_in(f, 1, 1, 20);
}

static void a_turn_waits_for_storage(void **state)
{
    struct fixture *f = *state;
    start_with_storage(f, RAISE_WAIT);
    deliver(f, 1, 0, 20 * BLOCK + 5, 3);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_RAISE].blocks, 20);
    assert_int_equal(counters(f)->loaded_blocks[0], 20);
    assert_true(f->now > 20 * SIMTIME_S / 8);
}

/* After 1 s and a quarter for each 1000 of 320 tokens: 1.08 s, in which 8.64 blocks come. */
static void a_turn_waits_for_a_time(void **state)
{
    struct fixture *f = *state;
    start_with_storage(f, RAISE_TIMEOUT);
    deliver(f, 1, 0, 20 * BLOCK + 5, 3);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_RAISE].blocks, 8);
    assert_int_equal(counters(f)->cut_bytes, (uint64_t)MIB * 64 / 100);
    assert_int_equal(counters(f)->loaded_blocks[0], 8);
    assert_int_equal(blocks_in(f, 0, 1), 8);
}

static void what_has_come_when_its_time_comes_will_do(void **state)
{
    struct fixture *f = *state;
    start_with_storage(f, RAISE_BEST_EFFORT);
    deliver(f, 2, 0, 20, 200); /* the only place is taken for a while */
    deliver(f, 1, SIMTIME_MS, 20 * BLOCK + 5, 3);
    run(f);
    const uint64_t came = counters(f)->moved[TRANSFER_RAISE].blocks;
    assert_true(came > 0 && came < 20 && counters(f)->cut_bytes < MIB);
    assert_int_equal(counters(f)->loaded_blocks[0], came);
}

static void start_a_raise(struct fixture *f)
{
    start(f, ENGINE_STEADY);
    put_in(f, 1, 1, 20);
    deliver(f, 2, 0, 20, 200);
    deliver(f, 1, SIMTIME_MS, 20 * BLOCK + 5, 3);
}

static void end_the_raise(struct fixture *f)
{
    while (!blocks_in(f, 0, 1)) {
        assert_true(advance(f));
    }
}

/* Storage is so slow to start that what it has of a turn has come at the very instant at which a batch of another turn
 * ends: nothing is to be done any more when the turn's time is over. */
static void a_raise_may_end_with_a_batch(void **state)
{
    struct fixture *f = *state;
    use_storage(f, RAISE_TIMEOUT);
    f->plan.tiers[1].read_bandwidth = fast;
    start_a_raise(f);
    end_the_raise(f);
    const simtime over = f->now;
    const simtime batch = engine_batch(f->instance, 0)->end;
    assert_true(batch > over);
    stop(f);
    f->plan.tiers[1].latency = batch - over;
    start_a_raise(f);
    end_the_raise(f);
    assert_int_equal(f->now, batch);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_RAISE].blocks, 20);
}

/* The router does not get back a turn for which KV is coming up. */
static void a_turn_with_a_raise_stays(void **state)
{
    struct fixture *f = *state;
    start_with_storage(f, RAISE_WAIT);
    deliver(f, 1, 0, 20 * BLOCK + 5, 3);
    instance_recall(f->instance,
                    &(struct turn_recall){.program = 1, .turn = 0, .kv_to = ASIM_NONE, .time = SIMTIME_MS});
    run(f);
    assert_int_equal(counters(f)->loaded_blocks[0], 20);
    assert_int_equal(f->instance->residency->n_raising, 0);
}

static void little_is_not_worth_a_fetch(void **state)
{
    struct fixture *f = *state;
    use_storage(f, RAISE_WAIT);
    start(f, ENGINE_FAST_FORWARD);
    put_in(f, 1, 1, 15);
    put_in(f, 1, 2, 20);
    put_in(f, 0, 2, 5);
    deliver(f, 1, 0, 20 * BLOCK, 3);
    deliver(f, 2, 0, 25 * BLOCK, 3);
    run(f);
    assert_int_equal(counters(f)->moved[TRANSFER_RAISE].transfers, 0);
    assert_int_equal(counters(f)->loaded_blocks[0], 5);
    assert_int_equal(counters(f)->loaded_blocks[1], 0);
}

static void more_than_the_quota_is_computed(void **state)
{
    struct fixture *f = *state;
    f->plan.most_load_toks = 10 * BLOCK;
    start(f, ENGINE_FAST_FORWARD);
    put_in(f, 0, 1, 10);
    put_in(f, 0, 2, 11);
    deliver(f, 1, 0, 20 * BLOCK, 3);
    deliver(f, 2, 0, 20 * BLOCK, 3);
    run(f);
    assert_int_equal(counters(f)->loaded_blocks[0], 10);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(stores_each_block_as_it_fills),
                                       T(stores_whole_chunks),
                                       T(stores_prompts_only),
                                       T(what_is_on_its_way_is_not_sent_again),
                                       T(blocks_stay_until_they_are_stored),
                                       T(a_store_is_not_another_holder),
                                       T(a_turn_is_stalled_while_it_is_loaded),
                                       T(a_store_may_end_with_a_batch),
                                       T(storage_gets_what_is_hit_twice),
                                       T(a_turn_waits_for_storage),
                                       T(a_turn_waits_for_a_time),
                                       T(what_has_come_when_its_time_comes_will_do),
                                       T(a_raise_may_end_with_a_batch),
                                       T(a_turn_with_a_raise_stays),
                                       T(little_is_not_worth_a_fetch),
                                       T(more_than_the_quota_is_computed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
