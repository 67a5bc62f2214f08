#include "support/support.h"

#include "workload/measured.h"

#include <string.h>

#define LINE(tokens, arrival, queued, first)                                                                           \
    "{\"input_toks\": " tokens ", \"output_toks\": 2, \"arrival_time\": " arrival ", \"queued_ts\": " queued           \
    ", \"scheduled_ts\": " queued ", \"first_token_ts\": " first ", \"last_token_ts\": 9.5}\n"

/* The request that waited least before it was queued ties the clocks together. */
static void arrivals_are_recovered(void **state)
{
    (void)state;
    static const char text[] = LINE("8", "1000.5", "5.25", "5.5") LINE("9", "1001.0", "5.5", "6.0");
    struct diag diag;
    struct measured_run run;
    diag_init(&diag);
    assert_int_equal(measured_parse(text, strlen(text), "text", &run, &diag), ASIM_OK);
    assert_int_equal(run.n, 2);
    assert_int_equal(run.requests[1].input_toks, 9);
    assert_true(run.requests[0].arrival_s == 5.0 && run.requests[1].arrival_s == 5.5);
    assert_true(run.requests[1].first_token_s == 6.0 && run.requests[1].last_token_s == 9.5);
    measured_fini(&run);
    diag_fini(&diag);
}

static void expect_error(const char *text, const char *message)
{
    struct diag diag;
    struct measured_run run;
    diag_init(&diag);
    assert_int_equal(measured_parse(text, strlen(text), "text", &run, &diag), ASIM_INPUT);
    assert_int_equal(diag.n_errors, 1);
    assert_string_equal(diag.entries[0].text, message);
    diag_fini(&diag);
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    expect_error("", "text: holds no requests");
    expect_error("\n[1]\n", "text:2: a JSON object is needed on every line");
    expect_error(LINE("-1", "1", "2", "3"), "text:1: input_toks: allowed: an integer from 0 to 2147483647");
    expect_error(LINE("1", "\"x\"", "2", "3"), "text:1: arrival_time: allowed: a number of seconds");
    expect_error("{\"input_toks\": 1}\n", "text:1: output_toks is missing");
    expect_error(LINE("1", "1", "4", "3"),
                 "text:1: times must not decrease: queued_ts <= scheduled_ts <= first_token_ts <= last_token_ts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(arrivals_are_recovered), cmocka_unit_test(bad_lines_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
