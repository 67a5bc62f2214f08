/* The search of a policy's parameters: settings are drawn by the counter-based generator, so that the n-th is the same
 * whatever is drawn beside it; all are simulated with the same random numbers and ranked by one figure. */
#include "api/config.h"
#include "api/document.h"
#include "api/policy.h"
#include "api/side_runs.h"
#include "base/mem.h"
#include "base/pmath.h"
#include "base/rng.h"
#include "policy/policy_parameters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SAMPLES = 200, MAX_SAMPLES = 100000, NAME_BYTES = 64, TEXT_BYTES = 1024 };
enum { OF_ENGINE, OF_DEFAULTS, FIXED_RUNS }; /* runs before those of samples */

static const struct diag_where nowhere = {0};

struct range {
    const struct asim_parameter *parameter;
    double low, high;
    bool is_log;
};

struct search {
    const struct asim_policy *policy;
    struct range ranges[POLICY_MAX_PARAMETERS];
    size_t n_ranges;
    size_t n_runs; /* FIXED_RUNS and the samples */
    struct settings *settings;
    struct side_run *runs;
    char (*texts)[TEXT_BYTES]; /* parameters of each run */
    const char *metric;
    bool highest;
};

/* ---- what is varied ---- */

static void list_parameters(const struct asim_policy *policy, char *out, size_t bytes)
{
    size_t used = 0;
    snprintf(out, bytes, "none, it has no parameters");
    for (uint32_t i = 0; i < policy->n_parameters && used < bytes; i++) {
        char range[POLICY_RANGE_BYTES];
        used += (size_t)snprintf(out + used, bytes - used, "%s%s (%s)", i ? ", " : "", policy->parameters[i].name,
                                 policy_parameter_range(&policy->parameters[i], range));
    }
}

static bool read_bound(const struct asim_parameter *parameter, const char *text, size_t n, double *out,
                       struct diag *diag)
{
    char bound[NAME_BYTES];
    char message[OPTION_MESSAGE_BYTES];
    snprintf(bound, sizeof bound, "%.*s", (int)n, text);
    const bool good = policy_parameter_parse(parameter, bound, out, message);
    if (!good) {
        diag_error(diag, ASIM_USAGE, nowhere, "vary %s: %s", parameter->name, message);
    }
    return good;
}

static bool malformed(const char *text, struct diag *diag)
{
    diag_error(diag, ASIM_USAGE, nowhere,
               "vary '%.80s'; allowed: PARAMETER=LOW..HIGH, and :log behind it for even draws of the logarithm", text);
    return false;
}

static const struct asim_parameter *find_parameter(const struct search *search, const char *text, size_t n,
                                                   struct diag *diag)
{
    const struct asim_policy *policy = search->policy;
    const struct asim_parameter *found = NULL;
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        const char *name = policy->parameters[i].name;
        found = strlen(name) == n && memcmp(name, text, n) == 0 ? &policy->parameters[i] : found;
    }
    if (!found) {
        char allowed[TEXT_BYTES];
        list_parameters(policy, allowed, sizeof allowed);
        diag_error(diag, ASIM_USAGE, nowhere, "vary: '%.*s' is not a parameter of %s; allowed: %s", (int)n, text,
                   policy->name, allowed);
    }
    for (size_t i = 0; found && i < search->n_ranges; i++) {
        if (search->ranges[i].parameter == found) {
            diag_error(diag, ASIM_USAGE, nowhere, "vary: '%s' is given twice", found->name);
            return NULL;
        }
    }
    return found;
}

static bool read_range(struct search *search, const char *text, struct diag *diag)
{
    static const char log_mark[] = ":log";
    const char *equals = strchr(text, '=');
    const char *dots = equals ? strstr(equals, "..") : NULL;
    if (!dots) {
        return malformed(text, diag);
    }
    const char *colon = strchr(dots, ':');
    const size_t high = colon ? (size_t)(colon - dots - 2) : strlen(dots + 2);
    if (colon && strcmp(colon, log_mark) != 0) {
        return malformed(text, diag);
    }
    struct range range = {.parameter = find_parameter(search, text, (size_t)(equals - text), diag),
                          .is_log = colon != NULL};
    if (!range.parameter || !read_bound(range.parameter, equals + 1, (size_t)(dots - equals - 1), &range.low, diag) ||
        !read_bound(range.parameter, dots + 2, high, &range.high, diag)) {
        return false;
    }
    if (!isfinite(range.high) || !isfinite(range.low) || range.low > range.high ||
        (range.is_log && !(range.low > 0.0))) {
        diag_error(diag, ASIM_USAGE, nowhere, "vary '%.80s'; allowed: a finite range from low to high%s", text,
                   range.is_log ? ", above 0 for :log" : "");
        return false;
    }
    search->ranges[search->n_ranges++] = range;
    return true;
}

static bool read_ranges(struct search *search, const asim_search_options *options, struct diag *diag)
{
    bool good = options->n_vary > 0;
    if (!good) {
        char allowed[TEXT_BYTES];
        list_parameters(search->policy, allowed, sizeof allowed);
        diag_error(diag, ASIM_USAGE, nowhere, "nothing to vary; parameters of %s: %s", search->policy->name, allowed);
    }
    for (size_t i = 0; i < options->n_vary; i++) {
        good = read_range(search, options->vary[i], diag) && good;
    }
    return good;
}

/* ---- settings ---- */

/* Four digits are enough to say again what was tried. */
static double rounded(double value)
{
    char text[NAME_BYTES];
    snprintf(text, sizeof text, "%.4g", value);
    return strtod(text, NULL);
}

static double draw(const struct search *search, uint64_t seed, size_t sample, size_t index)
{
    const struct range *range = &search->ranges[index];
    const double u =
        rng_uniform((struct rng_key){.seed = seed, .turn = (uint32_t)index, .purpose = RNG_SEARCH}, (uint32_t)sample);
    double value = range->low + u * (range->high - range->low);
    if (range->is_log) {
        const double low = pmath_log(range->low);
        value = pmath_exp(low + u * (pmath_log(range->high) - low));
    }
    value = rounded(value);
    value = value < range->low ? range->low : value;
    return value > range->high ? range->high : value;
}

static void write_sample(struct search *search, uint64_t seed, size_t sample, const char *given)
{
    char *text = search->texts[FIXED_RUNS + sample];
    size_t used = (size_t)snprintf(text, TEXT_BYTES, "%s", given ? given : "");
    for (size_t i = 0; i < search->n_ranges && used < TEXT_BYTES; i++) {
        char value[POLICY_VALUE_BYTES];
        const struct asim_parameter *parameter = search->ranges[i].parameter;
        policy_parameter_text(parameter, draw(search, seed, sample, i), value);
        used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s%s.%s=%s", used ? "," : "", search->policy->name,
                                 parameter->name, value);
    }
}

static void prepare(struct search *search, const struct settings *base, const char *name)
{
    const char *given = base->policy_parameters;
    search->settings = mem_alloc(search->n_runs * sizeof *search->settings);
    search->runs = mem_zalloc(search->n_runs * sizeof *search->runs);
    search->texts = mem_zalloc(search->n_runs * sizeof *search->texts);
    for (size_t i = 0; i < search->n_runs; i++) {
        struct settings *settings = &search->settings[i];
        *settings = *base;
        settings->policy = name;
        if (i == OF_ENGINE) {
            settings->policy = settings->retention = settings->scheduling = settings->policy_parameters = NULL;
        } else if (i >= FIXED_RUNS) {
            write_sample(search, base->seed, i - FIXED_RUNS, given);
            settings->policy_parameters = search->texts[i];
        }
        search->runs[i] = (struct side_run){.name = i == OF_ENGINE     ? "lru, fcfs"
                                                    : i == OF_DEFAULTS ? name
                                                                       : search->texts[i],
                                            .settings = settings};
    }
}

/* ---- ranking ---- */

struct ranked {
    size_t run;
    double value; /* NAN: none */
    bool highest;
};

static int by_value(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    if (isnan(a->value) || isnan(b->value)) {
        return isnan(a->value) != isnan(b->value) ? (isnan(a->value) ? 1 : -1) : (a->run > b->run) - (a->run < b->run);
    }
    if (a->value != b->value) {
        return (a->value > b->value) == a->highest ? -1 : 1;
    }
    return (a->run > b->run) - (a->run < b->run);
}

static double value_of(const struct search *search, size_t run)
{
    const json_t *value = summary_member(search->runs[run].summary, search->metric);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *parameters_report(const struct search *search, size_t run, uint64_t seed)
{
    json_t *object = json_object();
    for (size_t i = 0; run >= FIXED_RUNS && i < search->n_ranges; i++) {
        char text[POLICY_VALUE_BYTES];
        const struct asim_parameter *parameter = search->ranges[i].parameter;
        policy_parameter_text(parameter, draw(search, seed, run - FIXED_RUNS, i), text);
        json_object_set_new(object, parameter->name, json_string(text));
    }
    return object;
}

/* A run's figures. The ratios are to the defaults and to the engine's rules: below 1 is less than they have. */
static json_t *run_report(const struct search *search, size_t run, uint64_t seed)
{
    const double value = value_of(search, run);
    const json_t *summary = search->runs[run].summary;
    return json_pack("{s:o, s:o, s:o, s:o, s:O, s:O, s:O}", "parameters", parameters_report(search, run, seed), "value",
                     number(value), "to_defaults", number(value / value_of(search, OF_DEFAULTS)), "to_lru",
                     number(value / value_of(search, OF_ENGINE)), "jct_mean_s",
                     summary_member(summary, "programs.jct_s.mean"), "hit_rate", summary_member(summary, "kv.hit_rate"),
                     "digest", json_object_get(summary, "digest"));
}

static json_t *ranges_report(const struct search *search)
{
    json_t *array = json_array();
    for (size_t i = 0; i < search->n_ranges; i++) {
        const struct range *range = &search->ranges[i];
        char low[POLICY_VALUE_BYTES];
        char high[POLICY_VALUE_BYTES];
        char value[POLICY_VALUE_BYTES];
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:b, s:s}", "parameter", range->parameter->name, "low",
                             policy_parameter_text(range->parameter, range->low, low), "high",
                             policy_parameter_text(range->parameter, range->high, high), "log", range->is_log,
                             "default", policy_parameter_text(range->parameter, range->parameter->value, value)));
    }
    return array;
}

static json_t *search_report(const struct search *search, const struct settings *base)
{
    const size_t n = search->n_runs - FIXED_RUNS;
    struct ranked *ranked = mem_alloc(n * sizeof *ranked);
    for (size_t i = 0; i < n; i++) {
        ranked[i] = (struct ranked){FIXED_RUNS + i, value_of(search, FIXED_RUNS + i), search->highest};
    }
    qsort(ranked, n, sizeof *ranked, by_value);
    json_t *settings = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(settings, run_report(search, ranked[i].run, base->seed));
    }
    mem_free(ranked);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "schema", "asim.policy_search",
                     "version", 1, "policy", search->policy->name, "metric", search->metric, "better",
                     search->highest ? "higher" : "lower", "seed", (json_int_t)base->seed, "samples", (json_int_t)n,
                     "vary", ranges_report(search), "lru", run_report(search, OF_ENGINE, base->seed), "defaults",
                     run_report(search, OF_DEFAULTS, base->seed), "settings", settings);
}

static asim_status check_metric(const struct search *search, struct diag *diag)
{
    return side_runs_measure(search->runs, search->n_runs, search->metric)
               ? ASIM_OK
               : diag_error(diag, ASIM_USAGE, nowhere, "metric " SIDE_RUNS_NO_METRIC, search->metric);
}

static asim_status run_search(struct search *search, const struct settings *base, const char *name, uint32_t jobs,
                              const asim_callbacks *callbacks, struct diag *diag, char **out)
{
    prepare(search, base, name);
    asim_status status = side_runs(search->runs, search->n_runs, jobs, callbacks, diag);
    status = status == ASIM_OK ? check_metric(search, diag) : status;
    if (status == ASIM_OK) {
        *out = document_text(search_report(search, base), DOCUMENT_DIGITS);
    }
    for (size_t i = 0; i < search->n_runs; i++) {
        json_decref(search->runs[i].summary);
    }
    mem_free(search->settings);
    mem_free(search->runs);
    mem_free(search->texts);
    return status;
}

static bool check_options(const struct settings *base, const asim_search_options *options,
                          const asim_callbacks *callbacks, struct diag *diag)
{
    const size_t errors = diag->n_errors;
    if (options->struct_size != sizeof *options || (callbacks && callbacks->struct_size != sizeof *callbacks)) {
        diag_error(diag, ASIM_USAGE, nowhere, "struct_size of the options or callbacks is not that of this library");
    } else if (options->samples > MAX_SAMPLES) {
        diag_error(diag, ASIM_USAGE, nowhere, "%u samples; allowed: 1 to %d", options->samples, MAX_SAMPLES);
    } else if (base->transport != TRANSPORT_NONE) {
        diag_error(diag, ASIM_USAGE, nowhere, "a search runs in one process; allowed: transport none");
    }
    return diag->n_errors == errors;
}

asim_status asim_policy_search(asim_config *config, const char *name, const asim_search_options *options,
                               const asim_callbacks *callbacks, char **out)
{
    *out = NULL;
    const struct settings *base = config_settings(config);
    if (!base) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    if (!check_options(base, options, callbacks, diag)) {
        return ASIM_USAGE;
    }
    struct policy_set set;
    if (!policy_set_open(&set, &(struct policy_choice){.policy = name}, diag)) {
        return diag->status;
    }
    struct search search = {.policy = policy_set_chosen(&set, name),
                            .n_runs = FIXED_RUNS + (options->samples ? options->samples : DEFAULT_SAMPLES),
                            .metric = options->metric ? options->metric : "programs.jct_s.mean",
                            .highest = options->highest};
    const asim_status status = read_ranges(&search, options, diag)
                                   ? run_search(&search, base, name, options->jobs, callbacks, diag, out)
                                   : ASIM_USAGE;
    policy_set_close(&set);
    return status;
}
