/* Memory: plain allocation that never returns NULL, growable arrays, and an arena for data that dies together.
 *
 * Running out of memory ends the process with a message: a simulation cannot go on without the state it needs, and
 * every caller would otherwise carry an untestable path.
 */
#ifndef ASIM_BASE_MEM_H
#define ASIM_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t bytes);
void *mem_aligned(size_t alignment, size_t bytes); /* a multiple of the alignment; freed with mem_free */
void *mem_realloc(void *pointer, size_t bytes);
void mem_free(void *pointer);
char *mem_strdup(const char *text);

/* Calls of this thread for memory so far. */
uint64_t mem_calls(void);

/* Grows `*items` (elements of `size` bytes, capacity in *capacity) so that it holds at least `wanted` elements. */
void *mem_grow(void *items, size_t *capacity, size_t wanted, size_t size);

/* The same for items that may still lie in `first`, memory of the owner's: they leave it when they grow. */
void *mem_grow_from(const void *first, void *items, size_t *capacity, size_t wanted, size_t size);

/* Arena: bump allocation in chunks, freed all at once. Alignment 16. */
struct arena_chunk;
struct arena {
    struct arena_chunk *chunk;
    size_t used;
    size_t total_bytes; /* asked of the system so far */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

#endif
