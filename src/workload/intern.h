/* Token ids to content streams: contents share a prefix, to within a block, exactly as far as their ids do.
 *
 * A content is cut into chunks of one block, and each chunk is named by the XXH3-128 hash of the chunk's ids and the
 * hash of the chunk before it: equal names mean equal ids from the start of the content up to there. Each new name
 * becomes the next piece of its predecessor's stream if that stream ends there, else it starts a stream; a stream is
 * thus one branch of the tree of all contents, and a position in it has one meaning for ever. A partial last chunk is
 * named with its length and is a stream of its own.
 *
 * The position of a token in its stream is its position in the content. Memory is one table slot per distinct block of
 * the file, and is needed while reading only.
 */
#ifndef ASIM_WORKLOAD_INTERN_H
#define ASIM_WORKLOAD_INTERN_H

#include "workload/extent.h"
#include "workload/key_map.h"

#include <stdbool.h>

struct intern_stream;

struct interner {
    struct key_map chunks; /* name of a chunk to its stream */
    struct intern_stream *streams;
    size_t n_streams;
    size_t capacity;
    uint32_t block_size;
    unsigned char *scratch; /* the hash of the chunk before and the ids of this one */
};

void interner_init(struct interner *interner, uint32_t block_size);
void interner_fini(struct interner *interner);

/* Appends the extents of a content that starts with these ids; `list` must be empty. Programs come in ascending
 * order.*/
void interner_add(struct interner *interner, uint64_t program, const uint32_t *ids, uint32_t n,
                  struct extent_list *list);

/* Whether some other program than the one that added it first has any of the tokens [from, from + count) of a stream.
 */
bool interner_is_shared(const struct interner *interner, const struct extent *extent, uint32_t from);

#endif
