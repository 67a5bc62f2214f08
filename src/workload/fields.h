/* Members of a JSON object by name, with one message style for all that can be wrong with them:
 *
 *     trace.jsonl:3: sub_requests[2].input_toks: -5 given; allowed: an integer from 1 to 2147483647
 *
 * A member that is null counts as absent. A member given twice is an error; one that no reader knows is noted in the
 * builder and reported once for the whole input.
 */
#ifndef ASIM_WORKLOAD_FIELDS_H
#define ASIM_WORKLOAD_FIELDS_H

#include "workload/builder.h"
#include "workload/json_lines.h"

enum { FIELDS_MAX = 48 };

/* What a reader does with a member. */
enum field_use {
    FIELD_READ,
    FIELD_IGNORE, /* known and of no use here: measurements of the recorded run */
};

struct field {
    const char *name;
    enum field_use use;
};

struct fields {
    struct builder *builder;
    const struct field *table;
    const char *path; /* what stands before the names in messages: "" or "sub_requests[2]." */
    uint64_t present; /* bit per row of the table */
    struct jdoc_value values[FIELDS_MAX];
};

enum field_state { FIELD_ABSENT, FIELD_GOOD, FIELD_BAD };

/* Sorts the members of `object` into *out; false when `object` is none or a member is given twice. */
bool fields_collect(struct builder *builder, struct jdoc_value object, const struct field *table, size_t n,
                    const char *path, struct fields *out);

static inline bool fields_has(const struct fields *fields, int index)
{
    return fields->present >> index & 1;
}

/* Typed access; on FIELD_BAD the problem is reported, otherwise *out is set only on FIELD_GOOD. */
enum field_state fields_integer(const struct fields *fields, int index, int64_t least, int64_t most, int64_t *out);
enum field_state fields_string(const struct fields *fields, int index, struct jdoc_string *out);

/* A name that may be written as a string or an integer. `text` points into the document, or to `digits`. */
struct field_name {
    struct jdoc_string text;
    char digits[24];
};

/* The result must not move. */
enum field_state fields_name(const struct fields *fields, int index, struct field_name *out);

/* As above, but an absent member is reported too. */
bool fields_need_name(const struct fields *fields, int index, struct field_name *out);

/* A duration given in units of `unit` picoseconds, from 0 to 100 days; `negative_is_absent` for files that mark an
 * unknown duration so. */
enum field_state fields_duration(const struct fields *fields, int index, simtime unit, bool negative_is_absent,
                                 simtime *out);

/* As above, but an absent member is reported too: true only for FIELD_GOOD. */
bool fields_need_integer(const struct fields *fields, int index, int64_t least, int64_t most, int64_t *out);

/* Whether the member is there and an array (reported when it is something else). */
enum field_state fields_array(const struct fields *fields, int index, struct jdoc_value *out);

#endif
