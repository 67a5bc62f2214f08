#include "support/support.h"

#include "metrics/fairness.h"

static double jain(const double *x, int n)
{
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    return sum * sum / (n * squares);
}

static void of_programs(void **state)
{
    (void)state;
    struct fairness fairness = {0};
    assert_int_equal(fairness_index(&fairness).n, 0);
    assert_true(fairness_index(&fairness).value == 0);
    for (int i = 0; i < 5; i++) {
        fairness_add(&fairness, 0, 100, 2 * SIMTIME_S);
    }
    fairness_add(&fairness, 0, 0, SIMTIME_S); /* nothing was asked for */
    assert_int_equal(fairness_index(&fairness).n, 5);
    assert_true(fairness_index(&fairness).value == 1.0);
    fairness_add(&fairness, 0, 100, 4 * SIMTIME_S);
    const double rates[] = {50, 50, 50, 50, 50, 25};
    assert_float_equal(fairness_index(&fairness).value, jain(rates, 6), 1e-12);
    fairness_fini(&fairness);
}

/* By tenants as soon as there are any, and however the programs are split over parts that are merged. */
static void of_tenants(void **state)
{
    (void)state;
    enum { PROGRAMS = 60, TENANTS = 4 };
    double toks[TENANTS] = {0};
    double seconds[TENANTS] = {0};
    struct fairness whole = {0};
    struct fairness parts[3] = {{0}};
    for (uint64_t i = 0; i < PROGRAMS; i++) {
        const uint64_t tenant = (i * i + 3) % TENANTS;
        const simtime served = (simtime)(1 + i % 7) * SIMTIME_S;
        fairness_add(&whole, tenant + 1, 50 + i, served);
        fairness_add(&parts[i % 3], tenant + 1, 50 + i, served);
        toks[tenant] += (double)(50 + i);
        seconds[tenant] += simtime_to_s(served);
    }
    fairness_merge(&parts[2], &parts[0]);
    fairness_merge(&parts[2], &parts[1]);
    double rates[TENANTS];
    int n = 0;
    for (int i = 0; i < TENANTS; i++) {
        if (toks[i] > 0) {
            rates[n++] = toks[i] / seconds[i];
        }
    }
    const struct fairness_index index = fairness_index(&whole);
    assert_true(index.of_tenants);
    assert_int_equal(index.n, n);
    assert_float_equal(index.value, jain(rates, n), 1e-4); /* rates are whole tokens per 1000 s */
    assert_true(fairness_index(&parts[2]).value == index.value);
    assert_int_equal(parts[0].n_tenants, 0);
    fairness_fini(&whole);
    fairness_fini(&parts[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_programs), cmocka_unit_test(of_tenants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
