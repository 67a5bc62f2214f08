/* Options to set on top of what a seed drew for a random cluster, so that it comes to an edge. */
#ifndef ASIM_TESTS_SIM_BEND_H
#define ASIM_TESTS_SIM_BEND_H

#include "sim/random_cluster.h"

struct bend {
    const char *name;
    struct {
        const char *path;
        const char *value;
    } options[16];
};

void bend_to(struct random_cluster *cluster, const struct bend *bend);

#endif
