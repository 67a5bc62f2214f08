#include "base/mem.h"
#include "pdes/transport.h"

#include <inttypes.h>
#include <limits.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Errors of MPI calls end all ranks (MPI_ERRORS_ARE_FATAL, the default of a communicator), so none is looked at. */
struct mpi_transport {
    struct transport transport; /* first */
    MPI_Comm ranks;             /* our own: messages of the caller's do not meet ours */
    bool finalises;
    uint64_t *lengths; /* of all ranks, and the same as MPI takes them */
    int *counts;
    int *starts;
};

static struct mpi_transport *mpi_of(struct transport *transport)
{
    return (struct mpi_transport *)transport;
}

static void mpi_min(struct transport *transport, int64_t *values, uint32_t n)
{
    MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_INT64_T, MPI_MIN, mpi_of(transport)->ranks);
}

static void mpi_sum(struct transport *transport, uint64_t *values, uint32_t n)
{
    MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_UINT64_T, MPI_SUM, mpi_of(transport)->ranks);
}

/* Lengths first, then the bytes. MPI counts and places them with int: 2 GiB an exchange. */
static void mpi_gather(struct transport *transport, const void *mine, size_t bytes, struct transport_parts *out)
{
    struct mpi_transport *mpi = mpi_of(transport);
    const uint32_t n = transport->n_ranks;
    const uint64_t length = bytes;
    MPI_Allgather(&length, 1, MPI_UINT64_T, mpi->lengths, 1, MPI_UINT64_T, mpi->ranks);
    uint64_t total = 0;
    for (uint32_t r = 0; r < n; r++) {
        total += mpi->lengths[r];
    }
    if (total > INT_MAX) { /* the same on all ranks */
        fprintf(stderr, "asim: %" PRIu64 " bytes to exchange between ranks at once; at most %d are possible\n", total,
                INT_MAX);
        MPI_Abort(mpi->ranks, 1);
    }
    transport_parts_reserve(out, n, total);
    out->offsets[0] = 0;
    for (uint32_t r = 0; r < n; r++) {
        out->offsets[r + 1] = out->offsets[r] + mpi->lengths[r];
        mpi->counts[r] = (int)mpi->lengths[r];
        mpi->starts[r] = (int)out->offsets[r];
    }
    if (bytes) {
        memcpy(out->bytes + out->offsets[transport->rank], mine, bytes);
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, out->bytes, mpi->counts, mpi->starts, MPI_BYTE, mpi->ranks);
}

static void mpi_destroy(struct transport *transport)
{
    struct mpi_transport *mpi = mpi_of(transport);
    MPI_Comm_free(&mpi->ranks);
    if (mpi->finalises) {
        MPI_Finalize();
    }
    mem_free(mpi->lengths);
    mem_free(mpi->counts);
    mem_free(mpi->starts);
    mem_free(mpi);
}

struct transport *transport_mpi_create(const char **why)
{
    static const struct transport_ops ops = {
        .min = mpi_min, .sum = mpi_sum, .gather = mpi_gather, .destroy = mpi_destroy};
    int initialised = 0;
    int finalised = 0;
    int support = MPI_THREAD_SINGLE;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (finalised) {
        *why = "MPI was finalised in this process and cannot be started again";
        return NULL;
    }
    if (initialised) {
        MPI_Query_thread(&support);
    } else {
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &support);
    }
    if (support < MPI_THREAD_FUNNELED) {
        *why = "MPI does not support processes with several threads (MPI_THREAD_FUNNELED)";
        if (!initialised) {
            MPI_Finalize();
        }
        return NULL;
    }
    struct mpi_transport *mpi = mem_zalloc(sizeof *mpi);
    MPI_Comm_dup(MPI_COMM_WORLD, &mpi->ranks);
    int rank = 0;
    int n_ranks = 1;
    MPI_Comm_rank(mpi->ranks, &rank);
    MPI_Comm_size(mpi->ranks, &n_ranks);
    mpi->transport = (struct transport){.ops = &ops, .rank = (uint32_t)rank, .n_ranks = (uint32_t)n_ranks};
    mpi->finalises = !initialised;
    mpi->lengths = mem_alloc((size_t)n_ranks * sizeof *mpi->lengths);
    mpi->counts = mem_alloc((size_t)n_ranks * sizeof *mpi->counts);
    mpi->starts = mem_alloc((size_t)n_ranks * sizeof *mpi->starts);
    return &mpi->transport;
}
