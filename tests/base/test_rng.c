#include "support/support.h"

#include "base/rng.h"

#include <math.h>

/* Known answers of Philox4x32-10 (Random123's kat_vectors): counter and key all zero, all ones, and digits of pi. */
static void matches_the_published_vectors(void **state)
{
    (void)state;
    assert_int_equal(rng_u64((struct rng_key){0}, 0), UINT64_C(0xe169c58d6627e8d5));
    const struct rng_key ones = {.seed = UINT64_MAX, .program = UINT64_MAX, .turn = UINT32_MAX, .purpose = 0xff};
    assert_int_equal(rng_u64(ones, 0xffffff), UINT64_C(0x41c83b0e408f276d));
    const struct rng_key pi = {.seed = UINT64_C(0x299f31d0a4093822),
                               .program = UINT64_C(0x85a308d3243f6a88),
                               .turn = 0x13198a2e,
                               .purpose = 3};
    assert_int_equal(rng_u64(pi, 0x707344), UINT64_C(0x94fdccebd16cfe09));
}

/* The whole block of the vector of zeros; a draw is its first half. */
static void a_block_has_four_words(void **state)
{
    (void)state;
    const struct rng_block block = rng_block((struct rng_key){0}, 0);
    assert_int_equal(block.words[0], 0x6627e8d5);
    assert_int_equal(block.words[1], 0xe169c58d);
    assert_int_equal(block.words[2], 0xbc57ac4c);
    assert_int_equal(block.words[3], 0x9b00dbd8);
}

/* Several at once are the same as one by one, for any number of them. */
static void blocks_side_by_side_are_the_same(void **state)
{
    (void)state;
    enum { N = 11 };
    struct rng_key key = {.seed = UINT64_C(0x123456789abcdef0), .purpose = RNG_GAP};
    uint64_t programs[N];
    uint32_t turns[N];
    for (uint32_t i = 0; i < N; i++) {
        programs[i] = rng_u64((struct rng_key){.seed = 1}, i);
        turns[i] = (uint32_t)rng_u64((struct rng_key){.seed = 2}, i);
    }
    for (size_t n = 0; n <= N; n++) {
        struct rng_block blocks[N + 1] = {0};
        rng_blocks(key, programs, turns, n, 0xabcdef, blocks);
        for (size_t i = 0; i < n; i++) {
            key.program = programs[i];
            key.turn = turns[i];
            const struct rng_block alone = rng_block(key, 0xabcdef);
            assert_memory_equal(&blocks[i], &alone, sizeof alone);
        }
        assert_memory_equal(&blocks[n], &(struct rng_block){0}, sizeof(struct rng_block));
    }
}

/* Every part of a key matters. */
static void keys_are_distinct(void **state)
{
    (void)state;
    const struct rng_key base = {.seed = 1, .program = 2, .turn = 3, .purpose = RNG_GAP};
    const uint64_t value = rng_u64(base, 4);
    struct rng_key key = base;
    key.seed++;
    assert_int_not_equal(rng_u64(key, 4), value);
    key = base;
    key.seed += UINT64_C(1) << 32;
    assert_int_not_equal(rng_u64(key, 4), value);
    key = base;
    key.program += UINT64_C(1) << 32;
    assert_int_not_equal(rng_u64(key, 4), value);
    key = base;
    key.turn++;
    assert_int_not_equal(rng_u64(key, 4), value);
    key = base;
    key.purpose = RNG_TOOL;
    assert_int_not_equal(rng_u64(key, 4), value);
    assert_int_not_equal(rng_u64(base, 5), value);
    assert_int_equal(rng_u64(base, 4), value);
}

/* Uniform numbers: inside (0, 1), mean 1/2, variance 1/12, and flat over 64 bins. With 65,536 draws the mean's standard
 * error is 0.0011 and chi-square with 63 degrees of freedom stays below 120 in all but 2 of 10^5 samples. */
static void check_uniform(double (*draw)(uint32_t i))
{
    enum { N = 65536, BINS = 64 };
    uint32_t bins[BINS] = {0};
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < N; i++) {
        const double u = draw(i);
        assert_true(u > 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
        bins[(int)(u * BINS)]++;
    }
    const double mean = sum / N;
    assert_true(fabs(mean - 0.5) < 0.005);
    assert_true(fabs(squares / N - mean * mean - 1.0 / 12.0) < 0.002);
    double chi_square = 0.0;
    for (int i = 0; i < BINS; i++) {
        const double off = bins[i] - (double)N / BINS;
        chi_square += off * off / ((double)N / BINS);
    }
    assert_true(chi_square < 120.0);
}

static double single(uint32_t i)
{
    return rng_uniform((struct rng_key){.seed = 7, .program = i, .purpose = RNG_ARRIVAL}, 0);
}

static double one_of_three(uint32_t i, int which)
{
    double u[3];
    rng_uniform3((struct rng_key){.seed = 7, .program = i, .purpose = RNG_TURN}, 0, u);
    return u[which];
}

static double first_of_three(uint32_t i)
{
    return one_of_three(i, 0);
}

static double second_of_three(uint32_t i)
{
    return one_of_three(i, 1);
}

static double third_of_three(uint32_t i)
{
    return one_of_three(i, 2);
}

static void uniforms_are_uniform(void **state)
{
    (void)state;
    check_uniform(single);
    check_uniform(first_of_three);
    check_uniform(second_of_three);
    check_uniform(third_of_three);
}

/* The three numbers of one call: the bits of the published vector that they are made of, no bit twice, so that they are
 * independent; over many calls they do not correlate. */
static void three_from_one_call(void **state)
{
    (void)state;
    const struct rng_key key = {.seed = 3, .program = 12, .turn = 5, .purpose = RNG_TURN};
    double u[3];
    rng_uniform3(key, 9, u);
    assert_true((uint64_t)(u[0] * 0x1p42) == rng_u64(key, 9) >> 22);
    assert_true((uint64_t)(u[2] * 0x1p42) >> 20 == (rng_u64(key, 9) & 0x3FFFFF));
    double products[3] = {0};
    enum { N = 65536 };
    for (uint32_t i = 0; i < N; i++) {
        rng_uniform3((struct rng_key){.seed = 7, .program = i, .purpose = RNG_TURN}, 0, u);
        products[0] += (u[0] - 0.5) * (u[1] - 0.5);
        products[1] += (u[0] - 0.5) * (u[2] - 0.5);
        products[2] += (u[1] - 0.5) * (u[2] - 0.5);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(products[i] / N) < 4.0 / 12.0 / sqrt(N));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_published_vectors),
        cmocka_unit_test(a_block_has_four_words),
        cmocka_unit_test(blocks_side_by_side_are_the_same),
        cmocka_unit_test(keys_are_distinct),
        cmocka_unit_test(uniforms_are_uniform),
        cmocka_unit_test(three_from_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
