#include "support/support.h"

#include "options/option_lookup.h"
#include "options/option_value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Flags follow from paths, as the header promises. */
static void flags_follow_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const asim_option *option = &option_at(i)->doc;
        char flag[OPTION_NAME_BYTES] = "--";
        strcat(flag, option->path);
        for (char *c = flag; *c; c++) {
            *c = *c == '.' || *c == '_' ? '-' : *c;
        }
        assert_string_equal(option->flag, flag);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (int naming = NAMING_PATH; naming <= NAMING_ENVIRONMENT; naming++) {
        for (size_t i = 0; i < option_count(); i++) {
            char name[OPTION_NAME_BYTES];
            option_name(i, naming, name);
            assert_int_equal(option_find(name, naming), i); /* the first of its name is itself */
        }
    }
    char name[OPTION_NAME_BYTES];
    option_name(option_find("router.telemetry_period", NAMING_PATH), NAMING_ENVIRONMENT, name);
    assert_string_equal(name, "ASIM_ROUTER_TELEMETRY_PERIOD");
}

/* No two rows write the same field. */
static void fields_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(option_at(i)->offset != option_at(j)->offset);
        }
    }
}

/* The printed configuration opens each topic and each group once. */
static void topics_and_groups_stand_together(void **state)
{
    (void)state;
    size_t changes = 0;
    size_t n_topics = 0;
    while (option_topic_at(n_topics)) {
        n_topics++;
    }
    for (size_t i = 0; i < option_count(); i++) {
        const char *topic = option_at(i)->doc.topic;
        if (i == 0 || strcmp(topic, option_at(i - 1)->doc.topic) != 0) {
            assert_non_null(option_topic_at(changes));
            assert_string_equal(topic, option_topic_at(changes++)->name);
        }
        const char *path = option_at(i)->doc.path;
        const char *dot = strchr(path, '.');
        if (!dot) {
            continue;
        }
        for (size_t j = 0; j + 1 < i; j++) {
            const bool same = strncmp(option_at(j)->doc.path, path, (size_t)(dot - path) + 1) == 0;
            const bool gap = strncmp(option_at(i - 1)->doc.path, path, (size_t)(dot - path) + 1) != 0;
            assert_false(same && gap);
        }
    }
    assert_int_equal(changes, n_topics);
}

/* Every default is a legal value; every name of a choice parses to its place. */
static void rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option_row *row = option_at(i);
        struct option_value value;
        char message[OPTION_MESSAGE_BYTES];
        assert_non_null(row->doc.help);
        assert_int_equal(row->doc.is_switch, row->type == OPTION_SWITCH);
        assert_int_equal(row->names != NULL, row->type == OPTION_CHOICE);
        const bool is_checked = strcmp(row->doc.path, "compute") == 0 || strcmp(row->doc.path, "residency_at") == 0;
        assert_int_equal(row->check != NULL, row->type == OPTION_DISTRIBUTION || is_checked);
        if (row->doc.default_text) {
            assert_true(option_value_parse(row, row->doc.default_text, &value, message));
        }
        for (uint32_t n = 0; row->names && row->names[n]; n++) {
            assert_true(option_value_parse(row, row->names[n], &value, message));
            assert_true(value.choice == n);
            assert_non_null(strstr(row->doc.allowed, row->names[n]));
        }
    }
    assert_null(option_at(option_count()));
}

/* The enums of settings.h are the order of the names. */
static void choices_match_settings(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name;
        uint32_t value;
    } rows[] = {
        {"workload_format", "session", SETTING_FORMAT_SESSION},
        {"workload_format", "weka", SETTING_FORMAT_WEKA},
        {"on_bad_line", "skip", BAD_LINE_SKIP},
        {"on_long_prompt", "drop-program", LONG_PROMPT_DROP_PROGRAM},
        {"on_long_prompt", "truncate", LONG_PROMPT_TRUNCATE},
        {"arrivals", "auto", SETTING_ARRIVALS_AUTO},
        {"arrivals", "recorded", SETTING_ARRIVALS_RECORDED},
        {"arrivals", "poisson", SETTING_ARRIVALS_POISSON},
        {"arrivals", "zero", SETTING_ARRIVALS_ZERO},
        {"arrivals", "closed", SETTING_ARRIVALS_CLOSED},
        {"engine", "vllm-0.10.2", ENGINE_VLLM_0_10_2},
        {"engine", "vllm-0.15.1", ENGINE_VLLM_0_15_1},
        {"engine", "vllm-0.19", ENGINE_VLLM_0_19},
        {"stepping", "plain", STEPPING_PLAIN},
        {"stepping", "steady", STEPPING_STEADY},
        {"stepping", "fast-forward", STEPPING_FAST_FORWARD},
        {"progress", "bar", PROGRESS_BAR},
        {"progress", "plain", PROGRESS_PLAIN},
        {"progress", "json", PROGRESS_JSON},
        {"progress", "none", PROGRESS_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct option_row *row = option_at(option_find(rows[i].path, NAMING_PATH));
        assert_string_equal(row->names[rows[i].value], rows[i].name);
    }
}

static void groups(void **state)
{
    (void)state;
    assert_true(option_is_group("router"));
    assert_true(option_is_group("host"));
    assert_false(option_is_group("rout"));
    assert_false(option_is_group("model"));
    assert_false(option_is_group(""));
}

static void nearest_names(void **state)
{
    (void)state;
    char out[OPTION_NAME_BYTES];
    assert_string_equal(option_nearest("max_num_seq", NAMING_PATH, out), "max_num_seqs");
    assert_string_equal(option_nearest("--requst-rate", NAMING_FLAG, out), "--request-rate");
    assert_string_equal(option_nearest("ASIM_SEEED", NAMING_ENVIRONMENT, out), "ASIM_SEED");
    assert_string_equal(option_nearest("router.telemetry", NAMING_PATH, out), "router.telemetry_period");
    assert_null(option_nearest("something_else_entirely", NAMING_PATH, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_follow_paths),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(fields_are_unique),
        cmocka_unit_test(topics_and_groups_stand_together),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(choices_match_settings),
        cmocka_unit_test(groups),
        cmocka_unit_test(nearest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
