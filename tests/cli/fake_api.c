#include "fake_api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct asim_config {
    char log[4096];
    char message[512];
    bool has_message;
};

struct asim_result {
    char *summary;
};

static const asim_option options[] = {
    {"workload", "--workload", "a path", NULL, NULL, "workload", "File of programs.", false, false},
    {"seed", "--seed", "a count", "1", NULL, "workload", "Seed.", false, false},
    {"block_size", "--block-size", "a count", "16", "1 to 256", "engine", "Tokens of a KV block.", false, false},
    {"router.telemetry_period", "--router-telemetry-period", "a duration", "100ms", NULL, "engine", "Period.", false,
     false},
    {"json", "--json", "on|off", "off", NULL, "output", "Print JSON.", true, false},
    {"out", "--out", "a path", NULL, NULL, "output", "Folder.", false, false},
};

const char *asim_version(void)
{
    return "9.9.9";
}

void asim_free(void *pointer)
{
    free(pointer);
}

asim_config *asim_config_create(void)
{
    return calloc(1, sizeof(asim_config));
}

void asim_config_destroy(asim_config *config)
{
    free(config);
}

static void note(asim_config *config, const char *what, const char *separator, const char *value)
{
    const size_t used = strlen(config->log);
    snprintf(config->log + used, sizeof config->log - used, "%s%s%s\n", what, separator, value);
}

const char *fake_log(const asim_config *config)
{
    return config->log;
}

asim_status asim_config_load(asim_config *config, const char *path)
{
    note(config, "file", " ", path);
    if (access(path, R_OK) == 0) {
        return ASIM_OK;
    }
    snprintf(config->message, sizeof config->message, "%s: cannot open", path);
    config->has_message = true;
    return ASIM_USAGE;
}

asim_status asim_config_load_text(asim_config *config, const char *name, const char *text, size_t bytes)
{
    (void)bytes;
    note(config, name, " ", text);
    return ASIM_OK;
}

asim_status asim_config_load_environment(asim_config *config)
{
    (void)config;
    return ASIM_OK;
}

asim_status asim_config_set(asim_config *config, const char *path, const char *value)
{
    note(config, path, "=", value);
    return strcmp(value, "bad") == 0 ? ASIM_USAGE : ASIM_OK;
}

asim_status asim_config_set_flag(asim_config *config, const char *flag, const char *value)
{
    note(config, flag, " ", value ? value : "(on)");
    return ASIM_OK;
}

asim_status asim_config_resolve(asim_config *config)
{
    return config->has_message ? ASIM_USAGE : ASIM_OK;
}

char *asim_config_yaml(const asim_config *config, bool origin)
{
    (void)config;
    return strdup(origin ? "block_size: 16 # default\n" : "block_size: 16\n");
}

/* The last value that was set for the path or its flag. */
char *asim_config_get(const asim_config *config, const char *path)
{
    if (strcmp(path, "seed") == 0) {
        return strdup("7");
    }
    char flag[64];
    snprintf(flag, sizeof flag, "--%s (on)\n", path);
    return strstr(config->log, flag) ? strdup("on") : NULL;
}

size_t asim_config_message_count(const asim_config *config)
{
    return config->has_message;
}

const char *asim_config_message(const asim_config *config, size_t index, bool *is_warning)
{
    (void)index;
    *is_warning = false;
    return config->message;
}

void asim_config_clear_messages(asim_config *config)
{
    config->has_message = false;
}

size_t asim_option_count(void)
{
    return sizeof options / sizeof options[0];
}

const asim_option *asim_option_at(size_t index)
{
    return index < asim_option_count() ? &options[index] : NULL;
}

const char *asim_topic_at(size_t index, const char **description)
{
    static const char *const names[] = {"workload", "engine", "output"};
    if (index >= 3) {
        return NULL;
    }
    if (description) {
        *description = "a topic";
    }
    return names[index];
}

asim_result *fake_result(const char *summary)
{
    asim_result *result = calloc(1, sizeof *result);
    result->summary = strdup(summary);
    return result;
}

asim_status asim_run_saved(const asim_config *config, const asim_checkpoints *checkpoints,
                           const asim_callbacks *callbacks, asim_result **out)
{
    (void)config;
    (void)checkpoints;
    (void)callbacks;
    *out = fake_result("{}");
    return ASIM_OK;
}

void asim_result_destroy(asim_result *result)
{
    if (result) {
        free(result->summary);
        free(result);
    }
}

uint32_t asim_result_rank(const asim_result *result)
{
    (void)result;
    return 0;
}

const char *asim_result_summary(const asim_result *result)
{
    return result->summary;
}

const char *asim_result_execution(const asim_result *result)
{
    (void)result;
    return "{\"wall_s\": 0.5, \"inputs\": [{\"path\": \"a.jsonl\"}]}";
}

char *asim_result_inputs(const asim_result *result)
{
    (void)result;
    return strdup("[{\"path\": \"a.jsonl\", \"xxh3_128\": \"00\"}]");
}

asim_status asim_result_write_programs(const asim_result *result, FILE *file)
{
    (void)result;
    fputs("program\n0\n", file);
    return ASIM_OK;
}

asim_status asim_result_write_turns(const asim_result *result, FILE *file)
{
    (void)result;
    fputs("program,turn\n0,0\n", file);
    return ASIM_OK;
}

asim_status asim_result_write_decisions(const asim_result *result, FILE *file)
{
    (void)result;
    fputs("program,turn\n0,0\n", file);
    return ASIM_OK;
}

size_t asim_result_residency_count(const asim_result *result)
{
    (void)result;
    return 0;
}

asim_status asim_result_residency(const asim_result *result, size_t index, asim_residency *out)
{
    (void)result;
    (void)index;
    (void)out;
    return ASIM_USAGE;
}

asim_status asim_result_write_residency(const asim_result *result, FILE *file)
{
    (void)result;
    fputs("{}\n", file);
    return ASIM_OK;
}

size_t asim_result_message_count(const asim_result *result)
{
    (void)result;
    return 1;
}

const char *asim_result_message(const asim_result *result, size_t index, bool *is_warning)
{
    (void)result;
    (void)index;
    *is_warning = true;
    return "a warning of the run";
}

asim_status asim_plan(asim_config *config, char **out)
{
    (void)config;
    *out = strdup("{}");
    return ASIM_OK;
}

asim_status asim_inspect(asim_config *config, char **out)
{
    return asim_plan(config, out);
}

asim_status asim_import(asim_config *config, const char *path, char **out)
{
    note(config, "import", " ", path);
    return asim_plan(config, out);
}

asim_status asim_bench(asim_config *config, const asim_bench_options *how, const asim_callbacks *callbacks, char **out)
{
    (void)config;
    (void)callbacks;
    char text[160];
    snprintf(text, sizeof text,
             "{\"schema\": \"asim.bench\", \"version\": 1, \"generate\": \"%zu-%zu-%u-%d\", \"sizes\": []}",
             how->n_threads, how->n_sizes, how->repeats, how->control);
    *out = strdup(text);
    return ASIM_OK;
}

asim_status asim_validate(asim_config *config, const char *measured, const asim_callbacks *callbacks, char **out)
{
    (void)config;
    (void)callbacks;
    char text[256];
    snprintf(text, sizeof text, "{\"schema\": \"asim.validation\", \"version\": 1, \"measured\": \"%s\"}", measured);
    *out = strdup(text);
    return ASIM_OK;
}

asim_status asim_study(asim_config *config, const char *name, const asim_study_options *how,
                       const asim_callbacks *callbacks, char **out)
{
    (void)config;
    (void)callbacks;
    char text[600];
    snprintf(
        text, sizeof text,
        "{\"schema\": \"asim.study\", \"version\": 1, \"title\": \"%s by %u\", \"source\": \"double\", \"seed\": 3, "
        "\"published\": [], \"assumed\": [\"nothing\"], \"metrics\": [{\"label\": \"JCT\", \"path\": "
        "\"programs.jct_s.mean\"}], \"points\": [{\"name\": \"a\", \"metrics\": {\"programs.jct_s.mean\": 2.5}}], "
        "\"compare\": [], \"gating\": 1, \"failed\": %d}",
        name, how->jobs, strcmp(name, "bad") == 0);
    *out = strdup(text);
    return strcmp(name, "bad") == 0 ? ASIM_FAILED_IF : ASIM_OK;
}

asim_status asim_policy_search(asim_config *config, const char *name, const asim_search_options *how,
                               const asim_callbacks *callbacks, char **out)
{
    (void)config;
    (void)callbacks;
    char text[400];
    snprintf(text, sizeof text,
             "{\"schema\": \"asim.policy_search\", \"version\": 1, \"policy\": \"%s\", \"metric\": \"%s\", \"better\": "
             "\"%s\", \"seed\": 1, \"samples\": %u, \"vary\": [], \"settings\": []}",
             name, how->metric ? how->metric : "none", how->highest ? "higher" : "lower", how->samples);
    *out = strdup(text);
    return ASIM_OK;
}

asim_status asim_policy_show(asim_config *config, const char *name, char **out)
{
    note(config, "show", " ", name);
    return asim_plan(config, out);
}

asim_status asim_policy_test(asim_config *config, const char *name, char **out)
{
    note(config, "test", " ", name);
    return asim_plan(config, out);
}

const char *asim_policy_header(void)
{
    return "";
}

const char *asim_policy_template(void)
{
    return "NAME";
}

const char *asim_policy_in_call(const char **function)
{
    *function = NULL;
    return NULL;
}

asim_status asim_list(asim_config *config, const char *kind, char **out)
{
    (void)kind;
    return asim_plan(config, out);
}
