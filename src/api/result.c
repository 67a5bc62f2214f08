#include "api/result.h"

#include "api/document.h"
#include "api/engine_report.h"
#include "base/fingerprint.h"
#include "base/mem.h"
#include "metrics/tables.h"

#include <jansson.h>

void asim_result_destroy(asim_result *result)
{
    if (result) {
        diag_fini(&result->diag);
        recorder_destroy(result->recorder);
        residency_table_destroy(result->residency);
        mem_free(result->summary);
        mem_free(result->execution);
        decision_list_fini(&result->decisions);
        for (size_t i = 0; i < result->n_tools; i++) {
            mem_free(result->tools[i]);
        }
        mem_free(result->tools);
        for (size_t i = 0; i < result->n_inputs; i++) {
            mem_free(result->inputs[i]);
        }
        mem_free(result);
    }
}

uint32_t asim_result_rank(const asim_result *result)
{
    return result->rank;
}

const char *asim_result_summary(const asim_result *result)
{
    return result->summary;
}

const char *asim_result_execution(const asim_result *result)
{
    return result->execution;
}

size_t asim_result_message_count(const asim_result *result)
{
    return result->diag.n_entries;
}

const char *asim_result_message(const asim_result *result, size_t index, bool *is_warning)
{
    if (index >= result->diag.n_entries) {
        return NULL;
    }
    if (is_warning) {
        *is_warning = result->diag.entries[index].is_warning;
    }
    return result->diag.entries[index].text;
}

asim_status asim_result_write_programs(const asim_result *result, FILE *file)
{
    uint64_t n;
    const struct program_row *rows = recorder_programs(result->recorder, &n);
    return tables_write_programs(file, rows, n) ? ASIM_OK : ASIM_IO;
}

asim_status asim_result_write_turns(const asim_result *result, FILE *file)
{
    if (!result->keeps_turns) {
        return ASIM_USAGE;
    }
    uint64_t n;
    const struct turn_record *rows = recorder_turns(result->recorder, &n);
    return tables_write_turns(file, rows, n) ? ASIM_OK : ASIM_IO;
}

asim_status asim_result_write_decisions(const asim_result *result, FILE *file)
{
    if (!result->keeps_decisions) {
        return ASIM_USAGE;
    }
    const char *const *tools = (const char *const *)result->tools;
    return decision_list_write(&result->decisions, tools, result->n_tools, file) ? ASIM_OK : ASIM_IO;
}

/* Size and hash, or null for what cannot be read. */
static json_t *file_facts(const char *path)
{
    struct fingerprint fingerprint;
    char text[FINGERPRINT_TEXT_BYTES];
    if (!fingerprint_take(path, &fingerprint)) {
        return json_null();
    }
    fingerprint_text(&fingerprint, text);
    return json_pack("{s:s, s:I, s:s}", "path", path, "bytes", (json_int_t)fingerprint.bytes, "xxh3_128", text);
}

char *asim_result_inputs(const asim_result *result)
{
    json_t *inputs = json_array();
    for (size_t i = 0; i < result->n_inputs; i++) {
        json_t *facts = file_facts(result->inputs[i]);
        if (json_is_object(facts)) {
            json_array_append(inputs, facts);
        }
        json_decref(facts);
    }
    return document_text(inputs, DOCUMENT_DIGITS);
}

void result_note_inputs(struct asim_result *result, const struct settings *settings)
{
    const char *paths[INPUT_FILES_MOST];
    result->n_inputs = input_files(settings, paths);
    for (size_t i = 0; i < result->n_inputs; i++) {
        result->inputs[i] = mem_strdup(paths[i]);
    }
}

/* What saving the run cost, and where it went on. */
static json_t *checkpoint_facts(const struct checkpoints *checkpoints)
{
    return json_pack("{s:f, s:I, s:I, s:f, s:f}", "resumed_at_s", simtime_to_s(checkpoints->resumed_at), "written",
                     (json_int_t)checkpoints->n_written, "bytes", (json_int_t)checkpoints->bytes, "last_s",
                     1e-9 * (double)checkpoints->last_ns, "longest_s", 1e-9 * (double)checkpoints->longest_ns);
}

char *execution_json(const struct execution *execution, const struct asim_result *result)
{
    json_t *inputs = json_array();
    for (size_t i = 0; i < result->n_inputs; i++) {
        json_array_append_new(inputs, json_pack("{s:s}", "path", result->inputs[i]));
    }
    const double wall = execution->wall_s > 0.0 ? execution->wall_s : 1e-9;
    json_t *document = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:o}", "wall_s", execution->wall_s, "cpu_s",
                                 execution->cpu_s, "setup_s", execution->setup_s, "simulated_seconds_per_second",
                                 execution->sim_time_s / wall, "steps_per_second", (double)execution->steps / wall,
                                 "turns_per_second", (double)execution->turns / wall, "fast_forwarded_steps",
                                 (json_int_t)execution->fast_forwarded_steps, "inputs", inputs);
    if (execution->engine) {
        json_object_set_new(document, "engine", engine_report(execution->engine));
    }
    if (execution->checkpoints) {
        json_object_set_new(document, "checkpoints", checkpoint_facts(execution->checkpoints));
    }
    return document_text(document, DOCUMENT_TIMED_DIGITS);
}
