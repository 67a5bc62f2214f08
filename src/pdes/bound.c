#include "pdes/bound.h"

#include "base/mem.h"
#include "pdes/lines.h"

struct share {
    _Alignas(LINE_BYTES) struct bound bound;
};

/* Which of the two rows the thread has written last. */
struct reader {
    _Alignas(LINE_BYTES) uint32_t row;
};

struct bound_shares {
    uint32_t n_threads;
    struct share *rows[2];
    struct reader *readers;
};

struct bound_shares *bound_shares_create(uint32_t n_threads)
{
    struct bound_shares *shares = mem_alloc(sizeof *shares);
    shares->n_threads = n_threads;
    shares->readers = lines_zalloc(n_threads * sizeof *shares->readers);
    for (uint32_t row = 0; row < 2; row++) {
        shares->rows[row] = lines_zalloc(n_threads * sizeof *shares->rows[row]);
    }
    return shares;
}

void bound_shares_destroy(struct bound_shares *shares)
{
    if (!shares) {
        return;
    }
    mem_free(shares->rows[0]);
    mem_free(shares->rows[1]);
    mem_free(shares->readers);
    mem_free(shares);
}

void bound_share(struct bound_shares *shares, uint32_t thread, struct bound bound)
{
    struct reader *reader = &shares->readers[thread];
    reader->row = 1 - reader->row;
    shares->rows[reader->row][thread].bound = bound;
}

struct bound bound_least(const struct bound_shares *shares, uint32_t thread)
{
    const struct share *row = shares->rows[shares->readers[thread].row];
    struct bound least = BOUND_NONE;
    for (uint32_t i = 0; i < shares->n_threads; i++) {
        least = bound_min(least, row[i].bound);
    }
    return least;
}
