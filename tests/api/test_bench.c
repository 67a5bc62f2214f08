/* Benchmarks through the public header, and the parts that need no clock. */
#include "support/support.h"

#include "api/bench_report.h"

#include <asim/asim.h>

#include <stdlib.h>
#include <string.h>

static asim_config *config_of(const char *path, const char *value)
{
    asim_config *config = asim_config_create();
    const char *const options[][2] = {
        {"generate", "swe-agent"}, {"programs", "6"}, {"arrivals", "zero"}, {"instances", "2"}, {path, value}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(asim_config_set(config, options[i][0], options[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    return config;
}

struct listener {
    asim_progress last;
    bool cancel;
};

static void on_progress(void *user, const asim_progress *now)
{
    struct listener *listener = user;
    assert_true(now->programs_done >= listener->last.programs_done);
    listener->last = *now;
}

static bool on_cancel(void *user)
{
    const struct listener *listener = user;
    return listener->cancel;
}

static void has_numbers(const json_t *object, const char *const *keys)
{
    for (; *keys; keys++) {
        if (!json_is_number(json_object_get(object, *keys))) {
            fail_msg("no number %s", *keys);
        }
    }
}

static void the_document(void **state)
{
    (void)state;
    asim_config *config = config_of("seed", "3");
    static const uint32_t threads[] = {3, 1, 2, 3};
    static const uint64_t sizes[] = {4, 8};
    struct listener listener = {0};
    const asim_callbacks callbacks = {
        .struct_size = sizeof callbacks, .user = &listener, .progress = on_progress, .cancelled = on_cancel};
    const asim_bench_options options = {.struct_size = sizeof options,
                                        .threads = threads,
                                        .n_threads = 4,
                                        .sizes = sizes,
                                        .n_sizes = 2,
                                        .repeats = 2,
                                        .control = true};
    char *text = NULL;
    assert_int_equal(asim_bench(config, &options, &callbacks, &text), ASIM_OK);
    assert_true(listener.last.programs_done <= listener.last.programs_total);
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "asim.bench");
    const json_t *reports = json_object_get(document, "sizes");
    assert_int_equal(json_array_size(reports), 2);
    const json_t *size = json_array_get(reports, 1);
    assert_int_equal(json_integer_value(json_object_get(size, "programs")), 8);
    assert_true(json_is_object(json_object_get(size, "engine")));
    const json_t *runs = json_object_get(size, "runs");
    assert_int_equal(json_array_size(runs), 3); /* 1, 2, 3: each once */
    for (size_t i = 0; i < 3; i++) {
        const json_t *run = json_array_get(runs, i);
        assert_int_equal(json_integer_value(json_object_get(run, "threads")), i + 1);
        has_numbers(run, (const char *const[]){"setup_s", "cpu_s", "events_per_s", "steps_per_s", "turns_per_s",
                                               "programs_per_s", "speed_up_bound", NULL});
        has_numbers(json_object_get(run, "wall"), (const char *const[]){"mean_s", "least_s", "spread_fraction", NULL});
        has_numbers(json_object_get(run, "efficiency"), (const char *const[]){"least", "mean", NULL});
        assert_int_equal(json_is_object(json_object_get(run, "control")), i > 0);
    }
    json_decref(document);
    asim_free(text);
    asim_config_destroy(config);
}

/* Fails, with a message that has the words. */
static void refused(asim_config *config, const asim_bench_options *options, asim_status status, const char *words)
{
    char *text = NULL;
    asim_config_clear_messages(config);
    assert_int_equal(asim_bench(config, options, NULL, &text), status);
    assert_null(text);
    const char *message = asim_config_message(config, 0, NULL);
    if (!message || !strstr(message, words)) {
        fail_msg("no '%s' in: %s", words, message ? message : "(none)");
    }
}

static void refusals(void **state)
{
    (void)state;
    asim_config *config = config_of("synchronization", "serial");
    static const uint32_t two = 2, none = 0;
    static const uint64_t nothing = 0;
    asim_bench_options options = {.struct_size = sizeof options, .threads = &two, .n_threads = 1, .repeats = 1};
    refused(config, &options, ASIM_USAGE, "serial engine uses one");
    options.threads = &none;
    refused(config, &options, ASIM_USAGE, "allowed: 1 to 1024");
    options.n_threads = 0;
    options.sizes = &nothing;
    options.n_sizes = 1;
    refused(config, &options, ASIM_USAGE, "a size of 0");
    options.n_sizes = 0;
    options.repeats = 1000000;
    refused(config, &options, ASIM_USAGE, "1000000 repetitions");
    options.struct_size = 1;
    refused(config, &options, ASIM_USAGE, "struct_size");
    char *text = NULL;
    options = (asim_bench_options){.struct_size = sizeof options, .repeats = 1};
    assert_int_equal(asim_bench(config, &options, NULL, &text), ASIM_OK); /* one thread, and no account of windows */
    assert_non_null(strstr(text, "\"engine\": null"));
    asim_free(text);
    asim_config_destroy(config);
    config = config_of("max_model_len", "200");
    refused(config, NULL, ASIM_INPUT, "prompt");
    asim_config_destroy(config);
}

static void cancelled(void **state)
{
    (void)state;
    asim_config *config = config_of("programs", "100000");
    struct listener listener = {.cancel = true};
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks, .user = &listener, .cancelled = on_cancel};
    char *text = NULL;
    assert_int_equal(asim_bench(config, NULL, &callbacks, &text), ASIM_INTERRUPTED);
    assert_null(text);
    asim_config_destroy(config);
}

static void digests_are_compared(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct bench_work first = {.digest = ""};
    const struct bench_work a = {.digest = "v1:aa", .turns = 5};
    const struct bench_work b = {.digest = "v1:bb"};
    assert_int_equal(bench_same_work(&first, &a, "a run", &diag), ASIM_OK);
    assert_int_equal(first.turns, 5);
    assert_int_equal(bench_same_work(&first, &a, "a run", &diag), ASIM_OK);
    assert_int_equal(bench_same_work(&first, &b, "a run on 2 threads", &diag), ASIM_INTERNAL);
    assert_non_null(strstr(diag.entries[0].text, "v1:aa at first, v1:bb of a run on 2 threads"));
    diag_fini(&diag);
}

static void statistics(void **state)
{
    (void)state;
    const struct bench_sample samples[] = {{.wall_s = 1.0}, {.wall_s = 2.0}, {.wall_s = 3.0}};
    const struct bench_times times = bench_times(samples, 3);
    assert_float_equal(times.mean, 2.0, 1e-12);
    assert_float_equal(times.least, 1.0, 1e-12);
    assert_float_equal(times.spread, 0.5, 1e-12);
    assert_float_equal(bench_times(samples, 1).spread, 0.0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_document), cmocka_unit_test(refusals),
                                       cmocka_unit_test(cancelled), cmocka_unit_test(digests_are_compared),
                                       cmocka_unit_test(statistics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
