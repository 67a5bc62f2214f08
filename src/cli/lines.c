#define _GNU_SOURCE /* vasprintf */

#include "cli/lines.h"

#include "cli/human.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LABEL = 12 };

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

double real_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

int64_t count_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void line(FILE *out, const char *label, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    const int bytes = vasprintf(&text, format, args);
    va_end(args);
    if (bytes < 0) {
        abort();
    }
    fprintf(out, "%-*s", LABEL, label);
    human_wrap(out, text, LABEL, LABEL, HUMAN_COLUMNS);
    free(text);
}
