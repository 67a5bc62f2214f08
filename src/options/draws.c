#include "options/draws.h"

#include "options/units.h"

#include <stdio.h>

static bool plain_number(const char *text, double *out)
{
    return units_number(text, out) == UNITS_OK;
}

bool draws_parse_counts(const char *text, struct distribution *out, char *message, size_t message_bytes)
{
    if (!distribution_parse(text, plain_number, out, message, (int)message_bytes)) {
        return false;
    }
    const double mean = distribution_mean(out);
    if (!(mean >= DRAWS_LEAST_MEAN && mean <= DRAWS_MOST_MEAN)) {
        snprintf(message, message_bytes, "'%s' is %.6g on average; allowed: %.0f to %.0f", text, mean, DRAWS_LEAST_MEAN,
                 DRAWS_MOST_MEAN);
        return false;
    }
    return true;
}

bool draws_parse_durations(const char *text, struct distribution *out, char *message, size_t message_bytes)
{
    return distribution_parse(text, units_seconds, out, message, (int)message_bytes);
}
