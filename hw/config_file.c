#include "hw/config_file.h"

#include "base/embedded.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64, MAX_NAMES = 64, MAX_FILE_BYTES = 1 << 24 };

/* Whether an embedded path belongs to the family; its name is then [*start, *start + *length). */
static bool split_embedded(const struct config_family *family, const char *path, const char **start, size_t *length)
{
    const size_t folder = strlen(family->folder);
    const size_t extension = strlen(family->extension);
    const size_t all = strlen(path);
    if (all <= folder + extension || strncmp(path, family->folder, folder) != 0 ||
        strcmp(path + all - extension, family->extension) != 0) {
        return false;
    }
    *start = path + folder;
    *length = all - folder - extension;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

size_t config_builtin_names(const struct config_family *family, char *names, size_t capacity, size_t size)
{
    size_t n = 0;
    for (const struct embedded_file *file = embedded_files; file->path && n < capacity; file++) {
        const char *start;
        size_t length;
        if (split_embedded(family, file->path, &start, &length) && length < size) {
            memcpy(names + n * size, start, length);
            names[n * size + length] = '\0';
            n++;
        }
    }
    qsort(names, n, size, compare_names);
    return n;
}

static asim_status unknown_name(const struct config_family *family, const char *name, struct diag *diag)
{
    char names[MAX_NAMES][NAME_SIZE];
    const size_t n = config_builtin_names(family, names[0], MAX_NAMES, NAME_SIZE);
    const char *pointers[MAX_NAMES];
    char list[1024] = "";
    for (size_t i = 0; i < n; i++) {
        pointers[i] = names[i];
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = diag_nearest(name, pointers, n);
    return diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                      "unknown %s '%s'%s%s%s; built in: %s; a path must contain '/'", family->noun, name,
                      nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", list);
}

static asim_status read_path(const struct config_family *family, const char *path, struct config_text *out,
                             struct diag *diag)
{
    const struct diag_where where = {.file = path};
    FILE *file = fopen(path, "rb");
    if (!file) {
        return diag_error(diag, ASIM_USAGE, where, "cannot open the %s file: %s", family->noun, strerror(errno));
    }
    char *text = NULL;
    size_t capacity = 0;
    size_t bytes = 0;
    size_t got;
    do {
        text = mem_grow(text, &capacity, bytes + 4096 + 1, 1);
        got = fread(text + bytes, 1, capacity - bytes - 1, file);
        bytes += got;
    } while (got > 0 && bytes <= MAX_FILE_BYTES);
    const bool failed = ferror(file) != 0;
    const int error = errno;
    fclose(file);
    text[bytes] = '\0';
    *out = (struct config_text){.text = text, .bytes = bytes, .owned = text};
    if (failed || bytes > MAX_FILE_BYTES) {
        config_text_fini(out);
        return diag_error(diag, ASIM_USAGE, where, "cannot read the %s file: %s", family->noun,
                          failed ? strerror(error) : "larger than 16 MiB");
    }
    return ASIM_OK;
}

asim_status config_text_load(const struct config_family *family, const char *name, struct config_text *out,
                             struct diag *diag)
{
    *out = (struct config_text){0};
    if (strchr(name, '/')) {
        return read_path(family, name, out, diag);
    }
    for (const struct embedded_file *file = embedded_files; file->path; file++) {
        const char *start;
        size_t length;
        if (split_embedded(family, file->path, &start, &length) && strlen(name) == length &&
            memcmp(name, start, length) == 0) {
            *out = (struct config_text){.text = file->text, .bytes = file->bytes};
            return ASIM_OK;
        }
    }
    return unknown_name(family, name, diag);
}

void config_text_fini(struct config_text *text)
{
    mem_free(text->owned);
    *text = (struct config_text){0};
}

static const char *file_name(const char *path, const char *end)
{
    while (end > path && end[-1] != '/') {
        end--;
    }
    return end;
}

void config_stem(const char *path, char *out, size_t size)
{
    static const char *const extensions[] = {".json", ".yaml", ".yml"};
    const char *end = path + strlen(path);
    const char *start = file_name(path, end);
    if (strcmp(start, "config.json") == 0 && start - path > 1) {
        end = start - 1;
        start = file_name(path, end);
    }
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        const size_t length = strlen(extensions[i]);
        if ((size_t)(end - start) > length && strncmp(end - length, extensions[i], length) == 0) {
            end -= length;
        }
    }
    const size_t length = (size_t)(end - start) < size - 1 ? (size_t)(end - start) : size - 1;
    memcpy(out, start, length);
    out[length] = '\0';
}
