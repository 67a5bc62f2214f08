#include "options/resolve.h"

#include "base/embedded.h"
#include "options/checks.h"
#include "options/option_lookup.h"
#include "options/option_value.h"
#include "options/yaml_source.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The winner of each row, NULL where no source gives the option. */
struct choice {
    const struct option_given **given;
    const char **replaced_by; /* by row: origin of the option that excluded this one, else NULL */
};

static size_t row_of(const char *path)
{
    const size_t row = option_find(path, NAMING_PATH);
    assert(row < option_count());
    return row;
}

static void choose(const struct option_sources *sources, struct choice *choice)
{
    for (size_t i = 0; i < sources->n; i++) {
        const struct option_given *item = &sources->items[i];
        const struct option_given *best = choice->given[item->row];
        if (!best || item->rank >= best->rank) {
            choice->given[item->row] = item;
        }
    }
}

/* The embedded scenario fills what no source gives. */
static void add_scenario(struct option_sources *scenario, struct choice *choice)
{
    const struct embedded_file *file = embedded_find("scenarios/embedded.yaml");
    assert(file);
    struct diag diag;
    diag_init(&diag);
    yaml_source_read(scenario, RANK_SCENARIO, file->path, file->text, file->bytes, &diag);
    assert(diag.status == ASIM_OK);
    diag_fini(&diag);
    for (size_t i = 0; i < scenario->n; i++) {
        const struct option_given *item = &scenario->items[i];
        if (!choice->given[item->row]) {
            choice->given[item->row] = item;
        }
    }
}

static bool is_text(const struct option_given *given, const char *text)
{
    return strcmp(given->text, text) == 0;
}

/* Whether two given options cannot stand together. */
static bool exclude_each_other(const struct option_given *a, const struct option_given *b)
{
    const size_t arrivals = row_of("arrivals");
    if (!a->text || !b->text) {
        return false; /* a bad value says nothing about its intent */
    }
    if (b->row == arrivals) {
        return exclude_each_other(b, a);
    }
    if (a->row != arrivals) {
        return true;
    }
    return !is_text(a, "auto") && !is_text(a, b->row == row_of("request_rate") ? "poisson" : "closed");
}

/* Applies precedence within a group of options of which some exclude each other: goes from the highest down and drops
 * what does not go with something above. */
static void exclude(struct choice *choice, const char *const *paths, struct diag *diag)
{
    size_t rows[4];
    size_t n = 0;
    for (; *paths; paths++) {
        const size_t row = row_of(*paths);
        if (choice->given[row]) {
            size_t at = n++;
            for (; at > 0 && choice->given[rows[at - 1]]->rank < choice->given[row]->rank; at--) {
                rows[at] = rows[at - 1];
            }
            rows[at] = row;
        }
    }
    for (size_t i = 1; i < n; i++) {
        const struct option_given *low = choice->given[rows[i]];
        for (size_t j = 0; j < i && choice->given[rows[i]]; j++) {
            const struct option_given *high = choice->given[rows[j]];
            if (!high || !exclude_each_other(high, low)) {
                continue;
            }
            if (high->rank == low->rank) {
                diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "%s (%s) and %s (%s) exclude each other; give one",
                           option_at(high->row)->doc.path, high->origin, option_at(low->row)->doc.path, low->origin);
            } else {
                choice->replaced_by[low->row] = high->origin;
                choice->given[low->row] = NULL;
            }
        }
    }
}

static const char *keep_text(struct resolved *out, const char *text)
{
    return arena_strndup(&out->texts, text, strlen(text));
}

static void store(struct resolved *out, size_t row, const char *text, const char *origin)
{
    struct option_value value;
    char message[OPTION_MESSAGE_BYTES];
    const bool good = option_value_parse(option_at(row), keep_text(out, text), &value, message);
    assert(good);
    (void)good;
    option_value_store(option_at(row), &value, &out->settings);
    out->origins[row] = keep_text(out, origin);
}

static void fill(const struct choice *choice, struct resolved *out)
{
    for (size_t row = 0; row < option_count(); row++) {
        const struct option_given *given = choice->given[row];
        if (given && given->text) {
            store(out, row, given->text, given->rank == RANK_SCENARIO ? "embedded scenario" : given->origin);
            out->given[row] = given->rank != RANK_SCENARIO;
            continue;
        }
        const char *text = option_at(row)->doc.default_text;
        if (text) {
            store(out, row, text, "built-in");
        } else {
            option_value_unset(option_at(row), &out->settings);
            out->origins[row] = "built-in";
        }
        out->bad[row] = given != NULL;
        if (choice->replaced_by[row]) {
            char origin[256];
            snprintf(origin, sizeof origin, "replaced by %s", choice->replaced_by[row]);
            out->origins[row] = keep_text(out, origin);
        }
    }
}

/* What a version of the engine sets unless it is given. */
static void apply_preset(const struct choice *choice, struct resolved *out)
{
    static const struct {
        const char *path;
        const char *by_engine[3]; /* enum setting_engine */
    } preset[] = {
        {"scheduler_reserve_full_isl", {"off", "off", "on"}},
        {"async_scheduling", {"off", "on", "on"}},
    };
    char origin[64];
    snprintf(origin, sizeof origin, "preset %s", option_at(row_of("engine"))->names[out->settings.engine]);
    for (size_t i = 0; i < sizeof preset / sizeof preset[0]; i++) {
        const size_t row = row_of(preset[i].path);
        if (!choice->given[row]) {
            store(out, row, preset[i].by_engine[out->settings.engine], origin);
        }
    }
}

/* arrivals: auto becomes what the load options say. */
static void resolve_arrivals(struct resolved *out)
{
    struct settings *settings = &out->settings;
    const size_t row = row_of("arrivals");
    if (settings->arrivals != SETTING_ARRIVALS_AUTO || out->bad[row] || out->bad[row_of("request_rate")] ||
        out->bad[row_of("max_concurrency")]) {
        return;
    }
    if (settings->request_rate >= 0.0) {
        store(out, row, "poisson", "auto: request_rate is given");
    } else if (settings->max_concurrency != SETTING_UNSET_COUNT) {
        store(out, row, "closed", "auto: max_concurrency is given");
    } else {
        store(out, row, "recorded", "auto: no load is given");
    }
}

/* synchronization: auto becomes windows, where they have a length worth it. */
static void resolve_synchronization(struct resolved *out)
{
    if (out->settings.synchronization != SYNCHRONIZATION_AUTO) {
        return;
    }
    const size_t row = row_of("synchronization");
    const struct settings *settings = &out->settings;
    const bool alone = settings->threads == 1 && settings->transport == TRANSPORT_NONE;
    if (settings->dispatch_latency == 0) {
        store(out, row, "serial", "auto: dispatch_latency is 0");
    } else if (settings->router_view == SETTING_VIEW_EXACT && alone) {
        store(out, row, "serial", "auto: router.view is exact"); /* windows would be as short as the latency */
    } else {
        store(out, row, "windows", "auto: dispatch_latency is above 0");
    }
}

asim_status resolve(const struct option_sources *sources, struct resolved *out, struct diag *diag)
{
    static const char *const exclusive[][4] = {
        {"workload", "generate", NULL},
        {"num_gpu_blocks_override", "kv_pool_tokens", NULL},
        {"arrivals", "request_rate", "max_concurrency", NULL},
    };
    const size_t errors_before = diag->n_errors;
    struct choice choice = {.given = mem_zalloc(option_count() * sizeof *choice.given),
                            .replaced_by = mem_zalloc(option_count() * sizeof *choice.replaced_by)};
    struct option_sources scenario;
    option_sources_init(&scenario);
    memset(out, 0, sizeof *out);
    arena_init(&out->texts);
    out->origins = mem_zalloc(option_count() * sizeof *out->origins);
    out->given = mem_zalloc(option_count() * sizeof *out->given);
    out->bad = mem_zalloc(option_count() * sizeof *out->bad);

    choose(sources, &choice);
    if (sources->n_files == 0 && !choice.given[row_of("workload")] && !choice.given[row_of("generate")]) {
        add_scenario(&scenario, &choice);
    }
    for (size_t i = 0; i < sizeof exclusive / sizeof exclusive[0]; i++) {
        exclude(&choice, exclusive[i], diag);
    }
    fill(&choice, out);
    apply_preset(&choice, out);
    if (diag->n_errors == errors_before) {
        resolve_arrivals(out);
        resolve_synchronization(out);
    }
    checks_run(out, diag);

    option_sources_fini(&scenario);
    mem_free(choice.given);
    mem_free(choice.replaced_by);
    return diag->n_errors == errors_before ? ASIM_OK : ASIM_USAGE;
}

void resolved_fini(struct resolved *resolved)
{
    mem_free(resolved->origins);
    mem_free(resolved->given);
    mem_free(resolved->bad);
    arena_fini(&resolved->texts);
    *resolved = (struct resolved){0};
}
