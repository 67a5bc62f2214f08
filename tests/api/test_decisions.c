/* What the summary says of policies and tiers: the same whatever the engine of the simulation, and in balance. */
#include "support/support.h"

#include "api/run_options.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_int_t count(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *value = json_object_get(json_object_get(root, a), b);
    value = c ? json_object_get(value, c) : value;
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static double real(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *value = json_object_get(json_object_get(root, a), b);
    value = c ? json_object_get(value, c) : value;
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const struct option pressed[] = {{"programs", "30"},           {"request_rate", "2"},
                                        {"kv_pool_tokens", "110000"}, {"policy", "continuum"},
                                        {"instances", "3"},           {"tiers.dram", "2GiB"},
                                        {"tiers.nvme", "6GiB"},       {"offload.engine", "vllm"},
                                        {"tiers.sharing", "2"},       {0}};

static const struct option engines[][4] = {
    {{"synchronization", "serial"}, {"stepping", "plain"}},
    {{"synchronization", "serial"}},
    {{"synchronization", "windows"}, {"stepping", "plain"}},
    {{"synchronization", "windows"}, {"stepping", "steady"}, {"threads", "2"}},
    {{"synchronization", "windows"}, {"threads", "2"}, {"partition", "1"}},
    {{"synchronization", "windows"}, {"threads", "3"}},
};

enum { ENGINES = sizeof engines / sizeof engines[0] };

static void same_for_every_engine(void **state)
{
    (void)state;
    asim_result *serial = run_options(pressed, engines[0]);
    for (int i = 1; i < ENGINES; i++) {
        asim_result *other = run_options(pressed, engines[i]);
        assert_string_equal(asim_result_summary(serial), asim_result_summary(other));
        asim_result_destroy(other);
    }
    asim_result_destroy(serial);
}

static void in_balance(void **state)
{
    (void)state;
    asim_result *result = run_options(pressed, engines[5]);
    json_t *root = json_loads(asim_result_summary(result), 0, NULL);
    const json_int_t decided =
        count(root, "decisions", "retention", "kept") + count(root, "decisions", "retention", "held") +
        count(root, "decisions", "retention", "pinned") + count(root, "decisions", "retention", "offloaded") +
        count(root, "decisions", "retention", "dropped");
    assert_int_equal(decided, count(root, "turns", "completed", NULL) - count(root, "programs", "completed", NULL));
    const json_int_t pinned = count(root, "decisions", "retention", "pinned");
    const json_int_t over = count(root, "decisions", "pins", "returned") + count(root, "decisions", "pins", "expired") +
                            count(root, "decisions", "pins", "forced") + count(root, "decisions", "pins", "released");
    assert_true(pinned > 0 && over <= pinned);
    const double shares = real(root, "decisions", "kv_time", "active") +
                          real(root, "decisions", "kv_time", "retained") + real(root, "decisions", "kv_time", "free");
    assert_float_equal(shares, 1.0, 1e-9);
    assert_true(real(root, "decisions", "wasted_byte_s", NULL) <= real(root, "decisions", "retained_byte_s", NULL));
    const json_t *transfers = json_object_get(json_object_get(root, "tiers"), "transfers");
    const json_t *links = json_object_get(json_object_get(root, "tiers"), "links");
    /* What left HBM went over the GPUs' links, and what came back too. */
    assert_int_equal(count(transfers, "out", "bytes", NULL), count(links, "gpu_to_host", "bytes", NULL));
    assert_int_equal(count(transfers, "in", "bytes", NULL) + count(transfers, "ahead", "bytes", NULL),
                     count(links, "host_to_gpu", "bytes", NULL));
    assert_int_equal(count(root, "tiers", "loaded_bytes", "dram") + count(root, "tiers", "loaded_bytes", "nvme"),
                     count(links, "host_to_gpu", "bytes", NULL));
    assert_true(count(transfers, "in", "bytes", NULL) > 0);
    json_int_t sources = 0;
    const char *source;
    json_t *toks;
    json_object_foreach(json_object_get(json_object_get(root, "tokens"), "by_source"), source, toks)
    {
        assert_true(json_integer_value(toks) > 0);
        sources += json_integer_value(toks);
    }
    assert_int_equal(sources, count(root, "tokens", "prompt", NULL));
    const char *name;
    json_t *link;
    json_object_foreach((json_t *)links, name, link)
    {
        const double busy = json_number_value(json_object_get(link, "busy"));
        assert_true(busy > 0 && busy < 1);
    }
    json_decref(root);
    asim_result_destroy(result);
}

/* The same bytes whatever the engine; as many of a kind as the summary counts. */
static void log_is_the_same(void **state)
{
    (void)state;
    static const char *const policies[] = {"continuum", "thunderagent", "infercept"};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        char *first = NULL;
        for (int i = 0; i < ENGINES; i++) {
            struct option more[8] = {{"decisions_log", "on"}, {"policy", policies[p]}, {"turns_csv", "on"}};
            for (int at = 0; engines[i][at].path; at++) {
                more[3 + at] = engines[i][at];
            }
            asim_result *result = run_options(pressed, more);
            char *text = written_of(result, asim_result_write_decisions, ASIM_OK);
            if (first) {
                assert_string_equal(first, text);
                free(text);
            } else {
                first = text;
            }
            asim_result_destroy(result);
        }
        free(first);
    }
}

static void log_agrees_with_summary(void **state)
{
    (void)state;
    asim_result *result = run_options(pressed, (const struct option[]){{"decisions_log", "on"}, {0}});
    char *text = written_of(result, asim_result_write_decisions, ASIM_OK);
    json_t *root = json_loads(asim_result_summary(result), 0, NULL);
    json_int_t routes = 0, pins = 0, last_instance = -1;
    double last = 0;
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *decision = json_loads(line, 0, NULL);
        assert_non_null(decision);
        const char *function = json_string_value(json_object_get(decision, "function"));
        const char *choice = json_string_value(json_object_get(decision, "choice"));
        const double time = json_number_value(json_object_get(decision, "time_s"));
        const bool sends = strcmp(function, "route") == 0;
        pins += strcmp(function, "on_turn_complete") == 0 && strcmp(choice, "pin") == 0;
        if (sends) {
            const json_t *home = json_object_get(json_object_get(decision, "sees"), "home");
            const bool is_first = json_integer_value(json_object_get(decision, "turn")) == 0;
            assert_true(is_first ? json_is_null(home) : json_is_integer(home));
        }
        routes += sends;
        assert_true(time >= last);
        last = time;
        last_instance = json_integer_value(json_object_get(decision, "instance"));
        assert_in_range(last_instance, 0, 2);
        json_decref(decision);
    }
    assert_int_equal(routes, count(root, "turns", "completed", NULL));
    assert_int_equal(pins, count(root, "decisions", "retention", "pinned"));
    free(text);
    json_decref(root);
    asim_result_destroy(result);
    result = run_options(pressed, (const struct option[]){{0}});
    free(written_of(result, asim_result_write_decisions, ASIM_USAGE));
    asim_result_destroy(result);
}

/* Hints of a file are followed; its tenants and deadlines are told of. */
static void hints_in_a_file(void **state)
{
    (void)state;
    static const char path[] = ASIM_BINARY_FOLDER "/test_decisions.jsonl";
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 12; i++) {
        fprintf(file,
                "{\"session_id\":\"s%d\",\"arrival_time_ns\":%d,\"tenant\":\"t%d\",%s\"sub_requests\":["
                "{\"input_toks\":4000,\"output_toks\":20,\"gap_ns\":1000000000,%s},"
                "{\"input_toks\":4100,\"output_toks\":20}]}\n",
                i, i, i % 3,
                i % 2 ? ""
                : i   ? "\"deadline_ns\":100000000000,"
                      : "\"deadline_ns\":1,",
                i < 5   ? "\"pin_ns\":5000000000"
                : i < 8 ? "\"pin_ns\":0"
                        : "\"resume_ns\":1000000000");
    }
    fclose(file);
    const struct option options[] = {{"workload", path}, {"retention", "hints"}, {0}};
    char *first = NULL;
    for (int i = 0; i < ENGINES; i++) {
        asim_result *result = run_options(options, engines[i]);
        if (!first) {
            first = strdup(asim_result_summary(result));
        }
        assert_string_equal(asim_result_summary(result), first);
        asim_result_destroy(result);
    }
    json_t *root = json_loads(first, 0, NULL);
    assert_int_equal(count(root, "decisions", "retention", "pinned"), 9);
    assert_int_equal(count(root, "decisions", "retention", "dropped"), 3);
    assert_int_equal(count(root, "slo", "deadlines", NULL), 6);
    assert_int_equal(count(root, "slo", "deadlines_met", NULL), 5);
    assert_int_equal(count(root, "balance", "jain_n", NULL), 3);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "balance"), "jain_of")), "tenants");
    /* Three contexts of 4020 tokens were dropped; their second prompts keep 4000 of them in full blocks. */
    assert_int_equal(count(root, "tokens", "eligible", NULL), 12 * 4016);
    assert_int_equal(count(root, "tokens", "by_source", "lost"), 3 * 4016);
    json_decref(root);
    free(first);
}

/* A run in which nobody decides anything says nothing of it. */
static void only_where_decided(void **state)
{
    (void)state;
    asim_result *result = run_options((const struct option[]){{"programs", "2"}, {0}}, (const struct option[]){{0}});
    json_t *root = json_loads(asim_result_summary(result), 0, NULL);
    assert_null(json_object_get(root, "decisions"));
    assert_null(json_object_get(root, "tiers"));
    json_decref(root);
    asim_result_destroy(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_for_every_engine),   cmocka_unit_test(in_balance),
                                       cmocka_unit_test(hints_in_a_file),         cmocka_unit_test(log_is_the_same),
                                       cmocka_unit_test(log_agrees_with_summary), cmocka_unit_test(only_where_decided)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
