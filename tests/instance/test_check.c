/* What is checked inside an instance is seen when it is wrong: each case spoils one thing and expects an abort. One
 * program of 64 prompt tokens has left four of 30 blocks behind, as a pin or in the tier below; blocks are of 16
 * tokens. */
#include "support/support.h"

#include "instance/scenario.h"
#include "instance/tiers/transfers.h"
#include "kv/pool_internal.h"
#include "policy/builtin/builtin.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM = 5, MIB = 1 << 20 };

struct fixture {
    struct step_time *step_time;
    struct engine_config config;
    struct tier_plan plan;
    struct policy_set policies;
    struct node *node;
    struct instance *instance;
};

static struct asim_retention retention;

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    (void)turn;
    return retention;
}

static const struct asim_policy scripted = {POLICY_HEAD, .name = "scripted", .on_turn_complete = on_turn_complete};

static void serve(struct fixture *f, uint64_t program, simtime time, bool is_last)
{
    static struct extent extent;
    extent = (struct extent){stream_private(program, 0), 0, 66};
    const struct turn_facts facts = {.gap_before = -1,
                                     .gap_after = is_last ? SIMTIME_NEVER : SIMTIME_S,
                                     .deadline = SIMTIME_NEVER,
                                     .hint_pin = -1,
                                     .hint_resume = -1,
                                     .tool_before = NO_TOOL,
                                     .tool_after = NO_TOOL,
                                     .is_last = is_last};
    instance_deliver(f->instance, &(struct turn_arrival){.program = program,
                                                         .ready = time,
                                                         .time = time,
                                                         .content = {&extent, 1, 66},
                                                         .prompt_toks = 64,
                                                         .output_toks = 2,
                                                         .facts = &facts,
                                                         .lead = SIMTIME_NEVER});
    const struct event_key limit = {.time = time + SIMTIME_S};
    uint32_t n;
    assert_ptr_equal(node_advance(f->node, limit), f->instance);
    instance_take_ends(f->instance, &n);
    assert_int_equal(n, 1);
}

/* Until the turn has ended; with so many bytes/s a store lasts for a second more. */
static void open(struct fixture *f, uint64_t bandwidth)
{
    f->policies = (struct policy_set){.retention = {.policy = &scripted}, .scheduling = {.policy = &scripted}};
    f->config = scenario_small_engine();
    f->config.policies = &f->policies;
    f->plan = (struct tier_plan){.n_tiers = 2,
                                 .out_bandwidth = bandwidth,
                                 .in_bandwidth = bandwidth,
                                 .block_bytes = MIB,
                                 .engine = OFFLOAD_BY_POLICY,
                                 .chunk_blocks = 1,
                                 .least_load_toks = 1,
                                 .node_instances = 1,
                                 .host_instances = 1};
    for (uint32_t i = 0; i < 2; i++) {
        f->plan.tiers[i] = (struct tier_spec){.name = "tier",
                                              .n_blocks = 64,
                                              .read_bandwidth = bandwidth,
                                              .write_bandwidth = bandwidth,
                                              .is_duplex = i == 0};
    }
    f->node = node_create(&f->plan, 16);
    f->instance = instance_create(0, &f->config, f->step_time, f->node);
    serve(f, PROGRAM, SIMTIME_MS, false);
}

static void close_all(struct fixture *f)
{
    node_end(f->node);
    instance_destroy(f->instance);
    node_destroy(f->node);
}

static void open_with_pin(struct fixture *f)
{
    retention = (struct asim_retention){.action = ASIM_PIN, .until = ASIM_NEVER};
    open(f, UINT64_C(1) << 40);
}

/* The store is half over. */
static void open_with_store(struct fixture *f)
{
    retention = (struct asim_retention){.action = ASIM_OFFLOAD, .until = ASIM_NEVER};
    open(f, 4 * MIB);
    assert_null(node_advance(f->node, (struct event_key){.time = SIMTIME_S / 2}));
}

/* Stored, and copied on to the tier below. */
static void open_with_copies(struct fixture *f)
{
    retention = (struct asim_retention){.action = ASIM_OFFLOAD, .until = ASIM_NEVER};
    open(f, UINT64_C(1) << 40);
    assert_null(node_advance(f->node, (struct event_key){.time = SIMTIME_S}));
}

/* ---- damages ---- */

static struct resident *pin(const struct fixture *f)
{
    return f->instance->residency->residents[0];
}
static void nothing(struct fixture *f)
{
    (void)f;
}
static void deadline(struct fixture *f)
{
    pin(f)->until--;
}
static void pin_becomes_hold(struct fixture *f)
{
    pin(f)->is_pin = false;
}
static void gone(struct fixture *f)
{
    residency_remove(f->instance, 0, SIMTIME_S);
}
static void vacated(struct fixture *f)
{
    residency_vacate(f->instance, pin(f), SIMTIME_S);
}
static void start(struct fixture *f)
{
    pin(f)->since++;
}
static void counted_as_forced(struct fixture *f)
{
    f->instance->residency->counters.pins_forced++;
}
static void other_program(struct fixture *f)
{
    pin(f)->program++;
}
static void blocks(struct fixture *f)
{
    pin(f)->blocks++;
}
static void missed_deadline(struct fixture *f)
{
    f->instance->passed = SIMTIME_NEVER;
    residency_set_deadline(f->instance, pin(f), 2 * SIMTIME_S, SIMTIME_S);
}
static void lost_block(struct fixture *f)
{
    f->instance->pool->usable++;
}
static void block_of_nobody(struct fixture *f)
{
    kv_reserve(f->instance->pool, 1);
}
static void held_twice(struct fixture *f)
{
    pin(f)->holder.anonymous_blocks++;
}
static void bytes_out(struct fixture *f)
{
    f->instance->residency->counters.moved[TRANSFER_STORE].blocks++;
}
static void bytes_in(struct fixture *f)
{
    f->instance->residency->counters.moved[TRANSFER_LOAD].blocks++;
}
static void bytes_down(struct fixture *f)
{
    f->instance->residency->counters.moved[TRANSFER_COPY].blocks++;
}
static void bytes_up(struct fixture *f)
{
    f->instance->residency->counters.moved[TRANSFER_RAISE].blocks++;
}
static void cut_bytes(struct fixture *f)
{
    f->instance->residency->counters.cut_bytes++;
}
static void loaded_bytes(struct fixture *f)
{
    f->instance->residency->counters.loaded_blocks[0]++;
}
static void loaded_below(struct fixture *f)
{
    f->instance->residency->counters.loaded_blocks[1]++;
}
static void moving_blocks(struct fixture *f)
{
    f->node->transfers[0]->moving--;
}
static void tier_block(struct fixture *f)
{
    struct kv_holder nobody = {0};
    kv_alloc(f->node->pools[1], &nobody, 1);
}

struct damage {
    const char *name;
    void (*spoil)(struct fixture *f);
};
#define DAMAGE(function)                                                                                               \
    {                                                                                                                  \
#function, function                                                                                            \
    }

/* ---- checks ---- */

static void instance_alone(struct fixture *f, void (*spoil)(struct fixture *f))
{
    spoil(f);
    instance_check(f->instance);
}
static void untouched(struct fixture *f, void (*spoil)(struct fixture *f))
{
    const struct digest before = engine_holdings(f->instance);
    spoil(f);
    engine_check_untouched(f->instance, before);
}
static void ended(struct fixture *f, void (*spoil)(struct fixture *f))
{
    spoil(f);
    engine_check_ended(f->instance, PROGRAM);
}

typedef void check(struct fixture *f, void (*spoil)(struct fixture *f));

/* Runs a check in a child process; the signal that ended it, 0 for none. */
static int signal_of(struct fixture *f, check *checks, void (*spoil)(struct fixture *f))
{
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        assert_non_null(freopen("/dev/null", "w", stderr));
        checks(f, spoil);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void expect_seen(struct fixture *f, check *checks, const struct damage *damages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (signal_of(f, checks, damages[i].spoil) != SIGABRT) {
            fail_msg("%s was not seen", damages[i].name);
        }
    }
}

/* ---- tests ---- */

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.step_time = scenario_step_time()};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    step_time_destroy(f->step_time);
    return 0;
}

static void a_pin_past_its_deadline_is_seen(void **state)
{
    struct fixture *f = *state;
    open_with_pin(f);
    assert_int_equal(signal_of(f, instance_alone, missed_deadline), SIGABRT);
    close_all(f);
}

static void a_block_is_in_one_state(void **state)
{
    static const struct damage damages[] = {DAMAGE(blocks), DAMAGE(lost_block), DAMAGE(block_of_nobody),
                                            DAMAGE(held_twice), DAMAGE(gone)};
    struct fixture *f = *state;
    open_with_pin(f);
    assert_int_equal(signal_of(f, instance_alone, nothing), 0);
    expect_seen(f, instance_alone, damages, 4);
    assert_int_equal(signal_of(f, instance_alone, damages[4].spoil), 0); /* as it should go */
    close_all(f);
}

static void bytes_out_of_a_link_are_bytes_into_the_next(void **state)
{
    static const struct damage while_storing[] = {DAMAGE(bytes_out), DAMAGE(bytes_in), DAMAGE(loaded_bytes),
                                                  DAMAGE(moving_blocks), DAMAGE(tier_block)};
    static const struct damage afterwards[] = {DAMAGE(bytes_out), DAMAGE(bytes_down),   DAMAGE(bytes_up),
                                               DAMAGE(cut_bytes), DAMAGE(loaded_bytes), DAMAGE(loaded_below)};
    struct fixture *f = *state;
    open_with_store(f);
    assert_int_equal(signal_of(f, instance_alone, nothing), 0);
    expect_seen(f, instance_alone, while_storing, sizeof while_storing / sizeof while_storing[0]);
    close_all(f);
    open_with_copies(f);
    assert_int_equal(signal_of(f, instance_alone, nothing), 0);
    expect_seen(f, instance_alone, afterwards, sizeof afterwards / sizeof afterwards[0]);
    close_all(f);
}

static void a_changed_pin_is_seen(void **state)
{
    static const struct damage damages[] = {DAMAGE(deadline),      DAMAGE(pin_becomes_hold),  DAMAGE(gone),
                                            DAMAGE(vacated),       DAMAGE(counted_as_forced), DAMAGE(start),
                                            DAMAGE(other_program), DAMAGE(block_of_nobody)};
    struct fixture *f = *state;
    open_with_pin(f);
    assert_int_equal(signal_of(f, untouched, nothing), 0);
    expect_seen(f, untouched, damages, sizeof damages / sizeof damages[0]);
    close_all(f);
}

static void a_pin_of_an_ended_program_is_seen(void **state)
{
    struct fixture *f = *state;
    open_with_pin(f);
    assert_int_equal(signal_of(f, ended, nothing), SIGABRT);
    assert_int_equal(signal_of(f, ended, gone), 0);
    serve(f, PROGRAM, 2 * SIMTIME_S, true);
    engine_check_ended(f->instance, PROGRAM);
    assert_int_equal(kv_free(f->instance->pool), 30);
    close_all(f);
}

/* A waiting turn holds 20 blocks that were loaded for it: 10 can be free, however still everything stands. */
static void what_cannot_succeed_leaves_a_pin_alone(void **state)
{
    struct fixture *f = *state;
    open_with_pin(f);
    struct instance *instance = f->instance;
    struct sequence *waiting = sequence_pool_take(&instance->sequences);
    kv_alloc(instance->pool, &waiting->holder, 20);
    sequence_list_push_back(&instance->waiting, waiting);
    assert_int_equal(engine_most_free(instance, ASIM_NO_PROGRAM), 10);
    assert_int_equal(engine_most_free(instance, PROGRAM), 6);
    const struct digest before = engine_holdings(instance);
    assert_false(engine_find_blocks(instance, 11, false, ASIM_NO_PROGRAM, SIMTIME_S));
    engine_check_untouched(instance, before);
    assert_true(engine_find_blocks(instance, 10, false, ASIM_NO_PROGRAM, SIMTIME_S));
    assert_int_equal(instance->residency->counters.pins_forced, 1);
    sequence_list_remove(&instance->waiting, waiting);
    kv_release(instance->pool, &waiting->holder);
    sequence_pool_give(&instance->sequences, waiting);
    close_all(f);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_block_is_in_one_state),
        T(bytes_out_of_a_link_are_bytes_into_the_next),
        T(a_changed_pin_is_seen),
        T(a_pin_past_its_deadline_is_seen),
        T(a_pin_of_an_ended_program_is_seen),
        T(what_cannot_succeed_leaves_a_pin_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
