#include "api/config.h"
#include "api/document.h"
#include "api/run.h"
#include "base/mem.h"
#include "sim/cluster.h"
#include "workload/measured.h"

#include <math.h>
#include <stdlib.h>

enum { STATISTICS = 5, METRICS = 3 };

static const char *const statistic_names[STATISTICS] = {"mean", "p50", "p90", "p95", "p99"};

/* One latency of every request, for one side. */
struct sample {
    double *values;
    uint64_t n;
};

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void statistics(struct sample *sample, double out[STATISTICS])
{
    double sum = 0.0;
    for (uint64_t i = 0; i < sample->n; i++) {
        sum += sample->values[i];
    }
    qsort(sample->values, sample->n, sizeof *sample->values, by_value);
    out[0] = sum / (double)sample->n;
    static const double points[] = {0.50, 0.90, 0.95, 0.99};
    for (int i = 1; i < STATISTICS; i++) {
        out[i] = quantile_sorted(sample->values, sample->n, points[i - 1]);
    }
}

/* TTFT, TPOT (outputs of at least two tokens) and E2E of one request, seconds. */
static void add_request(struct sample samples[METRICS], double ttft, double decode, double e2e, uint32_t output_toks)
{
    samples[0].values[samples[0].n++] = ttft;
    if (output_toks > 1) {
        samples[1].values[samples[1].n++] = decode / (double)(output_toks - 1);
    }
    samples[2].values[samples[2].n++] = e2e;
}

static void samples_init(struct sample samples[METRICS], uint64_t n)
{
    for (int i = 0; i < METRICS; i++) {
        samples[i] = (struct sample){.values = mem_alloc((n + 1) * sizeof(double))};
    }
}

static void samples_fini(struct sample samples[METRICS])
{
    for (int i = 0; i < METRICS; i++) {
        mem_free(samples[i].values);
    }
}

/* The comparison document; every metric has `measured`, `simulated` and `error` per statistic. */
static json_t *compare(struct sample measured[METRICS], struct sample simulated[METRICS])
{
    static const char *const metric_names[METRICS] = {"ttft_s", "tpot_s", "e2e_s"};
    json_t *metrics = json_object();
    double sum = 0.0;
    double worst = 0.0;
    int n = 0;
    for (int metric = 0; metric < METRICS; metric++) {
        if (measured[metric].n == 0) {
            continue; /* only one-token outputs: there is no TPOT */
        }
        double real[STATISTICS];
        double model[STATISTICS];
        statistics(&measured[metric], real);
        statistics(&simulated[metric], model);
        json_t *rows = json_object();
        for (int i = 0; i < STATISTICS; i++) {
            const double error = model[i] / real[i] - 1.0;
            json_object_set_new(
                rows, statistic_names[i],
                json_pack("{s:f, s:f, s:f}", "measured", real[i], "simulated", model[i], "error", error));
            sum += fabs(error);
            worst = fabs(error) > worst ? fabs(error) : worst;
            n++;
        }
        json_object_set_new(metrics, metric_names[metric], rows);
    }
    return json_pack("{s:f, s:f, s:i, s:o}", "mean_abs_error", sum / n, "max_abs_error", worst, "statistics", n,
                     "metrics", metrics);
}

/* Every measured request must be the workload's: same order, same tokens. */
static asim_status match(const struct measured_run *measured, const struct turn_record *turns, uint64_t n_turns,
                         const char *path, struct diag *diag)
{
    if (measured->n != n_turns) {
        return diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path},
                          "%llu measured requests, but the simulation finished %llu turns",
                          (unsigned long long)measured->n, (unsigned long long)n_turns);
    }
    for (uint64_t i = 0; i < n_turns; i++) {
        const struct measured_request *request = &measured->requests[i];
        if (request->input_toks != turns[i].prompt_toks || request->output_toks != turns[i].output_toks) {
            return diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path, .line = request->line},
                              "a request of %u + %u tokens, but turn %llu of the workload has %u + %u",
                              request->input_toks, request->output_toks, (unsigned long long)i + 1,
                              turns[i].prompt_toks, turns[i].output_toks);
        }
    }
    return ASIM_OK;
}

static json_t *compare_run(const struct measured_run *measured, const struct turn_record *turns)
{
    struct sample real[METRICS];
    struct sample model[METRICS];
    samples_init(real, measured->n);
    samples_init(model, measured->n);
    for (uint64_t i = 0; i < measured->n; i++) {
        const struct measured_request *request = &measured->requests[i];
        add_request(real, request->first_token_s - request->arrival_s, request->last_token_s - request->first_token_s,
                    request->last_token_s - request->arrival_s, request->output_toks);
        const struct turn_record *turn = &turns[i];
        add_request(model, simtime_to_s(turn->first_token - turn->ready),
                    simtime_to_s(turn->last_token - turn->first_token), simtime_to_s(turn->last_token - turn->ready),
                    turn->output_toks);
    }
    json_t *comparison = compare(real, model);
    samples_fini(real);
    samples_fini(model);
    return comparison;
}

static json_t *number_if(bool applies, double value)
{
    return applies ? json_real(value) : json_null();
}

/* What the comparison depends on besides the summary's names: times of the host and of collectives. */
static json_t *laws(const struct settings *settings)
{
    struct diag diag;
    struct cluster_plan plan;
    diag_init(&diag);
    json_t *object = NULL;
    if (cluster_plan(settings, &plan, &diag) == ASIM_OK) {
        const struct host_time *host = &plan.engine.host;
        const struct collective_constants *collective = &plan.device.collective;
        const bool fitted = collective->fitted && plan.tensor_parallel > 1;
        object =
            json_pack("{s:f, s:f, s:f, s:f, s:o, s:o}", "dispatch_latency_s", simtime_to_s(settings->dispatch_latency),
                      "host_exposed_s", simtime_to_s(host->exposed), "host_exposed_ungraphed_s",
                      simtime_to_s(host->exposed_ungraphed), "host_hideable_s", simtime_to_s(host->hideable),
                      "allreduce_latency_s", number_if(fitted, 1e-6 * collective->latency_us), "allreduce_bytes_per_s",
                      number_if(fitted, 1e9 * collective->bandwidth_gbs));
    }
    diag_fini(&diag);
    return object ? object : json_object();
}

/* The whole document; takes the comparison. */
static json_t *document_of(const struct settings *settings, const char *measured_path, json_t *comparison,
                           const asim_result *result)
{
    json_t *document = json_pack("{s:s, s:i, s:s, s:s}", "schema", "asim.validation", "version", 1, "measured",
                                 measured_path, "workload", settings->workload ? settings->workload : "");
    json_object_update(document, comparison);
    json_decref(comparison);
    json_object_set_new(document, "laws", laws(settings));
    json_object_set_new(document, "summary", json_loads(result->summary, 0, NULL));
    json_object_set_new(document, "execution", json_loads(result->execution, 0, NULL));
    return document;
}

asim_status asim_validate(asim_config *config, const char *measured_path, const asim_callbacks *callbacks, char **out)
{
    *out = NULL;
    const struct settings *resolved = config_settings(config);
    if (!resolved) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    struct settings settings = *resolved;
    settings.turns_csv = true; /* every turn is compared */
    struct measured_run measured;
    asim_status status = measured_read(measured_path, &measured, diag);
    if (status != ASIM_OK) {
        return status;
    }
    asim_result *result = NULL;
    status = run_settings(&settings, callbacks, &result);
    diag_pass(diag, &result->diag);
    if (status == ASIM_OK) {
        uint64_t n;
        const struct turn_record *turns = recorder_turns(result->recorder, &n);
        status = match(&measured, turns, n, measured_path, diag);
        if (status == ASIM_OK) {
            *out = document_text(document_of(&settings, measured_path, compare_run(&measured, turns), result),
                                 DOCUMENT_DIGITS);
        }
    }
    asim_result_destroy(result);
    measured_fini(&measured);
    return status;
}
