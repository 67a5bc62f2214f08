#include "workload/intern.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* A program that has a position of a stream has all of the stream before it. So when one goes beyond the end, the end
 * so far is what two programs have (or one, if it is the same), and "two programs have it" is one number. */
struct intern_stream {
    uint64_t program; /* the one that reaches the end */
    uint32_t end;     /* tokens: where the next piece goes */
    uint32_t second;  /* the farthest reach of all other programs */
};

void interner_init(struct interner *interner, uint32_t block_size)
{
    *interner = (struct interner){.block_size = block_size};
    key_map_init(&interner->chunks);
    interner->scratch = mem_alloc(sizeof(struct key128) + block_size * sizeof(uint32_t));
}

void interner_fini(struct interner *interner)
{
    key_map_fini(&interner->chunks);
    mem_free(interner->streams);
    mem_free(interner->scratch);
    *interner = (struct interner){0};
}

/* Name of the chunk ids[0..n) after the chunk named `before`. A chunk of another length hashes other bytes; what tells
 * a partial chunk from a full one is its number of bytes, which XXH3 takes in. */
static struct key128 chunk_name(struct interner *interner, struct key128 before, const uint32_t *ids, uint32_t n)
{
    memcpy(interner->scratch, &before, sizeof before);
    memcpy(interner->scratch + sizeof before, ids, n * sizeof *ids);
    return key_of(interner->scratch, sizeof before + n * sizeof *ids);
}

static uint32_t start_stream(struct interner *interner)
{
    interner->streams =
        mem_grow(interner->streams, &interner->capacity, interner->n_streams + 1, sizeof *interner->streams);
    interner->streams[interner->n_streams] = (struct intern_stream){0};
    return (uint32_t)interner->n_streams++;
}

void interner_add(struct interner *interner, uint64_t program, const uint32_t *ids, uint32_t n,
                  struct extent_list *list)
{
    assert(list->n_tokens == 0);
    struct key128 name = {0};
    uint32_t stream = UINT32_MAX; /* of the chunk before */
    for (uint32_t at = 0; at < n;) {
        const uint32_t count = n - at < interner->block_size ? n - at : interner->block_size;
        const bool partial = count < interner->block_size;
        name = chunk_name(interner, name, ids + at, count);
        bool fresh;
        uint32_t *slot = key_map_at(&interner->chunks, name, stream, &fresh);
        if (fresh && (stream == UINT32_MAX || partial || interner->streams[stream].end != at)) {
            *slot = start_stream(interner);
        }
        stream = *slot;
        struct intern_stream *info = &interner->streams[stream];
        if (fresh) {
            info->end = at + count;
            info->program = program;
        } else if (info->program != program && at + count > info->second) {
            info->second = at + count;
        }
        extent_list_append(
            list, (struct extent){.stream = stream_common(STREAM_INTERNED, stream), .first = at, .count = count});
        at += count;
    }
}

bool interner_is_shared(const struct interner *interner, const struct extent *extent, uint32_t from)
{
    const uint64_t kind = stream_common(STREAM_INTERNED, 0);
    if (extent->stream < kind || extent->first + extent->count <= from) {
        return false;
    }
    const struct intern_stream *stream = &interner->streams[extent->stream - kind];
    const uint32_t start = extent->first > from ? extent->first : from;
    return stream->second - stream->second % interner->block_size > start;
}
