/* A recorder that was saved and loaded goes on as if nothing had happened. */
#include "support/support.h"

#include "base/mem.h"
#include "metrics/random_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void temporary_path(char out[64])
{
    strcpy(out, "/tmp/asim-recorder-XXXXXX");
    const int file = mkstemp(out);
    assert_true(file >= 0);
    close(file);
}

static void save(const struct recorder *recorder, const char *path)
{
    struct diag diag;
    diag_init(&diag);
    struct store_writer *writer = store_create(path, &diag);
    recorder_save(recorder, writer);
    assert_int_equal(store_commit(writer, &diag), ASIM_OK);
    diag_fini(&diag);
}

static struct recorder *load(const char *path, const struct recorder_options *options, const char *error)
{
    struct diag diag;
    diag_init(&diag);
    struct recorder *recorder = recorder_create(options);
    struct store_reader *reader = store_open(path, &diag);
    assert_non_null(reader);
    assert_int_equal(recorder_load(recorder, reader), error == NULL);
    assert_int_equal(store_close(reader), error ? ASIM_INPUT : ASIM_OK);
    if (error) {
        assert_non_null(strstr(diag.entries[0].text, error));
    }
    diag_fini(&diag);
    return recorder;
}

static void check_saved(uint64_t seed)
{
    static const uint64_t limits[] = {0, 50, 1000, 2000};
    static const uint32_t rows[] = {0, 1, 30, 1000, UINT32_MAX};
    const uint32_t programs = random_below(seed, 100, 3) * random_below(seed, 101, 400);
    const struct recorder_options options = {.keep_turns = random_below(seed, 102, 2),
                                             .program_rows = rows[random_below(seed, 103, 5)],
                                             .exact_values = limits[random_below(seed, 104, 4)],
                                             .warmup = random_below(seed, 106, 2) * 300 * SIMTIME_S,
                                             .slo = {.ttft = random_below(seed, 107, 2) * SIMTIME_S,
                                                     .tpot = random_below(seed, 108, 2) * SIMTIME_S,
                                                     .jct = random_below(seed, 109, 2) * 100 * SIMTIME_S}};
    char path[64];
    temporary_path(path);
    struct recorder *whole = recorder_create(&options);
    struct recorder *first = recorder_create(&options);
    random_run(&whole, 1, programs, seed);
    random_run(&first, 1, programs, seed);
    save(first, path);
    struct recorder *second = load(path, &options, NULL);
    assert_same_recorders(whole, second);
    assert_same_recorders(whole, first); /* saving changes nothing */
    random_run(&whole, 1, 200, seed);
    random_run(&second, 1, 200, seed);
    save(second, path);
    struct recorder *third = load(path, &options, NULL);
    assert_same_recorders(whole, third);
    recorder_destroy(whole);
    recorder_destroy(first);
    recorder_destroy(second);
    recorder_destroy(third);
    unlink(path);
}

static void a_loaded_recorder_goes_on(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        check_saved(seed);
    }
}

/* More values than one chunk holds. */
static void chunks_of_values(void **state)
{
    (void)state;
    char path[64];
    temporary_path(path);
    const struct recorder_options options = {0};
    struct recorder *whole = recorder_create(&options);
    random_run(&whole, 1, 20000, 0); /* about 80,000 turns */
    assert_in_range(recorder_turn_count(whole), 70000, 100000);
    save(whole, path);
    struct recorder *loaded = load(path, &options, NULL);
    assert_same_recorders(whole, loaded);
    recorder_destroy(whole);
    recorder_destroy(loaded);
    unlink(path);
}

static void other_options_are_refused(void **state)
{
    (void)state;
    const struct recorder_options options = {.program_rows = 10, .warmup = SIMTIME_S};
    char path[64];
    temporary_path(path);
    struct recorder *recorder = recorder_create(&options);
    random_run(&recorder, 1, 30, 1);
    save(recorder, path);
    recorder_destroy(recorder);
    struct recorder_options others[4] = {options, options, options, options};
    others[0].keep_turns = true;
    others[1].program_rows = 11;
    others[2].warmup = 0;
    others[3].exact_values = 10;
    for (int i = 0; i < 4; i++) {
        recorder_destroy(
            load(path, &others[i],
                 "section 'recorder': was saved with other values of turns_csv, warmup, program_rows or slo"));
    }
    unlink(path);
}

static void sums_come_back(void **state)
{
    (void)state;
    const struct program_sums sums = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct program_sums bad = {.queue = -1};
    char path[64];
    temporary_path(path);
    struct diag diag;
    diag_init(&diag);
    struct store_writer *writer = store_create(path, &diag);
    store_begin(writer, "sums", 1);
    program_sums_save(&sums, writer);
    program_sums_save(&bad, writer);
    store_end(writer);
    assert_int_equal(store_commit(writer, &diag), ASIM_OK);
    struct store_reader *reader = store_open(path, &diag);
    assert_true(store_enter(reader, "sums", 1));
    const struct program_sums back = program_sums_load(reader);
    assert_memory_equal(&back, &sums, sizeof sums);
    assert_false(store_failed(reader));
    program_sums_load(reader);
    assert_true(store_failed(reader));
    assert_int_equal(store_close(reader), ASIM_INPUT);
    assert_non_null(strstr(diag.entries[0].text, "section 'sums': a program waited 0 and -1 ps"));
    diag_fini(&diag);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_recorder_goes_on),
        cmocka_unit_test(chunks_of_values),
        cmocka_unit_test(other_options_are_refused),
        cmocka_unit_test(sums_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
