/* The test of a policy: a small scenario that leaves KV pools short of room, run again and again, on one thread and on
 * two; the results must be the same bits. */
#include "api/config.h"
#include "api/document.h"
#include "api/policy.h"
#include "api/result.h"
#include "api/run.h"
#include "base/embedded.h"
#include "base/mem.h"
#include "policy/policy_set.h"

#include <string.h>

enum { RUNS = 4 };
static const char *const threads_of[RUNS] = {"1", "1", "2", "2"};

/* The summary of one run of the scenario; NULL, with errors. */
static json_t *run_scenario(const char *policy, const char *parameters, const char *threads, struct diag *diag)
{
    const struct embedded_file *scenario = embedded_find("scenarios/policy-test.yaml");
    asim_config *config = asim_config_create();
    asim_result *result = NULL;
    json_t *summary = NULL;
    asim_status status = asim_config_load_text(config, scenario->path, scenario->text, scenario->bytes);
    status = status == ASIM_OK ? asim_config_set(config, "threads", threads) : status;
    status = status == ASIM_OK && policy ? asim_config_set(config, "policy", policy) : status;
    status = status == ASIM_OK && parameters ? asim_config_set(config, "policy_parameters", parameters) : status;
    status = status == ASIM_OK ? asim_config_resolve(config) : status;
    diag_pass(diag, config_diag(config));
    if (status == ASIM_OK) {
        status = run_settings(config_settings(config), NULL, &result);
        diag_pass(diag, &result->diag);
    }
    if (status == ASIM_OK) {
        summary = json_loads(result->summary, 0, NULL);
    }
    asim_result_destroy(result);
    asim_config_destroy(config);
    return summary;
}

static const char *digest_of(const json_t *summary)
{
    return json_string_value(json_object_get(summary, "digest"));
}

/* The numbers of a run that a policy changes most. */
static json_t *results_of(const json_t *summary)
{
    const json_t *jct = json_object_get(json_object_get(summary, "programs"), "jct_s");
    const json_t *ttft = json_object_get(json_object_get(summary, "turns"), "ttft_s");
    const json_t *kv = json_object_get(summary, "kv");
    return json_pack("{s:O, s:O, s:O, s:O}", "jct_mean_s", json_object_get(jct, "mean"), "ttft_mean_s",
                     json_object_get(ttft, "mean"), "hit_rate", json_object_get(kv, "hit_rate"), "preemptions",
                     json_object_get(kv, "preemptions"));
}

static bool all_equal(json_t *const *summaries, struct diag *diag)
{
    for (int i = 1; i < RUNS; i++) {
        if (strcmp(digest_of(summaries[0]), digest_of(summaries[i])) != 0) {
            diag_error(
                diag, ASIM_INTERNAL, (struct diag_where){0},
                "is not deterministic: run 1, on %s thread, has the digest %s, run %d, on %s, has %s; a policy "
                "may keep things in the state of its context only, and may use no clock and no randomness of its "
                "own",
                threads_of[0], digest_of(summaries[0]), i + 1, threads_of[i], digest_of(summaries[i]));
            return false;
        }
    }
    return true;
}

static json_t *test_document(const struct asim_policy *policy, json_t *const *summaries, const json_t *engine)
{
    json_t *runs = json_array();
    for (int i = 0; i < RUNS; i++) {
        json_array_append_new(runs,
                              json_pack("{s:s, s:s}", "threads", threads_of[i], "digest", digest_of(summaries[i])));
    }
    const bool changes = strcmp(digest_of(summaries[0]), digest_of(engine)) != 0;
    json_t *row = policy_row(policy);
    json_t *document = json_pack(
        "{s:s, s:i, s:s, s:O, s:o, s:O, s:b, s:b, s:o, s:{s:o, s:o}}", "schema", "asim.policy_test", "version", 1,
        "name", policy->name, "planes", json_object_get(row, "planes"), "functions", policy_functions(policy),
        "parameters", json_object_get(row, "parameters"), "deterministic", 1, "changes_results", changes, "runs", runs,
        "results", "with_it", results_of(summaries[0]), "engine_rules", results_of(engine));
    json_decref(row);
    return document;
}

asim_status asim_policy_test(asim_config *config, const char *name, char **out)
{
    *out = NULL;
    struct diag *diag = config_diag(config);
    const size_t errors_before = diag->n_errors;
    char *parameters = asim_config_get(config, "policy_parameters");
    struct policy_set set;
    if (!policy_set_open(&set, &(struct policy_choice){.policy = name, .parameters = parameters}, diag)) {
        asim_free(parameters);
        return diag->status;
    }
    json_t *summaries[RUNS] = {NULL};
    json_t *engine = run_scenario(NULL, NULL, "1", diag);
    bool good = engine != NULL;
    for (int i = 0; i < RUNS && good; i++) {
        summaries[i] = run_scenario(name, parameters, threads_of[i], diag);
        good = summaries[i] != NULL;
    }
    if (good && all_equal(summaries, diag)) {
        const struct asim_policy *policy = policy_set_chosen(&set, name);
        *out = document_text(test_document(policy, summaries, engine), DOCUMENT_DIGITS);
    }
    for (int i = 0; i < RUNS; i++) {
        json_decref(summaries[i]);
    }
    json_decref(engine);
    policy_set_close(&set);
    asim_free(parameters);
    return diag->n_errors == errors_before ? ASIM_OK : diag->status;
}
