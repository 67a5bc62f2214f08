#include "cli/policy_search.h"

#include "cli/cell.h"
#include "cli/grid.h"
#include "cli/human.h"
#include "cli/lines.h"
#include "cli/messages.h"
#include "cli/number_list.h"
#include "cli/watch.h"

#include <jansson.h>
#include <string.h>

enum { MAX_SAMPLES = 100000, SHOWN = 10 };

static void add_run(struct grid *grid, const char *name, const json_t *run, const json_t *vary, bool is_default)
{
    static const struct {
        const char *key;
        const char *format;
    } figures[] = {{"value", "%.6g"}, {"to_defaults", "%.3f"}, {"to_lru", "%.3f"}, {"hit_rate", "%.3f"}};
    grid_add(grid, name);
    size_t index;
    const json_t *range;
    json_array_foreach((json_t *)vary, index, range)
    {
        const json_t *value = json_object_get(json_object_get(run, "parameters"), text_of(range, "parameter"));
        grid_add(grid, is_default ? text_of(range, "default") : value ? json_string_value(value) : "-");
    }
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char text[64] = "-";
        const json_t *value = json_object_get(run, figures[i].key);
        if (json_is_number(value)) {
            snprintf(text, sizeof text, figures[i].format, json_number_value(value));
        }
        grid_add(grid, text);
    }
}

/* The best settings, the defaults and the engine's rules. */
static void print_search(FILE *out, const json_t *root)
{
    static const char *const headings[] = {"figure", "to default", "to lru", "hit rate"};
    enum { FIGURES = sizeof headings / sizeof headings[0] };
    const json_t *vary = json_object_get(root, "vary");
    const size_t n_vary = json_array_size(vary);
    const json_t *settings = json_object_get(root, "settings");
    printf("%s: %lld settings, ranked by %s (%s is better); seed %lld\n\n", text_of(root, "policy"),
           (long long)count_of(root, "samples"), text_of(root, "metric"), text_of(root, "better"),
           (long long)count_of(root, "seed"));
    struct grid grid;
    grid_init(&grid, 1 + n_vary + FIGURES);
    grid_add(&grid, "rank");
    for (size_t i = 0; i < n_vary; i++) {
        grid_add(&grid, text_of(json_array_get(vary, i), "parameter"));
    }
    for (size_t i = 0; i < FIGURES; i++) {
        grid_add(&grid, headings[i]);
    }
    for (size_t i = 1; i < 1 + n_vary + FIGURES; i++) {
        grid.right_aligned[i] = true;
    }
    for (size_t i = 0; i < json_array_size(settings) && i < SHOWN; i++) {
        char rank[32];
        snprintf(rank, sizeof rank, "%zu", i + 1);
        add_run(&grid, rank, json_array_get(settings, i), vary, false);
    }
    add_run(&grid, "default", json_object_get(root, "defaults"), vary, true);
    add_run(&grid, "lru, fcfs", json_object_get(root, "lru"), vary, false);
    grid_print(out, &grid, 0, HUMAN_COLUMNS);
    grid_fini(&grid);
}

static asim_status print_document(const struct command *command, char *document)
{
    if (command_is_on(command, "json")) {
        command_print_document(command, document);
        return ASIM_OK;
    }
    json_t *root = json_loads(document, 0, NULL);
    asim_free(document);
    const bool known = strcmp(text_of(root, "schema"), "asim.policy_search") == 0 && count_of(root, "version") == 1;
    if (known) {
        print_search(stdout, root);
    }
    json_decref(root);
    return known ? ASIM_OK
                 : report_error(ASIM_INTERNAL, "the search's document is not of the version this program reads");
}

asim_status policy_search(struct command *command, const char *policy)
{
    struct arguments *arguments = &command->arguments;
    asim_search_options options = {.struct_size = sizeof options,
                                   .vary = arguments->vary,
                                   .n_vary = arguments->n_vary,
                                   .metric = arguments->metric,
                                   .highest = arguments->highest};
    const asim_status jobs = command_jobs(command, &options.jobs);
    const asim_status samples = number_list_one("--samples", command->arguments.samples, MAX_SAMPLES, &options.samples);
    if (jobs != ASIM_OK || samples != ASIM_OK) {
        return jobs != ASIM_OK ? jobs : samples;
    }
    arguments->operands += 2; /* the others are configurations */
    arguments->n_operands -= 2;
    asim_status status = command_configure(command);
    arguments->operands -= 2;
    if (status != ASIM_OK) {
        return status;
    }
    command_warn_of_out(command);
    char *document = NULL;
    struct watch watch;
    watch_begin(&watch, command->config);
    status = asim_policy_search(command->config, policy, &options, &watch.callbacks, &document);
    watch_end(&watch);
    report_config(command->config);
    if (status == ASIM_INTERRUPTED) {
        report_error(status, "interrupted before all settings were simulated: there is no ranking");
    }
    return document ? print_document(command, document) : status;
}
