/* A small trace with everything that a columnar file can hold, imported, and the bytes of the file. */
#ifndef ASIM_TESTS_WORKLOAD_COLUMNAR_TRACE_H
#define ASIM_TESTS_WORKLOAD_COLUMNAR_TRACE_H

#include "support/support.h"

#include "base/mem.h"
#include "workload/columnar_write.h"

#include <stdio.h>
#include <string.h>

static const struct workload_options standard = {.reuse_generated = true, .block_size = 4, .seed = 1};

/* Arrivals out of order, two at one time, tools, an old parent, a gap that is missing, a shared prefix. */
static const char trace[] =
    "{\"session_id\": \"late\", \"arrival_time_ns\": 9000, \"shared_prefix_toks\": 5, \"sub_requests\": ["
    "{\"input_toks\": 10, \"output_toks\": 2, \"tool_duration_ns\": 7, \"tool\": \"bash\"},"
    "{\"input_toks\": 14, \"output_toks\": 0, \"tool_duration_ns\": 9, \"tool\": \"edit\"},"
    "{\"input_toks\": 20, \"output_toks\": 3}]}\n"
    "{\"session_id\": \"b\", \"arrival_time_ns\": 1000, \"sub_requests\": ["
    "{\"input_toks\": 8, \"output_toks\": 2, \"input_tok_ids\": [1,2,3,4,5,6,7,8], \"tool_duration_ns\": 0},"
    "{\"input_toks\": 8, \"output_toks\": 1, \"input_tok_ids\": [1,2,3,4,5,6,7,9]}]}\n"
    "{\"session_id\": \"a\", \"arrival_time_ns\": 1000, \"sub_requests\": ["
    "{\"input_toks\": 100, \"output_toks\": 0}]}\n";

static inline struct workload *open_trace(const struct workload_options *options)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("trace", trace, strlen(trace), options, &diag);
    if (!workload) {
        fail_msg("%s", diag.entries[0].text);
    }
    diag_fini(&diag);
    return workload;
}

static inline struct columnar_written import_trace(const struct workload_options *options, const char *file)
{
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = open_trace(options);
    struct columnar_written written;
    if (columnar_write(workload, options, "trace.jsonl", file, &written, &diag) != ASIM_OK) {
        fail_msg("%s", diag.entries[0].text);
    }
    workload_destroy(workload);
    diag_fini(&diag);
    return written;
}

static inline unsigned char *file_bytes(const char *file, size_t *n)
{
    FILE *in = fopen(file, "rb");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *n = (size_t)ftell(in);
    rewind(in);
    unsigned char *bytes = mem_alloc(*n);
    assert_int_equal(fread(bytes, 1, *n, in), *n);
    fclose(in);
    return bytes;
}

/* A little-endian number, without any structure. */
static inline uint64_t number_at(const unsigned char *bytes, size_t offset, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)bytes[offset + i] << (8 * i);
    }
    return value;
}

#endif
