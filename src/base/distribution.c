#include "base/distribution.h"

#include "base/pmath.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ALLOWED                                                                                                        \
    "allowed: VALUE, fixed(VALUE), uniform(LOW, HIGH), exponential(mean=VALUE), lognormal(median=VALUE, p99=VALUE), "  \
    "lognormal(mean=VALUE, sigma=NUMBER), lognormal(median=VALUE, sigma=NUMBER)"
#define ALLOWED_OF_COUNTS ", geometric(mean=NUMBER)"
#define ALLOWED_BOUNDS    "; all but VALUE also with min=VALUE and max=VALUE"

enum { MAX_ARGUMENTS = 4, ARGUMENT_BYTES = 64 };

struct call {
    char name[32];
    int n;
    char key[MAX_ARGUMENTS][ARGUMENT_BYTES]; /* empty when positional */
    char value[MAX_ARGUMENTS][ARGUMENT_BYTES];
};

/* Copies text[0..length) without surrounding spaces; false when it does not fit or is empty. */
static bool copy_trimmed(const char *text, size_t length, char *out, size_t out_bytes)
{
    while (length && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    if (!length || length >= out_bytes) {
        return false;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool split_call(const char *text, struct call *call)
{
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')');
    memset(call, 0, sizeof *call);
    if (!open || !close || close < open || close[1] != '\0' ||
        !copy_trimmed(text, (size_t)(open - text), call->name, sizeof call->name)) {
        return false;
    }
    const char *at = open + 1;
    while (at <= close) {
        const size_t length = strcspn(at, ",)");
        const char *equals = memchr(at, '=', length);
        const char *value = equals ? equals + 1 : at;
        if (call->n == MAX_ARGUMENTS ||
            (equals && !copy_trimmed(at, (size_t)(equals - at), call->key[call->n], ARGUMENT_BYTES)) ||
            !copy_trimmed(value, length - (size_t)(value - at), call->value[call->n], ARGUMENT_BYTES)) {
            return false;
        }
        call->n++;
        at += length + 1;
    }
    return true;
}

/* Value of argument `key` (or of position `position` when it has no key) through `number`. */
static bool argument(const struct call *call, const char *key, int position, distribution_number_fn number, double *out)
{
    for (int i = 0; i < call->n; i++) {
        const bool named = call->key[i][0] != '\0';
        if (named ? strcmp(call->key[i], key) == 0 : i == position) {
            return number(call->value[i], out);
        }
    }
    return false;
}

static bool plain_number(const char *text, double *out)
{
    char end = '\0';
    return sscanf(text, "%lf%c", out, &end) == 1;
}

/* Takes argument `key` out of the call, into *out; false when it is not such a value. */
static bool take_bound(struct call *call, const char *key, distribution_number_fn number, double *out)
{
    for (int i = 0; i < call->n; i++) {
        if (strcmp(call->key[i], key) != 0) {
            continue;
        }
        const bool good = number(call->value[i], out) && isfinite(*out) && *out >= 0.0;
        call->n--;
        memmove(call->key[i], call->key[i + 1], (size_t)(call->n - i) * ARGUMENT_BYTES);
        memmove(call->value[i], call->value[i + 1], (size_t)(call->n - i) * ARGUMENT_BYTES);
        return good;
    }
    return true;
}

static bool take_bounds(struct call *call, distribution_number_fn number, struct distribution *out)
{
    const int n = call->n;
    out->min = 0.0;
    out->max = INFINITY;
    const bool good = take_bound(call, "min", number, &out->min) && take_bound(call, "max", number, &out->max);
    out->is_bounded = call->n < n;
    return good && out->min <= out->max;
}

/* Counts have no unit. */
static bool is_of_counts(distribution_number_fn number)
{
    double one;
    return number("1", &one);
}

static bool parse_geometric(const struct call *call, distribution_number_fn number, struct distribution *out)
{
    if (call->n != 1 || !is_of_counts(number) || !argument(call, "mean", 0, number, &out->a) || !(out->a >= 1.0)) {
        return false;
    }
    out->b = out->a > 1.0 ? 1.0 / pmath_log(1.0 - 1.0 / out->a) : 0.0;
    return true;
}

static bool parse_lognormal(const struct call *call, distribution_number_fn number, struct distribution *out)
{
    double center;
    double spread;
    if (call->n != 2) {
        return false;
    }
    if (argument(call, "median", -1, number, &center) && center > 0.0) {
        out->a = pmath_log(center);
        if (argument(call, "sigma", -1, plain_number, &out->b)) {
            return out->b >= 0.0;
        }
        if (argument(call, "p99", -1, number, &spread) && spread >= center) {
            out->b = (pmath_log(spread) - out->a) / pmath_normal_quantile(0.99);
            return true;
        }
        return false;
    }
    if (argument(call, "mean", -1, number, &center) && center > 0.0 &&
        argument(call, "sigma", -1, plain_number, &out->b) && out->b >= 0.0) {
        out->a = pmath_log(center) - 0.5 * out->b * out->b;
        return true;
    }
    return false;
}

static bool parse_call(struct call *call, distribution_number_fn number, struct distribution *out)
{
    if (!take_bounds(call, number, out)) {
        return false;
    }
    if (strcmp(call->name, "fixed") == 0) {
        out->kind = DISTRIBUTION_FIXED;
        return call->n == 1 && argument(call, "value", 0, number, &out->a) && out->a >= 0.0;
    }
    if (strcmp(call->name, "uniform") == 0) {
        out->kind = DISTRIBUTION_UNIFORM;
        return call->n == 2 && argument(call, "low", 0, number, &out->a) &&
               argument(call, "high", 1, number, &out->b) && out->a >= 0.0 && out->b >= out->a;
    }
    if (strcmp(call->name, "exponential") == 0) {
        out->kind = DISTRIBUTION_EXPONENTIAL;
        return call->n == 1 && argument(call, "mean", 0, number, &out->a) && out->a > 0.0;
    }
    if (strcmp(call->name, "geometric") == 0) {
        out->kind = DISTRIBUTION_GEOMETRIC;
        return parse_geometric(call, number, out);
    }
    if (strcmp(call->name, "lognormal") == 0) {
        out->kind = DISTRIBUTION_LOGNORMAL;
        return parse_lognormal(call, number, out);
    }
    return false;
}

bool distribution_parse(const char *text, distribution_number_fn number, struct distribution *out, char *message,
                        int message_bytes)
{
    struct call call;
    *out = (struct distribution){.kind = DISTRIBUTION_FIXED};
    bool good;
    if (strchr(text, '(')) {
        good = split_call(text, &call) && parse_call(&call, number, out);
    } else {
        good = number(text, &out->a) && out->a >= 0.0;
    }
    good = good && isfinite(out->a) && isfinite(out->b);
    if (!good) {
        snprintf(message, (size_t)message_bytes, "'%s' is not a distribution; %s%s%s", text, ALLOWED,
                 is_of_counts(number) ? ALLOWED_OF_COUNTS : "", ALLOWED_BOUNDS);
    }
    return good;
}

static double sample_unbounded(const struct distribution *distribution, double u)
{
    switch (distribution->kind) {
    case DISTRIBUTION_FIXED:
        return distribution->a;
    case DISTRIBUTION_UNIFORM:
        return distribution->a + (distribution->b - distribution->a) * u;
    case DISTRIBUTION_EXPONENTIAL:
        return -distribution->a * pmath_log(1.0 - u);
    case DISTRIBUTION_GEOMETRIC:
        return 1.0 + floor(distribution->b * pmath_log(1.0 - u));
    case DISTRIBUTION_LOGNORMAL:
        return pmath_exp(distribution->a + distribution->b * pmath_normal_quantile(u));
    }
    return 0.0;
}

static double bounded(const struct distribution *distribution, double value)
{
    if (!distribution->is_bounded) {
        return value;
    }
    return value < distribution->min ? distribution->min : value > distribution->max ? distribution->max : value;
}

double distribution_sample(const struct distribution *distribution, double u)
{
    return bounded(distribution, sample_unbounded(distribution, u));
}

void distribution_sample_many(const struct distribution *distribution, double *u, size_t n)
{
    if (distribution->kind != DISTRIBUTION_LOGNORMAL) {
        for (size_t i = 0; i < n; i++) {
            u[i] = distribution_sample(distribution, u[i]);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        u[i] = distribution->a + distribution->b * pmath_normal_quantile(u[i]);
    }
    pmath_exp_many(u, n);
    for (size_t i = 0; i < n; i++) {
        u[i] = bounded(distribution, u[i]);
    }
}

/* The mean of the smaller of a sample and `limit`. */
static double mean_up_to(const struct distribution *distribution, double limit)
{
    const double a = distribution->a;
    const double b = distribution->b;
    switch (distribution->kind) {
    case DISTRIBUTION_FIXED:
        return a < limit ? a : limit;
    case DISTRIBUTION_UNIFORM:
        return limit >= b ? 0.5 * (a + b) : limit <= a ? limit : limit - 0.5 * (limit - a) * (limit - a) / (b - a);
    case DISTRIBUTION_EXPONENTIAL:
        return a * (1.0 - pmath_exp(-limit / a));
    case DISTRIBUTION_GEOMETRIC: {
        /* The sum of P(X > k) = q^k for k below the limit; the last term counts with the limit's fraction. */
        const double q = 1.0 - 1.0 / a;
        const double whole = floor(limit);
        return isinf(limit) ? a : a * (1.0 - pmath_pow(q, whole)) + (limit - whole) * pmath_pow(q, whole);
    }
    case DISTRIBUTION_LOGNORMAL: {
        const double mean = pmath_exp(a + 0.5 * b * b);
        if (isinf(limit) || limit <= 0.0 || b == 0.0) {
            return mean < limit ? mean : limit;
        }
        const double z = (pmath_log(limit) - a) / b;
        return mean * pmath_normal_cdf(z - b) + limit * pmath_normal_cdf(-z);
    }
    }
    return 0.0;
}

/* clamp(X) = min(X, max) + min - min(X, min). */
double distribution_mean(const struct distribution *distribution)
{
    if (!distribution->is_bounded) {
        return mean_up_to(distribution, INFINITY);
    }
    return mean_up_to(distribution, distribution->max) + distribution->min -
           mean_up_to(distribution, distribution->min);
}
