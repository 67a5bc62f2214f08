#include "support/support.h"

#include "base/digest.h"

#include <string.h>
#include <xxhash.h>

struct record {
    uint64_t program;
    uint64_t time;
};

static struct record record(uint64_t i)
{
    return (struct record){i, i * i + 7};
}

static void check_equal(const struct digest *a, const struct digest *b)
{
    assert_true(a->low == b->low && a->high == b->high);
}

/* Any order, and any split into parts that are merged, give the same. */
static void order_and_parts(void **state)
{
    (void)state;
    enum { RECORDS = 1000 };
    struct digest forward = {0};
    struct digest backward = {0};
    struct digest parts[3] = {{0}};
    for (uint64_t i = 0; i < RECORDS; i++) {
        const struct record up = record(i);
        const struct record down = record(RECORDS - 1 - i);
        digest_add(&forward, &up, sizeof up);
        digest_add(&backward, &down, sizeof down);
        digest_add(&parts[i % 3], &up, sizeof up);
    }
    check_equal(&forward, &backward);
    digest_merge(&parts[0], &parts[1]);
    digest_merge(&parts[0], &parts[2]);
    check_equal(&forward, &parts[0]);
}

/* One changed, missing or repeated record changes it. */
static void every_record_counts(void **state)
{
    (void)state;
    struct digest base = {0};
    struct digest changed = {0};
    struct digest repeated = {0};
    for (uint64_t i = 0; i < 10; i++) {
        struct record r = record(i);
        digest_add(&base, &r, sizeof r);
        digest_add(&repeated, &r, sizeof r);
        r.time += i == 5;
        digest_add(&changed, &r, sizeof r);
    }
    const struct record again = record(3);
    digest_add(&repeated, &again, sizeof again);
    assert_false(base.low == changed.low && base.high == changed.high);
    assert_false(base.low == repeated.low && base.high == repeated.high);
}

/* The sum carries from the low into the high half: 128-bit addition, checked against the compiler's. */
static void carries(void **state)
{
    (void)state;
    struct digest digest = {0};
    unsigned __int128 sum = 0;
    for (uint64_t i = 0; i < 100; i++) {
        const struct record r = record(i);
        const XXH128_hash_t hash = XXH3_128bits(&r, sizeof r);
        sum += (unsigned __int128)hash.high64 << 64 | hash.low64;
        digest_add(&digest, &r, sizeof r);
    }
    assert_true(digest.low == (uint64_t)sum);
    assert_true(digest.high == (uint64_t)(sum >> 64));
}

static void text(void **state)
{
    (void)state;
    char out[DIGEST_TEXT_BYTES];
    digest_text(&(struct digest){.low = 0xab, .high = 0x1}, out);
    assert_string_equal(out, "v1:000000000000000100000000000000ab");
    assert_int_equal(strlen(out), DIGEST_TEXT_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_and_parts), cmocka_unit_test(every_record_counts),
                                       cmocka_unit_test(carries), cmocka_unit_test(text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
