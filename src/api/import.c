#include "api/config.h"
#include "api/document.h"
#include "sim/cluster.h"
#include "workload/columnar_write.h"

asim_status asim_import(asim_config *config, const char *path, char **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    if (!settings) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    const struct workload_options options = cluster_workload_options(settings, (uint32_t)settings->block_size, true);
    struct workload *workload = cluster_open_workload(settings, &options, diag);
    if (!workload) {
        return diag->status;
    }
    const char *source = settings->workload ? settings->workload : settings->generate;
    struct columnar_written written;
    const asim_status status = columnar_write(workload, &options, source, path, &written, diag);
    if (status == ASIM_OK) {
        *out = document_text(
            json_pack("{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:I}", "schema", "asim.import", "version", 1,
                      "from", workload_stats(workload)->format, "file", path, "bytes", (json_int_t)written.bytes,
                      "programs", (json_int_t)written.n_programs, "turns", (json_int_t)written.n_turns,
                      "longest_prompt_toks", (json_int_t)written.longest_prompt, "has_arrivals",
                      workload_stats(workload)->has_arrivals, "missing_gaps", (json_int_t)written.missing_gaps),
            DOCUMENT_DIGITS);
    }
    workload_destroy(workload);
    return status;
}
