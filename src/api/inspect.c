#include "api/config.h"
#include "api/document.h"
#include "sim/cluster.h"
#include "workload/describe.h"

asim_status asim_inspect(asim_config *config, char **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    if (!settings) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    struct workload *workload = cluster_open_workload(settings, (uint32_t)settings->block_size, true, diag);
    if (!workload) {
        return diag->status;
    }
    *out = document_text(workload_describe(workload), DOCUMENT_DIGITS);
    workload_destroy(workload);
    return ASIM_OK;
}
