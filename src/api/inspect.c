#include "api/config.h"
#include "api/document.h"
#include "sim/cluster.h"
#include "workload/columnar.h"
#include "workload/describe.h"

asim_status asim_inspect(asim_config *config, char **out)
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
    const struct columnar *columnar = workload_columnar(workload);
    const asim_status status = columnar ? columnar_verify(columnar, diag) : ASIM_OK;
    json_t *description = status == ASIM_OK ? workload_describe(workload) : NULL;
    if (description) {
        *out = document_text(description, DOCUMENT_DIGITS);
    }
    workload_destroy(workload);
    return description ? ASIM_OK : diag->status;
}
