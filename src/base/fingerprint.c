#include "base/fingerprint.h"

#include "base/mem.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { CHUNK_BYTES = 1 << 16, DEEPEST = 16 };

static bool add_file(XXH3_state_t *state, const char *path, uint64_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    unsigned char *chunk = mem_alloc(CHUNK_BYTES);
    for (size_t got; (got = fread(chunk, 1, CHUNK_BYTES, file)) > 0;) {
        XXH3_128bits_update(state, chunk, got);
        *bytes += got;
    }
    const bool whole = !ferror(file);
    mem_free(chunk);
    fclose(file);
    return whole;
}

/* The order of bytes, in any locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool add(XXH3_state_t *state, const char *path, uint64_t *bytes, int depth)
{
    struct stat facts;
    if (depth > DEEPEST || stat(path, &facts) != 0) {
        return false;
    }
    if (!S_ISDIR(facts.st_mode)) {
        return S_ISREG(facts.st_mode) && add_file(state, path, bytes);
    }
    struct dirent **entries;
    const int n = scandir(path, &entries, is_visible, by_name);
    bool whole = n >= 0;
    for (int i = 0; i < n; i++) {
        const size_t length = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *below = mem_alloc(length);
        snprintf(below, length, "%s/%s", path, entries[i]->d_name);
        const uint64_t before = *bytes;
        whole = whole && add(state, below, bytes, depth + 1);
        const uint64_t added = *bytes - before;
        XXH3_128bits_update(state, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        XXH3_128bits_update(state, &added, sizeof added);
        mem_free(below);
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return whole;
}

bool fingerprint_take(const char *path, struct fingerprint *out)
{
    XXH3_state_t *state = XXH3_createState();
    *out = (struct fingerprint){0};
    if (!state) {
        return false;
    }
    XXH3_128bits_reset(state);
    const bool whole = add(state, path, &out->bytes, 0);
    const XXH128_hash_t hash = XXH3_128bits_digest(state);
    out->low = hash.low64;
    out->high = hash.high64;
    XXH3_freeState(state);
    return whole;
}

void fingerprint_text(const struct fingerprint *fingerprint, char out[FINGERPRINT_TEXT_BYTES])
{
    snprintf(out, FINGERPRINT_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, fingerprint->high, fingerprint->low);
}
