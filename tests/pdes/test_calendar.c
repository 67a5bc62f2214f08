#include "support/support.h"

#include "base/heap.h"
#include "base/mem.h"
#include "base/pmath.h"
#include "base/rng.h"
#include "pdes/calendar.h"

#include <stdbool.h>
#include <string.h>

/* Draws in the order of asking. */
struct draws {
    struct rng_key key;
    uint32_t n;
};

static uint64_t draw(struct draws *draws)
{
    return rng_u64(draws->key, draws->n++);
}

/* A calendar and the heap that it must agree with; payloads are made from keys. */
struct pair {
    struct calendar calendar;
    struct calendar_batch batch;
    struct heap heap;
    int64_t taken;
};

static void pair_init(struct pair *pair)
{
    calendar_init(&pair->calendar);
    calendar_batch_init(&pair->batch);
    heap_init(&pair->heap);
    pair->taken = INT64_MIN;
}

static void pair_fini(struct pair *pair)
{
    calendar_fini(&pair->calendar);
    calendar_batch_fini(&pair->batch);
    heap_fini(&pair->heap);
}

static void pair_push(struct pair *pair, int64_t time, uint64_t tie)
{
    calendar_push(&pair->calendar, (struct calendar_entry){.time = time, .tie = tie, .a = ~tie, .b = ~time});
    heap_push(&pair->heap, (struct heap_entry){.key = time, .tie = tie, .payload = ~tie});
    const struct heap_entry *top = heap_top(&pair->heap);
    assert_true(calendar_first(&pair->calendar) == top->key);
}

static void check_same(const struct calendar_entry *got, const struct heap_entry *expected)
{
    assert_true(got->time == expected->key);
    assert_true(got->tie == expected->tie);
    assert_true(got->a == expected->payload);
    assert_true(got->b == ~got->time);
}

static void pair_take(struct pair *pair, int64_t limit)
{
    calendar_take(&pair->calendar, limit, &pair->batch);
    for (size_t i = 0; i < pair->batch.n; i++) {
        assert_non_null(heap_top(&pair->heap));
        const struct heap_entry expected = heap_pop(&pair->heap);
        check_same(&pair->batch.entries[i], &expected);
        assert_true(expected.key < limit);
        pair->taken = expected.key;
    }
    const struct heap_entry *top = heap_top(&pair->heap);
    assert_true(!top || top->key >= limit);
    assert_true(calendar_first(&pair->calendar) == (top ? top->key : INT64_MAX));
    assert_int_equal(calendar_count(&pair->calendar), pair->heap.n);
}

/* The list of all entries is that of the heap; the heap is consumed. */
static void pair_check_list(struct pair *pair)
{
    calendar_list(&pair->calendar, &pair->batch);
    assert_int_equal(pair->batch.n, pair->heap.n);
    for (size_t i = 0; i < pair->batch.n; i++) {
        const struct heap_entry expected = heap_pop(&pair->heap);
        check_same(&pair->batch.entries[i], &expected);
    }
}

/* Pushes and takes at random: spreads of 1 to 2^50, windows of 0 to twice the spread, some pushes below the last
 * limit but not below what was taken, ties and equal times in plenty. */
static void agrees_with_a_heap(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++) {
        struct draws draws = {.key = {.seed = seed, .purpose = RNG_GAP}};
        struct pair pair;
        pair_init(&pair);
        const uint32_t spread_bits = (uint32_t)(draw(&draws) % 51);
        const uint64_t spread = UINT64_C(1) << spread_bits;
        int64_t limit = draw(&draws) % 2 ? 0 : -(int64_t)spread;
        uint64_t tie = 0;
        for (uint32_t round = 0; round < 60; round++) {
            const uint64_t burst = draw(&draws) % 8 == 0 ? 500 : 20;
            for (uint64_t i = draw(&draws) % burst; i > 0; i--) {
                const bool below_limit = draw(&draws) % 16 == 0 && pair.taken > INT64_MIN;
                const int64_t from = below_limit ? pair.taken : limit;
                pair_push(&pair, from + (int64_t)(draw(&draws) % spread), draw(&draws) << 32 | tie++);
            }
            limit += (int64_t)(draw(&draws) % (2 * spread));
            pair_take(&pair, limit);
        }
        if (seed % 2) {
            pair_take(&pair, INT64_MAX);
            pair_push(&pair, pair.taken < 0 ? 0 : pair.taken, 1); /* the calendar goes on from what it gave last */
            pair_take(&pair, INT64_MAX);
        } else {
            pair_check_list(&pair);
        }
        pair_fini(&pair);
    }
}

/* Times that grow by factors, so that every level and the worst bucket sizes of the sort come up; the ends of the
 * range; an empty calendar. */
static void holds_any_time(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    assert_true(calendar_first(&pair.calendar) == INT64_MAX);
    pair_take(&pair, 100);
    assert_int_equal(pair.batch.n, 0);
    for (uint64_t i = 0; i < 6300; i++) {
        const int64_t power = INT64_C(1) << (i % 63);
        pair_push(&pair, power + (int64_t)(i % 7) - 3, i);
        pair_push(&pair, -power, i);
    }
    pair_push(&pair, INT64_MAX, 1);
    pair_push(&pair, INT64_MAX - 1, 0);
    pair_push(&pair, INT64_MIN, 0);
    pair_take(&pair, INT64_MIN);
    assert_int_equal(pair.batch.n, 0);
    pair_take(&pair, 1000);
    pair_take(&pair, 999); /* a limit before the last one takes nothing */
    assert_int_equal(pair.batch.n, 0);
    pair_take(&pair, INT64_MAX);
    assert_int_equal(calendar_count(&pair.calendar), 1); /* at INT64_MAX no limit is later */
    pair_fini(&pair);
}

/* A million entries at one instant, their ties backwards, at random, and in one low byte. */
static void many_at_one_instant(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct draws draws = {.key = {.seed = 5}};
    struct calendar calendar;
    struct calendar_batch batch;
    calendar_init(&calendar);
    calendar_batch_init(&batch);
    for (int pattern = 0; pattern < 3; pattern++) {
        uint64_t sum = 0;
        for (uint64_t i = 0; i < N; i++) {
            const uint64_t ties[] = {N - i, draw(&draws), (draw(&draws) & 0xff) | (i % 2) << 60};
            sum += ties[pattern];
            calendar_push(&calendar, (struct calendar_entry){.time = 12345678901234 + pattern, .tie = ties[pattern]});
        }
        calendar_take(&calendar, 12345678901234 + pattern, &batch);
        assert_int_equal(batch.n, 0);
        calendar_take(&calendar, INT64_MAX, &batch);
        assert_int_equal(batch.n, N);
        for (uint64_t i = 0; i < N; i++) {
            assert_true(i == 0 || batch.entries[i - 1].tie <= batch.entries[i].tie);
            sum -= batch.entries[i].tie;
        }
        assert_true(sum == 0);
    }
    calendar_fini(&calendar);
    calendar_batch_fini(&batch);
}

/* In a steady state (each entry taken is pushed again, some log-normal time ahead) neither the calendar nor the batch
 * asks for memory any more. */
static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    enum { N = 20000, WARM_UP = 4000, WINDOWS = 6000 };
    struct draws draws = {.key = {.seed = 9, .purpose = RNG_GAP}};
    struct calendar calendar;
    struct calendar_batch batch;
    calendar_init(&calendar);
    calendar_batch_init(&batch);
    const int64_t window = INT64_C(10000000000);
    for (uint64_t i = 0; i < N; i++) {
        calendar_push(&calendar, (struct calendar_entry){.time = (int64_t)(draw(&draws) >> 20), .tie = i});
    }
    size_t bytes = 0;
    size_t capacity = 0;
    for (int64_t w = 1; w <= WINDOWS; w++) {
        calendar_take(&calendar, w * window, &batch);
        for (size_t i = 0; i < batch.n; i++) {
            struct calendar_entry entry = batch.entries[i];
            const double normal = pmath_normal_quantile(((double)(draw(&draws) >> 12) + 0.5) * 0x1p-52);
            entry.time = w * window + (int64_t)(1e12 * pmath_exp(1.5 * normal));
            calendar_push(&calendar, entry);
        }
        if (w == WARM_UP) {
            bytes = calendar.memory.total_bytes;
            capacity = batch.capacity;
        }
    }
    assert_int_equal(calendar.memory.total_bytes, bytes);
    assert_int_equal(batch.capacity, capacity);
    assert_true(bytes < 4 * N * sizeof(struct calendar_entry) + ((size_t)1 << 20));
    calendar_fini(&calendar);
    calendar_batch_fini(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_heap),
        cmocka_unit_test(holds_any_time),
        cmocka_unit_test(many_at_one_instant),
        cmocka_unit_test(steady_state_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
