/* Measured per-request times of a real engine (requests.jsonl), for validation.
 *
 * `arrival_time` is Unix time and the other stamps are a monotonic clock's; the offset between the two is recovered as
 * the least difference of `queued_ts` and `arrival_time`, the request that waited least before it was queued.
 */
#ifndef ASIM_SIM_MEASURED_H
#define ASIM_SIM_MEASURED_H

#include "base/diag.h"

#include <stdint.h>

struct measured_request {
    uint32_t line;
    uint32_t input_toks, output_toks;
    double arrival_s; /* on the clock of the others */
    double queued_s, scheduled_s, first_token_s, last_token_s;
};

struct measured_run {
    struct measured_request *requests;
    uint64_t n;
};

asim_status measured_read(const char *path, struct measured_run *out, struct diag *diag);
void measured_fini(struct measured_run *run);

#endif
