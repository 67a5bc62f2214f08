/* The histogram of distances against a plain table of them. */
#include "support/support.h"

#include "instance/distance_set.h"

#include <stdbool.h>
#include <stdlib.h>

enum { MEMBERS = 100, MOVES = 20000 };

static simtime least(const simtime *distances, const bool *inside)
{
    simtime first = SIMTIME_NEVER;
    for (int i = 0; i < MEMBERS; i++) {
        first = inside[i] && distances[i] < first ? distances[i] : first;
    }
    return first;
}

/* No fewer than are nearer, and none of those that are farther by a sixteenth. */
static void check_count(const struct distance_set *set, const simtime *distances, const bool *inside, simtime distance)
{
    uint32_t nearer = 0;
    uint32_t near = 0;
    for (int i = 0; i < MEMBERS; i++) {
        nearer += inside[i] && distances[i] < distance;
        near += inside[i] && distances[i] < distance + distance / 16 + SIMTIME_US * 2;
    }
    const uint32_t n = distance_set_below(set, distance);
    assert_true(n >= nearer && n <= near);
}

static void the_bound_is_below_the_least_by_a_sixteenth_at_most(void **state)
{
    (void)state;
    struct distance_set set;
    simtime distances[MEMBERS] = {0};
    bool inside[MEMBERS] = {false};
    distance_set_init(&set);
    assert_true(set.first == SIMTIME_NEVER);
    srand(1);
    for (int move = 0; move < MOVES; move++) {
        const int i = rand() % MEMBERS;
        if (inside[i]) {
            distance_set_leave(&set, distances[i]);
        } else {
            const uint64_t bits = (uint64_t)rand() << 31 | (uint64_t)rand();
            distances[i] = (simtime)((bits & ((UINT64_C(1) << 60) - 1)) >> rand() % 60);
            distance_set_enter(&set, distances[i]);
        }
        inside[i] = !inside[i];
        const simtime first = least(distances, inside);
        assert_true(set.first <= first);
        if (first == SIMTIME_NEVER || first >= SIMTIME_US * 2) {
            assert_true(set.first > first - first / 16);
        }
        check_count(&set, distances, inside, distances[rand() % MEMBERS]);
    }
    distance_set_fini(&set);
}

static void an_empty_set_has_no_bound(void **state)
{
    (void)state;
    const simtime distances[] = {0, 1, SIMTIME_US, SIMTIME_S, (INT64_C(1) << 60) - 1};
    struct distance_set set;
    distance_set_init(&set);
    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        distance_set_enter(&set, distances[i]);
        distance_set_enter(&set, distances[i]);
        distance_set_leave(&set, distances[i]);
        assert_true(set.first <= distances[i]);
        distance_set_leave(&set, distances[i]);
        assert_true(set.first == SIMTIME_NEVER && !set.octaves);
    }
    distance_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_is_below_the_least_by_a_sixteenth_at_most),
        cmocka_unit_test(an_empty_set_has_no_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
