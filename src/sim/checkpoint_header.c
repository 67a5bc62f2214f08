#include "base/mem.h"
#include "options/input_files.h"
#include "options/option_table.h"
#include "options/option_value.h"
#include "sim/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#define SECTION "asim-run"
enum { SECTION_VERSION = 1 };

/* ---- inputs ---- */

bool checkpoint_inputs_take(const struct settings *settings, struct checkpoint_inputs *out, struct diag *diag)
{
    out->n = input_files(settings, out->paths);
    for (size_t i = 0; i < out->n; i++) {
        if (!fingerprint_take(out->paths[i], &out->fingerprints[i])) {
            diag_error(diag, ASIM_IO, (struct diag_where){.file = out->paths[i]},
                       "cannot be read, so a checkpoint cannot tell whether it changes");
            return false;
        }
    }
    return true;
}

static void save_inputs(const struct checkpoint_inputs *inputs, struct store_writer *writer)
{
    store_put_u64(writer, inputs->n);
    for (size_t i = 0; i < inputs->n; i++) {
        store_put_text(writer, inputs->paths[i]);
        store_put_u64(writer, inputs->fingerprints[i].bytes);
        store_put_u64(writer, inputs->fingerprints[i].low);
        store_put_u64(writer, inputs->fingerprints[i].high);
    }
}

static void check_input(const struct checkpoint_inputs *inputs, size_t index, struct store_reader *reader)
{
    char *path = store_get_text(reader);
    struct fingerprint saved;
    saved.bytes = store_get_u64(reader);
    saved.low = store_get_u64(reader);
    saved.high = store_get_u64(reader);
    const struct fingerprint *now = &inputs->fingerprints[index];
    if (!path || strcmp(path, inputs->paths[index]) != 0) {
        store_refuse(reader, "is of a run that read %s; this one reads %s", path ? path : "nothing",
                     inputs->paths[index]);
    } else if (!fingerprint_equal(&saved, now)) {
        char before[FINGERPRINT_TEXT_BYTES];
        char after[FINGERPRINT_TEXT_BYTES];
        fingerprint_text(&saved, before);
        fingerprint_text(now, after);
        store_refuse(reader,
                     "%s has changed since the run began: it had %" PRIu64 " bytes (XXH3-128 %s), it has %" PRIu64
                     " (%s)",
                     path, saved.bytes, before, now->bytes, after);
    }
    mem_free(path);
}

static void check_inputs(const struct checkpoint_inputs *inputs, struct store_reader *reader)
{
    const uint64_t n = store_get_u64(reader);
    if (n != inputs->n) {
        store_refuse(reader, "is of a run that read %" PRIu64 " input files; this one reads %zu", n, inputs->n);
    }
    for (size_t i = 0; i < inputs->n && !store_failed(reader); i++) {
        check_input(inputs, i, reader);
    }
}

/* ---- options ---- */

static void save_options(const struct settings *settings, struct store_writer *writer)
{
    uint64_t n = 0;
    for (size_t row = 0; row < option_count(); row++) {
        n += !option_at(row)->doc.is_execution;
    }
    store_put_u64(writer, n);
    for (size_t row = 0; row < option_count(); row++) {
        const struct option_row *option = option_at(row);
        if (!option->doc.is_execution) {
            char *text = option_value_format(option, settings);
            store_put_text(writer, option->doc.path);
            store_put_text(writer, text);
            mem_free(text);
        }
    }
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_option(const struct option_row *option, const struct settings *settings, struct store_reader *reader)
{
    char *path = store_get_text(reader);
    char *saved = store_get_text(reader);
    char *now = option_value_format(option, settings);
    if (!is_same(path, option->doc.path)) {
        store_refuse(reader, "is of another version of asim: its options are other ones");
    } else if (!is_same(saved, now)) {
        store_refuse(reader, "was written with %s: %s, which cannot change on the way; this run has %s", path,
                     saved ? saved : "unset", now ? now : "unset");
    }
    mem_free(path);
    mem_free(saved);
    mem_free(now);
}

static void check_options(const struct settings *settings, struct store_reader *reader)
{
    uint64_t left = store_get_u64(reader);
    for (size_t row = 0; row < option_count() && !store_failed(reader); row++) {
        if (option_at(row)->doc.is_execution) {
            continue;
        }
        if (left-- == 0) {
            store_refuse(reader, "is of another version of asim: it has fewer options");
            return;
        }
        check_option(option_at(row), settings, reader);
    }
    if (left) {
        store_refuse(reader, "is of another version of asim: it has more options");
    }
}

/* ---- both ---- */

void checkpoint_save_header(const struct settings *settings, const struct checkpoint_inputs *inputs,
                            struct store_writer *writer)
{
    store_begin(writer, SECTION, SECTION_VERSION);
    store_put_text(writer, ASIM_VERSION);
    save_options(settings, writer);
    save_inputs(inputs, writer);
    store_end(writer);
}

struct store_reader *checkpoint_open(const char *path, const struct settings *settings,
                                     const struct checkpoint_inputs *inputs, struct diag *diag)
{
    struct store_reader *reader = store_open(path, diag);
    if (!reader) {
        return NULL;
    }
    if (store_enter(reader, SECTION, SECTION_VERSION)) {
        char *version = store_get_text(reader);
        if (!is_same(version, ASIM_VERSION)) {
            store_refuse(reader, "was written by asim %s; this is asim %s, and only the same version goes on",
                         version ? version : "?", ASIM_VERSION);
        }
        mem_free(version);
        check_options(settings, reader);
        check_inputs(inputs, reader);
        store_leave(reader);
    }
    if (store_failed(reader)) {
        store_close(reader);
        return NULL;
    }
    return reader;
}
