/* The search of a policy's parameters. */
#include "support/support.h"

#include <asim/asim.h>
#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static asim_config *config_of(const char *seed)
{
    asim_config *config = asim_config_create();
    const char *const options[][2] = {{"generate", "swe-agent"},
                                      {"programs", "8"},
                                      {"arrivals", "zero"},
                                      {"kv_pool_tokens", "100000"},
                                      {"seed", seed}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(asim_config_set(config, options[i][0], options[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    return config;
}

static json_t *search(const char *seed, const asim_search_options *options)
{
    asim_config *config = config_of(seed);
    char *out = NULL;
    assert_int_equal(asim_policy_search(config, "continuum-release", options, NULL, &out), ASIM_OK);
    json_t *document = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "asim.policy_search");
    asim_free(out);
    asim_config_destroy(config);
    return document;
}

static const char *const vary[] = {"ttl=100ms..20s:log", "longest_mean=1s..3s"};

static double value_of(const json_t *run)
{
    return json_number_value(json_object_get(run, "value"));
}

/* "12.5s", "900ms" and the like in seconds. */
static double seconds(const json_t *run, const char *parameter)
{
    const char *text = json_string_value(json_object_get(json_object_get(run, "parameters"), parameter));
    char *unit;
    const double number = strtod(text, &unit);
    return strcmp(unit, "s") == 0 ? number : strcmp(unit, "ms") == 0 ? number / 1e3 : number / 1e6;
}

static void settings_are_ranked(void **state)
{
    (void)state;
    for (int highest = 0; highest < 2; highest++) {
        const asim_search_options options = {
            .struct_size = sizeof options, .vary = vary, .n_vary = 2, .samples = 30, .highest = highest};
        json_t *document = search("1", &options);
        const json_t *settings = json_object_get(document, "settings");
        assert_int_equal(json_array_size(settings), 30);
        bool differ = false;
        for (size_t i = 0; i < 30; i++) {
            const json_t *run = json_array_get(settings, i);
            const double ttl = seconds(run, "ttl");
            const double mean = seconds(run, "longest_mean");
            assert_true(ttl >= 0.1 && ttl <= 20.0 && mean >= 1.0 && mean <= 3.0);
            const double before = i ? value_of(json_array_get(settings, i - 1)) : value_of(run);
            assert_true(highest ? before >= value_of(run) : before <= value_of(run));
            differ |= before != value_of(run);
        }
        assert_true(differ);
        assert_true(json_number_value(json_object_get(json_object_get(document, "lru"), "to_lru")) == 1.0);
        assert_true(json_number_value(json_object_get(json_object_get(document, "defaults"), "to_defaults")) == 1.0);
        json_decref(document);
    }
}

static void workers_change_nothing(void **state)
{
    (void)state;
    asim_search_options options = {.struct_size = sizeof options, .vary = vary, .n_vary = 2, .samples = 12, .jobs = 1};
    json_t *one = search("1", &options);
    options.jobs = 4;
    json_t *four = search("1", &options);
    json_t *other = search("2", &options);
    assert_true(json_equal(one, four));
    assert_false(json_equal(json_object_get(one, "settings"), json_object_get(other, "settings")));
    json_decref(one);
    json_decref(four);
    json_decref(other);
}

static void figures_are_of_runs(void **state)
{
    (void)state;
    const asim_search_options options = {
        .struct_size = sizeof options, .vary = vary, .n_vary = 1, .samples = 3, .metric = "kv.hit_rate"};
    json_t *document = search("1", &options);
    const json_t *best = json_array_get(json_object_get(document, "settings"), 0);
    char parameters[128];
    snprintf(parameters, sizeof parameters, "ttl=%s",
             json_string_value(json_object_get(json_object_get(best, "parameters"), "ttl")));
    asim_config *config = config_of("1");
    assert_int_equal(asim_config_set(config, "policy", "continuum-release"), ASIM_OK);
    assert_int_equal(asim_config_set(config, "policy_parameters", parameters), ASIM_OK);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    assert_true(json_equal(json_object_get(best, "digest"), json_object_get(summary, "digest")));
    assert_true(
        json_equal(json_object_get(best, "value"), json_object_get(json_object_get(summary, "kv"), "hit_rate")));
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
    json_decref(document);
}

static void wrong_questions(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *vary, *metric, *message;
    } cases[] = {
        {"gait", "ttl=1s..2s", NULL, "did you mean gate?"},
        {"gate", NULL, NULL, "nothing to vary; parameters of gate: ttl (duration, "},
        {"gate", "tl=1s..2s", NULL, "vary: 'tl' is not a parameter of gate; allowed: ttl (duration, "},
        {"lru", "ttl=1s..2s", NULL, "allowed: none, it has no parameters"},
        {"gate", "ttl=1s", NULL, "vary 'ttl=1s'; allowed: PARAMETER=LOW..HIGH"},
        {"gate", "ttl=1s..2s:lg", NULL, "allowed: PARAMETER=LOW..HIGH"},
        {"gate", "ttl=1..2s", NULL, "vary ttl: '1' needs a unit"},
        {"gate", "weight=0.1..2", NULL, "vary weight: '2' is out of range"},
        {"gate", "ttl=2s..1s", NULL, "allowed: a finite range from low to high"},
        {"gate", "ttl=0s..1s:log", NULL, "above 0 for :log"},
        {"gate", "ttl=1s..2s", "programs.jct", "metric 'programs.jct' is no number of summary.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        asim_config *config = config_of("1");
        const asim_search_options options = {.struct_size = sizeof options,
                                             .vary = &cases[i].vary,
                                             .n_vary = cases[i].vary != NULL,
                                             .samples = 1,
                                             .metric = cases[i].metric};
        char *out = NULL;
        assert_int_equal(asim_policy_search(config, cases[i].policy, &options, NULL, &out), ASIM_USAGE);
        assert_null(out);
        const char *message = asim_config_message(config, asim_config_message_count(config) - 1, NULL);
        if (!message || !strstr(message, cases[i].message)) {
            fail_msg("\"%s\" is said, not \"%s\"", message ? message : "nothing", cases[i].message);
        }
        asim_config_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_ranked),
        cmocka_unit_test(workers_change_nothing),
        cmocka_unit_test(figures_are_of_runs),
        cmocka_unit_test(wrong_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
