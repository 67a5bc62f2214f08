#include "support/support.h"

#include "cli/folder.h"
#include "cli/run_folder.h"
#include "fake_api.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *base; /* a fresh folder per test */

static int make_base(void **state)
{
    (void)state;
    char template[] = "/tmp/asim-run-folder-XXXXXX";
    base = strdup(mkdtemp(template));
    return 0;
}

static int drop_base(void **state)
{
    (void)state;
    folder_remove(base);
    free(base);
    return 0;
}

static bool exists(const char *folder, const char *name)
{
    char *path = folder_join(folder, name);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void put(const char *folder, const char *name, const char *text)
{
    char *path = folder_join(folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static asim_status write_run(const char *path, asim_status status, bool turns)
{
    asim_config *config = asim_config_create();
    asim_result *result = fake_result("{\"schema\": \"asim.summary\", \"version\": 1, \"digest\": \"v1:ab\"}");
    char *words[] = {"asim", "run", "--out", "x\xff"};
    const struct run_record record = {
        .config = config, .result = result, .status = status, .started = 0, .turns = turns, .argc = 4, .argv = words};
    const asim_status written = run_folder_write(path, &record);
    asim_result_destroy(result);
    asim_config_destroy(config);
    return written;
}

/* Entries of the base folder: nothing temporary may stay behind. */
static void only_entry(const char *name)
{
    char command[512];
    snprintf(command, sizeof command, "ls -A '%s'", base);
    FILE *list = popen(command, "r");
    char line[256] = "";
    char more[256] = "";
    assert_non_null(fgets(line, sizeof line, list));
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, name);
    assert_null(fgets(more, sizeof more, list));
    pclose(list);
}

static void new_folder(void **state)
{
    (void)state;
    char *path = folder_join(base, "a/b/run/"); /* parents are made */
    assert_int_equal(run_folder_check(path), ASIM_OK);
    assert_false(exists(base, "a")); /* checking leaves nothing */
    assert_int_equal(write_run(path, ASIM_INTERRUPTED, true), ASIM_OK);
    assert_true(exists(path, "summary.json") && exists(path, "config.resolved.yaml"));
    assert_true(exists(path, "programs.csv") && exists(path, "turns.csv"));
    char *file = folder_join(path, "manifest.json");
    json_t *manifest = json_load_file(file, 0, NULL);
    assert_non_null(manifest);
    assert_string_equal(json_string_value(json_object_get(manifest, "schema")), "asim.manifest");
    assert_int_equal(json_integer_value(json_object_get(manifest, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(manifest, "digest")), "v1:ab");
    assert_string_equal(json_string_value(json_object_get(manifest, "asim_version")), "9.9.9");
    assert_string_equal(json_string_value(json_object_get(manifest, "started")), "1970-01-01T00:00:00Z");
    assert_true(json_is_true(json_object_get(manifest, "interrupted")));
    assert_int_equal(json_integer_value(json_object_get(manifest, "seed")), 7);
    const json_t *words = json_object_get(manifest, "command");
    assert_int_equal(json_array_size(words), 4);
    assert_string_equal(json_string_value(json_array_get(words, 3)), "?"); /* not UTF-8 */
    const json_t *inputs = json_object_get(json_object_get(manifest, "execution"), "inputs");
    assert_int_equal(json_array_size(inputs), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(inputs, 0), "xxh3_128")), "00");
    json_decref(manifest);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0700, 0700);
    free(file);
    free(path);
    only_entry("a");
}

static void earlier_run_is_replaced(void **state)
{
    (void)state;
    char *path = folder_join(base, "run");
    assert_int_equal(write_run(path, ASIM_OK, true), ASIM_OK);
    put(path, "notes.txt", "mine");
    assert_int_equal(run_folder_check(path), ASIM_OK);
    assert_int_equal(write_run(path, ASIM_OK, false), ASIM_OK);
    assert_false(exists(path, "turns.csv")); /* of the earlier run only */
    assert_true(exists(path, "summary.json"));
    assert_true(exists(path, "notes.txt")); /* not written by a run: kept */
    free(path);
    only_entry("run");
}

static void empty_folder_is_taken(void **state)
{
    (void)state;
    char *path = folder_join(base, "run");
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(run_folder_check(path), ASIM_OK);
    assert_int_equal(write_run(path, ASIM_OK, false), ASIM_OK);
    assert_true(exists(path, "manifest.json"));
    free(path);
    only_entry("run");
}

static void foreign_folder_is_refused(void **state)
{
    (void)state;
    char *path = folder_join(base, "run");
    assert_int_equal(mkdir(path, 0777), 0);
    put(path, "thesis.tex", "years of work");
    assert_int_equal(run_folder_check(path), ASIM_USAGE);
    put(path, "manifest.json", "{\"schema\": \"another program's\"}");
    assert_int_equal(run_folder_check(path), ASIM_USAGE);
    /* Also when it appeared only after the check. */
    assert_int_equal(write_run(path, ASIM_OK, false), ASIM_IO);
    assert_true(exists(path, "thesis.tex") && !exists(path, "summary.json"));
    free(path);
    only_entry("run");
}

static void files_in_the_way(void **state)
{
    (void)state;
    put(base, "file", "");
    char *path = folder_join(base, "file");
    assert_int_equal(run_folder_check(path), ASIM_USAGE);
    char *below = folder_join(path, "run");
    assert_int_equal(run_folder_check(below), ASIM_USAGE);
    assert_int_equal(write_run(below, ASIM_OK, false), ASIM_IO);
    free(below);
    free(path);
    assert_int_equal(run_folder_check("/proc/asim-run"), ASIM_IO); /* no folder can be made there, root or not */
    assert_int_equal(write_run("/proc/asim-run", ASIM_OK, false), ASIM_IO);
    only_entry("file");
}

static bool holds(const char *folder, const char *name, const char *words)
{
    char *path = folder_join(folder, name);
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    char *text = json_dumps(json, JSON_COMPACT);
    const bool found = text && strstr(text, words);
    free(text);
    json_decref(json);
    free(path);
    return found;
}

/* From its first checkpoint on a run has a folder, which knows how far it is. */
static void a_run_in_progress(void **state)
{
    (void)state;
    char *path = folder_join(base, "run");
    asim_config *config = asim_config_create();
    asim_result *result = fake_result("{\"schema\": \"asim.summary\", \"version\": 1, \"digest\": \"v1:ab\"}");
    struct run_record record = {.config = config, .result = result, .status = ASIM_INTERRUPTED, .checkpoint = true};
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_NONE);
    assert_int_equal(write_run(path, ASIM_OK, true), ASIM_OK); /* an earlier run */
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_ENDED);

    assert_int_equal(run_folder_begin(path, &record), ASIM_OK);
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_BEGUN);
    assert_true(holds(path, "manifest.json", "\"in_progress\":true"));
    assert_true(exists(path, "config.resolved.yaml"));
    assert_false(exists(path, "summary.json"));
    put(path, CHECKPOINT_FILE, "state");
    put(path, CHECKPOINT_FILE ".tmp-17", "half a state");
    put(path, "notes.txt", "mine");
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_SAVED);
    run_folder_clean(path);
    assert_false(exists(path, CHECKPOINT_FILE ".tmp-17"));

    assert_int_equal(run_folder_write(path, &record), ASIM_OK);
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_SAVED);
    assert_true(holds(path, "manifest.json", "\"interrupted\":true"));
    assert_true(exists(path, "summary.json") && exists(path, "notes.txt"));
    put(path, CHECKPOINT_FILE ".tmp-18", "half a state");

    assert_int_equal(write_run(path, ASIM_OK, false), ASIM_OK);
    assert_int_equal(run_folder_stage(path), RUN_FOLDER_ENDED);
    assert_false(exists(path, CHECKPOINT_FILE) || exists(path, CHECKPOINT_FILE ".tmp-18"));
    assert_true(exists(path, "notes.txt"));
    only_entry("run");
    asim_result_destroy(result);
    asim_config_destroy(config);
    free(path);
}

static void paths(void **state)
{
    (void)state;
    const char *const cases[][2] = {{"a", "."}, {"a/b", "a"}, {"a/b//", "a"}, {"/a", "/"}, {"/", "/"}, {"./a", "."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *parent = folder_parent(cases[i][0]);
        char *trimmed = folder_trim(parent);
        assert_string_equal(trimmed, cases[i][1]);
        free(trimmed);
        free(parent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_folder, make_base, drop_base),
        cmocka_unit_test_setup_teardown(earlier_run_is_replaced, make_base, drop_base),
        cmocka_unit_test_setup_teardown(empty_folder_is_taken, make_base, drop_base),
        cmocka_unit_test_setup_teardown(foreign_folder_is_refused, make_base, drop_base),
        cmocka_unit_test_setup_teardown(files_in_the_way, make_base, drop_base),
        cmocka_unit_test_setup_teardown(a_run_in_progress, make_base, drop_base),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
