#include "support/support.h"

#include "pdes/transport.h"

#include <string.h>

/* Alone, every exchange gives back what went in. */
static void one_rank_is_the_identity(void **state)
{
    (void)state;
    struct transport *transport = transport_self_create();
    assert_int_equal(transport->rank, 0);
    assert_int_equal(transport->n_ranks, 1);
    int64_t times[] = {INT64_MIN, 3, INT64_MAX};
    transport_min(transport, times, 3);
    assert_true(times[0] == INT64_MIN && times[1] == 3 && times[2] == INT64_MAX);
    uint64_t counts[] = {7, UINT64_MAX};
    transport_sum(transport, counts, 2);
    assert_true(counts[0] == 7 && counts[1] == UINT64_MAX);
    struct transport_parts parts;
    transport_parts_init(&parts);
    transport_gather(transport, NULL, 0, &parts);
    assert_int_equal(parts.offsets[1], 0);
    transport_gather(transport, "some bytes", 11, &parts);
    assert_int_equal(parts.offsets[0], 0);
    assert_int_equal(parts.offsets[1], 11);
    assert_string_equal((const char *)parts.bytes, "some bytes");
    transport_parts_fini(&parts);
    transport_destroy(transport);
    transport_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_rank_is_the_identity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
