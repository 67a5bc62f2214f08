#include "options/unused.h"

#include "options/option_value.h"

#include <assert.h>
#include <string.h>

/* ---- modes ---- */

static bool generates(const struct settings *s, const char *name)
{
    return s->generate && strcmp(s->generate, name) == 0;
}

static bool makes_synthetic(const struct settings *s)
{
    return generates(s, "synthetic");
}

static bool makes_graphs(const struct settings *s)
{
    return generates(s, "lats") || generates(s, "deep-research");
}

static bool reads_workload(const struct settings *s)
{
    return s->workload != NULL;
}

static bool has_dram(const struct settings *s)
{
    return s->tier_dram >= 0.0;
}

static bool has_cxl(const struct settings *s)
{
    return s->tier_cxl >= 0.0;
}

static bool has_nvme(const struct settings *s)
{
    return s->tier_nvme >= 0.0;
}

static bool has_tiers(const struct settings *s)
{
    return has_dram(s) || has_cxl(s) || has_nvme(s);
}

/* What NVMe holds is fetched to the tier above it while a turn waits. */
static bool fetches(const struct settings *s)
{
    const bool is_hicache = s->offload_engine >= SETTING_OFFLOAD_HICACHE_THROUGH;
    return is_hicache && has_nvme(s) && (has_dram(s) || has_cxl(s));
}

static bool fetches_for_a_time(const struct settings *s)
{
    return fetches(s) && s->offload_prefetch_stop == SETTING_PREFETCH_TIMEOUT;
}

static bool may_have_affinity(const struct settings *s)
{
    return !s->routing || strcmp(s->routing, "session-affinity") == 0;
}

/* ---- which options belong to them ---- */

/* The first rule whose path the option's begins with counts. */
static const struct {
    const char *path;
    bool (*is_used)(const struct settings *settings);
    const char *needs;
} rules[] = {
    {"workload_format", reads_workload, "workload"},
    {"on_bad_line", reads_workload, "workload"},
    {"missing_gap", reads_workload, "workload"},
    {"reuse_generated", reads_workload, "workload"},
    {"shared_prefix", reads_workload, "workload"},
    {"synthetic.", makes_synthetic, "generate: synthetic"},
    {"dag.", makes_graphs, "generate: lats or deep-research"},
    {"tiers.dram_bandwidth", has_dram, "tiers.dram"},
    {"tiers.cxl_", has_cxl, "tiers.cxl"},
    {"tiers.nvme_", has_nvme, "tiers.nvme"},
    {"tiers.sharing", has_tiers, "tiers.dram, tiers.cxl or tiers.nvme"},
    {"tiers.host_link", has_tiers, "tiers.dram, tiers.cxl or tiers.nvme"},
    {"offload.prefetch_timeout", fetches_for_a_time,
     "offload.prefetch_stop: timeout, an offload.engine of hicache-... and tiers.nvme below another tier"},
    {"offload.prefetch_", fetches, "an offload.engine of hicache-... and tiers.nvme below another tier"},
    {"offload.overlap", has_tiers, "tiers.dram, tiers.cxl or tiers.nvme"},
    {"offload.chunk", has_tiers, "tiers.dram, tiers.cxl or tiers.nvme"},
    {"offload.load_quota", has_tiers, "tiers.dram, tiers.cxl or tiers.nvme"},
    {"router.pressure_limit", may_have_affinity, "routing: session-affinity"},
    {"router.load_limit", may_have_affinity, "routing: session-affinity"},
};

static bool is_built_in(const struct option_row *row, const char *value)
{
    if (!row->doc.default_text) {
        return false;
    }
    struct settings settings = {0};
    struct option_value built_in;
    char message[OPTION_MESSAGE_BYTES];
    const bool good = option_value_parse(row, row->doc.default_text, &built_in, message);
    assert(good);
    (void)good;
    option_value_store(row, &built_in, &settings);
    char *text = option_value_format(row, &settings);
    const bool same = text && strcmp(text, value) == 0;
    mem_free(text);
    return same;
}

static void warn(const struct resolved *resolved, size_t index, const char *needs, struct diag *diag)
{
    const struct option_row *row = option_at(index);
    char *value = option_value_format(row, &resolved->settings);
    if (value && !is_built_in(row, value)) {
        char shown[OPTION_SHOWN_BYTES];
        diag_warning(diag, (struct diag_where){0}, "%s: %s (%s) has no effect without %s", row->doc.path,
                     option_shown(value, shown), resolved->origins[index], needs);
    }
    mem_free(value);
}

void unused_warn(const struct resolved *resolved, struct diag *diag)
{
    enum { RULES = sizeof rules / sizeof rules[0] };
    for (size_t row = 0; row < option_count(); row++) {
        const char *path = option_at(row)->doc.path;
        size_t rule = 0;
        while (rule < RULES && strncmp(path, rules[rule].path, strlen(rules[rule].path)) != 0) {
            rule++;
        }
        if (resolved->given[row] && rule < RULES && !rules[rule].is_used(&resolved->settings)) {
            warn(resolved, row, rules[rule].needs, diag);
        }
    }
}
