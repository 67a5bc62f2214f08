/* Exchanges between ranks, under mpirun; every rank checks what it gets. Exit status 1 on any rank fails the test. */
#include "pdes/transport.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: rank %u: %s\n", __FILE__, __LINE__, transport->rank, #condition);                  \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void check_min_and_sum(struct transport *transport)
{
    const uint32_t n = transport->n_ranks;
    const uint32_t rank = transport->rank;
    int64_t times[] = {(int64_t)rank - 1, -(int64_t)rank, INT64_MAX, rank + 1 == n ? INT64_MIN : 7};
    transport_min(transport, times, 4);
    CHECK(times[0] == -1);
    CHECK(times[1] == 1 - (int64_t)n);
    CHECK(times[2] == INT64_MAX);
    CHECK(times[3] == INT64_MIN);
    uint64_t counts[] = {rank, UINT64_MAX, 1};
    transport_sum(transport, counts, 3);
    CHECK(counts[0] == (uint64_t)n * (n - 1) / 2);
    CHECK(counts[1] == UINT64_MAX - (n - 1)); /* modulo 2^64 */
    CHECK(counts[2] == n);
}

/* Lengths that differ between ranks and rounds, none at all among them. */
static size_t length_of(uint32_t rank, uint32_t round)
{
    return round % 3 == 0 && rank % 2 == 0 ? 0 : (size_t)rank * 1000 + (size_t)round * 37;
}

static unsigned char byte_of(uint32_t rank, uint32_t round, size_t i)
{
    return (unsigned char)(rank * 31 + round * 7 + i);
}

static void check_gather(struct transport *transport)
{
    static unsigned char mine[100000];
    struct transport_parts parts;
    transport_parts_init(&parts);
    for (uint32_t round = 0; round < 50; round++) {
        const size_t length = length_of(transport->rank, round);
        for (size_t i = 0; i < length; i++) {
            mine[i] = byte_of(transport->rank, round, i);
        }
        transport_gather(transport, mine, length, &parts);
        CHECK(parts.offsets[0] == 0);
        for (uint32_t r = 0; r < transport->n_ranks; r++) {
            CHECK(parts.offsets[r + 1] - parts.offsets[r] == length_of(r, round));
            for (size_t i = 0; i < length_of(r, round); i++) {
                CHECK(parts.bytes[parts.offsets[r] + i] == byte_of(r, round, i));
            }
        }
    }
    transport_parts_fini(&parts);
}

int main(int argc, char **argv)
{
    const char *why = NULL;
    struct transport *transport = transport_mpi_create(&why);
    if (!transport) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    CHECK(argc == 2 && transport->n_ranks == strtoul(argv[1], NULL, 10));
    CHECK(transport->rank < transport->n_ranks);
    check_min_and_sum(transport);
    check_gather(transport);
    transport_destroy(transport);
    if (transport_mpi_create(&why)) {
        fprintf(stderr, "MPI was started a second time\n");
        return 1;
    }
    return 0;
}
