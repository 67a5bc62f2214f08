#include "cli/command.h"
#include "cli/messages.h"
#include "cli/validation.h"
#include "cli/watch.h"

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
    command_warn_of_out(command);
    char *document = NULL;
    struct watch watch;
    watch_begin(&watch, command->config);
    status = asim_validate(command->config, measured, &watch.callbacks, &document);
    watch_end(&watch);
    report_config(command->config);
    return document ? print_comparison(command, document) : status;
}
