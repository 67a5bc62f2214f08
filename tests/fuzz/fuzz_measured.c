/* Measured request times (requests.jsonl). */
#include "workload/measured.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag;
    struct measured_run run;
    diag_init(&diag);
    if (measured_parse((const char *)data, size, "fuzz", &run, &diag) == ASIM_OK) {
        measured_fini(&run);
    }
    diag_fini(&diag);
    return 0;
}
