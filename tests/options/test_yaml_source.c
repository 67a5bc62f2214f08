#include "support/support.h"

#include "base/mem.h"
#include "options/yaml_source.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All messages and values that reading a text gives, as text; NULL text: reads the file at `name`. */
static char *outcome(const char *name, const char *text, size_t bytes)
{
    struct option_sources sources;
    struct diag diag;
    option_sources_init(&sources);
    diag_init(&diag);
    const asim_status status = text ? yaml_source_read(&sources, RANK_FILE, name, text, bytes, &diag)
                                    : yaml_source_load(&sources, RANK_FILE, name, &diag);
    assert_int_equal(status, diag.n_errors ? ASIM_USAGE : ASIM_OK);
    char *out = NULL;
    size_t out_bytes = 0;
    FILE *file = open_memstream(&out, &out_bytes);
    for (size_t i = 0; i < diag.n_entries; i++) {
        fprintf(file, "%s\n", diag.entries[i].text);
    }
    if (diag.n_errors > diag.n_entries) {
        fprintf(file, "%zu errors\n", diag.n_errors);
    }
    for (size_t i = 0; i < sources.n; i++) {
        if (sources.items[i].text) {
            fprintf(file, "%s = %s (%s)\n", option_at(sources.items[i].row)->doc.path, sources.items[i].text,
                    sources.items[i].origin);
        }
    }
    fclose(file);
    option_sources_fini(&sources);
    diag_fini(&diag);
    return out;
}

static char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    char *text = mem_zalloc(65536);
    *bytes = fread(text, 1, 65535, file);
    fclose(file);
    return text;
}

/* Each tests/options/yaml/NAME.yaml gives NAME.expected. UPDATE_GOLDEN=1 writes those anew. */
static void fixtures(void **state)
{
    (void)state;
    glob_t paths;
    assert_int_equal(glob(test_path("options/yaml/*.yaml"), 0, NULL, &paths), 0);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        size_t bytes = 0;
        char *text = read_file(paths.gl_pathv[i], &bytes);
        char *found = outcome(strrchr(paths.gl_pathv[i], '/') + 1, text, bytes);
        char expected_path[4096];
        snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)strlen(paths.gl_pathv[i]) - 5,
                 paths.gl_pathv[i]);
        if (getenv("UPDATE_GOLDEN")) {
            FILE *file = fopen(expected_path, "wb");
            fputs(found, file);
            fclose(file);
        }
        char *expected = read_file(expected_path, &bytes);
        assert_non_null(expected);
        assert_string_equal(found, expected);
        mem_free(expected);
        mem_free(text);
        free(found);
    }
    assert_true(paths.gl_pathc >= 10);
    globfree(&paths);
}

static void check_load(const char *path, const char *wanted)
{
    char *found = outcome(path, NULL, 0);
    assert_string_equal(found, wanted);
    free(found);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    check_load("/nowhere/my.yaml", "/nowhere/my.yaml: cannot be opened: No such file or directory\n");
    check_load("/", "/: cannot be read: Is a directory\n");
    check_load("/dev/zero", "/dev/zero: is larger than 16 MiB, too large for a configuration\n");
    check_load("/dev/null", "");
}

/* A file of more than one read, and the same as text. */
static void long_file(void **state)
{
    (void)state;
    const char *path = ASIM_BINARY_FOLDER "/long_config.yaml";
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 20000; i++) {
        fputs("# a comment to make it long\n", file);
    }
    fputs("seed: 7\n", file);
    fclose(file);
    char wanted[4096];
    snprintf(wanted, sizeof wanted, "seed = 7 (%s:20001)\n", path);
    check_load(path, wanted);
    remove(path);
}

/* Deep nesting below an unknown key is skipped without recursion. */
static void deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 5000 };
    char *text = mem_alloc(2 * DEPTH + 32);
    const int start = sprintf(text, "brackets: ");
    memset(text + start, '[', DEPTH);
    memset(text + start + DEPTH, ']', DEPTH);
    strcpy(text + start + 2 * DEPTH, "\nseed: 1\n");
    char *found = outcome("deep.yaml", text, strlen(text));
    assert_string_equal(found, "deep.yaml:1:1: unknown key 'brackets'; allowed: the options that `asim help "
                               "workload|hardware|engine|cluster|output` list\nseed = 1 (deep.yaml:2)\n");
    free(found);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures), cmocka_unit_test(files_that_cannot_be_read),
                                       cmocka_unit_test(long_file), cmocka_unit_test(deep_nesting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
