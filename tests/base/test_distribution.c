#include "support/support.h"

#include "base/distribution.h"
#include "base/pmath.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Seconds, with an optional `ms` or `s`: stands in for the option table's units. */
static bool seconds(const char *text, double *out)
{
    char unit[4] = "";
    char end = '\0';
    const int n = sscanf(text, "%lf%3[a-z]%c", out, unit, &end);
    if (n == 1 || (n == 2 && strcmp(unit, "s") == 0)) {
        return true;
    }
    *out *= 1e-3;
    return n == 2 && strcmp(unit, "ms") == 0;
}

static struct distribution parsed(const char *text)
{
    struct distribution distribution;
    char message[768] = "";
    if (!distribution_parse(text, seconds, &distribution, message, sizeof message)) {
        fail_msg("%s: %s", text, message);
    }
    return distribution;
}

static void assert_near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static void reads_every_form(void **state)
{
    (void)state;
    struct distribution d = parsed("1500ms");
    assert_true(d.kind == DISTRIBUTION_FIXED && d.a == 1.5);
    d = parsed("fixed( 2s )");
    assert_true(d.kind == DISTRIBUTION_FIXED && d.a == 2.0);
    d = parsed("fixed(value=0)");
    assert_true(d.kind == DISTRIBUTION_FIXED && d.a == 0.0);
    d = parsed("uniform(1s, 3s)");
    assert_true(d.kind == DISTRIBUTION_UNIFORM && d.a == 1.0 && d.b == 3.0);
    d = parsed("uniform(high=3s,low=500ms)");
    assert_true(d.kind == DISTRIBUTION_UNIFORM && d.a == 0.5 && d.b == 3.0);
    d = parsed("exponential(mean=2s)");
    assert_true(d.kind == DISTRIBUTION_EXPONENTIAL && d.a == 2.0);
    d = parsed("exponential(2)");
    assert_true(d.kind == DISTRIBUTION_EXPONENTIAL && d.a == 2.0);
    d = parsed("lognormal(median=1.5s, p99=60s)");
    assert_int_equal(d.kind, DISTRIBUTION_LOGNORMAL);
    assert_near(d.a, log(1.5), 1e-14);
    assert_near(d.b, log(40.0) / 2.3263478740408408, 1e-8);
    d = parsed("lognormal(sigma=0.85, mean=600)");
    assert_near(d.a, log(600.0) - 0.5 * 0.85 * 0.85, 1e-14);
    assert_true(d.b == 0.85);
    d = parsed("lognormal(median=2, sigma=0)");
    assert_near(distribution_sample(&d, 0.01), 2.0, 1e-14);
    d = parsed("geometric(mean=10)");
    assert_true(d.kind == DISTRIBUTION_GEOMETRIC && d.a == 10.0 && !d.is_bounded);
    d = parsed("geometric(4)");
    assert_true(d.kind == DISTRIBUTION_GEOMETRIC && d.a == 4.0);
}

static void reads_bounds(void **state)
{
    (void)state;
    struct distribution d = parsed("lognormal(min=1ms, median=1.5s, p99=60s)");
    assert_true(d.is_bounded && d.min == 1e-3 && isinf(d.max));
    d = parsed("geometric(10, max=60)");
    assert_true(d.is_bounded && d.min == 0.0 && d.max == 60.0 && d.a == 10.0);
    d = parsed("uniform(1s, max=2500ms, 3s, min=1500ms)");
    assert_true(d.a == 1.0 && d.b == 3.0 && d.min == 1.5 && d.max == 2.5);
    assert_true(distribution_sample(&d, 0.1) == 1.5 && distribution_sample(&d, 0.9) == 2.5);
    assert_near(distribution_sample(&d, 0.5), 2.0, 1e-15);
}

static void refuses_what_is_no_distribution(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "-1s",
        "1h",
        "nan",
        "inf",
        "fixed",
        "fixed()",
        "fixed(-1s)",
        "fixed(1s",
        "fixed(1s) ",
        "fixed(1s, 2s)",
        "fixed(1s, 2s, 3s)",
        "fixed(high=1s)",
        "uniform(3s, 1s)",
        "uniform(1s)",
        "uniform(-1s, 1s)",
        "uniform(low=1s, low=2s)",
        "exponential(0s)",
        "exponential(median=1s)",
        "lognormal(1s, 2s)",
        "lognormal(median=1s)",
        "lognormal(median=0s, p99=1s)",
        "lognormal(median=2s, p99=1s)",
        "lognormal(median=1s, sigma=-1)",
        "lognormal(mean=1s, sigma=2s)",
        "lognormal(mean=1s, p99=2s)",
        "normal(1s, 2s)",
        "(1s)",
        "uniform(,1s)",
        "uniform(=1s,2s)",
        "lognormal(median=inf, sigma=1)",
        "geometric(0.5)",
        "geometric(median=3)",
        "geometric(mean=1e30)",
        "geometric(mean=3, p99=5)",
        "exponential(mean=1s, min=2s, max=1s)",
        "exponential(mean=1s, min=-1s)",
        "exponential(mean=1s, max=x)",
        "exponential(mean=1s, max=1s, max=2s)",
        "exponential(min=1s)",
        "exponential(mean=1s, max=inf)",
        "lognormal(mean=1, sigma=1, min=1, max=2, min=1)",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct distribution d;
        char message[768] = "";
        if (distribution_parse(bad[i], seconds, &d, message, sizeof message)) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_non_null(strstr(message, "is not a distribution; allowed: VALUE, fixed(VALUE)"));
        assert_true(message[0] == '\'' && strncmp(message + 1, bad[i], strlen(bad[i])) == 0);
    }
}

static void long_text_is_refused(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[300] = '(';
    text[sizeof text - 2] = ')';
    struct distribution d;
    char message[64];
    assert_false(distribution_parse(text, seconds, &d, message, sizeof message));
    assert_int_equal(strlen(message), sizeof message - 1);
}

/* Quantiles at known probabilities. */
static void samples_are_quantiles(void **state)
{
    (void)state;
    struct distribution d = parsed("uniform(1s, 3s)");
    assert_near(distribution_sample(&d, 0.25), 1.5, 1e-15);
    d = parsed("exponential(mean=2s)");
    assert_near(distribution_sample(&d, 0.5), 2.0 * log(2.0), 1e-14);
    d = parsed("lognormal(median=1.5s, p99=60s)");
    assert_near(distribution_sample(&d, 0.5), 1.5, 1e-14);
    assert_near(distribution_sample(&d, 0.99), 60.0, 1e-8);
    d = parsed("fixed(4s)");
    assert_true(distribution_sample(&d, 0.7) == 4.0);
    d = parsed("geometric(mean=1)");
    assert_true(distribution_sample(&d, 0.999) == 1.0);
    d = parsed("geometric(mean=10)"); /* P(X <= k) = 1 - 0.9^k */
    assert_true(distribution_sample(&d, 0.0999) == 1.0 && distribution_sample(&d, 0.1001) == 2.0);
    assert_true(distribution_sample(&d, 0.65131) == 10.0 && distribution_sample(&d, 0.65133) == 11.0);
}

/* Many at once are the same bits as one by one, at places that are near the ends too, for every length. */
static void many_are_one_by_one(void **state)
{
    (void)state;
    static const char *const all[] = {"3s",
                                      "uniform(1s, 3s, max=2s)",
                                      "exponential(mean=2s)",
                                      "geometric(mean=10, max=60)",
                                      "lognormal(mean=600, sigma=0.85)",
                                      "lognormal(median=1.5s, p99=60s, min=1ms)",
                                      "lognormal(median=2, sigma=9)"};
    enum { N = 1 << 16, MOST = 67 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct distribution d = parsed(all[i]);
        for (int k = 0, n = 0; k < N; k += n) {
            double values[MOST];
            double u[MOST];
            n = 1 + k % MOST;
            for (int j = 0; j < n; j++) {
                const double part = (k + j + 0.5) / (N + MOST);
                values[j] = u[j] = j % 3 == 0 ? part : j % 3 == 1 ? part * 0x1p-30 : 1.0 - part * 0x1p-30;
            }
            distribution_sample_many(&d, values, (size_t)n);
            for (int j = 0; j < n; j++) {
                const double one = distribution_sample(&d, u[j]);
                assert_memory_equal(&values[j], &one, sizeof one);
            }
        }
    }
}

/* Where a number without a unit is no value, nothing counts. */
static bool seconds_only(const char *text, double *out)
{
    return strchr(text, 's') && seconds(text, out);
}

static void counts_only_where_numbers_have_no_unit(void **state)
{
    (void)state;
    struct distribution d;
    char message[768];
    assert_true(distribution_parse("exponential(mean=2s)", seconds_only, &d, message, sizeof message));
    assert_false(distribution_parse("geometric(mean=2s)", seconds_only, &d, message, sizeof message));
}

/* The mean is the integral of the quantile function; midpoints at 2^18 places leave little of the tails out. */
static void means_agree_with_samples(void **state)
{
    (void)state;
    static const char *const all[] = {"3s",
                                      "uniform(1s, 3s)",
                                      "exponential(mean=2s)",
                                      "lognormal(mean=600, sigma=0.85)",
                                      "lognormal(median=2, sigma=0.5)",
                                      "geometric(mean=10)",
                                      "geometric(mean=10, max=60)",
                                      "geometric(mean=3, min=1.5, max=2.25)",
                                      "fixed(3, max=2)",
                                      "fixed(3, min=4)",
                                      "uniform(1, 3, min=1.5, max=2.75)",
                                      "uniform(1, 3, min=4)",
                                      "uniform(1, 3, max=0)",
                                      "exponential(mean=2, min=1, max=5)",
                                      "exponential(mean=2, min=0.5)",
                                      "lognormal(median=1.5, p99=60, min=0.001, max=100)",
                                      "lognormal(mean=2, sigma=0.5, min=1.5, max=3)",
                                      "lognormal(median=2, sigma=0, max=1)"};
    enum { N = 1 << 18 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct distribution d = parsed(all[i]);
        double sum = 0.0;
        double last = 0.0;
        for (int k = 0; k < N; k++) {
            const double x = distribution_sample(&d, (k + 0.5) / N);
            assert_true(x >= last);
            last = x;
            sum += x;
        }
        assert_near(sum / N, distribution_mean(&d), 1e-4);
    }
    const struct distribution d = parsed("lognormal(mean=600, sigma=0.85)");
    assert_near(distribution_mean(&d), 600.0, 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),         cmocka_unit_test(refuses_what_is_no_distribution),
        cmocka_unit_test(long_text_is_refused),     cmocka_unit_test(samples_are_quantiles),
        cmocka_unit_test(means_agree_with_samples), cmocka_unit_test(reads_bounds),
        cmocka_unit_test(many_are_one_by_one),      cmocka_unit_test(counts_only_where_numbers_have_no_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
