#include "options/gap.h"

#include "base/mem.h"
#include "options/units.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TOOLS = 256 };

/* One distribution for all; `others` is what is allowed besides. */
static bool parse_one(const char *text, const char *others, struct gap_rule *out, char *message, size_t message_bytes)
{
    struct distribution seconds;
    char wrong[768];
    if (!distribution_parse(text, units_seconds, &seconds, wrong, (int)sizeof wrong)) {
        snprintf(message, message_bytes, "%s; or %s", wrong, others);
        return false;
    }
    *out = (struct gap_rule){.kind = GAP_DISTRIBUTION, .n_entries = 1, .entries = mem_zalloc(sizeof *out->entries)};
    out->entries[0].seconds = seconds;
    return true;
}

bool gap_parse_missing(const char *text, struct gap_rule *out, char *message, size_t message_bytes)
{
    *out = (struct gap_rule){.kind = GAP_ERROR};
    if (strcmp(text, "error") == 0) {
        return true;
    }
    if (strcmp(text, "median") == 0) {
        out->kind = GAP_MEDIAN;
        return true;
    }
    return parse_one(text, "error, median", out, message, message_bytes);
}

/* Length of the first item of a list whose commas inside parentheses do not split. */
static size_t item_length(const char *text)
{
    size_t i = 0;
    for (int depth = 0; text[i] != '\0' && !(text[i] == ',' && depth == 0); i++) {
        depth += text[i] == '(';
        depth -= text[i] == ')' && depth > 0;
    }
    return i;
}

static char *trimmed(const char *text, size_t length)
{
    while (length && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    char *copy = mem_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static bool has_tool(const struct gap_rule *rule, const char *tool)
{
    for (size_t i = 0; i < rule->n_entries; i++) {
        if (strcmp(rule->entries[i].tool, tool) == 0) {
            return true;
        }
    }
    return false;
}

/* One NAME=DISTRIBUTION, appended to the rule. */
static bool add_item(const char *item, size_t length, struct gap_rule *rule, char *message, size_t message_bytes)
{
    const char *equals = memchr(item, '=', length);
    const char *open = memchr(item, '(', length);
    char *tool = equals && (!open || equals < open) ? trimmed(item, (size_t)(equals - item)) : NULL;
    char *rest = tool ? trimmed(equals + 1, length - (size_t)(equals + 1 - item)) : NULL;
    bool good = false;
    struct gap_entry entry = {.tool = tool};
    if (!tool || tool[0] == '\0') {
        snprintf(message, message_bytes,
                 "'%.*s' is not NAME=DISTRIBUTION; allowed: trace, DISTRIBUTION, or "
                 "NAME=DISTRIBUTION,... e.g. bash=exponential(mean=2s),edit=50ms",
                 (int)length, item);
    } else if (has_tool(rule, tool)) {
        snprintf(message, message_bytes, "tool '%s' is given twice; allowed: each tool once", tool);
    } else if (rule->n_entries == MAX_TOOLS) {
        snprintf(message, message_bytes, "more than %d tools; allowed: at most %d", MAX_TOOLS, MAX_TOOLS);
    } else {
        good = distribution_parse(rest, units_seconds, &entry.seconds, message, (int)message_bytes);
    }
    mem_free(rest);
    if (good) {
        rule->entries[rule->n_entries++] = entry;
    } else {
        mem_free(tool);
    }
    return good;
}

bool gap_parse_tool(const char *text, struct gap_rule *out, char *message, size_t message_bytes)
{
    *out = (struct gap_rule){.kind = GAP_TRACE};
    if (strcmp(text, "trace") == 0) {
        return true;
    }
    const char *equals = strchr(text, '=');
    const char *open = strchr(text, '(');
    if (!equals || (open && open < equals)) {
        return parse_one(text, "trace, NAME=DISTRIBUTION,...", out, message, message_bytes);
    }
    out->kind = GAP_BY_TOOL;
    out->entries = mem_zalloc(MAX_TOOLS * sizeof *out->entries);
    for (const char *at = text;;) {
        const size_t length = item_length(at);
        if (!add_item(at, length, out, message, message_bytes)) {
            gap_rule_fini(out);
            return false;
        }
        if (at[length] == '\0') {
            return true;
        }
        at += length + 1;
    }
}

void gap_rule_fini(struct gap_rule *rule)
{
    for (size_t i = 0; i < rule->n_entries; i++) {
        mem_free(rule->entries[i].tool);
    }
    mem_free(rule->entries);
    *rule = (struct gap_rule){.kind = GAP_ERROR};
}
