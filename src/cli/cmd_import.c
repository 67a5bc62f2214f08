#include "cli/command.h"
#include "cli/messages.h"

#include <string.h>

static bool is_configuration(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && (strcmp(end, ".yaml") == 0 || strcmp(end, ".yml") == 0);
}

/* The operand that is no configuration is the workload. */
static asim_status take_workload(struct command *command)
{
    struct arguments *arguments = &command->arguments;
    const char *workload = NULL;
    size_t n = 0;
    for (size_t i = 0; i < arguments->n_operands; i++) {
        const char *path = arguments->operands[i];
        if (is_configuration(path)) {
            arguments->operands[n++] = path;
        } else if (workload) {
            return report_error(ASIM_USAGE, "import takes one workload at a time; %s is the second", path);
        } else {
            workload = path;
        }
    }
    arguments->n_operands = n;
    return workload ? asim_config_set(command->config, "workload", workload) : ASIM_OK;
}

asim_status cmd_import(struct command *command)
{
    const char *to = command->arguments.to;
    if (!to && !command->arguments.print_config) {
        return report_error(ASIM_USAGE, "import needs --to FILE, the columnar file to write");
    }
    asim_status status = take_workload(command);
    if (status != ASIM_OK) {
        report_config(command->config);
        return status;
    }
    status = command_configure(command);
    if (status != ASIM_OK || command_print_config(command)) {
        return status;
    }
    char *document = NULL;
    status = asim_import(command->config, to, &document);
    report_config(command->config);
    if (document) {
        command_print_document(command, document);
    }
    return status;
}
