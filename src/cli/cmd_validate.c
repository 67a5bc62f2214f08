#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"

asim_status cmd_validate(struct command *command)
{
    const char *measured = command->arguments.measured;
    if (!measured && !command->arguments.print_config) {
        return report_error(ASIM_USAGE, "validate needs --measured FILE, the times that a real engine measured");
    }
    asim_status status = command_configure(command);
    if (status != ASIM_OK || command_print_config(command)) {
        return status;
    }
    char *out = asim_config_get(command->config, "out");
    if (out) {
        report_warning("validate writes no run folder: out is not used");
    }
    asim_free(out);
    char *mode = asim_config_get(command->config, "progress");
    struct progress progress;
    progress_init(&progress, stderr, mode);
    asim_free(mode);
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks,
                                      .user = &progress,
                                      .progress = progress_show,
                                      .cancelled = interrupt_requested};
    char *document = NULL;
    interrupt_begin();
    status = asim_validate(command->config, measured, &callbacks, &document);
    interrupt_end();
    progress_end(&progress);
    report_config(command->config);
    if (document) {
        command_print_document(command, document);
    }
    return status;
}
