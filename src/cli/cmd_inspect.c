#include "cli/command.h"
#include "cli/messages.h"

#include <string.h>

/* `inspect FILE`: the operand is the workload, not a configuration. */
static asim_status take_workload(struct command *command)
{
    struct arguments *arguments = &command->arguments;
    if (arguments->n_operands > 1) {
        return report_error(ASIM_USAGE, "inspect describes one workload at a time; %s is the second",
                            arguments->operands[1]);
    }
    if (arguments->n_operands == 1) {
        const char *path = arguments->operands[0];
        arguments->n_operands = 0;
        return asim_config_set(command->config, "workload", path);
    }
    return ASIM_OK;
}

asim_status cmd_inspect(struct command *command)
{
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
    status = asim_inspect(command->config, &document);
    report_config(command->config);
    if (document) {
        command_print_document(command, document);
    }
    return status;
}
