#include "support/support.h"

#include "api/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *message(const asim_config *config, size_t index)
{
    bool is_warning = true;
    const char *text = asim_config_message(config, index, &is_warning);
    assert_false(text && is_warning);
    return text ? text : "";
}

static void check_get(const asim_config *config, const char *path, const char *wanted)
{
    char *found = asim_config_get(config, path);
    if (wanted) {
        assert_non_null(found);
        assert_string_equal(found, wanted);
    } else {
        assert_null(found);
    }
    asim_free(found);
}

/* From file, text, environment, setting and flag to values, text and settings. */
static void whole_way(void **state)
{
    (void)state;
    const char *path = ASIM_BINARY_FOLDER "/test_config.yaml";
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("workload: t.jsonl\nmax_num_seqs: 100\nseed: 2\nthreads: 2\nblock_size: 32\n", file);
    fclose(file);
    static const char text[] = "max_num_seqs: 200\nseed: 3\nthreads: 3\n";
    setenv("ASIM_SEED", "4", 1);
    setenv("ASIM_THREADS", "4", 1);

    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_set(config, "threads", "5"), ASIM_OK);
    assert_int_equal(asim_config_load(config, path), ASIM_OK);
    assert_int_equal(asim_config_load_text(config, "inline", text, strlen(text)), ASIM_OK);
    assert_int_equal(asim_config_load_environment(config), ASIM_OK);
    assert_int_equal(asim_config_set_flag(config, "--json", NULL), ASIM_OK);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    check_get(config, "block_size", "32");
    check_get(config, "max_num_seqs", "200");
    check_get(config, "seed", "4");
    check_get(config, "threads", "5");
    check_get(config, "json", "on");
    check_get(config, "out", NULL);
    check_get(config, "no_such_option", NULL);
    assert_int_equal(config_settings(config)->max_num_seqs, 200);
    assert_string_equal(config_settings(config)->workload, "t.jsonl");
    assert_int_equal(asim_config_message_count(config), 0);
    assert_null(asim_config_message(config, 0, NULL));

    char *yaml = asim_config_yaml(config, true);
    assert_non_null(strstr(yaml, "seed: 4                                      # environment ASIM_SEED\n"));
    asim_free(yaml);
    asim_config_destroy(config);
    unsetenv("ASIM_SEED");
    unsetenv("ASIM_THREADS");
    remove(path);
}

/* Only a resolved configuration can be used, and anything given makes it unresolved. */
static void resolved_or_not(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    assert_null(config_settings(config));
    assert_null(asim_config_yaml(config, false));
    check_get(config, "seed", NULL);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    check_get(config, "seed", "1");
    assert_int_equal(asim_config_set(config, "seed", "7"), ASIM_OK);
    assert_null(config_settings(config));
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    check_get(config, "seed", "7");
    asim_config_destroy(config);
    asim_config_destroy(NULL);
}

/* Errors of every source are kept, and resolving fails until they are cleared. */
static void errors_are_kept(void **state)
{
    (void)state;
    static const char text[] = "max_num_seq: 4\nseed: many\n";
    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_load_text(config, "my.yaml", text, strlen(text)), ASIM_USAGE);
    assert_int_equal(asim_config_set(config, "generate", "swe-agent"), ASIM_OK);
    assert_int_equal(asim_config_set(config, "instances", "none"), ASIM_USAGE);
    assert_int_equal(asim_config_set_flag(config, "--thread", "2"), ASIM_USAGE);
    assert_int_equal(asim_config_load(config, "/nowhere.yaml"), ASIM_USAGE);
    setenv("ASIM_SEEDS", "1", 1);
    assert_int_equal(asim_config_load_environment(config), ASIM_USAGE);
    unsetenv("ASIM_SEEDS");
    assert_int_equal(asim_config_resolve(config), ASIM_USAGE);
    assert_null(config_settings(config));
    assert_int_equal(asim_config_message_count(config), 6);
    assert_string_equal(message(config, 0), "my.yaml:1:1: unknown key 'max_num_seq'; did you mean 'max_num_seqs'?");
    assert_string_equal(message(config, 1),
                        "my.yaml:2:7: seed: 'many' is not a count; allowed: a whole number, e.g. 8192 or 1e6");
    assert_string_equal(message(config, 2),
                        "instances: 'none' is not a count; allowed: a whole number, e.g. 8192 or 1e6");
    assert_string_equal(message(config, 3), "unknown flag '--thread'; did you mean '--threads'?");
    assert_string_equal(message(config, 4), "/nowhere.yaml: cannot be opened: No such file or directory");
    assert_string_equal(message(config, 5), "unknown environment variable 'ASIM_SEEDS'; did you mean 'ASIM_SEED'?");
    assert_int_equal(config_diag(config)->n_errors, 6);

    asim_config_clear_messages(config);
    assert_int_equal(asim_config_message_count(config), 0);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    asim_config_destroy(config);
}

/* An error between options goes when it is put right, without clearing. */
static void errors_of_resolving(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    asim_config_set(config, "arrivals", "poisson");
    asim_config_set(config, "generate", "swe-agent");
    assert_int_equal(asim_config_resolve(config), ASIM_USAGE);
    assert_string_equal(message(config, 0), "arrivals: poisson (set) needs request_rate (unset)");
    asim_config_set(config, "request_rate", "1/s");
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    asim_config_destroy(config);
}

static void option_table(void **state)
{
    (void)state;
    assert_true(asim_option_count() > 50);
    assert_null(asim_option_at(asim_option_count()));
    const asim_option *first = asim_option_at(0);
    assert_string_equal(first->path, "workload");
    assert_string_equal(first->flag, "--workload");
    assert_string_equal(first->topic, "workload");
    static const char *const topics[] = {"workload", "hardware", "engine", "cluster", "output"};
    for (size_t i = 0; i < 5; i++) {
        const char *description = NULL;
        assert_string_equal(asim_topic_at(i, &description), topics[i]);
        assert_non_null(description);
        assert_string_equal(asim_topic_at(i, NULL), topics[i]);
    }
    assert_null(asim_topic_at(5, NULL));
}

static void version(void **state)
{
    (void)state;
    assert_string_equal(asim_version(), ASIM_VERSION);
    asim_free(NULL);
}

/* The study of a million programs resolves, and the distributions that it writes out are the built-in ones. */
static void million_study(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_load(config, source_path("configs/studies/million.yaml")), ASIM_OK);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    check_get(config, "programs", "1000000");
    check_get(config, "instances", "1024");
    check_get(config, "arrivals", "poisson");
    check_get(config, "num_gpu_blocks_override", NULL);
    for (size_t i = 0; i < asim_option_count(); i++) {
        const asim_option *option = asim_option_at(i);
        if (strncmp(option->path, "synthetic.", strlen("synthetic.")) == 0) {
            check_get(config, option->path, option->default_text);
        }
    }
    asim_config_destroy(config);
}

static void synthetic_errors(void **state)
{
    (void)state;
    static const char text[] = "generate: synthetic\n"
                               "synthetic:\n"
                               "  turns: geometric(mean=0.5)\n"
                               "  growth: 0.25\n"
                               "  output: exponential(mean=1e9)\n"
                               "  system_prompts: 0\n"
                               "  gap: lognormal(mean=2, sigma=1)\n";
    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_load_text(config, "x.yaml", text, strlen(text)), ASIM_USAGE);
    assert_int_equal(asim_config_message_count(config), 5);
    assert_non_null(strstr(message(config, 0), "x.yaml:3:10: synthetic.turns: 'geometric(mean=0.5)' is not a "
                                               "distribution; allowed: VALUE, fixed(VALUE)"));
    assert_string_equal(message(config, 1), "x.yaml:4:11: synthetic.growth: '0.25' is 0.25 on average; allowed: 1 to "
                                            "10000000");
    assert_non_null(strstr(message(config, 2), "is 1e+09 on average"));
    assert_non_null(strstr(message(config, 3), "1 to 1000000000"));
    assert_non_null(strstr(message(config, 4), "is not a distribution"));
    asim_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(million_study),   cmocka_unit_test(synthetic_errors),
                                       cmocka_unit_test(whole_way),       cmocka_unit_test(resolved_or_not),
                                       cmocka_unit_test(errors_are_kept), cmocka_unit_test(errors_of_resolving),
                                       cmocka_unit_test(option_table),    cmocka_unit_test(version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
