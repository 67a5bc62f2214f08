#include "support/support.h"

#include "workload/arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct workload *open_text(const char *text)
{
    const struct workload_options options = {.block_size = 16, .reuse_generated = true};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("text", text, strlen(text), &options, &diag);
    assert_non_null(workload);
    diag_fini(&diag);
    return workload;
}

static void assert_order(const struct workload *workload, const struct arrivals_options *options,
                         const uint64_t *programs, const simtime *times, uint64_t n)
{
    struct arrivals arrivals;
    uint64_t program;
    simtime time;
    arrivals_init(&arrivals, workload, options);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(arrivals_next(&arrivals, &program, &time));
        assert_int_equal(program, programs[i]);
        assert_int_equal(time, times[i]);
    }
    assert_false(arrivals_next(&arrivals, &program, &time));
    arrivals_fini(&arrivals);
}

/* By time, then by program; time zero is the earliest. */
static void recorded_times_are_sorted(void **state)
{
    (void)state;
    struct workload *workload = open_text("{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":50}\n"
                                          "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":30}\n"
                                          "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":50}\n"
                                          "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":30}\n");
    const struct arrivals_options recorded = {.process = ARRIVALS_RECORDED};
    assert_order(workload, &recorded, (const uint64_t[]){1, 3, 0, 2}, (const simtime[]){0, 0, 20000, 20000}, 4);
    const struct arrivals_options zero = {.process = ARRIVALS_ZERO};
    assert_order(workload, &zero, (const uint64_t[]){0, 1, 2, 3}, (const simtime[]){0, 0, 0, 0}, 4);
    const struct arrivals_options closed = {.process = ARRIVALS_CLOSED, .clients = 2};
    assert_order(workload, &closed, NULL, NULL, 0);
    workload_destroy(workload);
    workload = open_text("{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":7}\n"
                         "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":9}\n");
    assert_order(workload, &recorded, (const uint64_t[]){0, 1}, (const simtime[]){0, 2000}, 2);
    workload_destroy(workload);
}

static struct workload *open_agents(uint64_t n)
{
    const struct workload_options options = {.seed = 1, .block_size = 16};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("swe-agent", n, &options, &diag);
    assert_non_null(workload);
    diag_fini(&diag);
    return workload;
}

/* The mean interval is 1/rate and its coefficient of variation 1 (three standard errors: 0.0095 of 10^5 draws), and by
 * the memoryless property 1/e of the intervals are longer than the mean. */
static void poisson_intervals_are_exponential(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct workload *workload = open_agents(N);
    struct arrivals arrivals;
    const struct arrivals_options options = {.process = ARRIVALS_POISSON, .rate = 4.0, .seed = 5};
    arrivals_init(&arrivals, workload, &options);
    uint64_t program;
    simtime time;
    simtime last = 0;
    double sum = 0.0;
    double squares = 0.0;
    int n_long = 0;
    assert_true(arrivals_next(&arrivals, &program, &time));
    assert_true(program == 0 && time == 0);
    for (uint64_t i = 1; i < N; i++) {
        assert_true(arrivals_next(&arrivals, &program, &time));
        assert_int_equal(program, i);
        assert_true(time >= last);
        const double interval = simtime_to_s(time - last) * options.rate;
        sum += interval;
        squares += interval * interval;
        n_long += interval > 1.0;
        last = time;
    }
    const double mean = sum / (N - 1);
    assert_true(fabs(mean - 1.0) < 0.0095);
    assert_true(fabs(squares / (N - 1) - mean * mean - 1.0) < 0.03);
    assert_true(fabs((double)n_long / N - exp(-1.0)) < 0.005);
    arrivals_fini(&arrivals);
    workload_destroy(workload);
}

/* The interval before a program belongs to the program: it does not change with the number of programs, and scales with
 * the rate; another seed gives other times. */
static void poisson_times_are_keyed(void **state)
{
    (void)state;
    struct workload *few = open_agents(20);
    struct workload *many = open_agents(200);
    struct arrivals a, b, c, d;
    arrivals_init(&a, few, &(struct arrivals_options){.process = ARRIVALS_POISSON, .rate = 1.0, .seed = 5});
    arrivals_init(&b, many, &(struct arrivals_options){.process = ARRIVALS_POISSON, .rate = 1.0, .seed = 5});
    arrivals_init(&c, few, &(struct arrivals_options){.process = ARRIVALS_POISSON, .rate = 2.0, .seed = 5});
    arrivals_init(&d, few, &(struct arrivals_options){.process = ARRIVALS_POISSON, .rate = 1.0, .seed = 6});
    for (int i = 0; i < 20; i++) {
        uint64_t program;
        simtime of_a = 0, of_b = 0, of_c = 0, of_d = 0;
        assert_true(arrivals_next(&a, &program, &of_a) && arrivals_next(&b, &program, &of_b));
        assert_true(arrivals_next(&c, &program, &of_c) && arrivals_next(&d, &program, &of_d));
        assert_int_equal(of_a, of_b);
        assert_true(llabs(2 * of_c - of_a) <= 2 * i); /* each interval is rounded once */
        assert_true(i == 0 || of_a != of_d);
    }
    arrivals_fini(&a);
    arrivals_fini(&b);
    arrivals_fini(&c);
    arrivals_fini(&d);
    workload_destroy(few);
    workload_destroy(many);
}

/* A rate so low that times would leave the range ends at the limit instead. */
/* Intervals that were drawn ahead, some of them, change nothing. */
static void poisson_times_may_be_drawn_ahead(void **state)
{
    (void)state;
    enum { N = 3 * ARRIVALS_AHEAD };
    struct workload *workload = open_agents(N);
    struct arrivals plain, ahead;
    const struct arrivals_options options = {.process = ARRIVALS_POISSON, .rate = 3.0, .seed = 9};
    arrivals_init(&plain, workload, &options);
    arrivals_init(&ahead, workload, &options);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t program[2];
        simtime time[2];
        assert_true(arrivals_next(&plain, &program[0], &time[0]) && arrivals_next(&ahead, &program[1], &time[1]));
        assert_int_equal(program[1], program[0]);
        assert_int_equal(time[1], time[0]);
        if (i % 3) {
            arrivals_draw(&ahead, i);
        }
    }
    arrivals_fini(&plain);
    arrivals_fini(&ahead);
    workload_destroy(workload);
}

static void poisson_times_end_at_the_limit(void **state)
{
    (void)state;
    struct workload *workload = open_agents(50);
    struct arrivals arrivals;
    uint64_t program;
    simtime time = 0;
    arrivals_init(&arrivals, workload, &(struct arrivals_options){.process = ARRIVALS_POISSON, .rate = 1e-6});
    while (arrivals_next(&arrivals, &program, &time)) {
        assert_true(time >= 0 && time <= SIMTIME_LIMIT);
    }
    assert_int_equal(time, SIMTIME_LIMIT);
    arrivals_fini(&arrivals);
    workload_destroy(workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_times_are_sorted),         cmocka_unit_test(poisson_times_may_be_drawn_ahead),
        cmocka_unit_test(poisson_intervals_are_exponential), cmocka_unit_test(poisson_times_are_keyed),
        cmocka_unit_test(poisson_times_end_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
