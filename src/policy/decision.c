#include "policy/decision.h"

#include "asim/policy.h"
#include "base/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *plane, *function, *choice;
} names[DECISION_KINDS] = {
    [DECISION_ROUTE] = {"routing", "route", "send"},
    [DECISION_KEEP] = {"retention", "on_turn_complete", "keep"},
    [DECISION_HOLD] = {"retention", "on_turn_complete", "hold"},
    [DECISION_PIN] = {"retention", "on_turn_complete", "pin"},
    [DECISION_OFFLOAD] = {"retention", "on_turn_complete", "offload"},
    [DECISION_DROP] = {"retention", "on_turn_complete", "drop"},
    [DECISION_EVICT_HOLD] = {"retention", "evict_order", "evict"},
    [DECISION_EVICT_PIN] = {"retention", "on_pressure", "unpin"},
    [DECISION_ASK_PIN] = {"retention", "host", "pin"},
    [DECISION_ASK_RELEASE] = {"retention", "host", "release"},
    [DECISION_ASK_OFFLOAD] = {"retention", "host", "offload"},
    [DECISION_ASK_PREFETCH] = {"retention", "host", "prefetch"},
    [DECISION_START] = {"scheduling", "admit", "start"},
    [DECISION_REFUSE] = {"scheduling", "admit", "refuse"},
    [DECISION_PREEMPT] = {"scheduling", "victim", "preempt"},
    [DECISION_DISPLACE] = {"scheduling", "priority", "displace"},
};

void decision_list_fini(struct decision_list *list)
{
    mem_free(list->items);
    *list = (struct decision_list){0};
}

void decision_list_add(struct decision_list *list, const struct decision *decision)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = *decision;
}

void decision_list_append(struct decision_list *list, const struct decision_list *more)
{
    if (more->n) {
        list->items = mem_grow(list->items, &list->capacity, list->n + more->n, sizeof *list->items);
        memcpy(list->items + list->n, more->items, more->n * sizeof *more->items);
        list->n += more->n;
    }
}

static int compare(const struct decision *a, const struct decision *b)
{
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    const int inside_a = a->kind != DECISION_ROUTE;
    const int inside_b = b->kind != DECISION_ROUTE;
    if (inside_a != inside_b) {
        return inside_a - inside_b;
    }
    return (a->instance > b->instance) - (a->instance < b->instance);
}

/* Merges two sorted runs; of equals those of the first go first. */
static void merge(const struct decision *a, size_t n_a, const struct decision *b, size_t n_b, struct decision *out)
{
    while (n_a && n_b) {
        if (compare(a, b) <= 0) {
            *out++ = *a++;
            n_a--;
        } else {
            *out++ = *b++;
            n_b--;
        }
    }
    memcpy(out, a, n_a * sizeof *a);
    memcpy(out + n_a, b, n_b * sizeof *b);
}

void decision_list_sort(struct decision_list *list)
{
    if (list->n < 2) {
        return;
    }
    struct decision *from = list->items;
    struct decision *to = mem_alloc(list->n * sizeof *to);
    struct decision *const scratch = to;
    for (size_t width = 1; width < list->n; width *= 2) {
        for (size_t at = 0; at < list->n; at += 2 * width) {
            const size_t middle = at + width < list->n ? at + width : list->n;
            const size_t end = middle + width < list->n ? middle + width : list->n;
            merge(from + at, middle - at, from + middle, end - middle, to + at);
        }
        struct decision *const sorted = to;
        to = from;
        from = sorted;
    }
    if (from == scratch) {
        memcpy(list->items, from, list->n * sizeof *from);
    }
    mem_free(scratch);
}

static void put_time(FILE *file, const char *key, simtime time)
{
    char seconds[SIMTIME_TEXT_BYTES];
    fprintf(file, "\"%s\":%s", key, simtime_text(time, seconds));
}

static void put_tool(FILE *file, uint32_t tool, const char *const *tools, size_t n_tools)
{
    json_t *name = tool < n_tools ? json_string(tools[tool]) : NULL;
    fputs(",\"tool\":", file);
    if (name) {
        json_dumpf(name, file, JSON_ENCODE_ANY);
    } else {
        fputs("null", file);
    }
    json_decref(name);
}

static void put_other(FILE *file, const struct decision *decision, const char *const *tools, size_t n_tools)
{
    switch (decision->kind) {
    case DECISION_ROUTE:
        if (decision->other != ASIM_NONE) {
            fprintf(file, ",\"home\":%" PRIu32, decision->other);
        } else {
            fputs(",\"home\":null", file);
        }
        break;
    case DECISION_EVICT_HOLD:
    case DECISION_EVICT_PIN:
        fprintf(file, ",\"needed_blocks\":%" PRIu32, decision->other);
        break;
    case DECISION_KEEP:
    case DECISION_HOLD:
    case DECISION_PIN:
    case DECISION_OFFLOAD:
    case DECISION_DROP:
        put_tool(file, decision->other, tools, n_tools);
        break;
    default:
        break;
    }
}

static void put_decision(FILE *file, const struct decision *decision, const char *const *tools, size_t n_tools)
{
    fputc('{', file);
    put_time(file, "time_s", decision->time);
    fprintf(file,
            ",\"instance\":%" PRIu32 ",\"plane\":\"%s\",\"function\":\"%s\",\"program\":%" PRIu64 ",\"turn\":%" PRIu32
            ",\"sees\":{\"tokens\":%" PRIu32,
            decision->instance, names[decision->kind].plane, names[decision->kind].function, decision->program,
            decision->turn, decision->toks);
    put_other(file, decision, tools, n_tools);
    if (decision->kind != DECISION_ROUTE) {
        fprintf(file,
                ",\"free_blocks\":%" PRIu32 ",\"retained_blocks\":%" PRIu32 ",\"running\":%" PRIu32
                ",\"waiting\":%" PRIu32,
                decision->free_blocks, decision->retained_blocks, decision->running, decision->waiting);
    }
    fprintf(file, "},\"choice\":\"%s\"", names[decision->kind].choice);
    if (decision->until != SIMTIME_NEVER) {
        fputc(',', file);
        put_time(file, "until_s", decision->until);
    }
    if ((decision->kind == DECISION_HOLD || decision->kind == DECISION_PIN) && isfinite(decision->score)) {
        fprintf(file, ",\"score\":%.17g", decision->score);
    }
    fputs("}\n", file);
}

bool decision_list_write(const struct decision_list *list, const char *const *tools, size_t n_tools, FILE *file)
{
    for (size_t i = 0; i < list->n; i++) {
        put_decision(file, &list->items[i], tools, n_tools);
    }
    return fflush(file) == 0 && !ferror(file);
}
