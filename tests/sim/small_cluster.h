/* A cluster of given options, for tests that run an engine and look inside. */
#ifndef ASIM_TESTS_SIM_SMALL_CLUSTER_H
#define ASIM_TESTS_SIM_SMALL_CLUSTER_H

#include "asim/asim.h"
#include "pdes/transport.h"
#include "sim/cluster.h"

struct small_cluster {
    asim_config *config;
    struct diag diag;
    struct cluster *cluster;
    struct transport *transport; /* alone */
};

void small_cluster_init(struct small_cluster *small, const char *const (*options)[2], size_t n);
void small_cluster_fini(struct small_cluster *small);

#endif
