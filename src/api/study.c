/* Studies: all points of a study file are simulated with the same random numbers, side by side, and their figures are
 * compared with the published ones. */
#include "api/study.h"
#include "api/config.h"
#include "api/document.h"
#include "api/side_runs.h"
#include "api/study_file.h"
#include "asim/asim.h"
#include "base/embedded.h"
#include "options/yaml_source.h"

#include <stdio.h>
#include <string.h>

static const struct diag_where nowhere = {0};

/* ---- finding one by name ---- */

static const char folder[] = "studies/";
static const char ending[] = ".yaml";

/* The name of an embedded study, in `out`; NULL: the file is none. */
static const char *name_of(const struct embedded_file *file, char out[64])
{
    const size_t n = strlen(file->path);
    if (strncmp(file->path, folder, strlen(folder)) != 0 || n < strlen(folder) + strlen(ending)) {
        return NULL;
    }
    snprintf(out, 64, "%.*s", (int)(n - strlen(folder) - strlen(ending)), file->path + strlen(folder));
    return out;
}

static bool is_path(const char *name)
{
    const size_t n = strlen(name);
    return strchr(name, '/') || (n > strlen(ending) && strcmp(name + n - strlen(ending), ending) == 0);
}

static void report_unknown(const char *name, struct diag *diag)
{
    char names[64][64];
    const char *list[64];
    char all[1024] = "";
    size_t n = 0;
    for (const struct embedded_file *file = embedded_files; file->path && n < 64; file++) {
        if (name_of(file, names[n])) {
            const size_t used = strlen(all);
            list[n] = names[n];
            snprintf(all + used, sizeof all - used, "%s%s", n ? ", " : "", names[n]);
            n++;
        }
    }
    const char *nearest = diag_nearest(name, list, n);
    diag_error(diag, ASIM_USAGE, nowhere, "'%.60s' is not a study%s%s%s; allowed: a file.yaml, or %s", name,
               nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", all);
}

/* Reads a file or an embedded study. */
static bool open_study(struct study *study, const char *name, struct diag *diag)
{
    char path[128];
    snprintf(path, sizeof path, "%s%.60s%s", folder, name, ending);
    const struct embedded_file *file = is_path(name) ? NULL : embedded_find(path);
    if (file) {
        return study_read(study, file->path, file->text, file->bytes, diag);
    }
    *study = (struct study){0};
    size_t bytes;
    char *text = NULL;
    if (is_path(name)) {
        text = yaml_file_read(name, &bytes, diag);
    } else {
        report_unknown(name, diag);
    }
    const bool good = text && study_read(study, name, text, bytes, diag);
    mem_free(text);
    return good;
}

json_t *study_list(struct diag *diag)
{
    json_t *items = json_array();
    for (const struct embedded_file *file = embedded_files; file->path; file++) {
        char name[64];
        struct study study;
        if (!name_of(file, name)) {
            continue;
        }
        if (study_read(&study, file->path, file->text, file->bytes, diag)) {
            json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:I}", "name", name, "title", study.title, "source",
                                                   study.source, "simulations", (json_int_t)study_points(&study)));
        }
        study_fini(&study);
    }
    return items;
}

/* ---- simulating ---- */

struct point {
    const char *name;
    asim_config *config;
};

static void load(asim_config *config, const struct study *study, const struct study_options *options)
{
    if (options->text) {
        asim_config_load_text(config, study->file, options->text, options->bytes);
    }
}

static bool was_said(const struct diag *diag, const char *text)
{
    for (size_t i = 0; i < diag->n_entries; i++) {
        if (strstr(diag->entries[i].text, text)) {
            return true;
        }
    }
    return false;
}

/* What configurations of several points have in common is said once. */
static void pass_messages(const struct point *point, struct diag *into)
{
    for (size_t i = 0; i < asim_config_message_count(point->config); i++) {
        bool is_warning;
        const char *text = asim_config_message(point->config, i, &is_warning);
        if (was_said(into, text)) {
            continue;
        }
        if (is_warning) {
            diag_warning(into, nowhere, "%s", text);
        } else {
            diag_error(into, ASIM_USAGE, (struct diag_where){.file = point->name}, "%s", text);
        }
    }
}

/* The configuration of a point: the study's base, values of axes and case, in that order, below what the user gave. */
static bool open_point(struct point *point, struct study *study, size_t index, const asim_config *given,
                       struct diag *diag)
{
    point->name = study_point_name(study, index);
    point->config = config_copy(given);
    load(point->config, study, &study->base);
    for (size_t axis = 0; axis < study->n_axes; axis++) {
        load(point->config, study, study_axis_value(study, index, axis));
    }
    load(point->config, study, &study->cases[study_case_of(study, index)]);
    const bool good = asim_config_resolve(point->config) == ASIM_OK;
    pass_messages(point, diag);
    return good;
}

static asim_status simulate(const struct point *points, struct side_run *runs, size_t n, uint32_t jobs,
                            const asim_callbacks *callbacks, struct diag *diag)
{
    for (size_t i = 0; i < n; i++) {
        runs[i] = (struct side_run){.name = points[i].name, .settings = config_settings(points[i].config)};
        if (runs[i].settings->transport != TRANSPORT_NONE) {
            return diag_error(diag, ASIM_USAGE, nowhere, "a study runs in one process; allowed: transport none");
        }
    }
    return side_runs(runs, n, jobs, callbacks, diag);
}

static asim_status check_paths(const struct study *study, const struct side_run *runs, size_t n, struct diag *diag)
{
    for (size_t i = 0; i < study->n_metrics + study->n_compares; i++) {
        const bool is_metric = i < study->n_metrics;
        const struct study_compare *row = is_metric ? NULL : &study->compares[i - study->n_metrics];
        const char *path = is_metric ? study->metrics[i].path : row->metric;
        if (!side_runs_measure(runs, n, path)) {
            diag_error(diag, ASIM_USAGE, is_metric ? study->metrics[i].where : row->where,
                       "metric: " SIDE_RUNS_NO_METRIC, path);
        }
    }
    return diag->status;
}

/* ---- the document ---- */

static json_t *texts(const char *const *from, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(array, json_string(from[i]));
    }
    return array;
}

static json_t *metrics_report(const struct study *study)
{
    json_t *array = json_array();
    for (size_t i = 0; i < study->n_metrics; i++) {
        json_array_append_new(
            array, json_pack("{s:s, s:s}", "label", study->metrics[i].label, "path", study->metrics[i].path));
    }
    return array;
}

static json_t *point_report(struct study *study, size_t index, const struct side_run *run)
{
    json_t *axes = json_object();
    for (size_t i = 0; i < study->n_axes; i++) {
        json_object_set_new(axes, study->axes[i].name, json_string(study_axis_value(study, index, i)->label));
    }
    json_t *values = json_object();
    for (size_t i = 0; i < study->n_metrics; i++) {
        const json_t *value = summary_member(run->summary, study->metrics[i].path);
        json_object_set_new(values, study->metrics[i].path, value ? json_deep_copy(value) : json_null());
    }
    return json_pack("{s:s, s:s, s:o, s:O, s:o}", "name", run->name, "case",
                     study->cases[study_case_of(study, index)].label, "axes", axes, "digest",
                     json_object_get(run->summary, "digest"), "metrics", values);
}

enum verdict { AGREES, DIRECTION_ONLY, CONTRADICTS, NO_VALUE };
static const char *const verdict_names[] = {"agrees", "direction only", "contradicts", "no value"};

struct outcome {
    double ratio;
    double factor; /* of the published ratio, or of its nearest end; 1 within its range */
    enum verdict verdict;
    bool failed;
};

static enum verdict judge(const struct study_compare *row, const struct outcome *outcome)
{
    const double most = 1.0 + row->tolerance;
    const bool right = row->expect == STUDY_HIGHER  ? outcome->ratio > 1.0
                       : row->expect == STUDY_LOWER ? outcome->ratio < 1.0
                                                    : outcome->ratio <= most && outcome->ratio >= 1.0 / most;
    if (!right) {
        return CONTRADICTS;
    }
    const bool near = outcome->factor <= most && outcome->factor >= 1.0 / most;
    return !row->has_published || near ? AGREES : DIRECTION_ONLY;
}

static struct outcome outcome_of(const struct study_compare *row, const struct side_run *runs)
{
    double of[2] = {0.0, 0.0};
    for (int i = 0; i < 2; i++) {
        of[i] = json_number_value(summary_member(runs[row->points[i]].summary, row->metric));
    }
    struct outcome outcome = {.verdict = NO_VALUE, .factor = 1.0};
    if (of[0] > 0.0 && of[1] > 0.0) {
        outcome.ratio = of[0] / of[1];
        if (row->has_published && outcome.ratio < row->published[0]) {
            outcome.factor = outcome.ratio / row->published[0];
        } else if (row->has_published && outcome.ratio > row->published[1]) {
            outcome.factor = outcome.ratio / row->published[1];
        }
        outcome.verdict = judge(row, &outcome);
    }
    outcome.failed = row->gate == STUDY_GATE_SIZE        ? outcome.verdict != AGREES
                     : row->gate == STUDY_GATE_DIRECTION ? outcome.verdict >= CONTRADICTS
                                                         : false;
    return outcome;
}

static json_t *published_report(const struct study_compare *row)
{
    if (!row->has_published) {
        return json_null();
    }
    return row->published[0] == row->published[1] ? json_real(row->published[0])
                                                  : json_pack("[f, f]", row->published[0], row->published[1]);
}

static json_t *compare_report(const struct study_compare *row, const struct outcome *outcome)
{
    static const char *const expects[] = {"higher", "lower", "equal"};
    static const char *const gates[] = {"none", "direction", "size"};
    const bool measured = outcome->verdict != NO_VALUE;
    const bool has_factor = measured && row->has_published;
    return json_pack("{s:s, s:s, s:[s, s], s:o, s:o, s:o, s:s, s:f, s:s, s:s, s:b, s:s?}", "what", row->what, "metric",
                     row->metric, "ratio", row->of[0], row->of[1], "published", published_report(row), "simulated",
                     measured ? json_real(outcome->ratio) : json_null(), "factor",
                     has_factor ? json_real(outcome->factor) : json_null(), "expect", expects[row->expect], "tolerance",
                     row->tolerance, "verdict", verdict_names[outcome->verdict], "gate", gates[row->gate], "failed",
                     outcome->failed, "reason", row->reason);
}

/* The document; *failed: gating rows that fail, *gating: all of those. */
static json_t *study_report(struct study *study, const char *name, const struct side_run *runs, size_t *failed,
                            size_t *gating)
{
    json_t *points = json_array();
    json_t *rows = json_array();
    for (size_t i = 0; i < study_points(study); i++) {
        json_array_append_new(points, point_report(study, i, &runs[i]));
    }
    for (size_t i = 0; i < study->n_compares; i++) {
        const struct outcome outcome = outcome_of(&study->compares[i], runs);
        *failed += outcome.failed;
        *gating += study->compares[i].gate != STUDY_GATE_NONE;
        json_array_append_new(rows, compare_report(&study->compares[i], &outcome));
    }
    const json_t *simulated = json_object_get(runs[0].summary, "simulated");
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:O, s:o, s:o, s:o, s:I, s:I, s:b}", "schema", "asim.study",
                     "version", 1, "study", name, "title", study->title, "source", study->source, "published",
                     texts(study->published, study->n_published), "assumed", texts(study->assumed, study->n_assumed),
                     "seed", json_object_get(simulated, "seed"), "metrics", metrics_report(study), "points", points,
                     "compare", rows, "gating", (json_int_t)*gating, "failed", (json_int_t)*failed, "passed",
                     *failed == 0);
}

static asim_status run_study(struct study *study, const char *name, const asim_config *given, uint32_t jobs,
                             const asim_callbacks *callbacks, struct diag *diag, char **out)
{
    const size_t n = study_points(study);
    struct point *points = mem_zalloc(n * sizeof *points);
    struct side_run *runs = mem_zalloc(n * sizeof *runs);
    asim_status status = ASIM_OK;
    for (size_t i = 0; i < n && status == ASIM_OK; i++) {
        status = open_point(&points[i], study, i, given, diag) ? ASIM_OK : ASIM_USAGE;
    }
    status = status == ASIM_OK ? simulate(points, runs, n, jobs, callbacks, diag) : status;
    status = status == ASIM_OK ? check_paths(study, runs, n, diag) : status;
    if (status == ASIM_OK) {
        size_t failed = 0;
        size_t gating = 0;
        *out = document_text(study_report(study, name, runs, &failed, &gating), DOCUMENT_DIGITS);
        status = failed ? ASIM_FAILED_IF : ASIM_OK;
    }
    for (size_t i = 0; i < n; i++) {
        asim_config_destroy(points[i].config);
        json_decref(runs[i].summary);
    }
    mem_free(points);
    mem_free(runs);
    return status;
}

asim_status asim_study(asim_config *config, const char *name, const asim_study_options *options,
                       const asim_callbacks *callbacks, char **out)
{
    *out = NULL;
    struct diag *diag = config_diag(config);
    if ((options && options->struct_size != sizeof *options) ||
        (callbacks && callbacks->struct_size != sizeof *callbacks)) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "struct_size of the options or callbacks is not that of this "
                          "library");
    }
    struct diag own; /* errors of before are not those of the study */
    diag_init(&own);
    struct study study;
    asim_status status = ASIM_USAGE;
    if (open_study(&study, name, &own)) {
        status = run_study(&study, name, config, options ? options->jobs : 0, callbacks, &own, out);
    }
    study_fini(&study);
    diag_pass(diag, &own);
    diag_fini(&own);
    return status;
}
