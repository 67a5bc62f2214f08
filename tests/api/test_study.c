/* Studies: the file, what is simulated, and how figures are judged. */
#include "support/support.h"

#include "api/study_file.h"

#include <asim/asim.h>
#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD "title: t\nsource: s\n"
#define BASE "base: {generate: swe-agent, programs: 6, arrivals: zero}\n"
#define TAIL "metrics: {JCT: programs.jct_s.mean}\n"

/* ---- the file ---- */

static void points_of_a_study(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "base: {seed: 7}\n"
             "axes:\n"
             "  load: {low: {request_rate: 1/s}, high: {request_rate: 2/s}}\n"
             "  size: {one: , two: {instances: 2}}\n"
             "cases: {a: {retention: lru}, b: {policy: gate}}\n" TAIL "compare:\n"
             "  - {what: w, metric: steps, ratio: [a/low/two, b/high/one], published: 1.2 to 2,\n"
             "     tolerance: 40%, gate: size, reason: r}\n"
             "  - {what: v, metric: steps, ratio: [b/low/one, a/low/one], published: 0.5}\n";
    struct diag diag;
    diag_init(&diag);
    struct study study;
    assert_true(study_read(&study, "s.yaml", text, strlen(text), &diag));
    assert_int_equal(study_points(&study), 8);
    static const char *const names[] = {"a/low/one", "a/low/two", "a/high/one", "a/high/two",
                                        "b/low/one", "b/low/two", "b/high/one", "b/high/two"};
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(study_point_name(&study, i), names[i]);
    }
    const struct study_compare *row = &study.compares[0];
    assert_int_equal(row->points[0], 1);
    assert_int_equal(row->points[1], 6);
    assert_true(row->published[0] == 1.2 && row->published[1] == 2.0 && row->tolerance == 0.4);
    assert_true(row->expect == STUDY_HIGHER && row->gate == STUDY_GATE_SIZE);
    assert_true(study.compares[1].expect == STUDY_LOWER && study.compares[1].tolerance == 0.3);
    study_fini(&study);
    diag_fini(&diag);
}

/* Every error with its place, what is wrong and what is allowed. */
static void errors_of_a_study(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "s.yaml: is empty; allowed: a study"},
        {"title: [", "s.yaml:2:1: YAML: "},
        {"- a\n", "s.yaml:1:1: a study: allowed: a map"},
        {HEAD TAIL, "s.yaml:1:1: a study: 'cases' is missing, or 'policies: all'"},
        {HEAD "cases: {a: }\n", "s.yaml:1:1: a study: 'metrics' is missing"},
        {HEAD "case: {a: }\n" TAIL, "s.yaml:3:1: unknown key 'case'; did you mean 'cases'?; allowed: title, source, "},
        {HEAD HEAD "cases: {a: }\n" TAIL, "s.yaml:3:1: duplicate key 'title'"},
        {HEAD "cases: {a: , a: }\n" TAIL, "s.yaml:3:14: cases: duplicate name 'a'"},
        {HEAD "cases: {a/b: }\n" TAIL, "s.yaml:3:14: cases: 'a/b': a '/' stands between"},
        {HEAD "cases: {}\n" TAIL, "s.yaml:3:8: cases: allowed: a map of names, at least one"},
        {HEAD "cases: {a: lru}\n" TAIL, "s.yaml:3:12: a: allowed: a map of options"},
        {HEAD "policies: some\n" TAIL, "s.yaml:3:11: policies: allowed: all"},
        {HEAD "# \xC3\xA9\ncases:\n  a:\n    block_sice: 16\n" TAIL,
         "s.yaml:6:5: unknown key 'block_sice'; did you mean 'block_size'?"},
        {HEAD "cases: {a: {block_size: 0}}\n" TAIL,
         "s.yaml:3:25: block_size: '0' is out of range; allowed: a power of two, 1 to 256"},
        {HEAD "published: text\ncases: {a: }\n" TAIL, "s.yaml:3:12: published: allowed: a list of texts"},
        {HEAD "assumed: [{a: b}]\ncases: {a: }\n" TAIL, "s.yaml:3:11: assumed: a map is given; allowed: texts"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, b], published: 1}]\n",
         "s.yaml:5:11: ratio: 'b' is no point; allowed: "},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, a]}]\n",
         "s.yaml:5:11: compare: 'published' or 'expect' is missing"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a], expect: equal}]\n",
         "s.yaml:5:39: ratio: allowed: a list of two points"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, a], published: 2 to 1}]\n",
         "s.yaml:5:58: published: '2 to 1'; allowed: a ratio above 0, or 'LEAST to MOST'"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, a], expect: more}]\n",
         "s.yaml:5:55: expect: 'more'; allowed: higher, lower, equal"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, a], expect: equal, gate: yes}]\n",
         "s.yaml:5:68: gate: 'yes'; allowed: none, direction, size"},
        {HEAD "cases: {a: }\n" TAIL "compare: [{what: w, metric: m, ratio: [a, a], expect: equal, tolerance: x}]\n",
         "s.yaml:5:73: tolerance: 'x'; allowed: a fraction"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct diag diag;
        diag_init(&diag);
        struct study study;
        const bool good = study_read(&study, "s.yaml", cases[i].text, strlen(cases[i].text), &diag);
        if (good || !strstr(diag.entries[0].text, cases[i].message)) {
            fail_msg("%s\nsays \"%s\",\nnot \"%s\"", cases[i].text, good ? "nothing" : diag.entries[0].text,
                     cases[i].message);
        }
        study_fini(&study);
        diag_fini(&diag);
    }
}

/* ---- the verb ---- */

/* Runs a study from text; the document is to be freed. */
static asim_status study_of(const char *text, const char *path, const char *value, uint32_t jobs, asim_config *config,
                            char **out)
{
    char name[] = "/tmp/asim_study_XXXXXX.yaml";
    const int file = mkstemps(name, 5);
    assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    const asim_study_options options = {.struct_size = sizeof options, .jobs = jobs};
    if (path) {
        assert_int_equal(asim_config_set(config, path, value), ASIM_OK);
    }
    const asim_status status = asim_study(config, name, &options, NULL, out);
    unlink(name);
    return status;
}

static json_t *document_of(const char *text, const char *path, const char *value, uint32_t jobs, asim_status expected)
{
    asim_config *config = asim_config_create();
    char *out = NULL;
    assert_int_equal(study_of(text, path, value, jobs, config, &out), expected);
    json_t *document = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "asim.study");
    json_object_del(document, "study"); /* the file's name */
    asim_free(out);
    asim_config_destroy(config);
    return document;
}

static const char sizes[] = HEAD BASE
    "axes: {size: {one: {instances: 1}, four: {instances: 4}}}\n"
    "cases: {lru: {retention: lru}, ttl: {retention: ttl}}\n" TAIL "compare:\n"
    "  - {what: faster, metric: programs.jct_s.mean, ratio: [lru/one, lru/four], expect: higher, gate: size}\n"
    "  - {what: not so much, metric: programs.jct_s.mean, ratio: [lru/one, lru/four], published: 9,\n"
    "     gate: direction}\n"
    "  - {what: not alike, metric: programs.jct_s.mean, ratio: [lru/four, lru/one], expect: equal, tolerance: 0.1%}\n"
    "  - {what: not measured, metric: kv.preemptions, ratio: [lru/four, ttl/four], expect: equal}\n";

static const char *verdict(const json_t *document, size_t row)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(document, "compare"), row), "verdict"));
}

static void figures_are_judged(void **state)
{
    (void)state;
    json_t *document = document_of(sizes, NULL, NULL, 1, ASIM_OK);
    assert_int_equal(json_array_size(json_object_get(document, "points")), 4);
    assert_string_equal(verdict(document, 0), "agrees");
    assert_string_equal(verdict(document, 1), "direction only");
    assert_string_equal(verdict(document, 2), "contradicts");
    assert_string_equal(verdict(document, 3), "no value"); /* no preemption in either */
    assert_true(json_is_true(json_object_get(document, "passed")));
    json_decref(document);
}

static void workers_change_nothing(void **state)
{
    (void)state;
    json_t *one = document_of(sizes, NULL, NULL, 1, ASIM_OK);
    json_t *many = document_of(sizes, NULL, NULL, 3, ASIM_OK);
    assert_true(json_equal(one, many));
    json_decref(one);
    json_decref(many);
}

/* A case is the run of its configuration; what is given besides goes first. */
static void cases_are_runs(void **state)
{
    (void)state;
    json_t *document = document_of(sizes, "seed", "5", 2, ASIM_OK);
    const json_t *point = json_array_get(json_object_get(document, "points"), 3);
    assert_string_equal(json_string_value(json_object_get(point, "name")), "ttl/four");
    static const char *const options[][2] = {{"generate", "swe-agent"}, {"programs", "6"},    {"arrivals", "zero"},
                                             {"instances", "4"},        {"retention", "ttl"}, {"seed", "5"}};
    asim_config *config = asim_config_create();
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(asim_config_set(config, options[i][0], options[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    assert_true(json_equal(json_object_get(point, "digest"), json_object_get(summary, "digest")));
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
    json_decref(document);
}

static void gates_fail(void **state)
{
    (void)state;
    static const char row[] = HEAD BASE "cases: {a: {instances: 1}, b: {instances: 4}}\n" TAIL
                                        "compare: [{what: w, metric: programs.jct_s.mean, ratio: [a, b], %s}]\n";
    static const char *const failing[] = {"expect: lower, gate: direction", "published: 50, gate: size"};
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, row, failing[i]);
        json_t *document = document_of(text, NULL, NULL, 1, ASIM_FAILED_IF);
        assert_true(json_is_false(json_object_get(document, "passed")));
        assert_int_equal(json_integer_value(json_object_get(document, "failed")), 1);
        json_decref(document);
    }
}

static void refused(const char *text, const char *path, const char *value, const char *message)
{
    asim_config *config = asim_config_create();
    char *out = NULL;
    assert_int_equal(study_of(text, path, value, 1, config, &out), ASIM_USAGE);
    assert_null(out);
    const char *first = asim_config_message(config, 0, NULL);
    if (!first || !strstr(first, message)) {
        fail_msg("\"%s\" is said, not \"%s\"", first ? first : "nothing", message);
    }
    asim_config_destroy(config);
}

static void errors_of_a_run(void **state)
{
    (void)state;
    refused(HEAD BASE "cases: {a: {retention: fcfs}}\n" TAIL, NULL, NULL, "a: ");
    refused(HEAD BASE "cases: {a: {max_num_batched_tokens: 64, enable_chunked_prefill: off}}\n" TAIL, NULL, NULL,
            "a: ");
    refused(HEAD BASE "cases: {a: }\nmetrics: {JCT: programs.jct}\n", NULL, NULL,
            ":5:16: metric: 'programs.jct' is no number of summary.json");
    refused(HEAD BASE "cases: {a: }\n" TAIL, "transport", "mpi", "allowed: transport none");
    asim_config *config = asim_config_create();
    char *out = NULL;
    assert_int_equal(asim_study(config, "polices", NULL, NULL, &out), ASIM_USAGE);
    assert_non_null(strstr(asim_config_message(config, 0, NULL), "did you mean 'policies'?"));
    assert_int_equal(asim_study(config, "./absent.yaml", NULL, NULL, &out), ASIM_USAGE);
    asim_config_destroy(config);
}

static bool cancel(void *user)
{
    (void)user;
    return true;
}

static void cancelled(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks, .cancelled = cancel};
    char *out = NULL;
    assert_int_equal(asim_study(config, "policies", NULL, &callbacks, &out), ASIM_INTERRUPTED);
    assert_null(out);
    asim_config_destroy(config);
}

/* Those whose comparisons gate, as they are. */
static void built_in_gates_hold(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int least; /* gating rows */
    } studies[] = {{"continuum-ablation", 4}, {"continuum-turns", 3}, {"pressure-flip", 3}, {"autellix-router", 3},
                   {"infercept", 3},          {"kvflow", 3},          {"saga", 2}};
    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
        asim_config *config = asim_config_create();
        char *out = NULL;
        const asim_status status = asim_study(config, studies[i].name, NULL, NULL, &out);
        json_t *document = json_loads(out, 0, NULL);
        if (status != ASIM_OK || json_integer_value(json_object_get(document, "gating")) < studies[i].least) {
            fail_msg("%s: %s", studies[i].name, out);
        }
        json_decref(document);
        asim_free(out);
        asim_config_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_of_a_study),   cmocka_unit_test(errors_of_a_study),
        cmocka_unit_test(figures_are_judged),  cmocka_unit_test(workers_change_nothing),
        cmocka_unit_test(cases_are_runs),      cmocka_unit_test(gates_fail),
        cmocka_unit_test(errors_of_a_run),     cmocka_unit_test(cancelled),
        cmocka_unit_test(built_in_gates_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
