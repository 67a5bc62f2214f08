#include "cli/human.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Three significant digits, never in scientific notation: 1.23, 12.3, 123, 1234. */
static void three_digits(double value, const char *unit, char out[HUMAN_BYTES])
{
    const double size = fabs(value);
    const int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    snprintf(out, HUMAN_BYTES, "%.*f%s%s", decimals, value, *unit ? " " : "", unit);
}

struct scale {
    double from; /* used for magnitudes at or above it */
    double unit;
    const char *name;
};

static const char *scaled(double value, const struct scale *scales, char out[HUMAN_BYTES])
{
    while (fabs(value) < scales->from) {
        scales++;
    }
    three_digits(value / scales->unit, scales->name, out);
    return out;
}

const char *human_duration(double seconds, char out[HUMAN_BYTES])
{
    static const struct scale scales[] = {{172800, 86400, "d"}, {7200, 3600, "h"},       {120, 60, "min"},
                                          {0.9995, 1, "s"},     {0.9995e-3, 1e-3, "ms"}, {0.9995e-6, 1e-6, "us"},
                                          {0, 1e-9, "ns"}};
    if (seconds == 0) {
        return strcpy(out, "0 s");
    }
    return scaled(seconds, scales, out);
}

const char *human_count(int64_t count, char out[HUMAN_BYTES])
{
    char digits[HUMAN_BYTES];
    const int n = snprintf(digits, sizeof digits, "%lld", (long long)count);
    const int sign = count < 0;
    int length = 0;
    for (int i = 0; i < n; i++) {
        out[length++] = digits[i];
        const int left = n - 1 - i;
        if (i >= sign && left && left % 3 == 0) {
            out[length++] = ',';
        }
    }
    out[length] = '\0';
    return out;
}

const char *human_magnitude(double value, char out[HUMAN_BYTES])
{
    static const struct scale scales[] = {
        {1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}, {0, 1, ""}};
    return scaled(value, scales, out);
}

const char *human_size(double bytes, char out[HUMAN_BYTES])
{
    static const struct scale scales[] = {{1099511627776.0, 1099511627776.0, "TiB"},
                                          {1073741824.0, 1073741824.0, "GiB"},
                                          {1048576.0, 1048576.0, "MiB"},
                                          {1024.0, 1024.0, "KiB"}};
    if (fabs(bytes) < 1024) {
        snprintf(out, HUMAN_BYTES, "%.0f B", bytes);
        return out;
    }
    return scaled(bytes, scales, out);
}

const char *human_percent(double fraction, char out[HUMAN_BYTES])
{
    snprintf(out, HUMAN_BYTES, fabs(fraction) >= 1e-3 || fraction == 0 ? "%.1f%%" : "%.2g%%", 100 * fraction);
    return out;
}

size_t human_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80; /* not a UTF-8 continuation byte */
    }
    return width;
}

void human_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t columns)
{
    bool line_start = true;
    while (*text) {
        text += strspn(text, " \n");
        const size_t bytes = strcspn(text, " \n");
        if (!bytes) {
            break;
        }
        char word[512];
        snprintf(word, sizeof word, "%.*s", (int)bytes, text);
        const size_t width = human_width(word);
        if (!line_start && at + 1 + width > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            line_start = true;
        }
        fprintf(out, "%s%.*s", line_start ? "" : " ", (int)bytes, text);
        at += width + !line_start;
        line_start = false;
        text += bytes;
    }
    fputc('\n', out);
}

struct human_style human_style(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool plain = (no_color && *no_color) || !isatty(fileno(out)) || !term || strcmp(term, "dumb") == 0;
    return plain ? (struct human_style){"", ""} : (struct human_style){"\033[1m", "\033[0m"};
}
