/* Every fixture reads as the expected file beside it says: programs, turns, contents, warnings, errors.
 *
 * A fixture is tests/workload/FORMAT/NAME; what is expected of it lies beside it as NAME.VARIANT.expected. With
 * ASIM_UPDATE_EXPECTED set in the environment, the expected files are written instead of compared. */
#include "support/support.h"

#include "base/mem.h"
#include "workload/columnar_write.h"
#include "workload/prompt.h"
#include "workload/same_workload.h"
#include "workload/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct workload_options standard = {.reuse_generated = true, .block_size = 4, .seed = 1};
static const struct workload_options no_reuse = {.block_size = 4, .seed = 1};
static const struct workload_options skipping = {.reuse_generated = true, .block_size = 4, .skip_bad_lines = true};
static const struct workload_options first_two = {.reuse_generated = true, .block_size = 4, .max_programs = 2};
static const struct workload_options shared = {.reuse_generated = true, .block_size = 4, .shared_prefix = "system"};
static const struct workload_options median = {
    .reuse_generated = true, .block_size = 4, .missing_gap = MISSING_GAP_MEDIAN};
static const struct workload_options fixed_gap = {.reuse_generated = true,
                                                  .block_size = 4,
                                                  .missing_gap = MISSING_GAP_DISTRIBUTION,
                                                  .missing_gap_distribution = {.kind = DISTRIBUTION_FIXED, .a = 2.5}};
static const struct workload_options endless_gap = {.reuse_generated = true,
                                                    .block_size = 4,
                                                    .missing_gap = MISSING_GAP_DISTRIBUTION,
                                                    .missing_gap_distribution = {.kind = DISTRIBUTION_FIXED, .a = 1e9}};
static const struct workload_options as_session = {
    .reuse_generated = true, .block_size = 4, .format = WORKLOAD_SESSION};
static const struct workload_options as_weka = {.reuse_generated = true, .block_size = 4, .format = WORKLOAD_WEKA};

struct fixture {
    const char *path; /* below tests/workload */
    const char *variant;
    const struct workload_options *options;
};

static const struct fixture fixtures[] = {
    {"session/flat.jsonl", "standard", &standard},
    {"session/chain.jsonl", "standard", &standard},
    {"session/chain.jsonl", "no-reuse", &no_reuse},
    {"session/chain.jsonl", "first-two", &first_two},
    {"session/chain.jsonl", "shared", &shared},
    {"session/mixed-crlf-bom.jsonl", "standard", &standard},
    {"session/blocks-of-64.jsonl", "standard", &standard},
    {"session/almost-blocks-of-64.jsonl", "standard", &standard},
    {"session/few-blocks-of-64.jsonl", "standard", &standard},
    {"session/no-prefix.jsonl", "standard", &standard},
    {"session/token-ids.jsonl", "standard", &standard},
    {"session/token-ids.jsonl", "no-reuse", &no_reuse},
    {"session/gaps.jsonl", "standard", &standard},
    {"session/gaps.jsonl", "median", &median},
    {"session/gaps.jsonl", "fixed", &fixed_gap},
    {"session/gaps.jsonl", "endless", &endless_gap},
    {"session/no-gaps.jsonl", "median", &median},
    {"session/unix-arrivals.jsonl", "standard", &standard},
    {"session/some-arrivals.jsonl", "standard", &standard},
    {"session/far-arrivals.jsonl", "standard", &standard},
    {"session/unknown-keys.jsonl", "shared", &shared},
    {"session/bad-lines.jsonl", "standard", &standard},
    {"session/bad-lines.jsonl", "skipping", &skipping},
    {"session/bad-ids.jsonl", "standard", &standard},
    {"session/dag.jsonl", "standard", &standard},
    {"session/dag.jsonl", "no-reuse", &no_reuse},
    {"session/dag-ids.jsonl", "standard", &standard},
    {"session/bad-dag.jsonl", "standard", &standard},
    {"session/bad-dag.jsonl", "skipping", &skipping},
    {"session/bad-dag-more.jsonl", "standard", &standard},
    {"session/empty.jsonl", "standard", &standard},
    {"session/empty.jsonl", "session", &as_session},
    {"session/only-bad.jsonl", "skipping", &skipping},
    {"session/truncated.jsonl", "standard", &standard},
    {"session/array.json", "standard", &standard},
    {"session/mooncake.jsonl", "standard", &standard},
    {"session/sharegpt.json", "standard", &standard},
    {"weka/chain.json", "standard", &standard},
    {"weka/chain.json", "no-reuse", &no_reuse},
    {"weka/chain.json", "shared", &shared},
    {"weka/pretty.json", "standard", &standard},
    {"weka/two.jsonl", "standard", &standard},
    {"weka/forks.json", "standard", &standard},
    {"weka/subagents.json", "standard", &standard},
    {"weka/no-think-time.json", "standard", &standard},
    {"weka/no-think-time.json", "fixed", &fixed_gap},
    {"weka/bad.jsonl", "standard", &standard},
    {"weka/bad.jsonl", "skipping", &skipping},
    {"weka/bad-pretty.json", "weka", &as_weka},
    {"weka/folder", "standard", &standard},
    {"weka/folder", "first-two", &first_two},
    {"weka/mixed-folder", "standard", &standard},
    {"weka/no-traces", "standard", &standard},
};

static void write_stream(FILE *out, uint64_t stream)
{
    const uint64_t index = stream & ((UINT64_C(1) << 62) - 1);
    switch (stream >> 62) {
    case STREAM_PRIVATE:
        fprintf(out, "private %" PRIu64 "/%" PRIu64, index >> 24, index & 0xffffff);
        break;
    case STREAM_SHARED:
        fprintf(out, "shared %" PRIu64, index);
        break;
    default:
        fprintf(out, "ids %" PRIu64, index);
    }
}

static void write_turn(FILE *out, const struct workload *workload, const struct program *program, uint32_t index,
                       struct prompt_state *state)
{
    const struct turn *turn = &program->turns[index];
    fprintf(out, "  turn %u: prompt %u, output %u, kept %u", index, turn->prompt_toks, turn->output_toks,
            turn->kept_toks);
    if (turn->kept_toks) {
        fprintf(out, " of turn %u", turn->parent);
    }
    fprintf(out, ", gap %" PRId64 " ps, tool %s%s\n   ", turn->gap, workload_tool_name(workload, turn->tool),
            turn->shared_output ? ", shared output" : "");
    const struct content content = prompt_build(state, program, index);
    for (uint32_t i = 0; i < content.n_extents; i++) {
        fprintf(out, " [");
        write_stream(out, content.extents[i].stream);
        fprintf(out, ": %u+%u]", content.extents[i].first, content.extents[i].count);
    }
    fprintf(out, "\n");
}

static void write_graph(FILE *out, const struct program *program)
{
    const struct program_graph *graph = program->graph;
    fprintf(out, "  graph: roots %u, sinks %u, longest %u;", graph->n_roots, graph->n_sinks, graph->longest);
    for (uint32_t turn = 0; turn < program->n_turns; turn++) {
        for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
            fprintf(out, " %u->%u after %" PRId64 " ps,", turn, graph->edges[at].turn, graph->edges[at].delay);
        }
    }
    fprintf(out, " parents");
    for (uint32_t turn = graph->n_roots; turn < program->n_turns; turn++) {
        fprintf(out, " of %u:", turn);
        for (uint32_t at = graph->first_parent[turn]; at < graph->first_parent[turn + 1]; at++) {
            fprintf(out, " %u", graph->parents[at].turn);
        }
    }
    fprintf(out, "\n");
}

static void write_workload(FILE *out, struct workload *workload)
{
    const struct workload_stats *stats = workload_stats(workload);
    struct prompt_state state;
    fprintf(out,
            "%s: %s\n%" PRIu64 " programs, %" PRIu64 " turns, %" PRIu64 " skipped, %" PRIu64 " gaps filled in%s%s\n",
            stats->format, stats->reason, stats->n_programs, stats->n_turns, stats->skipped_lines, stats->missing_gaps,
            stats->has_arrivals ? ", arrivals" : "", stats->has_token_ids ? ", token ids" : "");
    prompt_state_init(&state);
    for (uint64_t i = 0; i < stats->n_programs; i++) {
        const struct program *program = workload_fetch(workload, i, 0);
        assert_int_equal(program->id, i);
        fprintf(out, "program '%s', line %u, arrives at %" PRId64 " ps", program->name, program->line,
                workload_arrival(workload, i));
        if (program->shared_prefix_toks) {
            fprintf(out, ", shares %u", program->shared_prefix_toks);
        }
        fprintf(out, "\n");
        prompt_state_reset(&state);
        for (uint32_t t = 0; t < program->n_turns; t++) {
            write_turn(out, workload, program, t, &state);
        }
        if (program->graph) {
            write_graph(out, program);
        }
        workload_release(workload, program, 0);
    }
    prompt_state_fini(&state);
}

/* Messages name files by their path below tests/workload. */
static void write_message(FILE *out, const struct diag_entry *entry)
{
    const char *folder = test_path("workload/");
    const size_t n = strlen(folder);
    fprintf(out, entry->is_warning ? "warning: " : "error: ");
    for (const char *at = entry->text; *at;) {
        if (strncmp(at, folder, n) == 0) {
            at += n;
        } else {
            fputc(*at++, out);
        }
    }
    fputc('\n', out);
}

/* The columnar file of a workload holds what it holds; so does one whose missing gaps are filled in only when it is
 * read.
 */
static void check_import(const struct fixture *fixture, const char *path, struct workload *workload)
{
    static const char file[] = ASIM_BINARY_FOLDER "/test_fixtures.asimw";
    struct diag diag;
    diag_init(&diag);
    if (workload_stats(workload)->n_dags) { /* but for DAGs, which are refused */
        struct columnar_written written;
        assert_int_equal(columnar_write(workload, fixture->options, "the source", file, &written, &diag), ASIM_INPUT);
        assert_non_null(strstr(diag.entries[0].text, "programs are DAGs"));
        diag_fini(&diag);
        return;
    }
    struct workload *again = imported(workload, fixture->options, file, fixture->options, &diag);
    assert_non_null(again);
    assert_same_workload(workload, again);
    workload_destroy(again);
    struct workload_options keeping = *fixture->options;
    keeping.missing_gap = MISSING_GAP_KEEP;
    struct workload *kept = workload_open(path, &keeping, &diag);
    again = imported(kept, &keeping, file, fixture->options, &diag);
    assert_non_null(again);
    assert_same_workload(workload, again);
    workload_destroy(again);
    workload_destroy(kept);
    diag_fini(&diag);
    remove(file);
}

static char *read_as_text(const struct fixture *fixture)
{
    char *text;
    size_t bytes;
    char path[256];
    struct diag diag;
    FILE *out = open_memstream(&text, &bytes);
    diag_init(&diag);
    snprintf(path, sizeof path, "workload/%s", fixture->path);
    struct workload *workload = workload_open(test_path(path), fixture->options, &diag);
    assert_true((workload == NULL) == (diag.status != ASIM_OK));
    for (size_t i = 0; i < diag.n_entries; i++) {
        write_message(out, &diag.entries[i]);
    }
    if (workload) {
        write_workload(out, workload);
        check_import(fixture, test_path(path), workload);
    } else {
        fprintf(out, "status: %s\n", asim_status_text(diag.status));
    }
    workload_destroy(workload);
    diag_fini(&diag);
    fclose(out);
    return text;
}

static char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        fail_msg("%s cannot be opened", path);
    }
    char *text = mem_alloc(1 << 20);
    const size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

static void reads_as_expected(void **state)
{
    const struct fixture *fixture = *state;
    char path[256];
    snprintf(path, sizeof path, "workload/%s.%s.expected", fixture->path, fixture->variant);
    char *text = read_as_text(fixture);
    if (getenv("ASIM_UPDATE_EXPECTED")) {
        FILE *file = fopen(test_path(path), "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    } else {
        char *expected = file_text(test_path(path));
        assert_string_equal(text, expected);
        mem_free(expected);
    }
    free(text);
}

int main(void)
{
    enum { N = sizeof fixtures / sizeof *fixtures };
    struct CMUnitTest tests[N];
    char names[N][128];
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%s, %s", fixtures[i].path, fixtures[i].variant);
        tests[i] = (struct CMUnitTest){
            .name = names[i], .test_func = reads_as_expected, .initial_state = (void *)&fixtures[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
