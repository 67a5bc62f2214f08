#include "cli/command.h"
#include "cli/messages.h"

asim_status cmd_plan(struct command *command)
{
    asim_status status = command_configure(command);
    if (status != ASIM_OK || command_print_config(command)) {
        return status;
    }
    char *document = NULL;
    status = asim_plan(command->config, &document);
    report_config(command->config);
    if (document) {
        command_print_document(command, document);
    }
    return status;
}
