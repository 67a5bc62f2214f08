#include "sim/columnar_run.h"

#include "support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static asim_config *configure(const struct columnar_setting *first, const struct columnar_setting *second)
{
    const struct columnar_setting *const lists[] = {first, second};
    asim_config *config = asim_config_create();
    for (int i = 0; i < 2; i++) {
        for (const struct columnar_setting *at = lists[i]; at && at->path; at++) {
            asim_config_set(config, at->path, at->value);
        }
    }
    if (asim_config_resolve(config) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
    return config;
}

static void digest_of(const struct columnar_setting *first, const struct columnar_setting *second, char out[64])
{
    asim_config *config = configure(first, second);
    asim_result *result = NULL;
    if (asim_run(config, NULL, &result) != ASIM_OK) {
        fail_msg("%s", asim_result_message(result, 0, NULL));
    }
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    snprintf(out, 64, "%s", json_string_value(json_object_get(summary, "digest")));
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

void assert_same_runs(const struct columnar_setting *source, const struct columnar_setting *common, const char *file)
{
    char digests[2][64];
    digest_of(source, common, digests[0]);
    /* What acts on reading, and nothing else, counts at import; all of `common` is harmless there. */
    asim_config *config = configure(source, common);
    char *document = NULL;
    if (asim_import(config, file, &document) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
    assert_non_null(strstr(document, "asim.import"));
    asim_free(document);
    asim_config_destroy(config);
    const struct columnar_setting imported[] = {{"workload", file}, {NULL, NULL}};
    digest_of(imported, common, digests[1]);
    assert_string_equal(digests[0], digests[1]);
    remove(file);
}
