/* Members of the summary's document, and the parts of it that have files of their own. */
#ifndef ASIM_METRICS_SUMMARY_MEMBERS_H
#define ASIM_METRICS_SUMMARY_MEMBERS_H

#include "metrics/summary.h"

#include <jansson.h>
#include <stdlib.h>

static inline void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value)) {
        abort(); /* out of memory, or text that is not UTF-8: callers check their texts */
    }
}

static inline void set_count(json_t *object, const char *key, uint64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

static inline void set_real(json_t *object, const char *key, double value)
{
    set(object, key, json_real(value));
}

/* A share; null of nothing. */
static inline void set_share(json_t *object, const char *key, double part, double whole)
{
    set(object, key, whole > 0 ? json_real(part / whole) : json_null());
}

/* ---- summary_decisions.c ---- */

json_t *summary_decisions_json(const struct summary_input *in);
json_t *summary_tiers_json(const struct summary_input *in);

#endif
