#include "support/support.h"

#include "policy/builtin/desk.h"
#include "policy/builtin/gaps.h"

#include <math.h>

static void means(void **state)
{
    (void)state;
    struct running_mean running = {0};
    assert_true(running_mean_or(&running, 7.0) == 7.0);
    running_mean_add(&running, 1.0);
    running_mean_add(&running, 2.0);
    running_mean_add(&running, 6.0);
    assert_true(running_mean_or(&running, 7.0) == 3.0);
    struct moving_mean moving = {0};
    assert_true(moving_mean_or(&moving, 7.0) == 7.0);
    moving_mean_add(&moving, 4.0, 0.25);
    moving_mean_add(&moving, 8.0, 0.25); /* 4 + 0.25 * 4 */
    assert_true(moving_mean_or(&moving, 7.0) == 5.0);
}

static void a_log_normal_is_fitted(void **state)
{
    (void)state;
    /* Logarithms -1, 0 and 1: mean 0, variance 2/3. */
    struct log_normal fit = {0};
    log_normal_add(&fit, (asim_time)(exp(-1.0) * (double)S), 0.0);
    log_normal_add(&fit, S, 0.0);
    log_normal_add(&fit, (asim_time)(exp(1.0) * (double)S), 0.0);
    assert_true(fabs(fit.mean) < 1e-9);
    assert_true(fabs(fit.variance - 2.0 / 3.0) < 1e-9);
    assert_true(fabs(log_normal_quantile(&fit, 0.5) - (double)S) < 1e-6 * (double)S);
    /* z(0.9) = 1.2815516; exp(1.2815516 sqrt(2/3)) = exp(1.0463825) = 2.847330 */
    assert_true(fabs(log_normal_quantile(&fit, 0.9) - 2.847330 * (double)S) < 1e-5 * (double)S);
    /* Fading: the second value moves the mean by a quarter. */
    struct log_normal fading = {0};
    log_normal_add(&fading, S, 0.25);
    log_normal_add(&fading, (asim_time)(exp(1.0) * (double)S), 0.25);
    assert_true(fabs(fading.mean - 0.25) < 1e-9);
    assert_true(fabs(fading.variance - 0.75 * 0.25) < 1e-9);
    struct log_normal none = {0};
    log_normal_add(&none, 0, 0.0); /* as a microsecond */
    assert_true(fabs(none.mean - log(1e-6)) < 1e-9);
}

static void the_best_time_to_live(void **state)
{
    (void)state;
    /* Gaps 1, 2, 3, 10 s. Benefit 8 s: 1/4 * 8 - 1 = 1, 2/4 * 8 - 2 = 2, 3/4 * 8 - 3 = 3, 8 - 10 = -2. */
    static struct gap_window window;
    assert_true(gap_window_best(&window, 1e30) == 0.0);
    gap_window_add(&window, 3 * S);
    gap_window_add(&window, 10 * S);
    gap_window_add(&window, 1 * S);
    gap_window_add(&window, 2 * S);
    assert_true(gap_window_best(&window, 8.0 * (double)S) == 3.0 * (double)S);
    /* 3.9 s: 1/4 * 3.9 - 1 < 0, and so on. */
    assert_true(gap_window_best(&window, 3.9 * (double)S) == 0.0);
    /* 40 s: 9, 18, 27, 30. */
    assert_true(gap_window_best(&window, 40.0 * (double)S) == 10.0 * (double)S);
    /* 28 s: 6, 12, 18, 18: of equals the shortest. */
    assert_true(gap_window_best(&window, 28.0 * (double)S) == 3.0 * (double)S);
}

static void the_window_forgets(void **state)
{
    (void)state;
    static struct gap_window window;
    for (int i = 0; i < GAP_WINDOW; i++) {
        gap_window_add(&window, (i % 7 + 1) * S);
    }
    for (int i = 0; i < GAP_WINDOW; i++) {
        gap_window_add(&window, (i % 5 + 100) * S);
        for (int k = 1; k < GAP_WINDOW; k++) {
            assert_true(window.sorted[k - 1] <= window.sorted[k]);
        }
    }
    assert_int_equal(gap_window_size(&window), GAP_WINDOW);
    assert_int_equal(window.sorted[0], 100000000); /* microseconds */
    gap_window_add(&window, 1);                    /* rounded up */
    assert_int_equal(window.sorted[0], 1);
    gap_window_add(&window, ASIM_NEVER);
    assert_true(window.sorted[GAP_WINDOW - 1] == GAP_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means),
        cmocka_unit_test(a_log_normal_is_fitted),
        cmocka_unit_test(the_best_time_to_live),
        cmocka_unit_test(the_window_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
