#include "cli/run_folder.h"

#include "cli/folder.h"
#include "cli/messages.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static asim_status cannot_write(const char *path)
{
    return report_error(ASIM_IO, "cannot write the output folder %s: %s", path, strerror(errno));
}

/* The manifest of a folder, NULL when it has none of ours. */
static json_t *read_manifest(const char *path)
{
    char *file = folder_join(path, "manifest.json");
    json_t *manifest = json_load_file(file, 0, NULL);
    free(file);
    const char *schema = json_string_value(json_object_get(manifest, "schema"));
    if (!schema || strcmp(schema, MANIFEST_SCHEMA) != 0) {
        json_decref(manifest);
        return NULL;
    }
    return manifest;
}

/* A folder can be made there: tried, because permissions alone do not tell (read-only file systems, quotas). */
static asim_status check_writable(const char *path)
{
    char *parent = folder_parent(path);
    while (folder_state(parent) == FOLDER_ABSENT) {
        char *above = folder_parent(parent);
        free(parent);
        parent = above;
    }
    char *probe = folder_join(parent, "asim");
    char *temporary = folder_temporary(probe);
    const asim_status status = temporary ? ASIM_OK : cannot_write(path);
    if (temporary) {
        rmdir(temporary);
    }
    free(temporary);
    free(probe);
    free(parent);
    return status;
}

asim_status run_folder_check(const char *path)
{
    char *folder = folder_trim(path);
    asim_status status = ASIM_OK;
    switch (folder_state(folder)) {
    case FOLDER_ABSENT:
    case FOLDER_EMPTY:
        status = check_writable(folder);
        break;
    case FOLDER_FILLED: {
        json_t *manifest = read_manifest(folder);
        status = manifest
                     ? check_writable(folder)
                     : report_error(ASIM_USAGE,
                                    "the output folder %s is not empty and holds no run: choose another, or remove it",
                                    folder);
        json_decref(manifest);
        break;
    }
    case FOLDER_NOT_ONE:
        status = report_error(ASIM_USAGE, "the output folder %s is not a folder, or lies below something that is not",
                              folder);
        break;
    case FOLDER_UNREADABLE:
        status = cannot_write(folder);
        break;
    }
    free(folder);
    return status;
}

/* ---- files ---- */

static FILE *open_file(const char *folder, const char *name, json_t *files)
{
    char *path = folder_join(folder, name);
    FILE *file = fopen(path, "w");
    free(path);
    json_array_append_new(files, json_string(name));
    return file;
}

/* True when everything reached the file. */
static bool close_file(FILE *file)
{
    const bool whole = fflush(file) == 0 && !ferror(file);
    return (fclose(file) == 0) && whole;
}

static bool write_text(const char *folder, const char *name, const char *text, json_t *files)
{
    FILE *file = open_file(folder, name, files);
    if (!file) {
        return false;
    }
    fputs(text, file);
    const size_t n = strlen(text);
    if (n && text[n - 1] != '\n') {
        fputc('\n', file);
    }
    return close_file(file);
}

static bool write_table(const char *folder, const char *name, const asim_result *result, json_t *files,
                        asim_status (*write)(const asim_result *, FILE *))
{
    FILE *file = open_file(folder, name, files);
    if (!file) {
        return false;
    }
    const asim_status status = write(result, file);
    return close_file(file) && status == ASIM_OK;
}

static json_t *host_facts(void)
{
    struct utsname name = {0};
    uname(&name);
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", name.nodename, "system", name.sysname, "release",
                     name.release, "machine", name.machine, "processors", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN));
}

/* Words of the command line need not be UTF-8. */
static json_t *command_words(int argc, char **argv)
{
    json_t *words = json_array();
    for (int i = 0; i < argc; i++) {
        json_t *word = json_string(argv[i]);
        json_array_append_new(words, word ? word : json_string("?"));
    }
    return words;
}

static json_t *utc(time_t time)
{
    struct tm broken = {0};
    char text[32];
    gmtime_r(&time, &broken);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
    return json_string(text);
}

/* The facts of the execution, with the hashes of the input files. */
static json_t *execution_facts(const asim_result *result)
{
    json_t *facts = json_loads(asim_result_execution(result), 0, NULL);
    char *inputs = asim_result_inputs(result);
    json_object_set_new(facts, "inputs", inputs ? json_loads(inputs, 0, NULL) : json_array());
    asim_free(inputs);
    return facts;
}

/* What is known when the run begins. */
static json_t *build_head(const struct run_record *record)
{
    json_t *manifest = json_object();
    char *seed = asim_config_get(record->config, "seed");
    json_object_set_new(manifest, "schema", json_string(MANIFEST_SCHEMA));
    json_object_set_new(manifest, "version", json_integer(MANIFEST_VERSION));
    json_object_set_new(manifest, "asim_version", json_string(asim_version()));
    json_object_set_new(manifest, "compiler", json_string(__VERSION__));
    json_object_set_new(manifest, "command", command_words(record->argc, record->argv));
    json_object_set_new(manifest, "seed", seed ? json_integer((json_int_t)strtoull(seed, NULL, 10)) : json_null());
    json_object_set_new(manifest, "started", utc(record->started));
    json_object_set_new(manifest, "host", host_facts());
    asim_free(seed);
    return manifest;
}

static json_t *build_manifest(const struct run_record *record, json_t *files)
{
    json_t *manifest = build_head(record);
    if (record->result) {
        json_t *summary = json_loads(asim_result_summary(record->result), 0, NULL);
        json_object_set(manifest, "digest", json_object_get(summary, "digest"));
        json_object_set_new(manifest, "interrupted", json_boolean(record->status == ASIM_INTERRUPTED));
        json_object_set_new(manifest, "finished", utc(time(NULL)));
        json_object_set_new(manifest, "execution", execution_facts(record->result));
        json_decref(summary);
    } else {
        json_object_set_new(manifest, "in_progress", json_true());
    }
    json_object_set(manifest, "files", files);
    return manifest;
}

static bool write_results(const char *folder, const struct run_record *record, json_t *files)
{
    return write_text(folder, "summary.json", asim_result_summary(record->result), files) &&
           write_table(folder, "programs.csv", record->result, files, asim_result_write_programs) &&
           (!record->turns || write_table(folder, "turns.csv", record->result, files, asim_result_write_turns)) &&
           (!record->decisions ||
            write_table(folder, "decisions.jsonl", record->result, files, asim_result_write_decisions)) &&
           (!record->residency ||
            write_table(folder, "residency.jsonl", record->result, files, asim_result_write_residency));
}

/* All files but the checkpoint, the manifest last; *files: their names, to be freed in any case. */
static bool write_files(const char *folder, const struct run_record *record, json_t **names)
{
    json_t *files = *names = json_array();
    char *yaml = asim_config_yaml(record->config, false);
    bool ok = yaml && write_text(folder, "config.resolved.yaml", yaml, files) &&
              (!record->result || write_results(folder, record, files));
    asim_free(yaml);
    if (ok) {
        if (!record->result || record->checkpoint) {
            json_array_append_new(files, json_string(CHECKPOINT_FILE));
        }
        json_t *manifest = build_manifest(record, files);
        char *text = json_dumps(manifest, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        ok = text && write_text(folder, "manifest.json", text, files);
        free(text);
        json_decref(manifest);
    }
    return ok;
}

/* ---- exchange ---- */

/* A checkpoint that a process was writing when it was killed. */
static bool is_unfinished(const char *name)
{
    static const char start[] = CHECKPOINT_FILE ".tmp-";
    return strncmp(name, start, sizeof start - 1) == 0;
}

static bool lists(const json_t *files, const char *name)
{
    size_t i;
    const json_t *file;
    json_array_foreach(files, i, file)
    {
        if (json_is_string(file) && strcmp(json_string_value(file), name) == 0) {
            return true;
        }
    }
    return strcmp(name, "manifest.json") == 0 || is_unfinished(name);
}

/* Moves what the earlier run did not write from `old` to `new`. False when something is left behind. */
static bool keep_others(const char *old, const char *new, const json_t *files)
{
    DIR *dir = opendir(old);
    bool all = dir != NULL;
    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || lists(files, entry->d_name)) {
            continue;
        }
        char *from = folder_join(old, entry->d_name);
        char *to = folder_join(new, entry->d_name);
        all &= access(to, F_OK) != 0 && rename(from, to) == 0;
        free(from);
        free(to);
    }
    if (dir) {
        closedir(dir);
    }
    return all;
}

/* Puts the written folder in its place; what was there is still there when this fails. */
static bool exchange(const char *written, const char *place)
{
    if (rename(written, place) == 0) {
        return true; /* nothing there, or an empty folder */
    }
    json_t *manifest = read_manifest(place);
    char *aside = manifest ? folder_temporary(place) : NULL;
    bool done = false;
    if (aside && rename(place, aside) == 0) {
        done = rename(written, place) == 0;
        if (!done) {
            rename(aside, place);
        } else if (keep_others(aside, place, json_object_get(manifest, "files"))) {
            folder_remove(aside);
        } else {
            report_warning("some files of the earlier run folder are left in %s", aside);
        }
    }
    free(aside);
    json_decref(manifest);
    return done;
}

/* Moves the written files into a folder that stays: one by one, the manifest last. */
static bool move_into(const char *written, const char *place, const json_t *files)
{
    bool all = true;
    size_t i;
    const json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *name = json_string_value(file);
        if (strcmp(name, CHECKPOINT_FILE) == 0) {
            continue;
        }
        char *from = folder_join(written, name);
        char *to = folder_join(place, name);
        all = all && rename(from, to) == 0;
        free(from);
        free(to);
    }
    if (all) {
        folder_remove(written);
    }
    return all;
}

asim_status run_folder_write(const char *path, const struct run_record *record)
{
    char *place = folder_trim(path);
    char *parent = folder_parent(place);
    char *written = folder_create(parent) ? folder_temporary(place) : NULL;
    asim_status status = ASIM_OK;
    json_t *files = NULL;
    if (!written || !write_files(written, record, &files) ||
        !(record->checkpoint ? move_into(written, place, files) : exchange(written, place))) {
        status = cannot_write(place);
        if (written) {
            folder_remove(written);
        }
    }
    json_decref(files);
    free(written);
    free(parent);
    free(place);
    return status;
}

/* ---- runs in progress ---- */

asim_status run_folder_begin(const char *path, const struct run_record *record)
{
    struct run_record begun = *record;
    begun.result = NULL;
    begun.checkpoint = false;
    return run_folder_write(path, &begun);
}

void run_folder_clean(const char *path)
{
    DIR *dir = opendir(path);
    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (is_unfinished(entry->d_name)) {
            char *file = folder_join(path, entry->d_name);
            unlink(file);
            free(file);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

enum run_folder_stage run_folder_stage(const char *path)
{
    json_t *manifest = read_manifest(path);
    char *file = folder_join(path, CHECKPOINT_FILE);
    enum run_folder_stage stage = RUN_FOLDER_NONE;
    if (manifest && access(file, F_OK) == 0) {
        stage = RUN_FOLDER_SAVED;
    } else if (manifest) {
        stage = json_is_true(json_object_get(manifest, "in_progress")) ? RUN_FOLDER_BEGUN : RUN_FOLDER_ENDED;
    }
    free(file);
    json_decref(manifest);
    return stage;
}
