#include "options/instants.h"

#include "base/mem.h"
#include "options/option_value.h"
#include "options/units.h"

#include <stdio.h>
#include <string.h>

enum { ITEM_BYTES = 64 };

/* The item from `*at` to the next comma, which *at is then behind; NULL at the end. */
static bool take_item(const char **at, char item[ITEM_BYTES])
{
    const char *text = *at;
    const size_t length = strcspn(text, ",");
    const size_t blanks = strspn(text, " ");
    *at = text[length] ? text + length + 1 : NULL;
    const size_t rest = blanks < length ? length - blanks : 0;
    snprintf(item, ITEM_BYTES, "%.*s", (int)(rest < ITEM_BYTES ? rest : ITEM_BYTES), text + (length - rest));
    return rest < ITEM_BYTES;
}

bool instants_parse(const char *text, struct instants *out, char *message, size_t message_bytes)
{
    *out = (struct instants){0};
    simtime last = 0;
    for (const char *at = text; at;) {
        char item[ITEM_BYTES];
        simtime time;
        if (!take_item(&at, item) || units_duration(item, &time) != UNITS_OK || time <= last) {
            char shown[OPTION_SHOWN_BYTES];
            snprintf(message, message_bytes,
                     "'%s' is not a list of instants; allowed: durations above 0, up to 100 days, each longer than the "
                     "one before it, e.g. 10s,1min",
                     option_shown(text, shown));
            instants_fini(out);
            return false;
        }
        out->items = mem_grow(out->items, &out->capacity, out->n + 1, sizeof *out->items);
        out->items[out->n++] = last = time;
    }
    return true;
}

void instants_fini(struct instants *instants)
{
    mem_free(instants->items);
    *instants = (struct instants){0};
}
