#include "cli/number_list.h"

#include "cli/messages.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A whole number from 1 to `most` that ends at a comma or at the end of the text; 0 for anything else. */
static uint64_t number_at(const char *text, uint64_t most, const char **end)
{
    if (strspn(text, "0123456789.eE+") == 0) {
        return 0;
    }
    char *after;
    const double value = strtod(text, &after);
    *end = after;
    if ((*after && *after != ',') || !(value >= 1.0 && value <= (double)most) || value != floor(value)) {
        return 0;
    }
    return (uint64_t)value;
}

asim_status number_list_parse(struct number_list *list, const char *flag, const char *text, uint64_t most)
{
    list->n = 0;
    while (text && *text) {
        if (list->n == NUMBER_LIST_MAX) {
            return report_error(ASIM_USAGE, "%s: too many numbers; allowed: up to %d", flag, NUMBER_LIST_MAX);
        }
        const char *end = NULL;
        const uint64_t number = number_at(text, most, &end);
        if (!number || (*end && !end[1])) {
            return report_error(ASIM_USAGE,
                                "%s: a whole number is wanted at '%s'; allowed: 1 to %" PRIu64
                                ", several separated by commas, e.g. 1,2,4",
                                flag, text, most);
        }
        list->numbers[list->n++] = number;
        text = *end ? end + 1 : end;
    }
    return ASIM_OK;
}

asim_status number_list_one(const char *flag, const char *text, uint64_t most, uint32_t *out)
{
    struct number_list list;
    const asim_status status = number_list_parse(&list, flag, text, most);
    *out = status == ASIM_OK && list.n == 1 ? (uint32_t)list.numbers[0] : 0;
    return status == ASIM_OK && list.n > 1 ? report_error(ASIM_USAGE, "%s %s: one number is wanted", flag, text)
                                           : status;
}
