#include "cli/command.h"
#include "cli/messages.h"
#include "cli/number_list.h"
#include "cli/study_table.h"
#include "cli/watch.h"

asim_status command_jobs(const struct command *command, uint32_t *jobs)
{
    enum { MAX_JOBS = 1024 };
    return number_list_one("--jobs", command->arguments.jobs, MAX_JOBS, jobs);
}

static asim_status print_study(const struct command *command, char *document)
{
    if (command_is_on(command, "json")) {
        command_print_document(command, document);
        return ASIM_OK;
    }
    const int failed = study_table_print(stdout, document);
    asim_free(document);
    return failed ? report_error(ASIM_INTERNAL, "the study is not of the version this program reads") : ASIM_OK;
}

static asim_status study(struct command *command, const char *name, uint32_t jobs)
{
    const asim_study_options options = {.struct_size = sizeof options, .jobs = jobs};
    char *document = NULL;
    struct watch watch;
    watch_begin(&watch, command->config);
    const asim_status status = asim_study(command->config, name, &options, &watch.callbacks, &document);
    watch_end(&watch);
    report_config(command->config);
    if (status == ASIM_INTERRUPTED) {
        report_error(status, "interrupted before all cases were simulated: there are no figures");
    }
    const asim_status printed = document ? print_study(command, document) : status;
    if (status == ASIM_FAILED_IF) {
        report_error(status, "a comparison of the study that gates fails");
    }
    return printed == ASIM_OK ? status : printed;
}

asim_status cmd_study(struct command *command)
{
    const size_t n_operands = command->arguments.n_operands;
    const char *name = n_operands ? command->arguments.operands[0] : NULL;
    if (n_operands != 1) {
        return report_error(ASIM_USAGE,
                            "study takes one %s; %zu are given; `asim list studies` names the built-in ones",
                            command->verb->operands, n_operands);
    }
    uint32_t jobs;
    asim_status status = command_jobs(command, &jobs);
    if (status != ASIM_OK) {
        return status;
    }
    command->arguments.n_operands = 0; /* it is not a configuration to load */
    status = command_configure(command);
    if (status != ASIM_OK) {
        return status;
    }
    command_warn_of_out(command);
    return study(command, name, jobs);
}
