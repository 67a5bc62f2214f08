/* A user of the installed library: runs the embedded scenario and prints its summary. */
#include <asim/asim.h>

#include <stdio.h>

int main(void)
{
    asim_config *config = asim_config_create();
    asim_result *result = NULL;
    asim_status status = asim_config_set(config, "programs", "5");
    status = status == ASIM_OK ? asim_config_resolve(config) : status;
    status = status == ASIM_OK ? asim_run(config, NULL, &result) : status;
    if (status == ASIM_OK) {
        puts(asim_result_summary(result));
    }
    asim_result_destroy(result);
    asim_config_destroy(config);
    return asim_status_exit_code(status);
}
