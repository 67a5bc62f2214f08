/* Texts of the options missing_gap and tool_gap: keywords, a distribution of durations, or one distribution per tool.
 */
#ifndef ASIM_OPTIONS_GAP_H
#define ASIM_OPTIONS_GAP_H

#include "base/distribution.h"

#include <stddef.h>

enum gap_kind {
    GAP_ERROR,        /* missing_gap: a turn without a gap is an error */
    GAP_MEDIAN,       /* missing_gap: the median of the gaps present */
    GAP_TRACE,        /* tool_gap: as the workload says */
    GAP_DISTRIBUTION, /* one distribution for all, in entries[0] */
    GAP_BY_TOOL,      /* tool_gap: entries by tool name; other tools as the workload says */
};

struct gap_entry {
    char *tool; /* NULL with GAP_DISTRIBUTION */
    struct distribution seconds;
};

struct gap_rule {
    enum gap_kind kind;
    size_t n_entries;
    struct gap_entry *entries;
};

/* Read the texts; on failure they return false, write what is wrong and what is allowed to message, and leave nothing
 * to free. */
bool gap_parse_missing(const char *text, struct gap_rule *out, char *message, size_t message_bytes);
bool gap_parse_tool(const char *text, struct gap_rule *out, char *message, size_t message_bytes);

void gap_rule_fini(struct gap_rule *rule);

#endif
