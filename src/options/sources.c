#include "options/sources.h"

#include "base/mem.h"
#include "options/option_value.h"

void option_sources_init(struct option_sources *sources)
{
    *sources = (struct option_sources){0};
}

void option_sources_fini(struct option_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++) {
        mem_free(sources->items[i].text);
        mem_free(sources->items[i].origin);
    }
    mem_free(sources->items);
    option_sources_init(sources);
}

asim_status option_sources_add(struct option_sources *sources, size_t row, const char *text,
                               const struct option_source *from, struct diag *diag)
{
    struct option_value value;
    char message[OPTION_MESSAGE_BYTES];
    const bool good = option_value_parse(option_at(row), text, &value, message);
    sources->items = mem_grow(sources->items, &sources->capacity, sources->n + 1, sizeof *sources->items);
    sources->items[sources->n++] = (struct option_given){
        .row = row, .rank = from->rank, .text = good ? mem_strdup(text) : NULL, .origin = mem_strdup(from->origin)};
    return good ? ASIM_OK : diag_error(diag, ASIM_USAGE, from->where, "%s: %s", from->name, message);
}
