#include "base/distribution.h"

#include "base/pmath.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ALLOWED                                                                                                        \
    "allowed: VALUE, fixed(VALUE), uniform(LOW, HIGH), exponential(mean=VALUE), lognormal(median=VALUE, p99=VALUE), "  \
    "lognormal(mean=VALUE, sigma=NUMBER), lognormal(median=VALUE, sigma=NUMBER)"

enum { MAX_ARGUMENTS = 2, ARGUMENT_BYTES = 64 };

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

static bool parse_call(const struct call *call, distribution_number_fn number, struct distribution *out)
{
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
        snprintf(message, (size_t)message_bytes, "'%s' is not a distribution; %s", text, ALLOWED);
    }
    return good;
}

double distribution_sample(const struct distribution *distribution, double u)
{
    switch (distribution->kind) {
    case DISTRIBUTION_FIXED:
        return distribution->a;
    case DISTRIBUTION_UNIFORM:
        return distribution->a + (distribution->b - distribution->a) * u;
    case DISTRIBUTION_EXPONENTIAL:
        return -distribution->a * pmath_log(1.0 - u);
    case DISTRIBUTION_LOGNORMAL:
        return pmath_exp(distribution->a + distribution->b * pmath_normal_quantile(u));
    }
    return 0.0;
}

double distribution_mean(const struct distribution *distribution)
{
    switch (distribution->kind) {
    case DISTRIBUTION_FIXED:
    case DISTRIBUTION_EXPONENTIAL:
        return distribution->a;
    case DISTRIBUTION_UNIFORM:
        return 0.5 * (distribution->a + distribution->b);
    case DISTRIBUTION_LOGNORMAL:
        return pmath_exp(distribution->a + 0.5 * distribution->b * distribution->b);
    }
    return 0.0;
}
