/* Columnar files: their bytes, what they hold, how they are opened and written; damage: test_columnar_damage.c.
 * Fixtures of the other formats are imported and compared in test_fixtures.c, recorded workloads in test_recorded.c. */
#include "workload/columnar_trace.h"

#include "workload/arrivals.h"
#include "workload/columnar.h"
#include "workload/same_workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file[] = ASIM_BINARY_FOLDER "/test_columnar.asimw";

static void round_trip(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = open_trace(&standard);
    struct workload *again = imported(workload, &standard, file, &standard, &diag);
    assert_non_null(again);
    assert_same_workload(workload, again);
    const struct workload_stats *stats = workload_stats(again);
    assert_string_equal(stats->format, "columnar, from session JSONL");
    assert_int_equal(stats->n_turns, 6);
    assert_int_equal(stats->longest_prompt, 100);
    /* A columnar file is a workload to import too; what its reader decided is carried over. */
    struct workload *third = imported(again, &standard, file, &standard, &diag);
    assert_same_workload(workload, third);
    assert_string_equal(workload_stats(third)->format, "columnar, from session JSONL");
    assert_int_equal(diag.n_entries, 0);
    workload_destroy(third);
    workload_destroy(again);
    workload_destroy(workload);
    diag_fini(&diag);
}

static void generators(void **state)
{
    (void)state;
    static const char *const names[] = {"swe-agent", "synthetic"};
    struct workload_options options = standard;
    options.synthetic = (struct synthetic_options){
        .turns = {.kind = DISTRIBUTION_UNIFORM, .a = 1, .b = 30},
        .first_prompt = {.kind = DISTRIBUTION_FIXED, .a = 100},
        .growth = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 100},
        .output = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 100},
        .gap = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 1},
        .n_system_prompts = 7,
        .system_prompt_toks = 300,
    };
    for (int i = 0; i < 2; i++) {
        struct diag diag;
        diag_init(&diag);
        struct workload *workload = workload_generate(names[i], 3000, &options, &diag);
        /* How a trace would be read says nothing about it. */
        struct workload_options other = options;
        other.reuse_generated = false;
        other.block_size = 32;
        struct workload *again = imported(workload, &options, file, &other, &diag);
        assert_same_workload(workload, again);
        assert_int_equal(diag.n_entries, 0);
        workload_destroy(again);
        workload_destroy(workload);
        diag_fini(&diag);
    }
}

/* Programs in several slots at once, fetched out of order; the buffers of a slot are made once. */
static void slots(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("swe-agent", 400, &standard, &diag);
    struct workload *again = imported(workload, &standard, file, &standard, &diag);
    const struct program *live[40];
    workload_reserve(again, 39);
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t slot = 0; slot < 40; slot++) {
            live[slot] = workload_fetch(again, (slot * 37 + round * 11) % 400, slot);
        }
        for (uint32_t slot = 0; slot < 40; slot++) {
            const struct program *one = workload_fetch(workload, live[slot]->id, 0);
            assert_int_equal(one->n_turns, live[slot]->n_turns);
            for (uint32_t i = 0; i < one->n_turns; i++) {
                assert_int_equal(one->turns[i].prompt_toks, live[slot]->turns[i].prompt_toks);
                assert_int_equal(one->turns[i].gap, live[slot]->turns[i].gap);
            }
            workload_release(workload, one, 0);
            workload_release(again, live[slot], slot);
        }
    }
    workload_destroy(again);
    workload_destroy(workload);
    diag_fini(&diag);
}

/* The first programs of a file: as the first of its source, with the arrivals among them in order. */
static void first_programs(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    import_trace(&standard, file);
    struct workload_options two = standard;
    two.max_programs = 2;
    struct workload *workload = workload_open(file, &two, &diag);
    assert_int_equal(workload_stats(workload)->n_programs, 2);
    struct arrivals arrivals;
    arrivals_init(&arrivals, workload, &(struct arrivals_options){.process = ARRIVALS_RECORDED});
    uint64_t id;
    simtime time;
    assert_true(arrivals_next(&arrivals, &id, &time) && id == 1 && time == 0);
    assert_true(arrivals_next(&arrivals, &id, &time) && id == 0 && time == 8 * SIMTIME_US);
    assert_false(arrivals_next(&arrivals, &id, &time));
    arrivals_fini(&arrivals);
    workload_destroy(workload);
    diag_fini(&diag);
}

/* Places in the header that docs/columnar.md names, read without the structures. */
static void bytes_are_as_specified(void **state)
{
    (void)state;
    const struct columnar_written written = import_trace(&standard, file);
    size_t n;
    unsigned char *bytes = file_bytes(file, &n);
    assert_int_equal(n, written.bytes);
    assert_memory_equal(bytes,
                        "\x89"
                        "ASIMW\r\n",
                        8);
    assert_int_equal(number_at(bytes, 8, 4), 1);
    assert_int_equal(number_at(bytes, 12, 4), 1024);
    assert_int_equal(number_at(bytes, 24, 8), n);
    assert_int_equal(number_at(bytes, 32, 8), 3);
    assert_int_equal(number_at(bytes, 40, 8), 6);
    assert_int_equal(number_at(bytes, 56, 4), 3); /* tool, bash, edit */
    assert_int_equal(number_at(bytes, 60, 4), 1 | 2 | 4);
    assert_int_equal(number_at(bytes, 64, 4), 3);
    assert_int_equal(number_at(bytes, 72, 8), 100);
    assert_int_equal(number_at(bytes, 88, 8), 0);
    assert_int_equal(number_at(bytes, 112, 4), 4);
    const size_t order = number_at(bytes, 496 + 24 * 4, 8);
    assert_int_equal(number_at(bytes, 496 + 24 * 4 + 8, 8), 3 * 8);
    assert_int_equal(number_at(bytes, order, 8), 1);
    assert_int_equal(number_at(bytes, order + 8, 8), 2);
    assert_int_equal(number_at(bytes, order + 16, 8), 0);
    assert_int_equal(XXH3_64bits(bytes + order, 3 * 8), number_at(bytes, 496 + 24 * 4 + 16, 8));
    const size_t prompt = number_at(bytes, 496 + 24 * 9, 8);
    assert_int_equal(prompt % 64, 0);
    assert_int_equal(number_at(bytes, prompt + 4, 4), 14);
    const uint64_t checksum = number_at(bytes, 16, 8);
    memset(bytes + 16, 0, 8);
    assert_int_equal(XXH3_64bits(bytes, 1024), checksum);
    mem_free(bytes);
}

struct refusal {
    struct workload_options imported, opened;
    const char *message;
    bool is_warning;
};

#define STANDARD .reuse_generated = true, .block_size = 4, .seed = 1
#define DRAWN    .missing_gap = MISSING_GAP_DISTRIBUTION, .missing_gap_distribution

/* What acted at import holds: other options are refused, or warned about where a default could be meant. */
static void options_that_acted(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {{STANDARD},
         {STANDARD, .format = WORKLOAD_SESSION},
         "workload_format names another; allowed: auto, columnar",
         0},
        {{STANDARD}, {.reuse_generated = true, .block_size = 16}, "in blocks of 4 tokens when it was imported", 0},
        {{STANDARD},
         {STANDARD, .shared_prefix = "system"},
         "imported without shared_prefix; shared_prefix 'system'",
         0},
        {{STANDARD, .shared_prefix = "other"},
         {STANDARD, .shared_prefix = "system"},
         "imported with shared_prefix 'other'; shared_prefix 'system' has to be given when",
         0},
        {{STANDARD}, {.block_size = 4}, "imported with reuse_generated on, which holds; reuse_generated off has no", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag diag;
        diag_init(&diag);
        import_trace(&rows[i].imported, file);
        struct workload *workload = workload_open(file, &rows[i].opened, &diag);
        assert_int_equal(diag.n_entries, 1);
        if (!strstr(diag.entries[0].text, rows[i].message)) {
            fail_msg("%s", diag.entries[0].text);
        }
        assert_true(diag.entries[0].is_warning == rows[i].is_warning && (workload != NULL) == rows[i].is_warning);
        workload_destroy(workload);
        diag_fini(&diag);
    }
}

static const char gaps[] = "{\"session_id\": \"g\", \"sub_requests\": [{\"input_toks\": 10, \"output_toks\": 2, "
                           "\"gap_ns\": 3000}, {\"input_toks\": 20, \"output_toks\": 3, \"gap_ns\": null}, "
                           "{\"input_toks\": 30, \"output_toks\": 3}]}\n";

static simtime gap_of(const struct workload_options *imported_with, const struct workload_options *opened_with,
                      const char *expected)
{
    struct diag source_diag;
    struct diag diag;
    diag_init(&source_diag);
    diag_init(&diag);
    struct workload *workload = workload_open_memory("gaps", gaps, strlen(gaps), imported_with, &source_diag);
    struct workload *again = imported(workload, imported_with, file, opened_with, &diag);
    simtime gap = INT64_MIN;
    if (again) {
        const struct program *program = workload_fetch(again, 0, 0);
        gap = program ? program->turns[1].gap : INT64_MIN;
        assert_int_equal(workload_stats(again)->missing_gaps, 1);
    }
    assert_int_equal(diag.n_entries, expected ? 1 : 0);
    if (expected && !strstr(diag.entries[0].text, expected)) {
        fail_msg("%s", diag.entries[0].text);
    }
    workload_destroy(again);
    workload_destroy(workload);
    diag_fini(&diag);
    diag_fini(&source_diag);
    return gap;
}

/* Gaps are filled at import, and then stay, or stay missing until the file is read. */
static void missing_gaps(void **state)
{
    (void)state;
    const struct workload_options keeping = {STANDARD, .missing_gap = MISSING_GAP_KEEP};
    const struct workload_options median = {STANDARD, .missing_gap = MISSING_GAP_MEDIAN};
    const struct workload_options fixed = {STANDARD, DRAWN = {.kind = DISTRIBUTION_FIXED, .a = 2.0}};
    const struct workload_options longer = {STANDARD, DRAWN = {.kind = DISTRIBUTION_FIXED, .a = 3.0}};
    const struct workload_options endless = {STANDARD, DRAWN = {.kind = DISTRIBUTION_FIXED, .a = 1e9}};
    assert_int_equal(gap_of(&keeping, &keeping, NULL), GAP_MISSING);
    assert_int_equal(gap_of(&keeping, &standard, "gaps that are missing between turns: 1; allowed: --missing-gap"),
                     INT64_MIN);
    assert_int_equal(gap_of(&keeping, &median, NULL), 3 * SIMTIME_US);
    assert_int_equal(gap_of(&keeping, &fixed, NULL), 2 * SIMTIME_S);
    assert_int_equal(gap_of(&keeping, &endless, "a gap drawn for turn 2 of program 0 is beyond 100 days"), INT64_MIN);
    assert_int_equal(gap_of(&median, &standard, NULL), 3 * SIMTIME_US);
    assert_int_equal(gap_of(&median, &median, NULL), 3 * SIMTIME_US);
    assert_int_equal(gap_of(&median, &fixed, "1 gaps were filled in when it was imported, with the median"),
                     3 * SIMTIME_US);
    assert_int_equal(gap_of(&fixed, &fixed, NULL), 2 * SIMTIME_S);
    assert_int_equal(gap_of(&fixed, &longer, "from a distribution, seed 1: missing_gap does not change"),
                     2 * SIMTIME_S);
}

/* Nothing is left behind, and nothing but a columnar file replaced. */
static void writing_fails_cleanly(void **state)
{
    (void)state;
    static const char *const bad[] = {ASIM_BINARY_FOLDER "/no-such-folder/x.asimw", ASIM_BINARY_FOLDER,
                                      ASIM_BINARY_FOLDER "/test_columnar.txt"};
    FILE *text = fopen(bad[2], "w");
    fputs("notes", text);
    fclose(text);
    struct workload *workload = open_trace(&standard);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct columnar_written written;
        struct diag diag;
        diag_init(&diag);
        assert_true(columnar_write(workload, &standard, "x", bad[i], &written, &diag) != ASIM_OK);
        assert_int_equal(diag.n_errors, 1);
        assert_non_null(strstr(diag.entries[0].text, i ? "exists and is no columnar workload" : "cannot be created"));
        diag_fini(&diag);
    }
    workload_destroy(workload);
    import_trace(&standard, file);
    import_trace(&standard, file); /* over the first */
    remove(bad[2]);
}

static void format_option(void **state)
{
    (void)state;
    struct workload_options options = standard;
    struct diag diag;
    diag_init(&diag);
    options.format = WORKLOAD_COLUMNAR;
    assert_null(workload_open_memory("trace", trace, strlen(trace), &options, &diag));
    assert_non_null(strstr(diag.entries[0].text, "is no columnar workload, which workload_format says it is"));
    import_trace(&standard, file);
    struct workload *workload = workload_open(file, &options, &diag);
    assert_non_null(workload);
    workload_destroy(workload);
    diag_fini(&diag);
}

static long resident_pages(void)
{
    long all;
    long resident;
    FILE *in = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(in, "%ld %ld", &all, &resident), 2);
    fclose(in);
    return resident;
}

/* Walking a file of more than 50 MiB, forwards and with jumps, holds only some of its pages. */
static void pages_are_given_back(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("swe-agent", N, &standard, &diag);
    struct workload *again = imported(workload, &standard, file, &standard, &diag);
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    assert_true(status.st_size > 50 << 20);
    const long before = resident_pages();
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t id = i % 100 ? i : i * 7919 % N;
        workload_release(again, workload_fetch(again, id, 0), 0);
        if (i % 1000 == 0) {
            assert_true((resident_pages() - before) * sysconf(_SC_PAGESIZE) < 36 << 20);
        }
    }
    workload_destroy(again);
    workload_destroy(workload);
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(generators),
        cmocka_unit_test(slots),
        cmocka_unit_test(first_programs),
        cmocka_unit_test(bytes_are_as_specified),
        cmocka_unit_test(options_that_acted),
        cmocka_unit_test(missing_gaps),

        cmocka_unit_test(writing_fails_cleanly),
        cmocka_unit_test(format_option),
        cmocka_unit_test(pages_are_given_back),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(file);
    return failed;
}
