/* What a table of residency is made of, at one instant (sim/residency_table.h).
 *
 * Pools are numbered: those of HBM like the instances, then those of the tiers, node by node.
 */
#ifndef ASIM_SIM_RESIDENCY_SURVEY_H
#define ASIM_SIM_RESIDENCY_SURVEY_H

#include "instance/kv_view.h"
#include "kv/ledger.h"
#include "sim/cluster.h"

#include "asim/asim.h"

/* A turn at an instance. */
struct survey_place {
    uint32_t instance;
    struct view_turn turn;
};

/* A turn and its context. */
struct survey_context {
    uint64_t program;
    const char *name;
    uint32_t turn;
    uint32_t at;
    asim_kv_phase phase;
    simtime ready; /* SIMTIME_NEVER: not known */
    struct content content;
    uint32_t toks;
    uint32_t computed; /* of a running turn */
};

/* What a look-up found of a context. */
struct survey_find {
    uint32_t context, pool;
    uint32_t toks;
};

struct survey_hold {
    uint32_t pool;
    uint64_t program;
    const struct kv_holder *holder;
    uint32_t unclaimed;
};

/* What a program has in a pool. */
struct survey_share {
    uint32_t pool;
    struct kv_share share;
};

/* There is a record of the program at the instance. */
struct survey_row {
    uint32_t instance;
    uint64_t program;
};

struct survey_pin {
    struct survey_row row;
    size_t order; /* in the row */
    asim_kv_pin pin;
};

struct survey_transfer {
    struct survey_row row;
    size_t order;
    asim_kv_transfer transfer;
};

#define SURVEY_LIST(TYPE, NAME)                                                                                        \
    TYPE *NAME;                                                                                                        \
    size_t n_##NAME, NAME##_capacity

struct survey {
    struct cluster *cluster;
    simtime now;
    uint32_t visited;     /* the instance that is looked at */
    asim_kv_share *pools; /* by number */
    uint32_t n_pools;
    SURVEY_LIST(struct survey_place, places);       /* by program and turn */
    SURVEY_LIST(struct survey_context, contexts);   /* the same */
    SURVEY_LIST(struct survey_find, finds);         /* by context and pool */
    SURVEY_LIST(struct survey_hold, holds);         /* by pool */
    SURVEY_LIST(struct survey_share, shares);       /* by pool and program */
    SURVEY_LIST(struct survey_row, rows);           /* in order, each once */
    SURVEY_LIST(struct survey_pin, pins);           /* by row */
    SURVEY_LIST(struct survey_transfer, transfers); /* the same */
};

/* All instances have been brought to `now`. */
void survey_make(struct survey *survey, struct cluster *cluster, simtime now);
void survey_fini(struct survey *survey);

/* The number of a pool: of tier `tier` below HBM, ASIM_NONE of HBM. And what tier of the public header that is. */
uint32_t survey_pool(const struct cluster *cluster, uint32_t instance, uint32_t tier);
uint32_t survey_tier(const struct cluster *cluster, uint32_t tier);

/* The first of the instances that share a tier below HBM with this one. */
uint32_t survey_first_sharer(const struct cluster *cluster, uint32_t instance, uint32_t tier);

int survey_compare_rows(const struct survey_row *a, const struct survey_row *b);

bool survey_has_row(const struct survey *survey, const struct survey_row *row);

/* What the program has in a pool. */
struct kv_share survey_share_of(const struct survey *survey, uint32_t pool, uint64_t program);

/* Tokens of a context that were found in a pool. */
uint32_t survey_found(const struct survey *survey, uint32_t context, uint32_t pool);

#endif
