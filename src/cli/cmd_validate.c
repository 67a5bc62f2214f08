#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/validation.h"

#include <string.h>

/* The lowest of all files: times of an engine hold nothing of the way to it. */
static const char defaults[] = "dispatch_latency: 0s\n";

static asim_status print_comparison(const struct command *command, char *document)
{
    if (command_is_on(command, "json")) {
        command_print_document(command, document);
        return ASIM_OK;
    }
    const int failed = validation_print(stdout, document);
    asim_free(document);
    return failed ? report_error(ASIM_INTERNAL, "the comparison is not of the version this program reads") : ASIM_OK;
}

asim_status cmd_validate(struct command *command)
{
    const char *measured = command->arguments.measured;
    if (!measured && !command->arguments.print_config) {
        return report_error(ASIM_USAGE, "validate needs --measured FILE, the times that a real engine measured");
    }
    asim_status status = asim_config_load_text(command->config, "validate", defaults, strlen(defaults));
    if (status == ASIM_OK) {
        status = command_configure(command);
    }
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
    return document ? print_comparison(command, document) : status;
}
