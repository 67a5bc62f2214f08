/* Measured per-request times of a real engine (requests.jsonl), for validation.
 *
 * `arrival_time` is Unix time and the other stamps are a monotonic clock's; the offset between the two is recovered as
 * the least difference of `queued_ts` and `arrival_time`, the request that waited least before it was queued.
 */
#ifndef ASIM_WORKLOAD_MEASURED_H
#define ASIM_WORKLOAD_MEASURED_H

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

struct measured_request {
    uint32_t line;
    uint32_t input_toks;
    uint32_t output_toks;
    double arrival_s; /* on the clock of the others */
    double queued_s;
    double scheduled_s;
    double first_token_s;
    double last_token_s;
};

struct measured_run {
    struct measured_request *requests;
    uint64_t n;
};

/* Reads a file (plain, .gz or .zst), or text in memory that `name` stands for in messages. All bad lines are reported.
 */
asim_status measured_read(const char *path, struct measured_run *out, struct diag *diag);
asim_status measured_parse(const char *text, size_t bytes, const char *name, struct measured_run *out,
                           struct diag *diag);
void measured_fini(struct measured_run *run);

#endif
