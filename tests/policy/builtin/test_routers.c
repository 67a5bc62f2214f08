/* Routing policies that look at prompts, loads or chance: their rules on views worked out by hand. */
#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/policy_set.h"

#include <stdlib.h>
#include <string.h>

enum { INSTANCES = 4, BLOCK = 16 };

struct scene {
    struct policy_use use;
    struct asim_instance_view views[INSTANCES];
    uint32_t overlap[INSTANCES];
    uint64_t pending[INSTANCES];
    struct asim_routing routing;
    struct asim_request request;
};

static struct scene scene;
static void *memory;

static struct scene *look(const struct asim_policy *policy)
{
    free(memory);
    memory = calloc(1, policy->state_size + 1);
    scene = (struct scene){.use = policy_use_of(policy),
                           .routing = {.n_instances = INSTANCES, .block_size = BLOCK},
                           .request = {.home = ASIM_NONE, .prompt_toks = 1600}};
    for (int i = 0; i < INSTANCES; i++) {
        scene.views[i].usable_blocks = 1000;
    }
    scene.routing.state = memory;
    scene.routing.parameters = scene.use.parameters;
    scene.routing.instances = scene.views;
    scene.routing.overlap = scene.overlap;
    scene.routing.pending = scene.pending;
    return &scene;
}

static void set_parameter(struct scene *s, const char *name, double value)
{
    for (uint32_t i = 0; i < s->use.policy->n_parameters; i++) {
        if (strcmp(s->use.policy->parameters[i].name, name) == 0) {
            s->use.parameters[i] = value;
            return;
        }
    }
    fail_msg("no parameter %s", name);
}

static uint32_t choice(struct scene *s)
{
    s->routing.outstanding = 0;
    s->routing.least_loaded = 0;
    for (uint32_t i = 0; i < INSTANCES; i++) {
        s->routing.outstanding += s->views[i].outstanding;
        if (s->views[i].outstanding < s->views[s->routing.least_loaded].outstanding) {
            s->routing.least_loaded = i;
        }
    }
    return s->use.policy->route(&s->routing, &s->request);
}

#define OUTSTANDING(S, ...) outstanding(S, (const uint32_t[INSTANCES]){__VA_ARGS__})

static void outstanding(struct scene *s, const uint32_t turns[INSTANCES])
{
    for (int i = 0; i < INSTANCES; i++) {
        s->views[i].outstanding = turns[i];
    }
}

#define OVERLAP(S, ...) overlap(S, (const uint32_t[INSTANCES]){__VA_ARGS__})

static void overlap(struct scene *s, const uint32_t blocks[INSTANCES])
{
    memcpy(s->overlap, blocks, sizeof s->overlap);
}

/* ---- chance ---- */

static const uint64_t quarter = UINT64_C(1) << 62;

static void random_is_even(void **state)
{
    (void)state;
    struct scene *s = look(&policy_random);
    for (uint64_t i = 0; i < INSTANCES; i++) {
        s->routing.random = i * quarter;
        assert_int_equal(choice(s), i);
        s->routing.random = i * quarter + quarter - 1;
        assert_int_equal(choice(s), i);
    }
}

static void the_better_of_two(void **state)
{
    (void)state;
    struct scene *s = look(&policy_power_of_two);
    OUTSTANDING(s, 5, 3, 1, 3);
    /* The upper half draws one of four, the lower one of the other three. */
    const uint64_t third = UINT64_C(0x55555556);
    s->routing.random = 0; /* 0 and 1 */
    assert_int_equal(choice(s), 1);
    s->routing.random = third; /* 0 and 2 */
    assert_int_equal(choice(s), 2);
    s->routing.random = quarter + 2 * third; /* 1 and 3 are equal: the first */
    assert_int_equal(choice(s), 1);
    s->routing.random = 3 * quarter + third; /* 3 and 1 */
    assert_int_equal(choice(s), 3);
    s->routing.random = 3 * quarter + 2 * third; /* 3 and 2 */
    assert_int_equal(choice(s), 2);
    s->routing.n_instances = 1;
    assert_int_equal(choice(s), 0);
}

/* Each instance has its share, and of those that are there the programs stay when another one comes. */
static void the_ring_is_fair_and_steady(void **state)
{
    (void)state;
    struct scene *s = look(&policy_consistent_hash);
    enum { PROGRAMS = 4000 };
    static uint32_t with_four[PROGRAMS];
    uint32_t share[INSTANCES] = {0};
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        s->request.program = i;
        share[with_four[i] = choice(s)]++;
    }
    for (uint32_t i = 0; i < INSTANCES; i++) {
        assert_in_range(share[i], PROGRAMS / 4 / 2, PROGRAMS / 4 * 3 / 2);
    }
    s->routing.n_instances = 3;
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        s->request.program = i;
        const uint32_t chosen = choice(s);
        assert_true(chosen < 3 && (with_four[i] == 3 || with_four[i] == chosen));
    }
    s->request.home = 2;
    assert_int_equal(choice(s), 2);
}

/* ---- prefixes ---- */

static void sglang_takes_the_best_match(void **state)
{
    (void)state;
    struct scene *s = look(&policy_sglang_cache_aware);
    OUTSTANDING(s, 9, 0, 0, 0);
    OVERLAP(s, 31, 20, 0, 0); /* 496 of 1600 tokens: more than 480 */
    s->views[0].index_blocks = 900;
    s->views[1].index_blocks = 40;
    s->views[2].index_blocks = 30;
    s->views[3].index_blocks = 30;
    assert_int_equal(choice(s), 0);
    OVERLAP(s, 30, 20, 0, 0); /* 480 is not */
    assert_int_equal(choice(s), 2);
    OVERLAP(s, 100, 0, 0, 0);
    OUTSTANDING(s, 66, 2, 3, 4); /* 64 more is not unbalanced */
    assert_int_equal(choice(s), 0);
    OUTSTANDING(s, 67, 2, 3, 4);
    assert_int_equal(choice(s), 1);
    OUTSTANDING(s, 300, 200, 200, 200); /* neither is one and a half times as many */
    assert_int_equal(choice(s), 0);
    OUTSTANDING(s, 301, 200, 200, 200);
    assert_int_equal(choice(s), 1);
}

static void dynamo_takes_the_least_cost(void **state)
{
    (void)state;
    struct scene *s = look(&policy_dynamo_kv);
    OVERLAP(s, 60, 0, 90, 0);
    s->pending[0] = 160;          /* (160 + 1600) / 16 - 60 + 0 = 50 */
    s->views[1].used_blocks = 2;  /* 100 + 2 */
    s->views[2].used_blocks = 41; /* 100 - 90 + 41 = 51 */
    assert_int_equal(choice(s), 0);
    s->pending[0] = 192;
    s->views[2].used_blocks = 41; /* 52 against 51 */
    assert_int_equal(choice(s), 2);
    set_parameter(s, "active_weight", 2.0);
    OUTSTANDING(s, 0, 0, 1, 0); /* 53 */
    assert_int_equal(choice(s), 0);
    set_parameter(s, "active_weight", 0.0);
    set_parameter(s, "overlap_weight", 3.0); /* 156 against 71, 302, 300 */
    assert_int_equal(choice(s), 2);
    set_parameter(s, "overlap_weight", 0.0); /* by blocks in use: 0, 2, 41, 0 */
    bool seen[INSTANCES] = {false};
    for (uint32_t i = 0; i < 64; i++) {
        s->routing.random = i * UINT64_C(0x9e3779b97f4a7c15);
        seen[choice(s)] = true;
    }
    assert_true(seen[0] && !seen[1] && !seen[2] && seen[3]); /* ties at random */
}

static void dynamo_credits_fade_with_prefill(void **state)
{
    (void)state;
    struct scene *s = look(&policy_dynamo_kv);
    OVERLAP(s, 100, 0, 0, 0);
    s->pending[0] = 1200; /* 175 - 100 = 75 against 100 */
    s->views[2].used_blocks = s->views[3].used_blocks = 500;
    assert_int_equal(choice(s), 0);
    set_parameter(s, "decay", 1.0); /* 1200 / 1600 more than the least: 175 - 100 / 1.75 = 117.9 */
    assert_int_equal(choice(s), 1);
}

static void dynamo_draws_by_temperature(void **state)
{
    (void)state;
    struct scene *s = look(&policy_dynamo_kv);
    set_parameter(s, "temperature", 1.0);
    s->views[1].used_blocks = s->views[2].used_blocks = s->views[3].used_blocks = 50;
    /* Weights 1 and three times exp(-1) = 0.3679: the first takes 0.4754 of the whole. */
    s->routing.random = (uint64_t)(0.475 * 0x1p64);
    assert_int_equal(choice(s), 0);
    s->routing.random = (uint64_t)(0.476 * 0x1p64);
    assert_int_equal(choice(s), 1);
    s->routing.random = UINT64_MAX;
    assert_int_equal(choice(s), 3);
}

static void llm_d_sums_up_scores(void **state)
{
    (void)state;
    struct scene *s = look(&policy_llm_d);
    /* Prefix 3, queue 2, kv 2: 0 has half of the prompt (1.5), the longest queue (0) and half of its KV (1): 2.5;
     * 1 nothing (0), half the queue (1), all KV (2): 3; 2 no queue (2) and 0.2 of its KV (0.4), 2.4; 3 is full. */
    OVERLAP(s, 50, 0, 0, 0);
    s->views[0].waiting = 8;
    s->views[0].used_blocks = 500;
    s->views[1].waiting = 4;
    s->views[2].used_blocks = 800;
    s->views[3].waiting = 8;
    s->views[3].used_blocks = 1000;
    assert_int_equal(choice(s), 1);
    OVERLAP(s, 67, 0, 0, 0); /* 2.01 and 1: 3.01 */
    assert_int_equal(choice(s), 0);
    set_parameter(s, "session", 0.05);
    s->request.home = 1; /* 3.05 */
    assert_int_equal(choice(s), 1);
    set_parameter(s, "active", 1.0);
    OUTSTANDING(s, 8, 10, 10, 10); /* 3.01 + 0.2 */
    assert_int_equal(choice(s), 0);
}

static void llm_d_looks_at_load_alone(void **state)
{
    (void)state;
    struct scene *s = look(&policy_llm_d);
    set_parameter(s, "prefix", 0);
    set_parameter(s, "queue", 0);
    set_parameter(s, "kv", 0);
    set_parameter(s, "load_aware", 1);
    OVERLAP(s, 0, 0, 100, 0);
    for (int i = 0; i < INSTANCES; i++) {
        s->views[i].waiting = 100 + 40 * (uint32_t)i; /* of 128 */
    }
    assert_int_equal(choice(s), 0);
    s->views[3].waiting = 99;
    assert_int_equal(choice(s), 3);
}

/* ---- preble ---- */

static void preble_exploits_and_explores(void **state)
{
    (void)state;
    struct scene *s = look(&policy_preble);
    set_parameter(s, "turn_cost", 100);
    set_parameter(s, "rebalance", 1000);
    assert_int_equal(choice(s), 0); /* all are equal; its load is 1700 now */
    assert_int_equal(choice(s), 1);
    OVERLAP(s, 60, 0, 40, 0);       /* 960 of 1600 are more than half, 640 are not */
    assert_int_equal(choice(s), 0); /* whatever its load: 2440 */
    OVERLAP(s, 60, 51, 40, 0);      /* 1 holds 816: less load, 1700 */
    assert_int_equal(choice(s), 1); /* 1700 + 784 + 100 = 2584 */
    OVERLAP(s, 30, 0, 0, 0);        /* nobody holds most of it: 2440 + 1120 against 1600 */
    assert_int_equal(choice(s), 2); /* 1700 */
    OVERLAP(s, 0, 0, 0, 0);
    s->views[3].index_blocks = 950; /* 800 tokens are free: 400 for the other 800, and 1600, against 1700 + 1600 */
    assert_int_equal(choice(s), 3);
    set_parameter(s, "hit_rate", 1.0); /* all have 1700 or more; 3 would pay 800 */
    assert_int_equal(choice(s), 2);
}

static void preble_forgets_and_rebalances(void **state)
{
    (void)state;
    struct scene *s = look(&policy_preble);
    set_parameter(s, "turn_cost", 0);
    s->routing.n_instances = 2;
    OVERLAP(s, 100, 0, 0, 0);
    assert_int_equal(choice(s), 0); /* nothing to compute, no load */
    s->request.prompt_toks = 3000;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(choice(s), 0); /* 1400 more each time; with the prompt 1 would have 3000 */
    }
    assert_int_equal(choice(s), 1); /* 5600 are more than 4500 */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(choice(s), 0); /* up to 9800; 1 would have 6000 */
    }
    assert_int_equal(choice(s), 1); /* more than 9000: 6000 now */
    /* The window is of 180 seconds. In the middle of the next half both count half: 4900 and 3000. */
    OVERLAP(s, 0, 0, 0, 0);
    s->request.prompt_toks = 1600;
    s->routing.now = 135 * ASIM_SECOND;
    assert_int_equal(choice(s), 1); /* 4600 */
    s->request.prompt_toks = 200;
    assert_int_equal(choice(s), 1); /* 4800 */
    assert_int_equal(choice(s), 1); /* 5000 */
    assert_int_equal(choice(s), 0);
    s->routing.now = 360 * ASIM_SECOND;
    assert_int_equal(choice(s), 0); /* both are empty */
    assert_int_equal(choice(s), 1);
}

/* ---- programs ---- */

static void autellix_keeps_long_calls_together(void **state)
{
    (void)state;
    struct scene *s = look(&policy_autellix_router);
    s->request.program = 7;
    s->request.prompt_toks = 2048;
    OUTSTANDING(s, 2, 1, 0, 3);
    assert_int_equal(choice(s), 2);
    OUTSTANDING(s, 0, 1, 1, 3);
    assert_int_equal(choice(s), 0); /* short calls go anywhere */
    s->request.prompt_toks = 2049;
    OUTSTANDING(s, 2, 1, 1, 0);
    assert_int_equal(choice(s), 3); /* the first long one chooses */
    OUTSTANDING(s, 0, 1, 1, 9);
    assert_int_equal(choice(s), 3);
    s->request.program = 8;
    assert_int_equal(choice(s), 0);
    s->request.program = 7;
    s->request.prompt_toks = 100;
    assert_int_equal(choice(s), 0);
    s->request.prompt_toks = 3000;
    assert_int_equal(choice(s), 3);
}

static void saga_goes_home(void **state)
{
    (void)state;
    struct scene *s = look(&policy_saga_router);
    OUTSTANDING(s, 5, 5, 5, 0);
    assert_int_equal(choice(s), 3);
    s->request.home = 1;
    assert_int_equal(choice(s), 3); /* nothing of it is there */
    OVERLAP(s, 0, 1, 0, 0);
    assert_int_equal(choice(s), 1);
    s->views[1].used_blocks = 799;
    assert_int_equal(choice(s), 1);
    s->views[1].used_blocks = 800;
    assert_int_equal(choice(s), 3);
}

static int forget(void **state)
{
    (void)state;
    free(memory);
    memory = NULL;
    return 0;
}

/* ---- SAGA's work stealing ---- */

struct moves {
    uint32_t n;
    struct {
        uint32_t from, index, to;
    } items[INSTANCES];
};

static uint32_t host_n_sent(void *handle, uint32_t instance)
{
    (void)handle;
    return scene.views[instance].outstanding;
}

static void host_move(void *handle, uint32_t instance, uint32_t index, uint32_t to)
{
    struct moves *moves = handle;
    assert_true(moves->n < INSTANCES);
    moves->items[moves->n].from = instance;
    moves->items[moves->n].index = index;
    moves->items[moves->n++].to = to;
}

static struct moves tick_at(struct scene *s, asim_time now, uint64_t random)
{
    struct moves moves = {0};
    const struct asim_gateway gateway = {
        .struct_size = sizeof gateway, .handle = &moves, .n_sent = host_n_sent, .move_with_kv = host_move};
    s->routing.now = now;
    s->routing.random = random;
    s->use.policy->route_tick(&s->routing, &gateway);
    return moves;
}

static void saga_steals(void **state)
{
    (void)state;
    struct scene *s = look(&policy_saga_router);
    OUTSTANDING(s, 0, 6, 3, 1);
    s->views[1].running = 4;
    s->views[1].waiting = 2;
    s->views[2].running = 3;
    s->views[3].waiting = 1;
    assert_int_equal(tick_at(s, 200 * ASIM_MILLISECOND, 1).n, 0); /* idle since now */
    assert_int_equal(tick_at(s, 250 * ASIM_MILLISECOND, 1).n, 0);
    bool from[INSTANCES] = {false};
    for (uint64_t random = 0; random < 40; random++) {
        const struct moves moves = tick_at(s, 300 * ASIM_MILLISECOND, random << 40 | random);
        assert_int_equal(moves.n, 1);
        assert_int_equal(moves.items[0].to, 0);
        assert_int_equal(moves.items[0].index, moves.items[0].from == 1 ? 4 : 0); /* the oldest that waits */
        from[moves.items[0].from] = true;
    }
    assert_true(from[1] && !from[2] && from[3]); /* nothing waits at 2 */
    OUTSTANDING(s, 1, 6, 3, 1);
    assert_int_equal(tick_at(s, 400 * ASIM_MILLISECOND, 1).n, 0);
    OUTSTANDING(s, 0, 6, 3, 0);
    s->views[3].waiting = 0;
    assert_int_equal(tick_at(s, 500 * ASIM_MILLISECOND, 1).n, 0);
    const struct moves moves = tick_at(s, 600 * ASIM_MILLISECOND, 1); /* both, one after the other */
    assert_int_equal(moves.n, 2);
    assert_true(moves.items[0].to == 0 && moves.items[0].index == 4 && moves.items[0].from == 1);
    assert_true(moves.items[1].to == 3 && moves.items[1].index == 5 && moves.items[1].from == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_is_even),
        cmocka_unit_test(the_better_of_two),
        cmocka_unit_test(the_ring_is_fair_and_steady),
        cmocka_unit_test(sglang_takes_the_best_match),
        cmocka_unit_test(dynamo_takes_the_least_cost),
        cmocka_unit_test(dynamo_credits_fade_with_prefill),
        cmocka_unit_test(dynamo_draws_by_temperature),
        cmocka_unit_test(llm_d_sums_up_scores),
        cmocka_unit_test(llm_d_looks_at_load_alone),
        cmocka_unit_test(preble_exploits_and_explores),
        cmocka_unit_test(preble_forgets_and_rebalances),
        cmocka_unit_test(autellix_keeps_long_calls_together),
        cmocka_unit_test(saga_goes_home),
        cmocka_unit_test(saga_steals),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
