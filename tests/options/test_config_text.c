#include "support/support.h"

#include "options/argv_source.h"
#include "options/config_text.h"
#include "options/samples.h"
#include "options/yaml_source.h"

#include <stdlib.h>

/* Settings from the samples of one set; 0: no source at all. */
static void resolve_samples(int set, struct resolved *out)
{
    struct option_sources sources;
    struct diag diag;
    option_sources_init(&sources);
    diag_init(&diag);
    for (size_t s = 0; set != 0 && s < N_SAMPLES; s++) {
        if (samples[s].set == 0 || samples[s].set == set) {
            argv_source_set(&sources, samples[s].path, samples[s].text, &diag);
        }
    }
    assert_int_equal(resolve(&sources, out, &diag), ASIM_OK);
    option_sources_fini(&sources);
    diag_fini(&diag);
}

static void reload(const char *text, struct resolved *out)
{
    struct option_sources sources;
    struct diag diag;
    option_sources_init(&sources);
    diag_init(&diag);
    yaml_source_read(&sources, RANK_FILE + sources.n_files++, "resolved.yaml", text, strlen(text), &diag);
    const asim_status status = resolve(&sources, out, &diag);
    assert_string_equal(diag.n_entries ? diag.entries[0].text : "", "");
    assert_int_equal(status, ASIM_OK);
    option_sources_fini(&sources);
    diag_fini(&diag);
}

/* What is printed reads back to the same settings, with and without comments, and prints the same again. */
static void round_trip(void **state)
{
    (void)state;
    for (int set = 0; set <= 2; set++) {
        for (int origin = 0; origin <= 1; origin++) {
            struct resolved first;
            struct resolved second;
            resolve_samples(set, &first);
            char *text = config_text(&first, origin != 0);
            reload(text, &second);
            assert_null(settings_difference(&first.settings, &second.settings));
            char *plain = config_text(&first, false);
            char *again = config_text(&second, false);
            assert_string_equal(plain, again);
            free(text);
            free(plain);
            free(again);
            resolved_fini(&first);
            resolved_fini(&second);
        }
    }
}

static void comparison_can_fail(void **state)
{
    (void)state;
    struct resolved first;
    struct resolved second;
    resolve_samples(1, &first);
    for (size_t row = 0; row < option_count(); row++) {
        resolve_samples(1, &second);
        char *field = (char *)&second.settings + option_at(row)->offset;
        const char *const text = "other";
        switch (option_at(row)->type) {
        case OPTION_TEXT:
        case OPTION_PATH:
        case OPTION_DISTRIBUTION:
            memcpy(field, &text, sizeof text);
            break;
        default:
            *field ^= 1;
            break;
        }
        assert_string_equal(settings_difference(&first.settings, &second.settings), option_at(row)->doc.path);
        resolved_fini(&second);
    }
    resolved_fini(&first);
}

/* Origins line up, groups open once, unset options are comments. */
static void layout(void **state)
{
    (void)state;
    struct resolved resolved;
    resolve_samples(0, &resolved);
    char *text = config_text(&resolved, true);
    static const char *const lines[] = {
        "# workload\n# workload: unset                            # built-in\n",
        "\ngenerate: swe-agent                          # embedded scenario\n",
        "\n\n# hardware\n",
        "\nasync_scheduling: on                         # preset vllm-0.19\n",
        "\nrouter:\n  pressure_limit: 0.95                       # built-in\n",
        "\n  load_limit: 2                              # built-in\n",
        "\n# host.exposed: unset                        # built-in\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_non_null(strstr(text, lines[i]));
    }
    free(text);
    text = config_text(&resolved, false);
    assert_null(strstr(text, "unset"));
    assert_null(strstr(text, "built-in"));
    free(text);
    resolved_fini(&resolved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(comparison_can_fail),
                                       cmocka_unit_test(layout)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
