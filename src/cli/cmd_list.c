#include "cli/command.h"
#include "cli/messages.h"

#include <string.h>

static const char *const kinds[] = {"models", "hardware", "policies", "formats", "generators", "studies"};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static asim_status check_kind(const char *kind)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i], kind) == 0) {
            return ASIM_OK;
        }
    }
    const char *nearest = nearest_name(kind, kinds, N_KINDS);
    return report_error(ASIM_USAGE,
                        "unknown kind %s; allowed: models, hardware, policies, formats, generators, studies%s%s%s",
                        kind, nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static asim_status print_kinds(struct command *command, const char *const *chosen, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *document = NULL;
        const asim_status status = asim_list(command->config, chosen[i], &document);
        report_config(command->config);
        if (status != ASIM_OK) {
            asim_free(document);
            return status;
        }
        if (i) {
            fputc('\n', stdout);
        }
        command_print_document(command, document);
    }
    return ASIM_OK;
}

asim_status cmd_list(struct command *command)
{
    const size_t n_operands = command->arguments.n_operands;
    for (size_t i = 0; i < n_operands; i++) {
        const asim_status status = check_kind(command->arguments.operands[i]);
        if (status != ASIM_OK) {
            return status;
        }
    }
    command->arguments.n_operands = 0; /* they are not files to load */
    const asim_status status = command_configure(command);
    if (status != ASIM_OK) {
        return status;
    }
    if (!n_operands && command_is_on(command, "json")) {
        return report_error(ASIM_USAGE,
                            "list --json prints one document: name the kind, e.g. `asim list models --json`");
    }
    return n_operands ? print_kinds(command, command->arguments.operands, n_operands)
                      : print_kinds(command, kinds, N_KINDS);
}
