#include "cli/resume.h"

#include "cli/folder.h"
#include "cli/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the configuration of the folder ---- */

/* The whole file, ended by a NUL; NULL with errno set. */
static char *read_text(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    if (!file) {
        return NULL;
    }
    const ssize_t n = getdelim(&text, &capacity, '\0', file);
    fclose(file);
    if (n < 0) {
        free(text);
        return NULL;
    }
    *bytes = (size_t)n;
    return text;
}

/* Makes a comment of the line of `out`: where the run was written may have another name now. */
static void drop_out(char *text)
{
    static const char key[] = "out:";
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, sizeof key - 1) == 0) {
            *line = '#';
        }
    }
}

static asim_status load_into(asim_config *config, const char *folder)
{
    char *path = folder_join(folder, "config.resolved.yaml");
    size_t bytes;
    char *text = read_text(path, &bytes);
    asim_status status;
    if (text) {
        drop_out(text);
        status = asim_config_load_text(config, path, text, bytes);
    } else {
        status = report_error(ASIM_IO, "cannot read %s: %s", path, strerror(errno));
    }
    free(text);
    free(path);
    return status;
}

asim_status resume_load(struct command *command)
{
    const char *folder = command->arguments.resume;
    switch (run_folder_stage(folder)) {
    case RUN_FOLDER_NONE:
        return report_error(ASIM_USAGE, "--resume %s: no run was written there", folder);
    case RUN_FOLDER_ENDED:
        return report_error(ASIM_USAGE,
                            "--resume %s: the run has ended, or was not saved on the way; allowed: the "
                            "folder of a run with checkpoint_every that was cut short",
                            folder);
    case RUN_FOLDER_BEGUN:
        return report_error(ASIM_USAGE, "--resume %s: the run was cut before its first checkpoint; run it again",
                            folder);
    case RUN_FOLDER_SAVED:
        break;
    }
    return load_into(command->config, folder);
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The options of the folder alone; NULL when they do not resolve any more. */
static asim_config *folder_config(const char *folder)
{
    asim_config *config = asim_config_create();
    if (load_into(config, folder) != ASIM_OK || asim_config_resolve(config) != ASIM_OK) {
        report_config(config);
        asim_config_destroy(config);
        return NULL;
    }
    return config;
}

asim_status resume_check(struct command *command)
{
    const char *folder = command->arguments.resume;
    asim_config *saved = folder_config(folder);
    asim_status status = saved ? ASIM_OK : ASIM_USAGE;
    for (size_t i = 0; saved && i < asim_option_count(); i++) {
        const asim_option *option = asim_option_at(i);
        char *before = asim_config_get(saved, option->path);
        char *now = asim_config_get(command->config, option->path);
        if (!option->is_execution && !is_same(before, now)) {
            status =
                report_error(ASIM_USAGE, "--resume %s: %s cannot change on the way: it is %s there, and %s is given",
                             folder, option->path, before ? before : "unset", now ? now : "unset");
        }
        asim_free(before);
        asim_free(now);
    }
    asim_config_destroy(saved);
    char *out = asim_config_get(command->config, "out");
    if (status == ASIM_OK && !out) {
        status = asim_config_set(command->config, "out", folder);
        status = status == ASIM_OK ? asim_config_resolve(command->config) : status;
    }
    asim_free(out);
    return status;
}

/* ---- the run ---- */

static bool is_same_folder(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static bool prepare(void *user)
{
    const struct saved_run *run = user;
    return run->in_place || run_folder_begin(run->out, run->record) == ASIM_OK;
}

asim_status saved_run_init(struct saved_run *run, const struct command *command, const char *out,
                           const struct run_record *record)
{
    char *every = asim_config_get(command->config, "checkpoint_every");
    const char *folder = command->arguments.resume;
    *run = (struct saved_run){.is_saved = every || folder, .out = out, .record = record};
    if (every && !out) {
        asim_free(every);
        return report_error(ASIM_USAGE, "checkpoint_every needs --out DIR: checkpoints are written there");
    }
    run->file = every ? folder_join(out, CHECKPOINT_FILE) : NULL;
    run->resume = folder ? folder_join(folder, CHECKPOINT_FILE) : NULL;
    run->in_place = folder && out && is_same_folder(folder, out);
    run->checkpoints = (asim_checkpoints){.struct_size = sizeof run->checkpoints,
                                          .file = run->file,
                                          .resume = run->resume,
                                          .user = run,
                                          .prepare = prepare};
    if (run->in_place) {
        run_folder_clean(out);
    }
    asim_free(every);
    return ASIM_OK;
}

void saved_run_fini(struct saved_run *run)
{
    free(run->file);
    free(run->resume);
}

bool saved_run_can_resume(const struct saved_run *run)
{
    return run->file && run_folder_stage(run->out) == RUN_FOLDER_SAVED;
}
