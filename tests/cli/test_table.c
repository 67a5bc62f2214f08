#include "support/support.h"

#include "cli/document.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/validation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("no fixture %s", path);
    }
    char *text = calloc(1, 1 << 16);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* What is printed, compared with a file; every line within the width. ASIM_REGENERATE=1 writes the file instead. */
static void compare_with(const char *expected_path, const char *printed)
{
    if (getenv("ASIM_REGENERATE")) {
        FILE *file = fopen(expected_path, "wb");
        fputs(printed, file);
        fclose(file);
    }
    char *expected = read_whole(expected_path);
    if (strcmp(printed, expected) != 0) {
        print_message("printed:\n%s\nexpected:\n%s\n", printed, expected);
    }
    assert_true(strcmp(printed, expected) == 0);
    for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(human_width(line) <= HUMAN_COLUMNS);
    }
    free(expected);
}

static void table(const char *name, const char *execution)
{
    char path[128];
    snprintf(path, sizeof path, "cli/%s.json", name);
    char *summary = read_whole(test_path(path));
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(table_print(out, summary, execution), 0);
    fclose(out);
    snprintf(path, sizeof path, "cli/%s.txt", name);
    compare_with(test_path(path), text);
    free(text);
    free(summary);
}

static void full_run(void **state)
{
    (void)state;
    table("summary_full", "{\"wall_s\": 0.25}");
}

/* A comparison without TPOT: every output had one token. */
static void comparison(void **state)
{
    (void)state;
    char *json = read_whole(test_path("cli/validation.json"));
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(validation_print(out, json), 0);
    assert_int_equal(validation_print(out, "{\"schema\": \"asim.validation\", \"version\": 2}"), -1);
    assert_int_equal(validation_print(out, "{}"), -1);
    fclose(out);
    compare_with(test_path("cli/validation.txt"), text);
    free(text);
    free(json);
}

/* Nothing completed, interrupted, no wall time, histogram percentiles. */
static void interrupted_run(void **state)
{
    (void)state;
    table("summary_interrupted", NULL);
}

static void other_documents_are_refused(void **state)
{
    (void)state;
    FILE *out = fopen("/dev/null", "w");
    assert_int_equal(table_print(out, "{}", NULL), -1);
    assert_int_equal(table_print(out, "{\"schema\": \"asim.summary\", \"version\": 2}", NULL), -1);
    assert_int_equal(table_print(out, "no JSON", NULL), -1);
    fclose(out);
}

static void document(void **state)
{
    (void)state;
    char *json = read_whole(test_path("cli/document.json"));
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    document_print(out, json);
    fclose(out);
    compare_with(test_path("cli/document.txt"), text);
    free(text);
    free(json);
}

static void numbers(void **state)
{
    (void)state;
    char t[HUMAN_BYTES];
    assert_string_equal(human_duration(0, t), "0 s");
    assert_string_equal(human_duration(1e-12, t), "0.00 ns");
    assert_string_equal(human_duration(12.34e-6, t), "12.3 us");
    assert_string_equal(human_duration(0.0123, t), "12.3 ms");
    assert_string_equal(human_duration(0.9996, t), "1.00 s");
    assert_string_equal(human_duration(119, t), "119 s");
    assert_string_equal(human_duration(150, t), "2.50 min");
    assert_string_equal(human_duration(7200, t), "2.00 h");
    assert_string_equal(human_duration(864000, t), "10.0 d");
    assert_string_equal(human_duration(-0.0123, t), "-12.3 ms");
    assert_string_equal(human_count(0, t), "0");
    assert_string_equal(human_count(999, t), "999");
    assert_string_equal(human_count(1000, t), "1,000");
    assert_string_equal(human_count(-1234567, t), "-1,234,567");
    assert_string_equal(human_magnitude(1234, t), "1234");
    assert_string_equal(human_magnitude(12345, t), "12.3 k");
    assert_string_equal(human_magnitude(5.1e6, t), "5.10 M");
    assert_string_equal(human_size(512, t), "512 B");
    assert_string_equal(human_size(85899345920.0, t), "80.0 GiB");
    assert_string_equal(human_percent(0.12345, t), "12.3%");
    assert_string_equal(human_percent(0, t), "0.0%");
    assert_string_equal(human_percent(0.00012, t), "0.012%");
    assert_int_equal(human_width("caf\xc3\xa9"), 4);
}

/* Lines of a run that is shown as `mode`: one call every 0.1 s of wall time for 5 s. */
static size_t lines_of(const char *mode, char **text)
{
    size_t bytes = 0;
    FILE *file = tmpfile(); /* not a terminal */
    struct progress progress;
    progress_init(&progress, file, mode);
    for (int i = 0; i <= 50; i++) {
        progress_show(&progress, &(asim_progress){.programs_done = (uint64_t)i,
                                                  .programs_total = 100,
                                                  .turns_done = (uint64_t)i * 10,
                                                  .steps = (uint64_t)i * 1000,
                                                  .sim_time_s = i,
                                                  .wall_s = i * 0.1});
    }
    progress_end(&progress);
    bytes = (size_t)ftell(file);
    *text = calloc(1, bytes + 1);
    rewind(file);
    assert_int_equal(fread(*text, 1, bytes, file), bytes);
    fclose(file);
    size_t lines = 0;
    for (const char *c = *text; *c; c++) {
        lines += *c == '\n';
    }
    return lines;
}

static void progress_modes(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(lines_of("auto", &text), 2); /* at 2 s and 4 s: nothing in a short run */
    assert_non_null(strstr(text, "20% of 100 programs, ETA 8.00 s, 20.0 s simulated, 10.0 x real time, 100 turns/s, "
                                 "10.0 k steps/s, RSS "));
    free(text);
    assert_int_equal(lines_of("none", &text), 0);
    assert_string_equal(text, "");
    free(text);
    assert_in_range(lines_of("json", &text), 5, 6);
    assert_int_equal(strncmp(text, "{\"programs_done\": 0, \"programs_total\": 100, ", 44), 0);
    free(text);
    assert_int_equal(lines_of("bar", &text), 0);
    assert_non_null(strstr(text, "\r\033[K[########........] 50% of 100 programs"));
    assert_string_equal(text + strlen(text) - 4, "\r\033[K"); /* the bar is gone at the end */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_run),
        cmocka_unit_test(interrupted_run),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(document),
        cmocka_unit_test(comparison),
        cmocka_unit_test(numbers),
        cmocka_unit_test(progress_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
