/* ThunderAgent: whom the gateway pauses and resumes, and where, worked out by hand. */
#include "support/support.h"

#include "policy/builtin/builtin.h"

#include <stdlib.h>

enum { INSTANCES = 2, PROGRAMS = 16, NOWHERE = 77 };

/* Instances of 1600 tokens; each program counts for 100 more than its context. */
struct desk {
    double parameters[16];
    struct asim_instance_view views[INSTANCES];
    struct asim_routing routing;
    struct asim_held held[PROGRAMS]; /* in the order in which they were held */
    uint32_t n_held;
    uint32_t releases[PROGRAMS]; /* by index in `held` */
    uint32_t at[PROGRAMS];       /* by program: where its turn was sent last, or ASIM_HELD */
};

static struct desk desk;

static void host_held(void *handle, uint32_t index, struct asim_held *out)
{
    const struct desk *d = handle;
    *out = d->held[index];
}

static void host_release(void *handle, uint32_t index, uint32_t instance)
{
    struct desk *d = handle;
    assert_true(index < d->n_held && d->releases[index] == NOWHERE);
    d->releases[index] = instance;
}

static int open_desk(void **state)
{
    (void)state;
    desk = (struct desk){.routing = {.n_instances = 1, .block_size = 16}};
    for (uint32_t i = 0; i < policy_thunderagent.n_parameters; i++) {
        desk.parameters[i] = policy_thunderagent.parameters[i].value;
    }
    for (uint32_t i = 0; i < INSTANCES; i++) {
        desk.views[i].usable_blocks = 100;
    }
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        desk.at[i] = ASIM_NONE;
    }
    desk.routing.state = calloc(1, policy_thunderagent.state_size);
    desk.routing.parameters = desk.parameters;
    desk.routing.instances = desk.views;
    return 0;
}

static int open_two(void **state)
{
    open_desk(state);
    desk.routing.n_instances = 2;
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    free(desk.routing.state);
    return 0;
}

static uint32_t arrive(uint64_t program, uint32_t prompt)
{
    const struct asim_request request = {.program = program, .home = ASIM_NONE, .prompt_toks = prompt};
    desk.at[program] = policy_thunderagent.route(&desk.routing, &request);
    if (desk.at[program] == ASIM_HELD) {
        desk.releases[desk.n_held] = NOWHERE;
        desk.held[desk.n_held++] =
            (struct asim_held){.program = program, .prompt_toks = prompt, .since = desk.routing.now};
    }
    return desk.at[program];
}

static void end(uint64_t program, uint32_t prompt, uint32_t output, bool is_last)
{
    const struct asim_context context = {.state = desk.routing.state,
                                         .parameters = desk.parameters,
                                         .now = desk.routing.now,
                                         .instance = ASIM_NONE,
                                         .block_size = 16};
    const struct asim_completion completion = {
        .program = program, .prompt_toks = prompt, .output_toks = output, .is_last = is_last};
    policy_thunderagent.on_complete(&context, &completion);
}

static void complete(uint64_t program, uint32_t prompt, uint32_t output)
{
    end(program, prompt, output, false);
}

static void leave(uint64_t program)
{
    end(program, 1, 0, true);
}

static void tick_at(asim_time now)
{
    desk.routing.now = now;
    const struct asim_gateway gateway = {.struct_size = sizeof gateway,
                                         .n_held = desk.n_held,
                                         .handle = &desk,
                                         .held = host_held,
                                         .release = host_release};
    policy_thunderagent.route_tick(&desk.routing, &gateway);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < desk.n_held; i++) {
        if (desk.releases[i] == NOWHERE) {
            desk.held[kept] = desk.held[i];
            desk.releases[kept++] = NOWHERE;
        } else {
            desk.at[desk.held[i].program] = desk.releases[i];
        }
    }
    desk.n_held = kept;
}

static void small_acting_programs_are_paused_first(void **state)
{
    (void)state;
    assert_int_equal(arrive(1, 300), 0);
    assert_int_equal(arrive(2, 400), 0);
    assert_int_equal(arrive(3, 500), 0); /* 300 + 400 + 500 and three buffers: 1500 */
    tick_at(ASIM_SECOND);                /* programs have come: nobody is paused */
    complete(1, 300, 100);
    complete(2, 400, 300); /* 400 + 700 + 500 + 300: 1900 */
    tick_at(4 * ASIM_SECOND);
    tick_at(5 * ASIM_SECOND); /* only then; 500 less */
    assert_int_equal(arrive(2, 720), 0);
    assert_int_equal(arrive(1, 420), ASIM_HELD);
    tick_at(10 * ASIM_SECOND); /* 720 + 500 + 200 = 1420 and 520 do not fit */
    assert_int_equal(desk.n_held, 1);
    leave(3);
    tick_at(14 * ASIM_SECOND);
    assert_int_equal(desk.n_held, 1);
    tick_at(15 * ASIM_SECOND); /* 820 + 520 do */
    assert_int_equal(desk.at[1], 0);
}

static void new_programs_queue_for_room(void **state)
{
    (void)state;
    assert_int_equal(arrive(1, 1000), 0);      /* 1100: alone */
    assert_int_equal(arrive(2, 400), 0);       /* 1600: just so */
    assert_int_equal(arrive(3, 1), ASIM_HELD); /* no room for its buffer */
    leave(2);
    assert_int_equal(arrive(4, 10), ASIM_HELD); /* somebody queues */
    tick_at(ASIM_SECOND / 10);                  /* at once: a program has come. 1100 + 101 + 110 */
    assert_int_equal(desk.at[3], 0);
    assert_int_equal(desk.at[4], 0);
    assert_int_equal(arrive(5, 190), ASIM_HELD); /* 1311 + 290 */
    assert_int_equal(arrive(6, 189), ASIM_HELD);
    tick_at(ASIM_SECOND / 5);
    assert_int_equal(desk.at[6], 0); /* a smaller one goes before it: 1600 */
    assert_int_equal(desk.at[5], ASIM_HELD);
}

static void those_whose_turn_waits_resume_first(void **state)
{
    (void)state;
    arrive(1, 200);
    arrive(2, 300);
    arrive(3, 700); /* 1200 + 300: 1500 */
    complete(1, 200, 50);
    complete(2, 300, 50);
    complete(3, 700, 600);    /* 250 + 350 + 1300 + 300: 2200 */
    tick_at(5 * ASIM_SECOND); /* 1 and 2 go: 1850, 1400 */
    assert_int_equal(arrive(2, 360), ASIM_HELD);
    assert_int_equal(arrive(4, 150), ASIM_HELD);
    leave(3);
    assert_int_equal(arrive(5, 1000), ASIM_HELD);
    tick_at(6 * ASIM_SECOND);
    /* 2 with 460, then of the new ones 4 with 250; 5 with 1100 does not fit, and 1, which acts, does with 350. */
    assert_int_equal(desk.at[2], 0);
    assert_int_equal(desk.at[4], 0);
    assert_int_equal(desk.at[5], ASIM_HELD);
    assert_int_equal(arrive(1, 260), 0);
}

static void reasoning_programs_pause_when_their_turn_ends(void **state)
{
    (void)state;
    arrive(1, 400);
    arrive(2, 500);
    complete(1, 400, 10);
    complete(2, 500, 10);
    assert_int_equal(arrive(1, 800), 0);
    assert_int_equal(arrive(2, 900), 0); /* 1900 */
    tick_at(5 * ASIM_SECOND);
    complete(1, 800, 10); /* the smaller one */
    complete(2, 900, 10);
    assert_int_equal(arrive(1, 820), ASIM_HELD);
    assert_int_equal(arrive(2, 920), 0);
}

/* The next turn may come before the router has heard of the end of the last one. */
static void an_end_that_is_heard_late(void **state)
{
    (void)state;
    arrive(1, 400);
    assert_int_equal(arrive(1, 800), 0);
    complete(1, 400, 10);                /* it reasons, with 800 */
    assert_int_equal(arrive(2, 600), 0); /* 1600 */
    assert_int_equal(arrive(3, 1), ASIM_HELD);
}

static void nobody_is_paused_for_ever(void **state)
{
    (void)state;
    arrive(1, 1400);
    assert_int_equal(arrive(2, 1000), ASIM_HELD);
    tick_at(1799 * ASIM_SECOND);
    assert_int_equal(desk.at[2], ASIM_HELD);
    tick_at(1800 * ASIM_SECOND);
    assert_int_equal(desk.at[2], 0);
}

/* Nothing else would ever make room for it. */
static void what_is_larger_than_the_instances_goes_alone(void **state)
{
    (void)state;
    assert_int_equal(arrive(1, 1590), ASIM_HELD);
    tick_at(ASIM_SECOND);
    assert_int_equal(desk.at[1], 0);
    assert_int_equal(arrive(2, 1590), ASIM_HELD);
    leave(1);
    tick_at(5 * ASIM_SECOND);
    assert_int_equal(desk.at[2], 0);
}

static void acting_programs_fade(void **state)
{
    (void)state;
    enum { HALF_LIFE = 3 };
    assert_string_equal(policy_thunderagent.parameters[HALF_LIFE].name, "half_life");
    desk.parameters[HALF_LIFE] = 10.0 * ASIM_SECOND;
    arrive(1, 1000);
    complete(1, 1000, 0);
    assert_int_equal(arrive(2, 600), ASIM_HELD);
    tick_at(9 * ASIM_SECOND);
    assert_int_equal(desk.at[2], ASIM_HELD); /* 1100 + 700 */
    tick_at(10 * ASIM_SECOND);               /* 600 + 700: it resumes; then 1800 are too many, and 1 goes */
    assert_int_equal(desk.at[2], 0);
    assert_int_equal(arrive(1, 1100), ASIM_HELD);
}

/* The largest goes first to where most is free, not to where its KV was. */
static void programs_resume_anywhere(void **state)
{
    (void)state;
    assert_int_equal(arrive(1, 1000), 0);
    assert_int_equal(arrive(2, 800), 1);
    assert_int_equal(arrive(3, 500), 1);         /* 700 were free there, 500 at the other */
    assert_int_equal(arrive(4, 700), ASIM_HELD); /* 500 and 100 are free */
    assert_int_equal(arrive(5, 300), ASIM_HELD);
    leave(1);             /* 1600 and 100 */
    tick_at(ASIM_SECOND); /* both fit; 800 go first, to 0, then 400 to what is left there, 800 */
    assert_int_equal(desk.at[4], 0);
    assert_int_equal(desk.at[5], 0);
    complete(4, 700, 800); /* 1500 and two buffers and 300: too many */
    tick_at(5 * ASIM_SECOND);
    leave(2);
    leave(3);
    assert_int_equal(arrive(4, 1510), ASIM_HELD); /* it was paused at 0 */
    tick_at(10 * ASIM_SECOND);
    assert_int_equal(desk.at[4], 1); /* 1610 in all that is free, 1200 and 1600 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_acting_programs_are_paused_first, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(new_programs_queue_for_room, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(those_whose_turn_waits_resume_first, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(reasoning_programs_pause_when_their_turn_ends, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(an_end_that_is_heard_late, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(nobody_is_paused_for_ever, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(what_is_larger_than_the_instances_goes_alone, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(acting_programs_fade, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(programs_resume_anywhere, open_two, close_desk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
