#include "metrics/program_sample.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

static uint64_t hash_of(uint64_t program)
{
    return XXH3_64bits(&program, sizeof program);
}

void program_sample_init(struct program_sample *sample, uint32_t limit)
{
    *sample = (struct program_sample){.limit = limit == UINT32_MAX ? UINT64_MAX : limit, .bound = UINT64_MAX};
}

void program_sample_fini(struct program_sample *sample)
{
    for (size_t i = 0; i < sample->n; i++) {
        mem_free((char *)sample->rows[i].record.name);
    }
    mem_free(sample->rows);
    *sample = (struct program_sample){0};
}

static int compare_programs(const void *a, const void *b)
{
    const uint64_t x = ((const struct program_row *)a)->record.program;
    const uint64_t y = ((const struct program_row *)b)->record.program;
    return (x > y) - (x < y);
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = hash_of(((const struct program_row *)a)->record.program);
    const uint64_t y = hash_of(((const struct program_row *)b)->record.program);
    return x == y ? compare_programs(a, b) : (x > y) - (x < y);
}

static void prune(struct program_sample *sample)
{
    if (sample->n <= sample->limit) {
        return;
    }
    qsort(sample->rows, sample->n, sizeof *sample->rows, compare_hashes);
    for (size_t i = sample->limit; i < sample->n; i++) {
        mem_free((char *)sample->rows[i].record.name);
    }
    sample->n = sample->limit;
    sample->bound = hash_of(sample->rows[sample->n - 1].record.program);
}

static bool may_be_kept(const struct program_sample *sample, uint64_t program)
{
    return sample->limit && hash_of(program) <= sample->bound;
}

/* The row's name is the sample's from now on. */
static void keep(struct program_sample *sample, const struct program_row *row)
{
    if (sample->n >= 1024 && sample->n / 2 >= sample->limit) {
        prune(sample);
    }
    sample->rows = mem_grow(sample->rows, &sample->capacity, sample->n + 1, sizeof *sample->rows);
    sample->rows[sample->n++] = *row;
}

void program_sample_add(struct program_sample *sample, const struct program_row *row)
{
    if (may_be_kept(sample, row->record.program)) {
        struct program_row copy = *row;
        copy.record.name = mem_strdup(row->record.name);
        keep(sample, &copy);
    }
}

void program_sample_merge(struct program_sample *into, struct program_sample *from)
{
    assert(into->limit == from->limit);
    for (size_t i = 0; i < from->n; i++) {
        if (may_be_kept(into, from->rows[i].record.program)) {
            keep(into, &from->rows[i]);
        } else {
            mem_free((char *)from->rows[i].record.name);
        }
    }
    mem_free(from->rows);
    *from = (struct program_sample){.limit = into->limit, .bound = UINT64_MAX};
}

const struct program_row *program_sample_rows(struct program_sample *sample, uint64_t *n)
{
    prune(sample);
    if (sample->n) {
        qsort(sample->rows, sample->n, sizeof *sample->rows, compare_programs);
    }
    *n = sample->n;
    return sample->rows;
}
