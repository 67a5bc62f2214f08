/* The verbs of the command line, and what each of them is given. */
#ifndef ASIM_CLI_COMMAND_H
#define ASIM_CLI_COMMAND_H

#include "cli/arguments.h"

struct command;

struct verb {
    const char *name;
    const char *operands; /* as usage shows them, e.g. "[FILE.yaml ...]" */
    const char *summary;  /* one line */
    const char *details;  /* for help, may be NULL */
    bool takes_options;   /* the options of the option table */
    asim_status (*run)(struct command *command);
};

struct command {
    const struct verb *verb;
    struct arguments arguments;
    asim_config *config;
    int argc; /* the whole command line, for the manifest */
    char **argv;
};

/* Verbs in the order of help; ends with a NULL name. */
extern const struct verb verbs[];

/* NULL when there is no such verb. */
const struct verb *verb_find(const char *name);

asim_status cmd_run(struct command *command);
asim_status cmd_plan(struct command *command);
asim_status cmd_validate(struct command *command);
asim_status cmd_bench(struct command *command);
asim_status cmd_inspect(struct command *command);
asim_status cmd_import(struct command *command);
asim_status cmd_policy(struct command *command);
asim_status cmd_list(struct command *command);
asim_status cmd_help(struct command *command);

/* Loads the YAML files given as operands, the environment and the flags, resolves, and prints every message. */
asim_status command_configure(struct command *command);

/* With --print-config: prints the configuration, as the verb would use it, and returns true. */
bool command_print_config(struct command *command);

/* For verbs that write no run folder: warns where one is asked for. */
void command_warn_of_out(const struct command *command);

/* An option that is a switch is on. */
bool command_is_on(const struct command *command, const char *path);

/* Prints a document of the library: as it is with --json, for people otherwise; frees it. */
void command_print_document(const struct command *command, char *document);

/* Help texts (cmd_help.c). */
void help_short(FILE *out);
void help_verb(const struct verb *verb);

#endif
