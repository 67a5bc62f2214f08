/* Columnar files with wrong values anywhere: what is wrong is named, and nothing outside the file is read. */
#include "workload/columnar_trace.h"

#include "workload/columnar.h"

static const char file[] = ASIM_BINARY_FOLDER "/test_columnar_damage.asimw";

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
    import_trace(&standard, file);
    size_t n;
    unsigned char *bytes = file_bytes(file, &n);
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
    import_trace(&standard, file);
    size_t n;
    unsigned char *bytes = file_bytes(file, &n);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files), cmocka_unit_test(damaged_rows)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(file);
    return failed;
}
