/* Weka traces: a document or lines, with the format found by content and named. */
#include "read_workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct workload_options strict = {.reuse_generated = true, .block_size = 16};
    const struct workload_options lenient = {
        .format = WORKLOAD_WEKA, .block_size = 16, .shared_prefix = "system", .missing_gap = MISSING_GAP_MEDIAN};
    read_workload((const char *)data, size, strict);
    read_workload((const char *)data, size, lenient);
    return 0;
}
