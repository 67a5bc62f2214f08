/* Session JSONL, with the format found by content and named, and the options that take other paths. */
#include "read_workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct workload_options strict = {.reuse_generated = true, .block_size = 16};
    const struct workload_options lenient = {.format = WORKLOAD_SESSION,
                                             .block_size = 2,
                                             .shared_prefix = "system",
                                             .missing_gap = MISSING_GAP_DISTRIBUTION,
                                             .missing_gap_distribution = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 1.0}};
    read_workload((const char *)data, size, strict);
    read_workload((const char *)data, size, lenient);
    return 0;
}
