/* A study: one YAML file that says what was published, which configurations to simulate for it, and how the figures
 * compare.
 *
 *     title: ...
 *     source: ...
 *     published: [texts]
 *     assumed: [texts]                 # what the source does not say
 *     base: {options}
 *     axes:                            # may be left out; each value goes with each case
 *       load: {low: {options}, high: {options}}
 *     cases: {name: {options}, ...}    # and/or `policies: all`, a case for each built-in policy
 *     metrics: {label: path.in.summary, ...}
 *     compare:
 *       - what: text
 *         metric: programs.jct_s.mean
 *         ratio: [vllm/high, continuum/high]
 *         published: 1.5               # or 1.2 to 3.6
 *         expect: higher               # the first than the second; lower; equal
 *         tolerance: 0.3
 *         gate: direction              # none, direction, size
 *         reason: text                 # why it may be off
 *
 * Options are read by the option table, as in any configuration: of a map of options the text of the file is kept, with
 * the rest blanked out, so that its errors have their lines and columns.
 */
#ifndef ASIM_API_STUDY_FILE_H
#define ASIM_API_STUDY_FILE_H

#include "base/diag.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

/* A map of options and what it is called. Texts live in the study's arena. */
struct study_options {
    const char *label;
    char *text; /* the file with the rest blanked out; not terminated */
    size_t bytes;
};

struct study_axis {
    const char *name;
    struct study_options *values;
    size_t n, capacity;
};

struct study_metric {
    const char *label;
    const char *path; /* of summary.json */
    struct diag_where where;
};

enum study_expect { STUDY_HIGHER, STUDY_LOWER, STUDY_EQUAL };
enum study_gate { STUDY_GATE_NONE, STUDY_GATE_DIRECTION, STUDY_GATE_SIZE };

struct study_compare {
    const char *what;
    const char *metric; /* path */
    const char *of[2];  /* names of points: the first over the second */
    size_t points[2];
    bool has_published;
    double published[2]; /* least and most */
    bool has_expect;
    enum study_expect expect;
    double tolerance;
    enum study_gate gate;
    const char *reason; /* NULL: none */
    struct diag_where where;
};

enum { STUDY_MAX_AXES = 4 };

/* Points are all combinations: of each case first all values of the axes, the last axis fastest. */
struct study {
    struct arena texts;
    const char *file;
    const char *title;
    const char *source;
    const char **published, **assumed;
    size_t n_published, n_assumed, published_capacity, assumed_capacity;
    struct study_options base; /* text NULL: nothing */
    struct study_options *cases;
    size_t n_cases, cases_capacity;
    struct study_axis axes[STUDY_MAX_AXES];
    size_t n_axes;
    struct study_metric *metrics;
    size_t n_metrics, metrics_capacity;
    struct study_compare *compares;
    size_t n_compares, compares_capacity;
};

/* Reads a study from text; all errors are reported. To be freed with study_fini in either case. */
bool study_read(struct study *study, const char *file, const char *text, size_t bytes, struct diag *diag);
void study_fini(struct study *study);

size_t study_points(const struct study *study);
size_t study_case_of(const struct study *study, size_t point);
const struct study_options *study_axis_value(const struct study *study, size_t point, size_t axis);

/* "case/value/value", in the arena. */
const char *study_point_name(struct study *study, size_t point);

#endif
