#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t calls;

uint64_t mem_calls(void)
{
    return calls;
}

static void *checked(void *pointer, size_t bytes)
{
    calls++;
    if (!pointer && bytes) {
        fprintf(stderr, "asim: out of memory (%zu bytes)\n", bytes);
        abort();
    }
    return pointer;
}

void *mem_alloc(size_t bytes)
{
    return checked(malloc(bytes), bytes);
}

void *mem_zalloc(size_t bytes)
{
    return checked(calloc(1, bytes), bytes);
}

void *mem_aligned(size_t alignment, size_t bytes)
{
    return checked(aligned_alloc(alignment, bytes), bytes);
}

void *mem_realloc(void *pointer, size_t bytes)
{
    return checked(realloc(pointer, bytes), bytes);
}

void mem_free(void *pointer)
{
    free(pointer);
}

char *mem_strdup(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    return memcpy(mem_alloc(bytes), text, bytes);
}

void *mem_grow(void *items, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity) {
        return items;
    }
    size_t grown = *capacity ? *capacity * 2 : 16;
    if (grown < wanted) {
        grown = wanted;
    }
    *capacity = grown;
    return mem_realloc(items, grown * size);
}

void *mem_grow_from(const void *first, void *items, size_t *capacity, size_t wanted, size_t size)
{
    if (!first || items != first || wanted <= *capacity) {
        return mem_grow(items, capacity, wanted, size);
    }
    const size_t bytes = *capacity * size;
    return memcpy(mem_grow(NULL, capacity, wanted, size), first, bytes);
}

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity;
    _Alignas(16) unsigned char data[];
};

enum { ARENA_CHUNK_BYTES = 256 * 1024, ARENA_ALIGN = 16 };

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunk;
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        mem_free(chunk);
        chunk = next;
    }
    arena_init(arena);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    const size_t rounded = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!arena->chunk || arena->chunk->capacity - arena->used < rounded) {
        const size_t capacity = rounded > ARENA_CHUNK_BYTES ? rounded : ARENA_CHUNK_BYTES;
        struct arena_chunk *chunk = mem_alloc(sizeof *chunk + capacity);
        chunk->next = arena->chunk;
        chunk->capacity = capacity;
        arena->chunk = chunk;
        arena->used = 0;
        arena->total_bytes += sizeof *chunk + capacity;
    }
    void *pointer = arena->chunk->data + arena->used;
    arena->used += rounded;
    return pointer;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
