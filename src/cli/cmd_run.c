#include "cli/command.h"
#include "cli/document.h"
#include "cli/messages.h"
#include "cli/residency_table.h"
#include "cli/resume.h"
#include "cli/run_folder.h"
#include "cli/table.h"
#include "cli/watch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static asim_status simulate(struct command *command, const struct saved_run *saved, asim_result **result)
{
    struct watch watch;
    watch_begin(&watch, command->config);
    const asim_status status =
        asim_run_saved(command->config, saved->is_saved ? &saved->checkpoints : NULL, &watch.callbacks, result);
    watch_end(&watch);
    report_config(command->config);
    report_result(*result);
    return status;
}

/* With engine_stats: what the engine observed of itself; beside the summary alone, on standard error. */
static void print_engine(const struct command *command, const asim_result *result)
{
    json_t *facts = json_loads(asim_result_execution(result), 0, NULL);
    const json_t *engine = json_object_get(facts, "engine");
    const bool json = command_is_on(command, "json");
    char *text = engine ? json_dumps(engine, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    if (text && json) {
        fprintf(stderr, "%s\n", text);
    } else if (text) {
        printf("\nengine\n");
        document_print(stdout, text);
    }
    free(text);
    json_decref(facts);
}

static asim_status print_results(const struct command *command, const asim_result *result, const char *out)
{
    const char *summary = asim_result_summary(result);
    if (command_is_on(command, "json")) {
        fputs(summary, stdout);
        fputc('\n', stdout);
        print_engine(command, result);
        return ASIM_OK;
    }
    if (table_print(stdout, summary, asim_result_execution(result))) {
        return report_error(ASIM_INTERNAL, "the summary is not of the version this program reads");
    }
    print_engine(command, result);
    if (out) {
        printf("\nrun folder: %s\n", out);
    } else {
        residency_print(stdout, result);
        printf("\nNo run folder was written; --out DIR keeps the results, --json prints the summary as JSON.\n");
    }
    return ASIM_OK;
}

/* Writes the folder and prints. */
static asim_status report(struct command *command, struct run_record *record, const struct saved_run *saved)
{
    asim_status written = ASIM_OK;
    record->checkpoint = record->status == ASIM_INTERRUPTED && saved_run_can_resume(saved);
    if (saved->out) {
        written = run_folder_write(saved->out, record);
    }
    const asim_status printed = print_results(command, record->result, written == ASIM_OK ? saved->out : NULL);
    if (record->checkpoint) {
        fflush(stdout);
        fprintf(stderr, "`asim run --resume %s` goes on from here\n", saved->out);
    }
    return written == ASIM_OK ? printed : written;
}

static asim_status run_saved(struct command *command, struct run_record *record, const struct saved_run *saved)
{
    asim_result *result = NULL;
    asim_status status = simulate(command, saved, &result);
    const bool has_results = status == ASIM_OK || status == ASIM_INTERRUPTED;
    record->result = result;
    record->status = status;
    if (has_results && asim_result_rank(result) == 0) { /* process 0 writes and prints */
        const asim_status reported = report(command, record, saved);
        status = status == ASIM_OK ? reported : status;
    }
    asim_result_destroy(result);
    return status;
}

static bool is_given(const struct command *command, const char *option)
{
    char *value = asim_config_get(command->config, option);
    asim_free(value);
    return value != NULL;
}

static asim_status run_resolved(struct command *command, const char *out)
{
    const bool turns = command_is_on(command, "turns_csv");
    if (turns && !out) {
        report_warning("turns_csv needs --out DIR: no table is written");
    }
    const bool decisions = command_is_on(command, "decisions_log");
    if (decisions && !out) {
        report_warning("decisions_log needs --out DIR: no decision is written");
    }
    const bool residency = is_given(command, "residency_at") || is_given(command, "residency_every");
    if (residency && !out && command_is_on(command, "json")) {
        report_warning(
            "residency_at and residency_every need --out DIR beside --json: nothing is said of where KV was");
    }
    struct run_record record = {.config = command->config,
                                .started = time(NULL),
                                .turns = turns,
                                .decisions = decisions,
                                .residency = residency,
                                .argc = command->argc,
                                .argv = command->argv};
    struct saved_run saved;
    asim_status status = saved_run_init(&saved, command, out, &record);
    status = status == ASIM_OK && out ? run_folder_check(out) : status;
    status = status == ASIM_OK ? run_saved(command, &record, &saved) : status;
    saved_run_fini(&saved);
    return status;
}

static asim_status configure(struct command *command)
{
    const bool resumes = command->arguments.resume != NULL;
    asim_status status = resumes ? resume_load(command) : ASIM_OK;
    status = status == ASIM_OK ? command_configure(command) : status;
    return status == ASIM_OK && resumes ? resume_check(command) : status;
}

asim_status cmd_run(struct command *command)
{
    if (command->arguments.dry_run && command->arguments.resume) {
        return report_error(ASIM_USAGE, "--resume and --dry-run exclude each other");
    }
    if (command->arguments.dry_run) {
        return cmd_plan(command);
    }
    const asim_status status = configure(command);
    if (status != ASIM_OK || command_print_config(command)) {
        return status;
    }
    char *out = asim_config_get(command->config, "out");
    const asim_status ran = run_resolved(command, out);
    asim_free(out);
    return ran;
}
