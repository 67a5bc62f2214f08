#include "metrics/fairness.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* Tokens per 1000 s. The bound keeps the squares of 2^40 rates within 128 bits. */
static uint64_t rate(uint64_t toks, unsigned __int128 served)
{
    const uint64_t most = UINT64_C(1) << 44;
    const unsigned __int128 per_time =
        (unsigned __int128)toks * (unsigned __int128)(1000 * SIMTIME_S) / (served ? served : 1);
    return per_time < most ? (uint64_t)per_time : most;
}

void fairness_fini(struct fairness *fairness)
{
    mem_free(fairness->tenants);
    *fairness = (struct fairness){0};
}

static struct tenant_sums *find(struct fairness *fairness, uint64_t tenant)
{
    size_t low = 0;
    size_t high = fairness->n_tenants;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (fairness->tenants[middle].tenant < tenant) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == fairness->n_tenants || fairness->tenants[low].tenant != tenant) {
        fairness->tenants =
            mem_grow(fairness->tenants, &fairness->capacity, fairness->n_tenants + 1, sizeof *fairness->tenants);
        memmove(fairness->tenants + low + 1, fairness->tenants + low,
                (fairness->n_tenants - low) * sizeof *fairness->tenants);
        fairness->tenants[low] = (struct tenant_sums){.tenant = tenant};
        fairness->n_tenants++;
    }
    return &fairness->tenants[low];
}

void fairness_add(struct fairness *fairness, uint64_t tenant, uint64_t generated_toks, simtime served)
{
    if (!generated_toks) {
        return;
    }
    const unsigned __int128 x = rate(generated_toks, (unsigned __int128)served);
    fairness->n++;
    fairness->sum += x;
    fairness->squares += x * x;
    if (tenant) {
        struct tenant_sums *sums = find(fairness, tenant);
        sums->generated_toks += generated_toks;
        sums->served_ps += (unsigned __int128)served;
    }
}

void fairness_merge(struct fairness *into, struct fairness *from)
{
    into->n += from->n;
    into->sum += from->sum;
    into->squares += from->squares;
    for (size_t i = 0; i < from->n_tenants; i++) {
        struct tenant_sums *sums = find(into, from->tenants[i].tenant);
        sums->generated_toks += from->tenants[i].generated_toks;
        sums->served_ps += from->tenants[i].served_ps;
    }
    fairness_fini(from);
}

struct fairness_index fairness_index(const struct fairness *fairness)
{
    struct fairness_index index = {.of_tenants = fairness->n_tenants, .n = fairness->n};
    double sum = (double)fairness->sum;
    double squares = (double)fairness->squares;
    if (index.of_tenants) {
        index.n = fairness->n_tenants;
        sum = squares = 0.0;
        for (size_t i = 0; i < fairness->n_tenants; i++) {
            const double x = (double)rate(fairness->tenants[i].generated_toks, fairness->tenants[i].served_ps);
            sum += x;
            squares += x * x;
        }
    }
    index.value = squares > 0 ? sum * sum / ((double)index.n * squares) : 0.0;
    return index;
}

void fairness_save(const struct fairness *fairness, struct store_writer *writer)
{
    store_put_u64(writer, fairness->n);
    store_put_u128(writer, fairness->sum);
    store_put_u128(writer, fairness->squares);
    store_put_u64(writer, fairness->n_tenants);
    for (size_t i = 0; i < fairness->n_tenants; i++) {
        store_put_u64(writer, fairness->tenants[i].tenant);
        store_put_u64(writer, fairness->tenants[i].generated_toks);
        store_put_u128(writer, fairness->tenants[i].served_ps);
    }
}

void fairness_load(struct fairness *fairness, struct store_reader *reader)
{
    enum { TENANT_BYTES = 4 * sizeof(uint64_t) };
    fairness->n = store_get_u64(reader);
    fairness->sum = store_get_u128(reader);
    fairness->squares = store_get_u128(reader);
    uint64_t before = 0;
    for (uint64_t left = store_get_count(reader, TENANT_BYTES); left > 0 && !store_failed(reader); left--) {
        const uint64_t tenant = store_get_u64(reader);
        if (tenant <= before) {
            store_refuse(reader, "tenant %" PRIu64 " after %" PRIu64, tenant, before);
            return;
        }
        struct tenant_sums *sums = find(fairness, before = tenant);
        sums->generated_toks = store_get_u64(reader);
        sums->served_ps = store_get_u128(reader);
    }
}
