/* How the ranks (processes) of one simulation exchange what all of them need.
 *
 * Every call is collective: each rank makes the same sequence of calls, from one thread (MPI_THREAD_FUNNELED). Results
 * are integers combined by minimum or by addition, or bytes in rank order, so they do not depend on timing. A rank that
 * fails ends the run on all ranks.
 */
#ifndef ASIM_PDES_TRANSPORT_H
#define ASIM_PDES_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of all ranks, one after another; those of rank r are bytes[offsets[r]] up to offsets[r + 1]. */
struct transport_parts {
    unsigned char *bytes;
    size_t capacity;
    size_t *offsets; /* n_ranks + 1 */
    size_t n_offsets;
};

struct transport;

struct transport_ops {
    void (*min)(struct transport *transport, int64_t *values, uint32_t n);
    void (*sum)(struct transport *transport, uint64_t *values, uint32_t n);
    void (*gather)(struct transport *transport, const void *mine, size_t bytes, struct transport_parts *out);
    void (*destroy)(struct transport *transport);
};

struct transport {
    const struct transport_ops *ops;
    uint32_t rank;
    uint32_t n_ranks;
};

/* One rank, this process: every exchange is the identity. */
struct transport *transport_self_create(void);

/* The ranks that mpirun started (only in builds with ASIM_MPI). Initialises MPI unless the caller has done so, and then
 * finalises it on destruction: such a transport can be created once in a process. NULL, with a reason in *why, when MPI
 * does not give the thread support needed. */
struct transport *transport_mpi_create(const char **why);

static inline void transport_destroy(struct transport *transport)
{
    if (transport) {
        transport->ops->destroy(transport);
    }
}

/* Each of `values` becomes its minimum (its sum modulo 2^64) over the ranks. */
static inline void transport_min(struct transport *transport, int64_t *values, uint32_t n)
{
    transport->ops->min(transport, values, n);
}

static inline void transport_sum(struct transport *transport, uint64_t *values, uint32_t n)
{
    transport->ops->sum(transport, values, n);
}

/* Replaces *out by `bytes` bytes of `mine` of every rank; lengths may differ between ranks. */
static inline void transport_gather(struct transport *transport, const void *mine, size_t bytes,
                                    struct transport_parts *out)
{
    transport->ops->gather(transport, mine, bytes, out);
}

void transport_parts_init(struct transport_parts *parts);
void transport_parts_fini(struct transport_parts *parts);

/* Makes room for the lengths of n_ranks ranks, and for `bytes` bytes; for implementations. */
void transport_parts_reserve(struct transport_parts *parts, uint32_t n_ranks, size_t bytes);

#endif
