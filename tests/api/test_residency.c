/* The residency of KV through the public interface: a scenario that can be followed by hand, and what policies decided
 * beside what was held. */
#include "support/support.h"

#include "api/run_options.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    const size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

/* Two programs on one instance whose blocks of 16 tokens are 2 MiB, over a link of 20 MB/s. `a` decodes 16 tokens after
 * its first until 0.127 s, is pinned for 1 s from then on, and back at 2.127 s; `b` decodes from 0.12 s to 1.586 s.
 * Full blocks are stored as they fill up, one transfer at a time, each of all that is missing when the one before has
 * ended: 4 blocks from 0.0086 s (8.4 MB, 0.42 s), 10 of `b` (1.05 s), 1 of `a` from 1.4767 s, 11 of `b`.
 *
 *   0.05 s  `a` runs: 64 tokens and 7 more that were computed or are; 0.0414 s of its store are 827 kB
 *   0.15 s  `a` is in its gap and pinned until 1.127 s; the last token has no KV; the block that filled up waits for
 *           the store to end, which goes before that of `b`
 *   1.5 s   the pin is over; only the store of the last block holds what it had
 *   2.2 s   `a` is back and found all 5 blocks; `b` has ended, and is known by what is still sent of it
 *
 * UPDATE_GOLDEN=1 writes the expected lines anew. */
static void followed_by_hand(void **state)
{
    (void)state;
    static char workload[4096], expected[4096];
    snprintf(workload, sizeof workload, "%s", test_path("api/residency_workload.jsonl"));
    snprintf(expected, sizeof expected, "%s", test_path("api/residency_expected.jsonl"));
    const struct option options[] = {{"workload", workload},
                                     {"retention", "ttl"},
                                     {"policy_parameters", "ttl=1s"},
                                     {"kv_pool_tokens", "1600"},
                                     {"max_model_len", "800"},
                                     {"tiers.dram", "64MiB"},
                                     {"offload.engine", "vllm"},
                                     {"tiers.host_link", "20MB/s"},
                                     {"residency_at", "50ms,150ms,1500ms,2200ms,1h"},
                                     {0}};
    asim_result *result = run_options(options, (const struct option[]){{0}});
    char *lines = written_of(result, asim_result_write_residency, ASIM_OK);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *file = fopen(expected, "wb");
        assert_non_null(file);
        fputs(lines, file);
        fclose(file);
    }
    char *wanted = read_file(expected);
    assert_string_equal(lines, wanted);
    free(wanted);
    free(lines);
    asim_result_destroy(result);
}

static void records_and_refusals(void **state)
{
    (void)state;
    const struct option options[] = {{"programs", "3"}, {"request_rate", "1"}, {0}};
    asim_result *result = run_options(options, (const struct option[]){{"residency_every", "5s"}, {0}});
    const size_t n = asim_result_residency_count(result);
    asim_residency record = {.struct_size = sizeof record};
    assert_true(n > 2);
    assert_int_equal(asim_result_residency(result, 0, &record), ASIM_OK);
    assert_true(record.is_instance && record.instance == 0 && record.time_ps == INT64_C(5000000000000));
    assert_int_equal(record.tiers_told, 1u << ASIM_TIER_HBM);
    assert_int_equal(asim_result_residency(result, n, &record), ASIM_USAGE);
    record.struct_size--;
    assert_int_equal(asim_result_residency(result, 0, &record), ASIM_USAGE);
    asim_result_destroy(result);
    result = run_options(options, (const struct option[]){{0}});
    assert_int_equal(asim_result_residency_count(result), 0);
    assert_int_equal(asim_result_write_residency(result, stdout), ASIM_USAGE);
    asim_result_destroy(result);
    asim_config *config = configure_options(options, (const struct option[]){{"residency_at", "1s"}, {0}});
    const asim_checkpoints checkpoints = {.struct_size = sizeof checkpoints, .file = "never.asimsave"};
    assert_int_equal(asim_run_saved(config, &checkpoints, NULL, &result), ASIM_USAGE);
    assert_non_null(strstr(asim_result_message(result, 0, NULL), "kept in no checkpoint"));
    asim_result_destroy(result);
    asim_config_destroy(config);
}

/* An instant at which the run stops is one of it; none comes after the last program. */
static void ends_with_the_run(void **state)
{
    (void)state;
    static const struct option engines[][2] = {{{"synchronization", "serial"}}, {{"synchronization", "windows"}}};
    const struct option options[] = {
        {"programs", "3"}, {"request_rate", "1"}, {"residency_at", "1s,20s,30s,10h"}, {"stop_at", "20s"}, {0}};
    for (int i = 0; i < 2; i++) {
        asim_result *result = run_options(options, engines[i]);
        asim_residency record = {.struct_size = sizeof record};
        assert_int_equal(asim_result_residency(result, asim_result_residency_count(result) - 1, &record), ASIM_OK);
        assert_true(record.time_ps == INT64_C(20000000000000));
        asim_result_destroy(result);
        const struct option whole[] = {{"programs", "3"}, {"arrivals", "zero"}, {"residency_at", "1s,10h"}, {0}};
        result = run_options(whole, engines[i]);
        assert_int_equal(asim_result_residency(result, asim_result_residency_count(result) - 1, &record), ASIM_OK);
        assert_true(record.time_ps == INT64_C(1000000000000));
        assert_int_equal(asim_result_message_count(result), 0);
        asim_result_destroy(result);
    }
}

/* Who asks only for instants beyond the end is told so. */
static void ends_before_all_instants(void **state)
{
    (void)state;
    const struct option options[] = {{"programs", "3"}, {"arrivals", "zero"}, {"residency_every", "10h"}, {0}};
    asim_result *result = run_options(options, (const struct option[]){{"residency_at", "20h"}, {0}});
    assert_int_equal(asim_result_residency_count(result), 0);
    char *lines = written_of(result, asim_result_write_residency, ASIM_OK);
    assert_string_equal(lines, "");
    free(lines);
    bool is_warning = false;
    const char *message = asim_result_message(result, asim_result_message_count(result) - 1, &is_warning);
    assert_true(is_warning);
    assert_non_null(strstr(message, "the run ended before the first instant"));
    asim_result_destroy(result);
}

/* ---- pins and decisions ---- */

enum { MOST_PROGRAMS = 64, INSTANCES = 2 };

/* What the decisions up to an instant say of a program at an instance. A program that goes elsewhere leaves its pin. */
struct pinned {
    bool is_pinned;
    int64_t until; /* ps */
    uint32_t turn;
};

static int64_t picoseconds(const json_t *object, const char *key)
{
    return (int64_t)llround(json_number_value(json_object_get(object, key)) * 1e12);
}

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void follow(struct pinned programs[][INSTANCES], const json_t *decision)
{
    const char *function = word(decision, "function");
    const char *choice = word(decision, "choice");
    const json_int_t program = json_integer_value(json_object_get(decision, "program"));
    const json_int_t instance = json_integer_value(json_object_get(decision, "instance"));
    assert_true(program >= 0 && program < MOST_PROGRAMS && instance >= 0 && instance < INSTANCES);
    struct pinned *pinned = &programs[program][instance];
    const bool completes = strcmp(function, "on_turn_complete") == 0;
    if (completes && strcmp(choice, "pin") == 0) {
        *pinned = (struct pinned){.is_pinned = true,
                                  .until = picoseconds(decision, "until_s"),
                                  .turn = (uint32_t)json_integer_value(json_object_get(decision, "turn"))};
    } else if (strcmp(function, "host") == 0 && strcmp(choice, "pin") == 0) {
        pinned->until = picoseconds(decision, "until_s");
    } else if (completes || strcmp(choice, "start") == 0 || strcmp(choice, "unpin") == 0 ||
               strcmp(choice, "release") == 0) {
        pinned->is_pinned = false;
    }
}

/* A record has the pin that the decisions say, or none. */
static uint64_t check_pin(const struct pinned *pinned, const asim_residency *record)
{
    const asim_kv_pin *found = NULL;
    for (size_t i = 0; i < record->n_pins; i++) {
        found = record->pins[i].by == ASIM_KV_BY_PIN ? &record->pins[i] : found;
    }
    if (pinned->is_pinned && pinned->until >= record->time_ps) {
        assert_non_null(found);
    }
    if (!found) {
        return 0;
    }
    assert_true(pinned->is_pinned);
    assert_int_equal(found->turn, pinned->turn);
    const asim_kv_turn *turn = &record->turns[0];
    const bool has_come =
        turn->at == record->instance && (turn->phase == ASIM_KV_WAITING || turn->phase == ASIM_KV_LOADING);
    if (has_come) {
        assert_int_equal(found->until, ASIM_KV_UNTIL_ADMITTED);
    } else {
        assert_int_equal(found->until, ASIM_KV_UNTIL_TIME);
        assert_true(found->until_ps == pinned->until && found->until_ps >= record->time_ps);
    }
    return 1;
}

static void pins_are_as_decided(void **state)
{
    (void)state;
    static const char *const policies[] = {"ttl", "continuum"};
    const struct option options[] = {{"programs", "40"},
                                     {"request_rate", "2"},
                                     {"kv_pool_tokens", "80000"},
                                     {"max_model_len", "60000"},
                                     {"instances", "2"},
                                     {"residency_every", "250ms"},
                                     {"decisions_log", "on"},
                                     {"on_long_prompt", "truncate"},
                                     {0}};
    for (size_t p = 0; p < 2; p++) {
        asim_result *result = run_options(options, (const struct option[]){{"retention", policies[p]}, {0}});
        char *text = written_of(result, asim_result_write_decisions, ASIM_OK);
        struct pinned programs[MOST_PROGRAMS][INSTANCES] = {0};
        uint64_t pins = 0;
        char *rest;
        char *line = strtok_r(text, "\n", &rest);
        json_t *decision = json_loads(line, 0, NULL);
        for (size_t i = 0; i < asim_result_residency_count(result); i++) {
            asim_residency record = {.struct_size = sizeof record};
            assert_int_equal(asim_result_residency(result, i, &record), ASIM_OK);
            while (decision && picoseconds(decision, "time_s") < record.time_ps) {
                follow(programs, decision);
                json_decref(decision);
                line = strtok_r(NULL, "\n", &rest);
                decision = line ? json_loads(line, 0, NULL) : NULL;
            }
            if (!record.is_instance && record.instance != UINT32_MAX) {
                pins += check_pin(&programs[record.program][record.instance], &record);
            }
        }
        assert_true(pins > 100);
        json_decref(decision);
        free(text);
        asim_result_destroy(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(followed_by_hand), cmocka_unit_test(records_and_refusals),
                                       cmocka_unit_test(ends_with_the_run), cmocka_unit_test(ends_before_all_instants),
                                       cmocka_unit_test(pins_are_as_decided)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
