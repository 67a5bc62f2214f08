#include "workload/complete.h"

#include "base/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NAMES = 12, SHOWN_GAPS = 4 };

/* From here on, programs point into arrays that grow no more. */
static void link_programs(struct builder *builder)
{
    struct program_set *set = &builder->set;
    for (size_t i = 0; i < set->n_programs; i++) {
        set->programs[i].turns = set->turns + set->origins[i].first_turn;
        set->programs[i].extents = set->extents ? set->extents + set->origins[i].first_extent : NULL;
    }
    set->tools = builder->tools.names;
    set->n_tools = builder->tools.n;
    builder->tools.names = NULL;
}

static struct diag_where where_of(const struct program_set *set, size_t program)
{
    return (struct diag_where){.file = set->origins[program].file, .line = set->programs[program].line};
}

static uint32_t kept_toks(const struct turn *turn, const struct turn *parent, uint32_t block, bool reuse_generated)
{
    const uint64_t context = (uint64_t)parent->prompt_toks + parent->output_toks;
    const bool keeps_prompt = (uint64_t)turn->kept_toks + block > parent->prompt_toks;
    if (keeps_prompt && reuse_generated && turn->prompt_toks >= context) {
        return (uint32_t)context;
    }
    const uint32_t most = reuse_generated ? (uint32_t)context : parent->prompt_toks;
    return turn->kept_toks < most ? turn->kept_toks : most;
}

static void resolve_kept(struct builder *builder)
{
    struct program_set *set = &builder->set;
    const bool is_blocky = builder->prefixes >= TRACE_BLOCK_EVIDENCE && builder->odd_prefixes == 0;
    const uint32_t block = builder->trace_block ? builder->trace_block : is_blocky ? TRACE_BLOCK : 1;
    for (size_t p = 0; p < set->n_programs; p++) {
        struct turn *turns = set->turns + set->origins[p].first_turn;
        for (uint32_t i = 0; i < set->programs[p].n_turns; i++) {
            if (turns[i].kept_toks && !turns[i].n_extents) {
                turns[i].kept_toks =
                    kept_toks(&turns[i], &turns[turns[i].parent], block, builder->options->reuse_generated);
            }
        }
    }
}

/* A turn's output is shared when another program has any of its tokens, or another turn of its own may while it runs.
 */
static void mark_shared_outputs(struct builder *builder)
{
    struct program_set *set = &builder->set;
    for (size_t p = 0; p < set->n_programs; p++) {
        const struct extent *extents = set->programs[p].extents;
        struct turn *turns = set->turns + set->origins[p].first_turn;
        for (uint32_t i = 0; i < set->programs[p].n_turns; i++) {
            for (uint32_t e = 0; e < turns[i].n_extents; e++) {
                const struct extent *extent = &extents[turns[i].first_extent + e];
                turns[i].shared_output |= set->programs[p].graph != NULL ||
                                          interner_is_shared(&builder->interner, extent, turns[i].prompt_toks);
            }
        }
    }
}

static void share_prefix(struct builder *builder)
{
    struct program_set *set = &builder->set;
    const char *name = builder->options->shared_prefix;
    uint64_t n_shared = 0;
    for (size_t p = 0; p < set->n_programs; p++) {
        n_shared += set->programs[p].shared_prefix_toks != 0;
        set->programs[p].shared_stream = stream_common(STREAM_SHARED, 0);
        set->programs[p].shared_prefix_toks = name ? set->programs[p].shared_prefix_toks : 0;
    }
    if (name && n_shared == 0) {
        diag_warning(builder->diag, (struct diag_where){.file = builder->file},
                     "no program has shared_prefix_toks, so the shared prefix '%s' is not used", name);
    }
}

static void set_arrivals(struct builder *builder)
{
    struct program_set *set = &builder->set;
    if (builder->n_arrivals == 0) {
        return;
    }
    if (builder->n_arrivals != set->n_programs) {
        size_t without = 0;
        while (set->origins[without].has_arrival) {
            without++;
        }
        diag_error(builder->diag, ASIM_INPUT, where_of(set, without),
                   "has no arrival time, as %zu of %zu programs; allowed: an arrival for all programs, or for none",
                   set->n_programs - (size_t)builder->n_arrivals, set->n_programs);
        return;
    }
    int64_t earliest = INT64_MAX;
    for (size_t p = 0; p < set->n_programs; p++) {
        earliest = set->origins[p].arrival_ns < earliest ? set->origins[p].arrival_ns : earliest;
    }
    for (size_t p = 0; p < set->n_programs; p++) {
        const uint64_t after = (uint64_t)set->origins[p].arrival_ns - (uint64_t)earliest;
        if (after > SIMTIME_LIMIT / SIMTIME_NS) {
            diag_error(builder->diag, ASIM_INPUT, where_of(set, p),
                       "arrives %.1f days after the earliest program; allowed: at most 100 days",
                       (double)after / 86400e9);
            return;
        }
        set->programs[p].arrival = (simtime)after * SIMTIME_NS;
    }
}

static int compare_times(const void *a, const void *b)
{
    const simtime left = *(const simtime *)a;
    const simtime right = *(const simtime *)b;
    return (left > right) - (left < right);
}

/* Median of the known gaps of chains (R type 7: the mean of the middle two, to a picosecond); GAP_MISSING when there is
 * none. */
static simtime median_gap(const struct program_set *set)
{
    simtime *gaps = mem_alloc((set->n_turns + 1) * sizeof *gaps);
    size_t n = 0;
    for (size_t p = 0; p < set->n_programs; p++) {
        for (uint32_t i = 0; !set->programs[p].graph && i + 1 < set->programs[p].n_turns; i++) {
            const simtime gap = set->programs[p].turns[i].gap;
            if (gap != GAP_MISSING) {
                gaps[n++] = gap;
            }
        }
    }
    qsort(gaps, n, sizeof *gaps, compare_times);
    const simtime median = n ? gaps[(n - 1) / 2] + (gaps[n / 2] - gaps[(n - 1) / 2]) / 2 : GAP_MISSING;
    mem_free(gaps);
    return median;
}

bool draw_missing_gap(const struct workload_options *options, uint64_t program, uint32_t turn, simtime *out)
{
    const struct rng_key key = {.seed = options->seed, .program = program, .turn = turn, .purpose = RNG_GAP};
    const double seconds = distribution_sample(&options->missing_gap_distribution, rng_uniform(key, 0));
    return simtime_from_s(seconds, out);
}

static void report_missing_gap(struct builder *builder, size_t program, uint32_t turn, uint64_t nth)
{
    if (nth < SHOWN_GAPS) {
        diag_error(builder->diag, ASIM_INPUT, where_of(&builder->set, program),
                   "the gap after turn %u of %u of '%s' is missing", turn + 1, builder->set.programs[program].n_turns,
                   builder->set.programs[program].name);
    }
}

static void fill_gaps(struct builder *builder, struct workload_stats *stats)
{
    struct program_set *set = &builder->set;
    const struct workload_options *options = builder->options;
    const simtime median = options->missing_gap == MISSING_GAP_MEDIAN ? median_gap(set) : GAP_MISSING;
    uint64_t n_unfilled = 0;
    for (size_t p = 0; p < set->n_programs; p++) {
        struct turn *turns = set->turns + set->origins[p].first_turn;
        const uint32_t n = set->programs[p].n_turns;
        turns[n - 1].gap = 0;
        for (uint32_t i = 0; !set->programs[p].graph && i + 1 < n; i++) {
            if (turns[i].gap != GAP_MISSING) {
                continue;
            }
            stats->missing_gaps++;
            turns[i].gap = median;
            if (options->missing_gap == MISSING_GAP_DISTRIBUTION && !draw_missing_gap(options, p, i, &turns[i].gap)) {
                diag_error(builder->diag, ASIM_INPUT, where_of(set, p),
                           "a gap drawn for turn %u is beyond 100 days; give a distribution with a shorter tail",
                           i + 1);
                return;
            }
            if (turns[i].gap == GAP_MISSING && options->missing_gap != MISSING_GAP_KEEP) {
                report_missing_gap(builder, p, i, n_unfilled++);
            }
        }
    }
    if (n_unfilled) {
        const char *known =
            options->missing_gap == MISSING_GAP_MEDIAN ? "; no gap is known, so there is no median" : "";
        diag_error(builder->diag, ASIM_INPUT, (struct diag_where){.file = builder->file},
                   "gaps that are missing between turns: %" PRIu64 "%s; allowed: --missing-gap=median, a duration such "
                   "as 2s, or a distribution such as lognormal(median=1.5s, p99=60s)",
                   n_unfilled, known);
    }
}

/* The first names of a table, for a message. */
static const char *list_names(const struct name_table *names, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < names->n && i < SHOWN_NAMES; i++) {
        used += (size_t)snprintf(out + used, bytes - used, "%s%.40s", i ? ", " : "", names->names[i]);
    }
    snprintf(out + used, bytes - used, "%s", names->n > SHOWN_NAMES ? ", ..." : "");
    return out;
}

static void report_findings(struct builder *builder)
{
    const struct diag_where file = {.file = builder->file};
    char names[640];
    if (builder->skipped) {
        diag_warning(builder->diag, file, "bad lines skipped: %" PRIu64 "; the first: %s", builder->skipped,
                     builder->skipped_diag.entries[0].text);
    }
    if (builder->other_keys.n) {
        diag_warning(builder->diag, file, "keys that are not used: %s",
                     list_names(&builder->other_keys, names, sizeof names));
    }
    if (builder->models.n) {
        diag_warning(builder->diag, file,
                     "nodes that name a model: %" PRIu64 " (%s); all are served by the one model of the simulation",
                     builder->n_with_models, list_names(&builder->models, names, sizeof names));
    }
    if (builder->assumed_prefixes) {
        diag_warning(builder->diag, file,
                     "turns with neither prefix_toks nor token ids: %" PRIu64
                     "; they are taken to keep the prompt before them unless they are shorter",
                     builder->assumed_prefixes);
    }
    if (builder->left_out_requests) {
        diag_warning(builder->diag, file, "requests of sub-agents left out: %" PRIu64, builder->left_out_requests);
    }
}

asim_status builder_complete(struct builder *builder, struct program_set *out, struct workload_stats *stats)
{
    struct program_set *set = &builder->set;
    *out = (struct program_set){0};
    report_findings(builder);
    if (set->n_programs == 0 && builder->diag->status == ASIM_OK) {
        diag_error(builder->diag, ASIM_INPUT, (struct diag_where){.file = builder->file}, "there is no program in it");
    }
    if (builder->diag->status != ASIM_OK) {
        return builder->diag->status;
    }
    link_programs(builder);
    resolve_kept(builder);
    mark_shared_outputs(builder);
    share_prefix(builder);
    set_arrivals(builder);
    fill_gaps(builder, stats);
    if (builder->diag->status != ASIM_OK) {
        return builder->diag->status;
    }
    stats->n_programs = set->n_programs;
    stats->n_turns = set->n_turns;
    for (size_t i = 0; i < set->n_programs; i++) {
        const struct program *program = &set->programs[i];
        stats->n_dags += program->graph != NULL;
        stats->n_told += program->hints || program->tenant || program->deadline;
    }
    stats->skipped_lines = builder->skipped;
    stats->has_arrivals = builder->n_arrivals > 0;
    stats->has_token_ids = builder->has_token_ids;
    *out = *set;
    *set = (struct program_set){0};
    return ASIM_OK;
}
