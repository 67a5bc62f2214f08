/* Columnar files: their bytes, what they hold, what is refused. Fixtures of the other formats are imported and compared
 * in test_fixtures.c, recorded workloads in test_recorded.c. */
#include "support/support.h"

#include "base/mem.h"
#include "workload/arrivals.h"
#include "workload/columnar.h"
#include "workload/columnar_write.h"
#include "workload/same_workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file[] = ASIM_BINARY_FOLDER "/test_columnar.asimw";

static const struct workload_options standard = {.reuse_generated = true, .block_size = 4, .seed = 1};

/* Arrivals out of order, two at one time, tools, an old parent, a gap that is missing, a shared prefix. */
static const char trace[] =
    "{\"session_id\": \"late\", \"arrival_time_ns\": 9000, \"shared_prefix_toks\": 5, \"sub_requests\": ["
    "{\"input_toks\": 10, \"output_toks\": 2, \"tool_duration_ns\": 7, \"tool\": \"bash\"},"
    "{\"input_toks\": 14, \"output_toks\": 0, \"tool_duration_ns\": 9, \"tool\": \"edit\"},"
    "{\"input_toks\": 20, \"output_toks\": 3}]}\n"
    "{\"session_id\": \"b\", \"arrival_time_ns\": 1000, \"sub_requests\": ["
    "{\"input_toks\": 8, \"output_toks\": 2, \"input_tok_ids\": [1,2,3,4,5,6,7,8], \"tool_duration_ns\": 0},"
    "{\"input_toks\": 8, \"output_toks\": 1, \"input_tok_ids\": [1,2,3,4,5,6,7,9]}]}\n"
    "{\"session_id\": \"a\", \"arrival_time_ns\": 1000, \"sub_requests\": ["
    "{\"input_toks\": 100, \"output_toks\": 0}]}\n";

static struct workload *open_trace(const struct workload_options *options)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("trace", trace, strlen(trace), options, &diag);
    if (!workload) {
        fail_msg("%s", diag.entries[0].text);
    }
    diag_fini(&diag);
    return workload;
}

static struct columnar_written import_trace(const struct workload_options *options)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = open_trace(options);
    struct columnar_written written;
    if (columnar_write(workload, options, "trace.jsonl", file, &written, &diag) != ASIM_OK) {
        fail_msg("%s", diag.entries[0].text);
    }
    workload_destroy(workload);
    diag_fini(&diag);
    return written;
}

static unsigned char *file_bytes(size_t *n)
{
    FILE *in = fopen(file, "rb");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *n = (size_t)ftell(in);
    rewind(in);
    unsigned char *bytes = mem_alloc(*n);
    assert_int_equal(fread(bytes, 1, *n, in), *n);
    fclose(in);
    return bytes;
}

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
    import_trace(&standard);
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

static uint64_t number_at(const unsigned char *bytes, size_t offset, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)bytes[offset + i] << (8 * i);
    }
    return value;
}

/* Places in the header that docs/columnar.md names, read without the structures. */
static void bytes_are_as_specified(void **state)
{
    (void)state;
    const struct columnar_written written = import_trace(&standard);
    size_t n;
    unsigned char *bytes = file_bytes(&n);
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
        import_trace(&rows[i].imported);
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

/* Opens bytes, reads all of them that can be read, and returns the first message, or "". The caller frees it. */
static char *message_of(const unsigned char *bytes, size_t n)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("x.asimw", (const char *)bytes, n, &standard, &diag);
    const uint64_t programs = workload ? workload_stats(workload)->n_programs : 0;
    for (uint64_t id = 0; id < programs; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        if (program) {
            workload_release(workload, program, 0);
        } else {
            assert_true(diag.n_errors > 0);
        }
    }
    if (programs && workload_stats(workload)->has_arrivals) {
        struct arrival_cursor cursor = {0};
        uint64_t id;
        simtime time;
        while (workload_next_arrival(workload, &cursor, &id, &time)) {
            assert_true(id < programs && time >= 0);
        }
    }
    char *text = mem_strdup(diag.n_entries ? diag.entries[0].text : "");
    workload_destroy(workload);
    diag_fini(&diag);
    return text;
}

static void seal(unsigned char *bytes)
{
    struct columnar_header header;
    memcpy(&header, bytes, sizeof header);
    header.checksum = columnar_checksum(&header);
    memcpy(bytes, &header, sizeof header);
}

/* Every value of the file replaced by extreme ones, with a header that agrees: an error or another workload, never a
 * read outside (which sanitizers would see). Without the header's agreement, every change of it is found. */
static void damaged_files(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, UINT64_MAX, UINT64_C(1) << 62, UINT64_C(0x7fffffff80000000), 0xFFFFFFF0};
    import_trace(&standard);
    size_t n;
    unsigned char *bytes = file_bytes(&n);
    unsigned char *copy = mem_alloc(n);
    for (size_t at = COLUMNAR_MAGIC_BYTES; at + 4 <= n; at += 4) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            memcpy(copy, bytes, n);
            memcpy(copy + at, &values[i], at + 8 <= n && i % 2 ? 8 : 4);
            if (at < COLUMNAR_HEADER_BYTES && memcmp(copy, bytes, COLUMNAR_HEADER_BYTES) != 0) {
                char *text = message_of(copy, n);
                assert_string_not_equal(text, "");
                mem_free(text);
            }
            seal(copy);
            mem_free(message_of(copy, n));
        }
    }
    for (size_t cut = COLUMNAR_MAGIC_BYTES; cut < n; cut += 7) {
        char *text = message_of(bytes, cut);
        assert_non_null(strstr(text, "truncated file"));
        mem_free(text);
    }
    mem_free(copy);
    mem_free(bytes);
}

/* What is wrong is named: file, section and row. */
static void damaged_rows(void **state)
{
    (void)state;
    static const struct {
        enum columnar_section section;
        size_t row;
        uint32_t width;
        uint64_t value;
        const char *message;
    } rows[] = {
        {COLUMN_PROMPT, 2, 4, 0, "section 'prompt', row 2: not a value of it; allowed: 1 to 2^31 - 1 tokens"},
        {COLUMN_OUTPUT, 0, 4, 1u << 31, "section 'output', row 0"},
        {COLUMN_KEPT, 1, 4, 13, "section 'kept', row 1"},
        {COLUMN_TOOL, 1, 4, 3, "section 'tool', row 1"},
        {COLUMN_GAP, 0, 8, UINT64_MAX, "section 'gap', row 0: not a value of it; allowed: 0 to 100 days; the header"},
        {COLUMN_GAP, 0, 8, UINT64_MAX - 1, "section 'gap', row 0: not a value of it; allowed: -1, or"},
        {COLUMN_PROGRAM_TURNS, 1, 8, 0, "section 'program_turns', row 0: not a value of it; allowed: 1 to 2^24"},
        {COLUMN_PROGRAM_TURNS, 1, 8, 7, "section 'program_turns', row 0: not a value of it; allowed: no more than"},
        {COLUMN_PROGRAM_NAMES, 1, 8, 4, "section 'program_names', row 0"},
        {COLUMN_NAMES, 4, 1, 'x', "section 'program_names', row 0"},
        {COLUMN_ARRIVAL, 1, 8, UINT64_MAX, "section 'arrival', row 1"},
        {COLUMN_ORDER, 1, 8, 1, "section 'order', row 1: not a value of it; allowed: programs by arrival"},
        {COLUMN_ORDER, 0, 8, 3, "section 'order', row 0: not a value of it; allowed: a program"},
        {COLUMN_PROGRAM_EXTENTS, 1, 8, 1, "section 'program_extents', row 0"},
        {COLUMN_TURN_EXTENTS, 3, 4, 77, "section 'program_extents', row 1"},
        {COLUMN_EXTENT_COUNT, 0, 4, 0, "section 'extent_count', row 0"},
        {COLUMN_EXTENT_STREAM, 0, 8, UINT64_C(3) << 62, "section 'extent_stream', row 0"},
        {COLUMN_EXTENT_STREAM, 0, 8, UINT64_C(7) << 24, "section 'extent_stream', row 0"},
        {COLUMN_TOOL_NAMES, 1, 8, 0, "section 'tool_names', row 0"},
    };
    import_trace(&standard);
    size_t n;
    unsigned char *bytes = file_bytes(&n);
    unsigned char *copy = mem_alloc(n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(copy, bytes, n);
        const size_t offset = number_at(bytes, 496 + 24 * (size_t)rows[i].section, 8);
        assert_true(offset > 0);
        memcpy(copy + offset + rows[i].row * rows[i].width, &rows[i].value, rows[i].width);
        char *text = message_of(copy, n);
        if (strncmp(text, "x.asimw: ", 9) != 0 || !strstr(text, rows[i].message)) {
            fail_msg("row %zu: %s", i, text);
        }
        mem_free(text);
        /* Reading on demand need not notice; whoever asks is told. */
        FILE *out = fopen(file, "wb");
        assert_int_equal(fwrite(copy, 1, n, out), n);
        fclose(out);
        struct columnar *columnar = NULL;
        struct diag diag;
        diag_init(&diag);
        if (columnar_map(file, &standard, &columnar, &diag) == ASIM_OK) {
            assert_int_equal(columnar_verify(columnar, &diag), ASIM_INPUT);
            assert_non_null(strstr(diag.entries[0].text, "does not agree with its checksum (damaged file)"));
        }
        columnar_close(columnar);
        diag_fini(&diag);
    }
    mem_free(copy);
    mem_free(bytes);
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
    import_trace(&standard);
    import_trace(&standard); /* over the first */
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
    import_trace(&standard);
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
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(damaged_rows),
        cmocka_unit_test(writing_fails_cleanly),
        cmocka_unit_test(format_option),
        cmocka_unit_test(pages_are_given_back),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(file);
    return failed;
}
