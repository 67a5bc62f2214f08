#include "base/diag.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void diag_init(struct diag *diag)
{
    *diag = (struct diag){.status = ASIM_OK};
}

void diag_fini(struct diag *diag)
{
    for (size_t i = 0; i < diag->n_entries; i++) {
        mem_free(diag->entries[i].text);
    }
    mem_free(diag->entries);
    diag_init(diag);
}

static char *format_entry(struct diag_where where, const char *format, va_list args)
{
    char place[512] = "";
    if (where.file && where.line && where.column) {
        snprintf(place, sizeof place, "%s:%u:%u: ", where.file, where.line, where.column);
    } else if (where.file && where.line) {
        snprintf(place, sizeof place, "%s:%u: ", where.file, where.line);
    } else if (where.file) {
        snprintf(place, sizeof place, "%s: ", where.file);
    }
    char message[2048];
    vsnprintf(message, sizeof message, format, args);
    const size_t place_len = strlen(place);
    const size_t message_len = strlen(message);
    char *text = mem_alloc(place_len + message_len + 1);
    memcpy(text, place, place_len);
    memcpy(text + place_len, message, message_len + 1);
    return text;
}

static void keep_entry(struct diag *diag, bool is_warning, struct diag_where where, const char *format, va_list args)
{
    if (diag->n_entries >= DIAG_MAX_ENTRIES) {
        return;
    }
    if (!diag->entries) {
        diag->entries = mem_alloc(DIAG_MAX_ENTRIES * sizeof *diag->entries);
    }
    diag->entries[diag->n_entries++] =
        (struct diag_entry){.is_warning = is_warning, .text = format_entry(where, format, args)};
}

asim_status diag_error(struct diag *diag, asim_status status, struct diag_where where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep_entry(diag, false, where, format, args);
    va_end(args);
    diag->n_errors++;
    if (diag->status == ASIM_OK) {
        diag->status = status;
    }
    return status;
}

void diag_warning(struct diag *diag, struct diag_where where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep_entry(diag, true, where, format, args);
    va_end(args);
    diag->n_warnings++;
}

/* Levenshtein distance with two rows; names longer than the row are never near. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { ROW = 96 };
    const size_t la = strlen(a);
    const size_t lb = strlen(b);
    if (la >= ROW || lb >= ROW) {
        return SIZE_MAX;
    }
    size_t previous[ROW];
    size_t current[ROW];
    for (size_t j = 0; j <= lb; j++) {
        previous[j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        current[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = previous[j - 1] + (a[i - 1] != b[j - 1]);
            best = previous[j] + 1 < best ? previous[j] + 1 : best;
            best = current[j - 1] + 1 < best ? current[j - 1] + 1 : best;
            current[j] = best;
        }
        memcpy(previous, current, (lb + 1) * sizeof *previous);
    }
    return previous[lb];
}

void diag_pass(struct diag *into, const struct diag *from)
{
    for (size_t i = 0; i < from->n_entries; i++) {
        if (from->entries[i].is_warning) {
            diag_warning(into, (struct diag_where){0}, "%s", from->entries[i].text);
        } else {
            diag_error(into, from->status, (struct diag_where){0}, "%s", from->entries[i].text);
        }
    }
}

const char *diag_nearest(const char *given, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    const char *longer = NULL;
    size_t n_longer = 0;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (*given && strncmp(names[i], given, strlen(given)) == 0) {
            longer = names[i];
            n_longer++;
        }
        const size_t distance = edit_distance(given, names[i]);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    if (n_longer == 1) {
        return longer;
    }
    return best <= 1 + strlen(given) / 3 ? nearest : NULL;
}
