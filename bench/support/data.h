/* Where the recorded data of tests and benchmarks lie: ASIM_DATA_DIR, else ../shared/data beside the source folder. */
#ifndef ASIM_BENCH_DATA_H
#define ASIM_BENCH_DATA_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATA_PATH_BYTES = 4096 };

/* The path of `relative` below the data folder; false when there is nothing. */
static inline bool data_path(const char *relative, char out[DATA_PATH_BYTES])
{
    const char *folder = getenv("ASIM_DATA_DIR");
    snprintf(out, DATA_PATH_BYTES, "%s/%s", folder ? folder : ASIM_SOURCE_FOLDER "/../shared/data", relative);
    return access(out, R_OK) == 0;
}

#endif
