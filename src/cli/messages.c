#include "cli/messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(const char *kind, const char *format, va_list args)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", kind);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

asim_status report_error(asim_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("error", format, args);
    va_end(args);
    return status;
}

void report_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("warning", format, args);
    va_end(args);
}

static void report_line(const char *message, bool is_warning)
{
    if (is_warning) {
        report_warning("%s", message);
    } else {
        report_error(ASIM_OK, "%s", message);
    }
}

void report_config(asim_config *config)
{
    for (size_t i = 0; i < asim_config_message_count(config); i++) {
        bool is_warning = false;
        const char *message = asim_config_message(config, i, &is_warning);
        report_line(message, is_warning);
    }
    asim_config_clear_messages(config);
}

void report_result(const asim_result *result)
{
    for (size_t i = 0; result && i < asim_result_message_count(result); i++) {
        bool is_warning = false;
        const char *message = asim_result_message(result, i, &is_warning);
        report_line(message, is_warning);
    }
}

enum { NAME_MAX_BYTES = 80 };

/* Levenshtein distance with one row. */
static size_t distance(const char *a, const char *b)
{
    const size_t la = strlen(a);
    const size_t lb = strlen(b);
    if (la >= NAME_MAX_BYTES || lb >= NAME_MAX_BYTES) {
        return SIZE_MAX;
    }
    size_t row[NAME_MAX_BYTES];
    for (size_t j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            const size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *nearest_name(const char *given, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t best = 2 + strlen(given) / 3; /* not nearer than this: no suggestion */
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(given, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
