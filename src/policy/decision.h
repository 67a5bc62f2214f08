/* The decisions of policies one by one, where they are asked for (decisions.jsonl).
 *
 * Each instance keeps those that were taken inside it in the order in which they were, and apart from them those that
 * sent it turns. All together they are put in order by (time, routing first, instance, order there), which is the same
 * however the instances came to run.
 */
#ifndef ASIM_POLICY_DECISION_H
#define ASIM_POLICY_DECISION_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Plane, function and what was chosen: decision.c has the names. */
enum decision_kind {
    DECISION_ROUTE,   /* `other`: the program's home, ASIM_NONE when it has none */
    DECISION_KEEP,    /* in the order of enum asim_retention_action; `other`: the tool that runs, ASIM_NONE: none */
    DECISION_HOLD,    /* with a score */
    DECISION_PIN,     /* and `until` */
    DECISION_OFFLOAD, /* `until`: fetched back then */
    DECISION_DROP,
    DECISION_EVICT_HOLD, /* under pressure; `other`: blocks that are wanted */
    DECISION_EVICT_PIN,
    DECISION_ASK_PIN, /* what a function asked for besides; `until` */
    DECISION_ASK_RELEASE,
    DECISION_ASK_OFFLOAD,
    DECISION_ASK_PREFETCH,
    DECISION_START, /* a waiting turn is admitted */
    DECISION_REFUSE,
    DECISION_PREEMPT,
    DECISION_DISPLACE,
    DECISION_KINDS
};

struct decision {
    simtime time;
    uint64_t program;
    uint32_t turn;
    uint32_t instance;
    enum decision_kind kind;
    uint32_t toks; /* prompt, or context where the turn has ended */
    uint32_t other;
    /* The instance as it was; not of DECISION_ROUTE. */
    uint32_t free_blocks, retained_blocks, running, waiting;
    simtime until; /* SIMTIME_NEVER: none */
    double score;
};

/* Decisions in the order in which they were taken; zero-initialised is empty. */
struct decision_list {
    struct decision *items;
    size_t n, capacity;
};

void decision_list_fini(struct decision_list *list);
void decision_list_add(struct decision_list *list, const struct decision *decision);

/* Adds those of an instance, whose order among themselves is kept; then all are put in order. */
void decision_list_append(struct decision_list *list, const struct decision_list *more);
void decision_list_sort(struct decision_list *list);

/* One JSON object a line; `tools` names the tools. False when the file cannot be written. */
bool decision_list_write(const struct decision_list *list, const char *const *tools, size_t n_tools, FILE *file);

#endif
