#include "api/study_reader.h"

#include "options/units.h"
#include "policy/policy_table.h"

#include <stdio.h>
#include <string.h>

enum { MAX_POINTS = 100000 };

/* ---- the parts ---- */

static void read_title(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    reader->study->title = study_text(reader, value, "title", "a text");
}

static void read_source(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    reader->study->source = study_text(reader, value, "source", "a text");
}

static void read_texts(struct study_reader *reader, const yaml_node_t *value, const char *key, const char ***texts,
                       size_t *n, size_t *capacity)
{
    if (value->type != YAML_SEQUENCE_NODE) {
        STUDY_ERROR(reader, value, "%s: allowed: a list of texts", key);
        return;
    }
    const yaml_node_item_t *item = value->data.sequence.items.start;
    for (; item < value->data.sequence.items.top; item++) {
        const char *text = study_text(reader, study_node(reader, *item), key, "texts (quote one with a colon in it)");
        if (text) {
            *texts = mem_grow(*texts, capacity, *n + 1, sizeof **texts);
            (*texts)[(*n)++] = text;
        }
    }
}

static void read_published(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    struct study *study = reader->study;
    read_texts(reader, value, "published", &study->published, &study->n_published, &study->published_capacity);
}

static void read_assumed(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    struct study *study = reader->study;
    read_texts(reader, value, "assumed", &study->assumed, &study->n_assumed, &study->assumed_capacity);
}

static void read_base(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    reader->study->base = study_options_of(reader, value, "base");
}

static struct study_options *add_case(struct study *study)
{
    study->cases = mem_grow(study->cases, &study->cases_capacity, study->n_cases + 1, sizeof *study->cases);
    return &study->cases[study->n_cases++];
}

static void read_case(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into)
{
    (void)into;
    if (strchr(name, '/')) {
        STUDY_ERROR(reader, value, "cases: '%.*s': a '/' stands between a case and the values of axes only",
                    STUDY_SHOWN, name);
    }
    *add_case(reader->study) = study_options_of(reader, value, name);
}

static void read_cases(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    study_each_named(reader, value, "cases", read_case, into);
}

static void read_policies(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    struct study *study = reader->study;
    const char *text = study_scalar(reader, value, "policies", "all");
    if (!text || strcmp(text, "all") != 0) {
        STUDY_ERROR(reader, value, "policies: allowed: all, for a case of each built-in policy");
        return;
    }
    for (size_t i = 0; i < policy_count(); i++) {
        const char *name = policy_at(i)->name;
        char option[96];
        const int bytes = snprintf(option, sizeof option, "policy: %s\n", name);
        *add_case(study) = (struct study_options){
            .label = name, .text = arena_strndup(&study->texts, option, (size_t)bytes), .bytes = (size_t)bytes};
    }
}

static void read_axis_value(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into)
{
    struct study_axis *axis = into;
    axis->values = mem_grow(axis->values, &axis->capacity, axis->n + 1, sizeof *axis->values);
    axis->values[axis->n++] = study_options_of(reader, value, name);
}

static void read_axis(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into)
{
    (void)into;
    struct study *study = reader->study;
    if (study->n_axes == STUDY_MAX_AXES) {
        STUDY_ERROR(reader, value, "axes: allowed: up to %d", STUDY_MAX_AXES);
        return;
    }
    struct study_axis *axis = &study->axes[study->n_axes++];
    axis->name = name;
    study_each_named(reader, value, name, read_axis_value, axis);
}

static void read_axes(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    study_each_named(reader, value, "axes", read_axis, into);
}

static void read_metric(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into)
{
    (void)into;
    struct study *study = reader->study;
    const char *path = study_text(reader, value, name, "a path in summary.json, e.g. programs.jct_s.mean");
    if (path) {
        study->metrics =
            mem_grow(study->metrics, &study->metrics_capacity, study->n_metrics + 1, sizeof *study->metrics);
        study->metrics[study->n_metrics++] =
            (struct study_metric){.label = name, .path = path, .where = study_place(reader, value->start_mark)};
    }
}

static void read_metrics(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    study_each_named(reader, value, "metrics", read_metric, into);
}

/* ---- comparisons ---- */

static void read_what(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    row->what = study_text(reader, value, "what", "a text");
}

static void read_compare_metric(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    row->metric = study_text(reader, value, "metric", "a path in summary.json, e.g. programs.jct_s.mean");
}

static void read_ratio(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    const yaml_node_item_t *items = value->data.sequence.items.start;
    if (value->type != YAML_SEQUENCE_NODE || value->data.sequence.items.top - items != 2) {
        STUDY_ERROR(reader, value, "ratio: allowed: a list of two points, [case/value, case/value]");
        return;
    }
    for (int i = 0; i < 2; i++) {
        row->of[i] = study_text(reader, study_node(reader, items[i]), "ratio", "names of points, case/value");
    }
}

static void read_published_ratio(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    const char *text = study_scalar(reader, value, "published", "a ratio, or 'LEAST to MOST'");
    const char *to = text ? strstr(text, " to ") : NULL;
    char least[40];
    snprintf(least, sizeof least, "%.*s", text ? (int)(to ? to - text : (long)strlen(text)) : 0, text ? text : "");
    if (text && (units_number(least, &row->published[0]) != UNITS_OK ||
                 units_number(to ? to + 4 : least, &row->published[1]) != UNITS_OK || !(row->published[0] > 0.0) ||
                 row->published[1] < row->published[0])) {
        STUDY_ERROR(reader, value, "published: '%.*s'; allowed: a ratio above 0, or 'LEAST to MOST'", STUDY_SHOWN,
                    text);
    }
    row->has_published = text;
}

static void read_tolerance(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    const char *text = study_scalar(reader, value, "tolerance", "a fraction, e.g. 0.3 or 30%");
    if (text && (units_fraction(text, &row->tolerance) != UNITS_OK || row->tolerance < 0.0)) {
        STUDY_ERROR(reader, value, "tolerance: '%.*s'; allowed: a fraction, e.g. 0.3 or 30%%", STUDY_SHOWN, text);
    }
}

/* The index of a scalar among `n` names, of which `allowed` is the list; n, with an error. */
static size_t choice(struct study_reader *reader, const yaml_node_t *value, const char *key, const char *const *names,
                     size_t n, const char *allowed)
{
    const char *text = study_scalar(reader, value, key, allowed);
    for (size_t i = 0; text && i < n; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    if (text) {
        STUDY_ERROR(reader, value, "%s: '%.*s'; allowed: %s", key, STUDY_SHOWN, text, allowed);
    }
    return n;
}

static void read_expect(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    static const char *const names[] = {"higher", "lower", "equal"};
    struct study_compare *row = into;
    const size_t index = choice(reader, value, "expect", names, 3, "higher, lower, equal");
    row->has_expect = true;
    row->expect = (enum study_expect)(index % 3);
}

static void read_gate(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    static const char *const names[] = {"none", "direction", "size"};
    struct study_compare *row = into;
    row->gate = (enum study_gate)(choice(reader, value, "gate", names, 3, "none, direction, size") % 3);
}

static void read_reason(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    struct study_compare *row = into;
    row->reason = study_text(reader, value, "reason", "a text");
}

static void read_compare(struct study_reader *reader, const yaml_node_t *value)
{
    static const struct study_member members[] = {
        {"what", read_what, true},      {"metric", read_compare_metric, true},
        {"ratio", read_ratio, true},    {"published", read_published_ratio, false},
        {"expect", read_expect, false}, {"tolerance", read_tolerance, false},
        {"gate", read_gate, false},     {"reason", read_reason, false}};
    struct study *study = reader->study;
    study->compares =
        mem_grow(study->compares, &study->compares_capacity, study->n_compares + 1, sizeof *study->compares);
    struct study_compare *row = &study->compares[study->n_compares++];
    *row = (struct study_compare){.tolerance = 0.3, .where = study_place(reader, value->start_mark)};
    const size_t errors = reader->diag->n_errors;
    study_read_map(reader, value, members, sizeof members / sizeof members[0], "compare", row);
    if (reader->diag->n_errors == errors && !row->has_published && !row->has_expect) {
        STUDY_ERROR(reader, value, "compare: 'published' or 'expect' is missing");
    }
    if (row->has_published && !row->has_expect) {
        row->expect = row->published[0] > 1.0 ? STUDY_HIGHER : row->published[1] < 1.0 ? STUDY_LOWER : STUDY_EQUAL;
    }
}

static void read_compares(struct study_reader *reader, const yaml_node_t *value, void *into)
{
    (void)into;
    if (value->type != YAML_SEQUENCE_NODE) {
        STUDY_ERROR(reader, value, "compare: allowed: a list of comparisons, each with what, metric, ratio, ...");
        return;
    }
    const yaml_node_item_t *item = value->data.sequence.items.start;
    for (; item < value->data.sequence.items.top; item++) {
        read_compare(reader, study_node(reader, *item));
    }
}

/* ---- points ---- */

size_t study_points(const struct study *study)
{
    size_t n = study->n_cases;
    for (size_t i = 0; i < study->n_axes; i++) {
        n *= study->axes[i].n;
    }
    return n;
}

static size_t per_case(const struct study *study)
{
    return study->n_cases ? study_points(study) / study->n_cases : 0;
}

size_t study_case_of(const struct study *study, size_t point)
{
    return point / per_case(study);
}

const struct study_options *study_axis_value(const struct study *study, size_t point, size_t axis)
{
    for (size_t i = study->n_axes - 1; i > axis; i--) {
        point /= study->axes[i].n;
    }
    return &study->axes[axis].values[point % study->axes[axis].n];
}

const char *study_point_name(struct study *study, size_t point)
{
    char name[512];
    size_t used = (size_t)snprintf(name, sizeof name, "%.100s", study->cases[study_case_of(study, point)].label);
    for (size_t i = 0; i < study->n_axes; i++) {
        used += (size_t)snprintf(name + used, sizeof name - used, "/%.80s", study_axis_value(study, point, i)->label);
    }
    return arena_strndup(&study->texts, name, used);
}

/* Gives the names of comparisons their points. */
static void find_points(struct study_reader *reader)
{
    struct study *study = reader->study;
    const size_t n = study_points(study);
    const char **names = mem_alloc((n + 1) * sizeof *names);
    for (size_t i = 0; i < n; i++) {
        names[i] = study_point_name(study, i);
    }
    for (size_t k = 0; k < 2 * study->n_compares; k++) {
        struct study_compare *row = &study->compares[k / 2];
        const char *wanted = row->of[k % 2];
        size_t i = 0;
        while (wanted && i < n && strcmp(names[i], wanted) != 0) {
            i++;
        }
        row->points[k % 2] = i;
        if (wanted && i == n) {
            const char *nearest = diag_nearest(wanted, names, n);
            diag_error(reader->diag, ASIM_USAGE, row->where, "ratio: '%.*s' is no point; allowed: %s%s%s", STUDY_SHOWN,
                       wanted, nearest ? "names like '" : "CASE/VALUE-OF-AXIS, e.g. '", nearest ? nearest : names[0],
                       "'");
        }
    }
    mem_free(names);
}

static void read_root(struct study_reader *reader, const yaml_node_t *root)
{
    static const struct study_member members[] = {
        {"title", read_title, true},      {"source", read_source, true},      {"published", read_published, false},
        {"assumed", read_assumed, false}, {"base", read_base, false},         {"axes", read_axes, false},
        {"cases", read_cases, false},     {"policies", read_policies, false}, {"metrics", read_metrics, true},
        {"compare", read_compares, false}};
    const size_t errors = reader->diag->n_errors;
    study_read_map(reader, root, members, sizeof members / sizeof members[0], "a study", NULL);
    if (reader->diag->n_errors != errors) {
        return;
    }
    if (!reader->study->n_cases) {
        STUDY_ERROR(reader, root, "a study: 'cases' is missing, or 'policies: all'");
    } else if (study_points(reader->study) > MAX_POINTS) {
        STUDY_ERROR(reader, root, "a study of %zu simulations; allowed: up to %d", study_points(reader->study),
                    MAX_POINTS);
    } else {
        find_points(reader);
    }
}

static void report_syntax(struct study_reader *reader, const yaml_parser_t *parser)
{
    struct diag_where where = study_place(reader, parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) {
        where = (struct diag_where){.file = reader->study->file};
    }
    diag_error(reader->diag, ASIM_USAGE, where, "YAML: %s%s%s", parser->problem ? parser->problem : "cannot be read",
               parser->context ? " " : "", parser->context ? parser->context : "");
}

bool study_read(struct study *study, const char *file, const char *text, size_t bytes, struct diag *diag)
{
    *study = (struct study){0};
    arena_init(&study->texts);
    study->file = arena_strndup(&study->texts, file, strlen(file));
    struct study_reader reader = {.study = study, .diag = diag, .text = text, .bytes = bytes};
    const size_t errors = diag->n_errors;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        diag_error(diag, ASIM_INTERNAL, (struct diag_where){.file = file}, "libyaml cannot be started");
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    if (!yaml_parser_load(&parser, &reader.document)) {
        report_syntax(&reader, &parser);
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&reader.document);
        if (root) {
            read_root(&reader, root);
        } else {
            diag_error(diag, ASIM_USAGE, (struct diag_where){.file = file}, "is empty; allowed: a study");
        }
        yaml_document_delete(&reader.document);
    }
    yaml_parser_delete(&parser);
    return diag->n_errors == errors;
}

void study_fini(struct study *study)
{
    mem_free(study->published);
    mem_free(study->assumed);
    mem_free(study->cases);
    for (size_t i = 0; i < study->n_axes; i++) {
        mem_free(study->axes[i].values);
    }
    mem_free(study->metrics);
    mem_free(study->compares);
    arena_fini(&study->texts);
}
