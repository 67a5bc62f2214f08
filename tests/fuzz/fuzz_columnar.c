/* Columnar files in memory. The checksum of the header is made right first, or no change would get past it. */
#include "read_workload.h"

#include "workload/columnar_format.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_arrivals(const struct workload *workload)
{
    struct arrival_cursor cursor = {0};
    uint64_t n = 0;
    uint64_t id;
    simtime time;
    simtime last = 0;
    while (workload_next_arrival(workload, &cursor, &id, &time)) {
        FUZZ_CHECK(id < workload_stats(workload)->n_programs && time >= last && time <= SIMTIME_LIMIT);
        last = time;
        n++;
    }
    FUZZ_CHECK(n <= workload_stats(workload)->n_programs);
}

static void read_columnar(const char *bytes, size_t n, const struct workload_options *options)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("input", bytes, n, options, &diag);
    FUZZ_CHECK((workload == NULL) == (diag.n_errors > 0));
    const uint64_t programs = workload ? workload_stats(workload)->n_programs : 0;
    for (uint64_t id = 0; id < programs; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        FUZZ_CHECK(program || diag.n_errors > 0);
        if (program) {
            workload_release(workload, program, 0);
            check_program(workload, id);
        }
    }
    if (workload && workload_has_arrival_order(workload) && workload_stats(workload)->has_arrivals) {
        walk_arrivals(workload);
    }
    workload_destroy(workload);
    diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct workload_options strict = {.reuse_generated = true, .block_size = 4};
    const struct workload_options lenient = {.block_size = 4,
                                             .max_programs = 2,
                                             .missing_gap = MISSING_GAP_DISTRIBUTION,
                                             .missing_gap_distribution = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 1.0}};
    char *copy = malloc(size + 1);
    memcpy(copy, data, size);
    if (size >= sizeof(struct columnar_header)) {
        struct columnar_header header;
        memcpy(&header, copy, sizeof header);
        memcpy(header.magic, COLUMNAR_MAGIC, COLUMNAR_MAGIC_BYTES);
        header.checksum = columnar_checksum(&header);
        memcpy(copy, &header, sizeof header);
    }
    read_columnar(copy, size, &strict);
    read_columnar(copy, size, &lenient);
    free(copy);
    return 0;
}
