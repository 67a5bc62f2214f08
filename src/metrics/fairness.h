/* Jain's index: how evenly tenants are served, or programs where the workload has no tenants.
 *
 * Of a program, and of all programs of a tenant together, it is over the rate of service: generated tokens per time
 * from the turns' readiness to their ends. For n rates x it is (sum x)^2 / (n sum x^2): 1 when all are equal, 1/n when
 * one has everything. Rates are whole tokens per 1000 s, and all is sums, so the index does not depend on the order in
 * which programs came.
 */
#ifndef ASIM_METRICS_FAIRNESS_H
#define ASIM_METRICS_FAIRNESS_H

#include "base/simtime.h"
#include "base/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tenant_sums {
    uint64_t tenant;
    uint64_t generated_toks;
    unsigned __int128 served_ps;
};

/* Zero-initialised is empty. */
struct fairness {
    uint64_t n; /* programs */
    unsigned __int128 sum, squares;
    struct tenant_sums *tenants; /* by number */
    size_t n_tenants, capacity;
};

void fairness_fini(struct fairness *fairness);

/* A program of `tenant` (0: none); one that generated nothing is left out. */
void fairness_add(struct fairness *fairness, uint64_t tenant, uint64_t generated_toks, simtime served);

/* Adds what `from` has, which is empty afterwards. */
void fairness_merge(struct fairness *into, struct fairness *from);

struct fairness_index {
    bool of_tenants;
    uint64_t n;   /* tenants or programs */
    double value; /* 0 when n is 0 */
};
struct fairness_index fairness_index(const struct fairness *fairness);

/* Parts of a section of the caller's. */
void fairness_save(const struct fairness *fairness, struct store_writer *writer);
void fairness_load(struct fairness *fairness, struct store_reader *reader);

#endif
