/* What applications say with their programs: read from session lines, refused by columnar files, generated. */
#include "support/support.h"

#include "workload/columnar_write.h"
#include "workload/workload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct workload_options options = {.missing_gap = MISSING_GAP_ERROR, .block_size = 16};

static struct workload *read_text(const char *text, struct diag *diag)
{
    diag_init(diag);
    return workload_open_memory("t.jsonl", text, strlen(text), &options, diag);
}

static void expect_hint(const struct program *program, uint32_t turn, simtime pin, simtime resume)
{
    assert_int_equal(program->hints[turn].pin, pin);
    assert_int_equal(program->hints[turn].resume, resume);
}

static void read_from_lines(void **state)
{
    (void)state;
    struct diag diag;
    struct workload *workload = read_text(
        "{\"session_id\":\"a\",\"tenant\":\"blue\",\"deadline_ns\":5000,\"sub_requests\":["
        "{\"input_toks\":10,\"output_toks\":1,\"gap_ns\":7,\"pin_ns\":0},"
        "{\"input_toks\":20,\"output_toks\":1,\"gap_ns\":7},"
        "{\"input_toks\":30,\"output_toks\":1,\"pin_ns\":9,\"resume_ns\":8}]}\n"
        "{\"input_toks\":10,\"output_toks\":1,\"tenant\":7}\n"
        "{\"input_toks\":10,\"output_toks\":1,\"tenant\":\"blue\",\"pin_ns\":null}\n"
        "{\"input_toks\":10,\"output_toks\":1,\"resume_ns\":3}\n"
        /* nodes become turns in another order: r, s, t */
        "{\"workflow_id\":\"w\",\"nodes\":[{\"node_id\":\"t\",\"input_toks\":9,\"output_toks\":1,\"pin_ns\":1},"
        "{\"node_id\":\"r\",\"input_toks\":9,\"output_toks\":1,\"resume_ns\":2},"
        "{\"node_id\":\"s\",\"input_toks\":9,\"output_toks\":1,\"pin_ns\":3}],"
        "\"edges\":[{\"src\":\"r\",\"dst\":\"t\"},{\"src\":\"s\",\"dst\":\"t\"}]}\n",
        &diag);
    assert_non_null(workload);
    assert_int_equal(workload_stats(workload)->n_told, 5);
    const struct program *chain = workload_fetch(workload, 0, 0);
    assert_int_equal(chain->tenant, 1);
    assert_int_equal(chain->deadline, 5 * SIMTIME_US);
    expect_hint(chain, 0, 0, -1);
    expect_hint(chain, 1, -1, -1);
    expect_hint(chain, 2, 9 * SIMTIME_NS, 8 * SIMTIME_NS);
    const struct program *numbered = workload_fetch(workload, 1, 0);
    assert_int_equal(numbered->tenant, 2);
    assert_int_equal(numbered->deadline, 0);
    assert_null(numbered->hints);
    const struct program *silent = workload_fetch(workload, 2, 0);
    assert_int_equal(silent->tenant, 1);
    expect_hint(workload_fetch(workload, 3, 0), 0, -1, 3 * SIMTIME_NS);
    const struct program *graph = workload_fetch(workload, 4, 0);
    assert_non_null(graph->graph);
    expect_hint(graph, 0, -1, 2 * SIMTIME_NS);
    expect_hint(graph, 1, 3 * SIMTIME_NS, -1);
    expect_hint(graph, 2, 1 * SIMTIME_NS, -1);
    workload_destroy(workload);
    diag_fini(&diag);
}

static void bad_ones_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members, *message;
    } bad[] = {
        {"\"pin_ns\":-1", "pin_ns: -1 given; allowed:"},
        {"\"resume_ns\":\"soon\"", "resume_ns: \"soon\" given; allowed:"},
        {"\"pin_ns\":8640000000000001", "pin_ns: 8640000000000001 given"},
        {"\"tenant\":\"\"", "tenant is empty; allowed: a name"},
        {"\"tenant\":[]", "tenant:"},
        {"\"deadline_ns\":0", "deadline_ns: 0 given; allowed: above 0"},
        {"\"deadline_ns\":-5", "deadline_ns: -5 given; allowed:"},
        {"\"pin_ns\":1,\"pin_ns\":1", "pin_ns is given twice"},
        {"\"deadline_ns\":1,\"deadline_ns\":1", "deadline_ns is given twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[256];
        struct diag diag;
        snprintf(line, sizeof line, "{\"input_toks\":10,\"output_toks\":1,%s}\n", bad[i].members);
        assert_null(read_text(line, &diag));
        assert_int_equal(diag.status, ASIM_INPUT);
        if (!strstr(diag.entries[0].text, bad[i].message)) {
            fail_msg("'%s' says nothing of '%s'", diag.entries[0].text, bad[i].message);
        }
        diag_fini(&diag);
    }
}

static void columnar_files_have_no_place(void **state)
{
    (void)state;
    static const char *const members[] = {"\"pin_ns\":5", "\"resume_ns\":5", "\"tenant\":\"x\"", "\"deadline_ns\":5"};
    static const char path[] = ASIM_BINARY_FOLDER "/test_hints.asimw";
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char line[256];
        struct diag diag;
        struct columnar_written written;
        snprintf(line, sizeof line, "{\"input_toks\":10,\"output_toks\":1,%s}\n", members[i]);
        struct workload *workload = read_text(line, &diag);
        assert_non_null(workload);
        assert_int_equal(columnar_write(workload, &options, "t.jsonl", path, &written, &diag), ASIM_INPUT);
        assert_non_null(strstr(diag.entries[0].text, "1 programs have hints"));
        workload_destroy(workload);
        diag_fini(&diag);
    }
}

static void generated(void **state)
{
    (void)state;
    enum { PROGRAMS = 200 };
    static const char *const generators[] = {"swe-agent", "lats"};
    for (int g = 0; g < 2; g++) {
        struct diag diag;
        diag_init(&diag);
        struct workload_options exact = {.seed = 5, .block_size = 16, .hints = HINTS_EXACT};
        struct workload_options noisy = {.seed = 5, .block_size = 16, .hints = HINTS_NOISY};
        struct workload *a = workload_generate(generators[g], PROGRAMS, &exact, &diag);
        struct workload *b = workload_generate(generators[g], PROGRAMS, &noisy, &diag);
        double sum = 0;
        double squares = 0;
        uint32_t n = 0;
        for (uint64_t id = 0; id < PROGRAMS; id++) {
            const struct program *told = workload_fetch(a, id, 0);
            const struct program *guessed = workload_fetch(b, id, 0);
            for (uint32_t turn = 0; turn < told->n_turns; turn++) {
                const bool is_last = program_is_sink(told, turn);
                const simtime gap = told->turns[turn].gap;
                assert_int_equal(gap, guessed->turns[turn].gap);
                expect_hint(told, turn, -1, is_last ? -1 : gap);
                if (!is_last && gap > SIMTIME_US) {
                    const double error = log((double)guessed->hints[turn].resume / (double)gap);
                    sum += error;
                    squares += error * error;
                    n++;
                }
            }
            workload_release(a, told, 0);
            workload_release(b, guessed, 0);
        }
        assert_true(n > 1000);
        assert_float_equal(sum / n, 0.0, 0.05);
        assert_float_equal(sqrt(squares / n), 0.5, 0.03);
        workload_destroy(a);
        workload_destroy(b);
        diag_fini(&diag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_from_lines), cmocka_unit_test(bad_ones_are_refused),
                                       cmocka_unit_test(columnar_files_have_no_place), cmocka_unit_test(generated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
