/* A run over a columnar file is the run over what was imported. */
#ifndef ASIM_TESTS_SIM_COLUMNAR_RUN_H
#define ASIM_TESTS_SIM_COLUMNAR_RUN_H

#include <asim/asim.h>

/* An option and its value; a list ends with a NULL path. */
struct columnar_setting {
    const char *path;
    const char *value;
};

/* Runs with `source` and `common`, imports `source`, runs with the file and `common`, and fails unless the digests are
 * equal. */
void assert_same_runs(const struct columnar_setting *source, const struct columnar_setting *common, const char *file);

#endif
