/* Runs through the public interface, with options given as a list; and what is written of their results. */
#ifndef ASIM_TESTS_API_RUN_OPTIONS_H
#define ASIM_TESTS_API_RUN_OPTIONS_H

#include "asim/asim.h"

struct option {
    const char *path, *value;
};

/* With two lists of options, each up to one without a path: resolved, and run. */
asim_config *configure_options(const struct option *options, const struct option *more);
asim_result *run_options(const struct option *options, const struct option *more);

/* What `write` writes, with `expected` as its status; freed with free(). */
char *written_of(const asim_result *result, asim_status (*write)(const asim_result *, FILE *), asim_status expected);

#endif
