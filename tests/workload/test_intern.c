/* Interned contents against the ids themselves. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "workload/intern.h"

#include <string.h>

enum { MAX_TOKENS = 40, N_CONTENTS = 120 };

struct sample {
    uint64_t program;
    uint32_t ids[MAX_TOKENS];
    uint32_t n;
    struct extent_list list;
};

static uint32_t draw(uint64_t seed, uint32_t *at, uint32_t below)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = seed}, (*at)++) % below);
}

/* Contents over two symbols, most of them variations of an earlier one, so that long prefixes are shared. */
static void make_samples(struct sample *samples, uint64_t seed)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < N_CONTENTS; i++) {
        struct sample *sample = &samples[i];
        sample->program = i / 3;
        sample->n = draw(seed, &at, MAX_TOKENS + 1);
        uint32_t kept = 0;
        if (i && draw(seed, &at, 4)) {
            const struct sample *from = &samples[draw(seed, &at, i)];
            kept = from->n < sample->n ? from->n : sample->n;
            memcpy(sample->ids, from->ids, kept * sizeof *sample->ids);
            kept -= kept ? draw(seed, &at, kept) : 0;
        }
        for (uint32_t k = kept; k < sample->n; k++) {
            sample->ids[k] = draw(seed, &at, 2);
        }
        extent_list_init(&sample->list);
    }
}

static uint32_t common_ids(const struct sample *a, const struct sample *b)
{
    uint32_t n = 0;
    while (n < a->n && n < b->n && a->ids[n] == b->ids[n]) {
        n++;
    }
    return n;
}

/* The stream and position of token `at`. */
static void token_name(const struct sample *sample, uint32_t at, uint64_t *stream, uint32_t *position)
{
    const struct extent *extent = sample->list.items;
    while (at >= extent->count) {
        at -= extent->count;
        extent++;
    }
    *stream = extent->stream;
    *position = extent->first + at;
}

static uint32_t common_names(const struct sample *a, const struct sample *b)
{
    uint32_t n = 0;
    for (; n < a->n && n < b->n; n++) {
        uint64_t stream_a;
        uint64_t stream_b;
        uint32_t position_a;
        uint32_t position_b;
        token_name(a, n, &stream_a, &position_a);
        token_name(b, n, &stream_b, &position_b);
        if (stream_a != stream_b || position_a != position_b) {
            break;
        }
    }
    return n;
}

/* Two contents share a prefix, to within a block, exactly as their ids do; equal contents share all. */
static void check_pairs(const struct sample *samples, uint32_t block)
{
    for (uint32_t i = 0; i < N_CONTENTS; i++) {
        for (uint32_t k = 0; k <= i; k++) {
            const uint32_t ids = common_ids(&samples[i], &samples[k]);
            const uint32_t expected = ids == samples[i].n && ids == samples[k].n ? ids : ids - ids % block;
            assert_int_equal(common_names(&samples[i], &samples[k]), expected);
        }
    }
}

/* Whether another program has the ids up to the end of a full block that ends after `from`, at most at `to`. */
static bool is_shared(const struct sample *samples, const struct sample *sample, uint32_t from, uint32_t to,
                      uint32_t block)
{
    for (uint32_t i = 0; i < N_CONTENTS; i++) {
        const uint32_t common = common_ids(&samples[i], sample);
        const uint32_t end = (common < to ? common : to) / block * block;
        if (samples[i].program != sample->program && end > from) {
            return true;
        }
    }
    return false;
}

static void check_sharing(const struct interner *interner, const struct sample *samples, uint32_t block)
{
    for (uint32_t i = 0; i < N_CONTENTS; i++) {
        for (uint32_t from = 0; from < samples[i].n; from++) {
            bool shared = false;
            for (size_t e = 0; e < samples[i].list.n; e++) {
                shared |= interner_is_shared(interner, &samples[i].list.items[e], from);
            }
            assert_int_equal(shared, is_shared(samples, &samples[i], from, samples[i].n, block));
        }
    }
}

static void shares_as_the_ids_do(void **state)
{
    (void)state;
    static struct sample samples[N_CONTENTS];
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const uint32_t block = 1 + (uint32_t)seed % 8;
        struct interner interner;
        interner_init(&interner, block);
        make_samples(samples, seed);
        for (uint32_t i = 0; i < N_CONTENTS; i++) {
            interner_add(&interner, samples[i].program, samples[i].ids, samples[i].n, &samples[i].list);
            assert_int_equal(samples[i].list.n_tokens, samples[i].n);
        }
        check_pairs(samples, block);
        check_sharing(&interner, samples, block);
        for (uint32_t i = 0; i < N_CONTENTS; i++) {
            extent_list_fini(&samples[i].list);
        }
        interner_fini(&interner);
    }
}

/* A long private content is one extent and a tail, however often it grows. */
static void long_runs_are_few_extents(void **state)
{
    (void)state;
    enum { N = 100000 };
    uint32_t *ids = mem_alloc(N * sizeof *ids);
    for (uint32_t i = 0; i < N; i++) {
        ids[i] = i * 7919;
    }
    struct interner interner;
    interner_init(&interner, 16);
    for (uint32_t n = 1000; n <= N; n += 9000) {
        struct extent_list list;
        extent_list_init(&list);
        interner_add(&interner, 0, ids, n, &list);
        assert_true(list.n <= 2);
        extent_list_fini(&list);
    }
    interner_fini(&interner);
    mem_free(ids);
}

/* Streams that private and shared contents use are never interned ones. */
static void private_extents_are_not_shared(void **state)
{
    (void)state;
    struct interner interner;
    interner_init(&interner, 16);
    const struct extent extent = {.stream = stream_private(1, 2), .first = 0, .count = 100};
    assert_false(interner_is_shared(&interner, &extent, 0));
    interner_fini(&interner);
}

static void map_finds_what_was_added(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct key_map map;
    bool added;
    key_map_init(&map);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < N; i++) {
            /* Few low bits, so that slots collide; keys that differ in one half only. */
            const struct key128 key = {.low = i % 50, .high = i / 50};
            assert_int_equal(*key_map_at(&map, key, i, &added), i);
            assert_true(added);
        }
        for (uint32_t i = 0; i < N; i++) {
            const struct key128 key = {.low = i % 50, .high = i / 50};
            assert_int_equal(*key_map_at(&map, key, 0, &added), i);
            assert_false(added);
        }
        assert_int_equal(map.n, N);
        key_map_clear(&map);
        assert_int_equal(map.n, 0);
    }
    key_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_as_the_ids_do),
        cmocka_unit_test(long_runs_are_few_extents),
        cmocka_unit_test(private_extents_are_not_shared),
        cmocka_unit_test(map_finds_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
